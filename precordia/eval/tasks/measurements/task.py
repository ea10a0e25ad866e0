"""``precordia eval measurements``: beats, boundaries and intervals against the experts of LUDB, beside NeuroKit2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.core.findings import Measurements
from precordia.datasets.ludb import (
    BOUNDARIES,
    Annotated,
    Beats,
    consensus_beats,
    extents_of,
    intervals_of,
    read_annotated,
)
from precordia.eval.baselines.neurokit import METHODS, delineate_leads
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.measurements.scores import CSE_SD_MS, NAMES, boundary_rows, error_row, match, tally_boundaries
from precordia.measurements import delineate, measure
from precordia.measurements.delineation import Delineation

R_TOLERANCE_MS: Final = 75.0
INTERVALS: Final = {"qrs_ms": ("QRS", 12.0), "pr_ms": ("PR", 15.0), "qt_ms": ("QT", 20.0), "p_ms": ("P duration", None)}
HEADLINE: Final = "51-100"


@dataclass(frozen=True, eq=False)
class _Reading:
    """What one system says of one record."""

    beats_ms: NDArray[np.float64]
    leads: Mapping[str, Beats]
    intervals: Mapping[str, float]
    heart_rate: float


CARD: Final = TaskCard(
    name="measurements",
    summary="R peaks, wave boundaries, heart rate, PR, QRS and QT against the experts of LUDB, beside NeuroKit2",
    protocol=(
        "LUDB 1.0.1, records 51-100 (constants were set on 1-50; records=1-50 shows those), 12 leads, 10 s, 500 Hz, amplitudes as "
        "stored / 1000 mV. The experts marked each lead on its own and only the middle beats of the strip, so everything is "
        "scored within the span they marked. R peaks: beats marked in at least half of the leads, 75 ms. Boundaries: lead by "
        "lead, 150 ms (AAMI EC57). Intervals: the median over beats and leads of the marked interval, the same for every "
        "system; 'earliest to latest' takes the earliest onset and latest offset over the leads of a beat instead. "
        "Mean absolute errors are over records where both have a value; records where only one has are counted apart. "
        "Intervals of confidence: bootstrap over records, each of which is another patient."
    ),
    source="Kalyakulina et al., IEEE Access 2020;8:186181-186190; PhysioNet ludb 1.0.1, ODC-By 1.0",
    code=__name__,
)


class MeasurementsTask:
    """Measurements against LUDB."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: ``records`` or ``baselines`` is not understood.
        """
        numbers = _numbers(settings.options.get("records", HEADLINE))[: settings.limit]
        methods = _methods(settings.options.get("baselines", ",".join(METHODS)))
        truth = [read_annotated(settings.data / "ludb", number) for number in numbers]
        watched = settings.progress(truth, len(truth), "measure")
        ours = [(delineate(t.recording), measure(t.recording)) for t in watched]
        systems: dict[str, list[_Reading]] = {"precordia": [_reading(d, m) for d, m in ours]}
        if methods:
            watched = settings.progress(truth, len(truth), "neurokit2")
            baseline = [delineate_leads(t.recording, methods) for t in watched]
            for method in methods:
                systems[f"neurokit2-{method}"] = [_baseline(found[method]) for found in baseline]
        rows = _beat_rows(truth, systems, settings.seed) + _interval_rows(truth, systems, settings.seed)
        for name in BOUNDARIES:
            if name in CSE_SD_MS:
                rows.append(Row("CSE tolerance", "SD of error, ms", CSE_SD_MS[name], group=NAMES[name]))
            for system, readings in systems.items():
                tallies = [tally_boundaries(t.leads, r.leads) for t, r in zip(truth, readings, strict=True)]
                rows += boundary_rows(system, name, [t[name] for t in tallies], settings.seed)
        digest = hashlib.sha256("".join(t.sha256 for t in truth).encode()).hexdigest()
        return Result(
            self.card.name,
            tuple(rows),
            _notes(truth, systems),
            _samples(truth, [m for _, m in ours]),
            {"records": f"{numbers[0]}-{numbers[-1]}", "baselines": ",".join(methods) or "none"},
            {"ludb": digest},
        )


def _numbers(text: str) -> list[int]:
    found = re.fullmatch(r"(\d+)-(\d+)", text)
    if not found or int(found[1]) > int(found[2]):
        raise UsageError(f"option records={text!r} is not understood; give a range such as 51-100")
    return list(range(int(found[1]), int(found[2]) + 1))


def _methods(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name and name != "none")
    if unknown := set(names) - set(METHODS):
        raise UsageError(
            f"option baselines={text!r}: {', '.join(sorted(unknown))} unknown; choices {', '.join(METHODS)}, none"
        )
    return names


def _reading(found: Delineation, measured: Measurements) -> _Reading:
    leads = {}
    for lead in found.leads:
        values = {name: found.point(name, lead) * 1000 for name in BOUNDARIES}
        loose = {name: v[np.isfinite(v)] for name, v in values.items()}
        leads[lead] = Beats(found.beats * 1000, values, loose)
    names = (*INTERVALS,)
    given = {name: _number(getattr(measured, name)) for name in names}
    return _Reading(found.beats * 1000, leads, given, _number(measured.heart_rate_bpm))


def _baseline(leads: Mapping[str, Beats]) -> _Reading:
    beats = consensus_beats(leads)
    rr = np.diff(beats)
    return _Reading(beats, leads, intervals_of(leads), 60_000 / float(rr.mean()) if rr.size else float("nan"))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _beat_rows(truth: Sequence[Annotated], systems: Mapping[str, Sequence[_Reading]], seed: int) -> list[Row]:
    rows = []
    marked = [consensus_beats(t.leads) for t in truth]
    for system, readings in systems.items():
        counts = []
        for beats, reading in zip(marked, readings, strict=True):
            given = reading.beats_ms
            inside = given[(given >= beats[0] - R_TOLERANCE_MS) & (given <= beats[-1] + R_TOLERANCE_MS)]
            errors, missed, false = match(beats, inside, R_TOLERANCE_MS)
            counts.append((errors.size, missed, false))
        found, missed_, false_ = np.array(counts, dtype=float).T
        f1 = bootstrap.ratio(2 * found, 2 * found + missed_ + false_, seed=seed)
        goal = 0.995 if system == "precordia" else None
        rows.append(Row(system, "R peak F1", f1.value, f1.low, f1.high, int((found + missed_).sum()), goal=goal))
        rate = np.array([60_000 / float(np.diff(b).mean()) if b.size > 1 else np.nan for b in marked])
        error = np.array([r.heart_rate for r in readings]) - rate
        goal = 1.0 if system == "precordia" else None
        rows.append(error_row(system, "heart rate mean absolute error, bpm", error, seed, goal))
    return rows


def _interval_rows(truth: Sequence[Annotated], systems: Mapping[str, Sequence[_Reading]], seed: int) -> list[Row]:
    rows = []
    medians = [intervals_of(t.leads) for t in truth]
    extents = [extents_of(t.leads) for t in truth]
    for name, (label, goal) in INTERVALS.items():
        reference = np.array([m[name] for m in medians])
        wide = np.array([e[name] for e in extents])
        for system, readings in systems.items():
            given = np.array([r.intervals[name] for r in readings])
            if not np.isfinite(given).any():
                continue
            target = goal if system == "precordia" else None
            rows.append(error_row(system, f"{label} mean absolute error, ms", given - reference, seed, target))
            bias = (given - reference)[np.isfinite(given - reference)]
            e = bootstrap.mean(bias, seed=seed)
            rows.append(Row(system, f"{label} mean error, ms", e.value, e.low, e.high, bias.size))
            both = np.array([extents_of(r.leads)[name] for r in readings]) - wide
            rows.append(error_row(system, f"{label} mean absolute error, ms", both, seed, None, "earliest to latest"))
            only_marked = float((np.isfinite(reference) & ~np.isfinite(given)).sum())
            only_given = float((~np.isfinite(reference) & np.isfinite(given)).sum())
            rows.append(Row(system, f"records with {label} marked but not measured", only_marked, n=len(truth)))
            rows.append(Row(system, f"records with {label} measured but not marked", only_given, n=len(truth)))
    return rows


def _notes(truth: Sequence[Annotated], systems: Mapping[str, Sequence[_Reading]]) -> tuple[str, ...]:
    gap = [extents_of(t.leads)["qrs_ms"] - intervals_of(t.leads)["qrs_ms"] for t in truth]
    notes = [
        f"{len(truth)} records of as many patients; {sum(consensus_beats(t.leads).size for t in truth)} beats marked in at "
        "least half of the leads.",
        "The first and last beats of each strip are not marked by the experts; what is found there is not scored.",
        f"QRS from earliest onset to latest offset is {np.nanmean(gap):.0f} ms longer than the median lead's: the extremes of "
        "twelve separate readings grow with reading error, so the median over leads is the reference.",
        "CSE tolerance: twice the standard deviation between experts who saw all leads together (Eur Heart J 1985;6:815-825); "
        "these experts marked each lead alone, beat by beat, which adds their own scatter to every system's SD.",
    ]
    if len(systems) > 1:
        notes.append(
            "NeuroKit2: ecg_clean, ecg_peaks and ecg_delineate with their defaults, lead by lead; a lead in which it fails "
            "counts as missed; its peak method gives P onsets and T offsets only. Its rate comes from beats found in at "
            "least half of the leads."
        )
    return tuple(notes)


def _samples(truth: Sequence[Annotated], measured: Sequence[Measurements]) -> list[dict[str, object]]:
    out = []
    for t, m in zip(truth, measured, strict=True):
        reference = intervals_of(t.leads)
        sample: dict[str, object] = {"record": t.recording.recording_id, "heart_rate_bpm": m.heart_rate_bpm}
        for name in INTERVALS:
            sample[name] = getattr(m, name)
            sample[f"expert_{name}"] = None if np.isnan(reference[name]) else reference[name]
        out.append(sample)
    return out


MEASUREMENTS = MeasurementsTask()
