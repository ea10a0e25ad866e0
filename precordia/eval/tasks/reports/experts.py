"""The numbers that a report states, against the boundaries that LUDB's experts marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.findings import Measurements
from precordia.datasets.ludb import consensus_beats, intervals_of, read_annotated
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.figures import Measure, ratio
from precordia.eval.tasks.reports.systems import Written
from precordia.generation.written.stated import stated_numbers
from precordia.judgement.measured import TOLERANCE

NAMES: Final = {"heart_rate_bpm": "rate", "pr_ms": "PR", "qrs_ms": "QRS", "qt_ms": "QT"}


def by_experts(folder: Path, number: int) -> Measurements:
    """What LUDB's experts marked on a record, as measurements; None where they marked too little."""
    leads = read_annotated(folder, number).leads
    found = {name: value for name, value in intervals_of(leads).items() if np.isfinite(value)}
    beats = consensus_beats(leads)
    rate = 60_000 / float(np.diff(beats).mean()) if beats.size > 1 else None
    return Measurements(
        heart_rate_bpm=rate, pr_ms=found.get("pr_ms"), qrs_ms=found.get("qrs_ms"), qt_ms=found.get("qt_ms")
    )


def measures(samples: Sequence[Sample], reports: Sequence[Written], folder: Path, group: str) -> list[Measure]:
    """For each measurement how many of those stated lie within tolerance of the experts'.

    Args:
        samples: LUDB's.
        reports: Drafts on them.
        folder: LUDB.
        group: Part of the data.
    """
    within: dict[str, list[int]] = {name: [] for name in NAMES}
    stated: dict[str, list[int]] = {name: [] for name in NAMES}
    for sample, report in zip(samples, reports, strict=True):
        marked = by_experts(folder, int(sample.id))
        texts = [statement.text for statement in report.draft.statements] if report.draft else []
        numbers = [number for text in texts for number in stated_numbers(text, marked) if number.measured is not None]
        for name in NAMES:
            mine = [number for number in numbers if number.name == name]
            stated[name].append(len(mine))
            within[name].append(sum(number.agrees for number in mine))
    patients = [sample.patient for sample in samples]
    return [
        ratio(
            f"stated {label} within {TOLERANCE[name]:g} {_unit(name)} of the experts'",
            within[name],
            stated[name],
            patients,
            group,
        )
        for name, label in NAMES.items()
    ]


def _unit(name: str) -> str:
    return "bpm" if name.endswith("_bpm") else "ms"
