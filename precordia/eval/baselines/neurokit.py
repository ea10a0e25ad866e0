"""NeuroKit2's delineators, lead by lead, in the form in which the measurements task scores its own."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError
from precordia.core.recording import Recording
from precordia.datasets.ludb import BOUNDARIES, Beats

METHODS: Final = ("dwt", "cwt", "peak")

_KEYS: Final = {
    "p_on": "ECG_P_Onsets",
    "p_off": "ECG_P_Offsets",
    "qrs_on": "ECG_R_Onsets",
    "qrs_off": "ECG_R_Offsets",
    "t_on": "ECG_T_Onsets",
    "t_off": "ECG_T_Offsets",
}

_WINDOWS_MS: Final = {
    "p_on": (-400.0, 0.0),
    "p_off": (-300.0, 0.0),
    "qrs_on": (-200.0, 0.0),
    "qrs_off": (0.0, 200.0),
    "t_on": (0.0, 500.0),
    "t_off": (100.0, 700.0),
}


def require_neurokit() -> Any:
    """The package, or an error that says how to install it."""
    try:
        import neurokit2
    except ImportError as error:
        raise MissingExtraError("neurokit2", "eval", "the comparison with NeuroKit2") from error
    return neurokit2


def delineate_leads(recording: Recording, methods: tuple[str, ...]) -> dict[str, dict[str, Beats]]:
    """Method to lead to beats; a lead in which NeuroKit2 fails has none."""
    nk = require_neurokit()
    out: dict[str, dict[str, Beats]] = {method: {} for method in methods}
    for lead, row in zip(recording.leads, recording.signal, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peaks = _or_none(_r_peaks, nk, row.astype(np.float64), recording.fs)
            for method in methods:
                waves = None if peaks is None else _or_none(_delineate, nk, *peaks, recording.fs, method)
                found = np.empty(0) if peaks is None or waves is None else peaks[1] * 1000.0 / recording.fs
                out[method][lead] = _beats(found, waves or {}, recording.fs)
    return out


def _or_none(function: Any, *args: Any) -> Any:
    """What it returns, or None where NeuroKit2 raises: its failures are of many types, and each counts as a miss."""
    try:
        return function(*args)
    except Exception:
        return None


def _r_peaks(nk: Any, row: NDArray[np.float64], fs: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    clean = nk.ecg_clean(row, sampling_rate=int(fs))
    _, info = nk.ecg_peaks(clean, sampling_rate=int(fs))
    return clean, np.asarray(info["ECG_R_Peaks"], dtype=np.int64)


def _delineate(nk: Any, clean: NDArray[np.float64], peaks: NDArray[np.int64], fs: float, method: str) -> dict[str, Any]:
    _, waves = nk.ecg_delineate(clean, peaks, sampling_rate=int(fs), method=method)
    return dict(waves)


def _beats(r: NDArray[np.float64], waves: dict[str, Any], fs: float) -> Beats:
    values, loose = {}, {}
    for name in BOUNDARIES:
        times = np.asarray(waves.get(_KEYS[name], []), dtype=np.float64) * 1000.0 / fs
        loose[name] = times[np.isfinite(times)]
        # Its lists run parallel to the beats, except where the cwt method leaves some out.
        values[name] = times if times.size == r.size else _of_each_beat(loose[name], r, *_WINDOWS_MS[name])
    return Beats(r, values, loose)


def _of_each_beat(
    times: NDArray[np.float64], r: NDArray[np.float64], first_ms: float, last_ms: float
) -> NDArray[np.float64]:
    """For each beat the time nearest to it among those from ``first_ms`` to ``last_ms`` after its R peak; NaN without one."""
    out = np.full(r.size, np.nan)
    for k, peak in enumerate(r):
        inside = times[(times >= peak + first_ms) & (times <= peak + last_ms)]
        if inside.size:
            out[k] = inside[int(np.argmin(np.abs(inside - peak)))]
    return out
