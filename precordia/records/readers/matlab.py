"""MATLAB files that hold one recording without a WFDB header beside.

Known by what is in them: CPSC 2018's originals (struct ``ECG`` with ``sex``, ``age``, ``data``; 12 leads, 500 Hz, mV),
ecg-kit's (``signal`` with a struct ``header``), and bare matrices (``val``, ``signal``, ``ecg``, ``data``) described by a
JSON beside, by PhysioNet's ``.info`` beside, or by variables ``fs`` and ``leads`` in the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from precordia.core.errors import UnreadableRecordingError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.channels import is_other_signal, mv_per_unit
from precordia.records.limits import read_bytes
from precordia.records.readers.matlab_file import is_level_4, is_level_5, load
from precordia.records.readers.physionet_info import calibrated, read_info
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.sidecar import read_sidecar, recording_from_array, to_facts

_CPSC_FS: Final = 500.0
"""Hz; http://2018.icbeb.org/Challenge.html: "12 leads ECG recordings ... sampled as 500 Hz"."""

_NAMES: Final = ("val", "signal", "ecg", "ECG", "data", "x")


def sniff(head: Head) -> int:
    """2 for a level 5 file, 1 for what looks like level 4."""
    if is_level_5(head.data):
        return 2
    return 1 if is_level_4(head.data) else 0


def read(path: Path) -> Recording:
    """The recording in a MATLAB file.

    Raises:
        UnreadableRecordingError: damaged, or without a matrix of samples.
        UnusableSignalError: its sampling rate is not known.
    """
    try:
        variables = load(read_bytes(path))
    except UnreadableRecordingError as error:
        raise UnreadableRecordingError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    facts = read_sidecar(path)
    ecg = variables.get("ECG")
    if (
        isinstance(ecg, dict)
        and isinstance(ecg.get("data"), np.ndarray)
        and ecg["data"].ndim == 2
        and 12 in ecg["data"].shape
    ):
        facts = {
            "fs": _CPSC_FS,
            "leads": list(LEADS),
            "units": "mV",
            "sex": ecg.get("sex", ""),
            "age": _number(ecg.get("age")),
            **facts,
        }
        return recording_from_array(
            path, ecg["data"], facts, format="matlab", notes=("CPSC 2018 file: 500 Hz, mV, standard lead order",)
        )
    header = variables.get("header")
    if isinstance(header, dict) and isinstance(variables.get("signal"), np.ndarray):
        return _ecg_kit(path, variables["signal"], header, facts)
    name = next((name for name in _NAMES if isinstance(variables.get(name), np.ndarray)), None)
    if name is None:
        raise UnreadableRecordingError(
            f"{path}: holds no matrix called {', '.join(_NAMES)} ({', '.join(sorted(variables))[:80]})"
        )
    info = read_info(path)
    if info is not None:
        names, values, notes = calibrated(path, variables[name], info)
        stamp = info.time.isoformat() if info.time else None
        facts = {"fs": info.fs, "time": stamp, **facts, "leads": names, "units": "mV"}
        return recording_from_array(path, values, facts, format="matlab", notes=notes)
    told = {
        key: _number(value) if isinstance(value, np.ndarray) else value
        for key, value in variables.items()
        if key != name
    }
    known = {
        key: value
        for key, value in to_facts(told).items()
        if value is not None and key in ("fs", "leads", "units", "age", "sex")
    }
    facts = {**known, **facts}
    return recording_from_array(path, variables[name], facts, format="matlab")


def _ecg_kit(path: Path, signal: Any, header: Mapping[str, Any], facts: dict[str, Any]) -> Recording:
    """ecg-kit's files: ADC units with a gain and zero a channel; other channels than voltages are left out."""
    names, units = _words(header.get("desc")), _words(header.get("units"))
    rows = signal if signal.shape[0] == len(names) else signal.T
    if signal.ndim != 2 or rows.shape[0] != len(names) or len(units) != len(names):
        raise UnreadableRecordingError(
            f"{path}: its header describes {len(names)} channels, its signal has shape {signal.shape}; damaged"
        )
    gain, zero = (np.asarray(header.get(key), dtype=np.float64).reshape(-1) for key in ("gain", "adczero"))
    if gain.size != len(names) or zero.size != len(names) or not np.all(gain):
        raise UnreadableRecordingError(f"{path}: its header gives no gain for each channel; it is damaged")
    # Pressure and pulse channels are marked in microvolt too; they are told by name.
    keep = [i for i, name in enumerate(names) if mv_per_unit(units[i]) is not None and not is_other_signal(name)]
    left_out = [name for i, name in enumerate(names) if i not in keep]
    scales = [mv_per_unit(units[i]) or 1.0 for i in keep]
    values = np.stack(
        [(rows[i].astype(np.float64) - zero[i]) / gain[i] * scale for i, scale in zip(keep, scales, strict=True)]
    )
    facts = {"fs": _number(header.get("freq")), **facts, "leads": [names[i] for i in keep], "units": "mV"}
    notes = (f"left out: {', '.join(left_out)}",) if left_out else ()
    return recording_from_array(path, values, facts, format="matlab", notes=notes)


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.strip()]
    return [item.strip() if isinstance(item, str) else "" for item in value] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        number = float(value.reshape(-1)[0])
        return number if np.isfinite(number) else None
    return None


READER = Reader("matlab", sniff, read, (".mat",))
