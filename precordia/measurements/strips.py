"""Recordings whose leads were recorded one after another (a 3 x 4 printout, DICOM groups of 2.5 s), measured strip by strip.

Each strip is measured with the leads that were recorded throughout. Rate and rhythm come from those leads, or where there are
none from the RR intervals within the strips; intervals are medians over the strips, as they are medians over leads elsewhere;
an axis needs two limb leads of one strip; what sets one strip against another (voltage criteria) is not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.measurements.conditioning import MIN_S
from precordia.measurements.intervals import bazett, bazett_wide, fridericia
from precordia.records.quality.strips import Part, parts_of

_INTERVALS: Final = {"p_ms": 15.0, "pr_ms": 15.0, "qrs_ms": 15.0, "qt_ms": 25.0}
"""Intervals to how far strips usually differ in them, ms: half of the confidence is lost there, as between leads."""

_OF_A_LEAD: Final = ("st_j60_mv", "st_j80_mv", "st_j_mv", "r_mv", "s_mv", "q_mv", "t_mv", "t_width_ms")
_AXES: Final = ("axis_deg", "p_axis_deg", "t_axis_deg")
_FEWEST_BEATS: Final = 4
"""Fewer beats in a strip, the first and last of which may be cut, cannot show whether a P wave repeats."""

_FEWEST_RR: Final = 2
"""Fewer RR intervals in all strips together make no rate."""


def measure_strips(recording: Recording, measure: Callable[[Recording], Measurements]) -> Measurements | None:
    """What can be measured on a recording of strips; None for one that is none.

    Args:
        recording: Any recording.
        measure: Measures leads that were recorded together.
    """
    parts = parts_of(recording, MIN_S)
    whole_leads = sum(len(part.own) for part in parts if part.recording.n_samples == recording.n_samples)
    if not parts or 2 * whole_leads > sum(
        len(part.own) for part in parts
    ):  # an electrode that came off makes no strips
        return None
    of_each = [(part, found) for part in parts if (found := measure(part.recording)).n_beats]
    if not of_each:
        return Measurements(n_beats=0)
    whole = next((found for part, found in of_each if part.recording.n_samples == recording.n_samples), None)
    rhythm = whole or _pooled([found for _, found in of_each])
    intervals, confidence = _intervals(of_each)
    confidence |= {name: value for name, value in rhythm.confidence.items() if name in ("heart_rate_bpm", "rr_ms")}
    axes: dict[str, float] = {}
    for name in _AXES:
        sure = [(found.confidence[name], getattr(found, name)) for _, found in of_each if name in found.confidence]
        if sure:
            confidence[name], axes[name] = max(sure)
    by_lead: dict[str, Any] = {
        field: {
            lead: value for part, found in of_each for lead, value in getattr(found, field).items() if lead in part.own
        }
        for field in _OF_A_LEAD
    }
    said: dict[str, Any] = {**dict.fromkeys((*_INTERVALS, *_AXES)), **intervals, **axes}
    corrected: dict[str, Any] = _corrected(rhythm, intervals, confidence)
    return replace(rhythm, **said, **by_lead, **corrected, criteria={}, confidence=confidence)


def _corrected(
    rhythm: Measurements, intervals: dict[str, float], confidence: dict[str, float]
) -> dict[str, float | None]:
    """QT corrected for the rate, in each of the ways that are measured elsewhere; their confidence is put beside the others'."""
    out: dict[str, float | None] = dict.fromkeys(("qtc_ms", "qtc_fridericia_ms", "qtc_wide_ms"))
    qt, qrs, rate = intervals.get("qt_ms"), intervals.get("qrs_ms"), rhythm.heart_rate_bpm
    if qt is None or rate is None:
        return out
    rr, sure = 60_000 / rate, min(confidence["qt_ms"], confidence.get("rr_ms", 0.0))
    out["qtc_ms"], out["qtc_fridericia_ms"] = bazett(qt, rr), fridericia(qt, rr)
    out["qtc_wide_ms"] = bazett_wide(qt, qrs, rr) if qrs is not None else None
    confidence |= {name: sure for name, value in out.items() if value is not None}
    return {name: None if value is None else round(value, 1) for name, value in out.items()}


def _pooled(found: Sequence[Measurements]) -> Measurements:
    """Rate and rhythm from strips without a lead that runs through: RR intervals within them, and beats counted in each."""
    rr = [(one.rr_ms, (one.n_beats or 0) - 1, one.confidence.get("rr_ms", 0.0)) for one in found if one.rr_ms]
    n = sum(weight for _, weight, _ in rr)
    n_beats = sum(one.n_beats or 0 for one in found)
    if n < _FEWEST_RR:
        return Measurements(n_beats=n_beats)
    lengths = np.repeat([length for length, _, _ in rr], [weight for _, weight, _ in rr])
    spread = float(np.ptp(lengths) / np.median(lengths))
    sure = float(np.average([one for _, _, one in rr], weights=[weight for _, weight, _ in rr])) * max(0.0, 1 - spread)
    return Measurements(
        heart_rate_bpm=round(60_000 / float(lengths.mean()), 1),
        rr_ms=round(float(np.median(lengths)), 1),
        n_beats=n_beats,
        paced=found[0].paced if len({one.paced for one in found}) == 1 else None,
        confidence={"heart_rate_bpm": round(sure, 3), "rr_ms": round(sure, 3)},
    )


def _intervals(of_each: Sequence[tuple[Part, Measurements]]) -> tuple[dict[str, float], dict[str, float]]:
    """Intervals and their confidence: medians over strips, less sure the fewer beats they hold and the more they differ."""
    values: dict[str, float] = {}
    sure: dict[str, float] = {}
    for name, usual in _INTERVALS.items():
        known = [(getattr(f, name), f.confidence.get(name, 0.0), len(p.own)) for p, f in of_each if getattr(f, name)]
        # A wave that most leads do not show is none: P waves in a strip of fibrillation by chance. P waves must repeat, so
        # that a strip of one or two beats says nothing of them.
        fewest = _FEWEST_BEATS if name.startswith("p") else 1
        could = sum(len(part.own) for part, found in of_each if (found.n_beats or 0) >= fewest)
        if not known or 2 * sum(n for _, _, n in known) < could:
            continue
        leads = np.repeat([value for value, _, _ in known], [n for _, _, n in known])
        values[name] = round(float(np.median(leads)), 1)
        agree = 1 / (1 + (float(np.std(leads)) / usual) ** 2)
        sure[name] = round(float(np.average([c for _, c, _ in known], weights=[n for _, _, n in known])) * agree, 3)
    return values, sure
