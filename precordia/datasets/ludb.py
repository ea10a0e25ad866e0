"""LUDB: its records with their diagnoses, the experts' boundaries in each lead, and what follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets.card import Dataset, DatasetCard
from precordia.records.read import read_recording

CARD: Final = DatasetCard(
    name="ludb",
    title="LUDB",
    version="1.0.1",
    licence="ODC-By 1.0",
    citation="Kalyakulina et al., IEEE Access 2020;8:186181-186190",
    url="https://physionet.org/content/ludb/",
    files=("1.hea",),
    note="headers scale each lead to 1 mV peak to peak; amplitudes are read as stored / 1000 mV",
)

DEVELOPMENT: Final = range(1, 51)
"""Records that constants of measurement were set on."""
HELD_BACK: Final = range(51, 101)
"""Nothing was set on these."""

WAVES: Final = ("p", "qrs", "t")
BOUNDARIES: Final = ("p_on", "p_off", "qrs_on", "qrs_off", "t_on", "t_off")

_SYMBOLS: Final = {"p": "p", "N": "qrs", "t": "t"}


@dataclass(frozen=True, eq=False)
class Beats:
    """Boundaries of every beat in one lead, ms from the start of the recording.

    Attributes:
        r: ``(n_beats,)`` QRS peaks.
        boundaries: Name in :data:`BOUNDARIES` to ``(n_beats,)``, NaN where absent.
        loose: Name to every time marked, also where it belongs to no beat (a dissociated P wave).
    """

    r: NDArray[np.float64]
    boundaries: Mapping[str, NDArray[np.float64]]
    loose: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Annotated:
    """One LUDB record.

    Attributes:
        recording: The recording, amplitudes in mV.
        leads: Lead to the experts' beats.
        sha256: Of the signal and annotation files.
    """

    recording: Recording
    leads: Mapping[str, Beats]
    sha256: str


def read_records(folder: Path, numbers: Iterable[int]) -> list[Recording]:
    """Records by number, the diagnosis in their headers as report.

    Raises:
        InputError: one is not there.
    """
    return [read_recording(CARD.file(folder, f"{number}.hea").with_suffix("")) for number in numbers]


def records_here(folder: Path, numbers: Iterable[int]) -> list[int]:
    """The numbers of those records that are there."""
    return [number for number in numbers if (folder / f"{number}.hea").is_file()]


def read_annotated(folder: Path, number: int) -> Annotated:
    """Record ``number`` of LUDB with its annotations."""
    import wfdb

    stem = CARD.file(folder, f"{number}.hea").with_suffix("")
    digest = hashlib.sha256(stem.with_suffix(".dat").read_bytes())
    recording = read_recording(str(stem))
    leads = {}
    for lead in LEADS:
        digest.update((folder / f"{number}.{lead.lower()}").read_bytes())
        marks = wfdb.rdann(str(stem), lead.lower())
        leads[lead] = _beats(np.asarray(marks.sample) * 1000 / recording.fs, list(marks.symbol))
    return Annotated(recording, leads, digest.hexdigest())


def recordings(folder: Path) -> Iterator[Recording]:
    """All records that are there."""
    CARD.require(folder)
    return iter(read_records(folder, records_here(folder, range(1, 201))))


def _beats(times: NDArray[np.float64], symbols: list[str]) -> Beats:
    """Beats from a row of marks such as ``( p ) ( N ) ( t )``; a bracket may be missing at the ends of the strip."""
    waves: dict[str, list[tuple[float, float, float]]] = {wave: [] for wave in WAVES}
    for k, symbol in enumerate(symbols):
        if symbol in _SYMBOLS:
            on = times[k - 1] if k and symbols[k - 1] == "(" else np.nan
            off = times[k + 1] if k + 1 < len(symbols) and symbols[k + 1] == ")" else np.nan
            waves[_SYMBOLS[symbol]].append((on, times[k], off))
    r = np.array([peak for _, peak, _ in waves["qrs"]])
    values = {name: np.full(r.size, np.nan) for name in BOUNDARIES}
    for k, (on, peak, off) in enumerate(waves["qrs"]):
        values["qrs_on"][k], values["qrs_off"][k] = on, off
        before, after = (r[k - 1] if k else -np.inf), (r[k + 1] if k + 1 < r.size else np.inf)
        p = [w for w in waves["p"] if max(before, peak - 500) < w[1] < peak]
        t = [w for w in waves["t"] if peak < w[1] < min(after, peak + 800)]
        if p:
            values["p_on"][k], values["p_off"][k] = p[-1][0], p[-1][2]
        if t:
            values["t_on"][k], values["t_off"][k] = t[0][0], t[0][2]
    loose = {}
    for wave in WAVES:
        marked = np.array(waves[wave]).reshape(-1, 3)
        loose[f"{wave}_on"], loose[f"{wave}_off"] = _present(marked[:, 0]), _present(marked[:, 2])
    return Beats(r, values, loose)


def _present(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return times[np.isfinite(times)]


def consensus_beats(leads: Mapping[str, Beats], tolerance_ms: float = 150.0) -> NDArray[np.float64]:
    """Beats that the experts marked in at least half of the leads, ms: the median of their peaks."""
    every = np.sort(np.concatenate([beats.r for beats in leads.values()]))
    if not every.size:
        return every
    groups = np.split(every, np.flatnonzero(np.diff(every) > tolerance_ms) + 1)
    return np.array([np.median(group) for group in groups if group.size >= len(leads) / 2])


def intervals_of(leads: Mapping[str, Beats]) -> dict[str, float]:
    """``p_ms``, ``pr_ms``, ``qrs_ms``, ``qt_ms``: the median over beats and leads; NaN where no lead has both boundaries."""
    pairs = {
        "p_ms": ("p_on", "p_off"),
        "pr_ms": ("p_on", "qrs_on"),
        "qrs_ms": ("qrs_on", "qrs_off"),
        "qt_ms": ("qrs_on", "t_off"),
    }
    out = {}
    for name, (start, stop) in pairs.items():
        lengths = [beats.boundaries[stop] - beats.boundaries[start] for beats in leads.values()]
        flat = _present(np.concatenate(lengths)) if lengths else np.empty(0)
        out[name] = float(np.median(flat)) if flat.size else float("nan")
    return out


def extents_of(leads: Mapping[str, Beats], tolerance_ms: float = 75.0) -> dict[str, float]:
    """The same from the earliest onset to the latest offset in any lead, median over beats: the textbook definition.

    Beats marked in fewer than half of the leads are left out, since their extremes are not those of all leads.
    """
    centres = consensus_beats(leads)
    bounds = {name: [] for name in ("p_on", "p_off", "qrs_on", "qrs_off", "t_off")}  # type: dict[str, list[float]]
    for centre in centres:
        for name, values in bounds.items():
            found = []
            for beats in leads.values():
                near = np.flatnonzero(np.abs(beats.r - centre) <= tolerance_ms)
                found += [beats.boundaries[name][k] for k in near if np.isfinite(beats.boundaries[name][k])]
            enough = len(found) >= len(leads) / 2
            values.append((min(found) if name.endswith("on") else max(found)) if enough else float("nan"))
    b = {name: np.array(values) for name, values in bounds.items()}
    lengths = {
        "p_ms": b["p_off"] - b["p_on"],
        "pr_ms": b["qrs_on"] - b["p_on"],
        "qrs_ms": b["qrs_off"] - b["qrs_on"],
        "qt_ms": b["t_off"] - b["qrs_on"],
    }
    return {k: float(np.median(_present(v))) if np.isfinite(v).any() else float("nan") for k, v in lengths.items()}


DATASET: Final = Dataset(CARD, recordings)
