"""How boundaries and beats found are scored against those the experts marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.datasets.ludb import BOUNDARIES, Beats
from precordia.eval.harness.task import Row

BOUNDARY_TOLERANCE_MS: Final = 150.0
"""A boundary this near counts as found (ANSI/AAMI EC57, as Kalyakulina et al., IEEE Access 2020;8:186181-186190 apply it)."""

CSE_SD_MS: Final = {"p_on": 10.2, "p_off": 12.7, "qrs_on": 6.5, "qrs_off": 11.6, "t_off": 30.6}
"""Two standard deviations of the experts' own differences (CSE Working Party, Eur Heart J 1985;6:815-825), the usual
tolerance for a program's standard deviation; there is none for the T onset."""

NAMES: Final = {
    "p_on": "P onset",
    "p_off": "P offset",
    "qrs_on": "QRS onset",
    "qrs_off": "QRS offset",
    "t_on": "T onset",
    "t_off": "T offset",
}


@dataclass(frozen=True, eq=False)
class Tally:
    """What one record adds to the score of one boundary.

    Attributes:
        found: Marked boundaries that were found.
        missed: Marked boundaries that were not.
        false: Boundaries found within the annotated span where none is marked.
        errors: ``(found,)`` found less marked, ms.
    """

    found: int
    missed: int
    false: int
    errors: NDArray[np.float64]


def match(
    marked: NDArray[np.float64], given: NDArray[np.float64], tolerance_ms: float
) -> tuple[NDArray[np.float64], int, int]:
    """Errors of matched points (given less marked), the number missed, and the number false; nearest pairs first."""
    if not marked.size or not given.size:
        return np.empty(0), int(marked.size), int(given.size)
    gap = given[None, :] - marked[:, None]
    rows, columns = np.nonzero(np.abs(gap) <= tolerance_ms)
    order = np.argsort(np.abs(gap[rows, columns]), kind="stable")
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    errors = []
    for i in order:
        row, column = int(rows[i]), int(columns[i])
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            errors.append(float(gap[row, column]))
    return np.array(errors), int(marked.size) - len(errors), int(given.size) - len(errors)


def tally_boundaries(truth: Mapping[str, Beats], found: Mapping[str, Beats]) -> dict[str, Tally]:
    """Score of one record, all leads together, boundary by boundary; only what lies within the annotated span counts."""
    out = {}
    for name in BOUNDARIES:
        errors, missed, false = [], 0, 0
        for lead, beats in truth.items():
            span = np.concatenate(list(beats.loose.values()))
            given = found[lead].loose[name] if lead in found else np.empty(0)
            if span.size:
                given = given[(given >= span.min() - 1) & (given <= span.max() + 1)]
            e, m, f = match(beats.loose[name], given, BOUNDARY_TOLERANCE_MS)
            # A point just outside the span may belong to the first or last mark: look again before it counts as missed.
            if m and lead in found:
                wide, m_wide, _ = match(beats.loose[name], found[lead].loose[name], BOUNDARY_TOLERANCE_MS)
                if m_wide < m:
                    e, m = wide, m_wide
            errors.append(e)
            missed += m
            false += f
        joined = np.concatenate(errors) if errors else np.empty(0)
        out[name] = Tally(joined.size, missed, false, joined)
    return out


def boundary_rows(system: str, name: str, tallies: Sequence[Tally], seed: int) -> list[Row]:
    """Sensitivity, precision, mean and standard deviation of the error, with intervals by record; none for a system
    that does not give this boundary at all."""
    found = np.array([t.found for t in tallies], dtype=float)
    marked = found + np.array([t.missed for t in tallies])
    given = found + np.array([t.false for t in tallies])
    if not given.any():
        return []
    sums = np.array([t.errors.sum() for t in tallies])
    squares = np.array([(t.errors**2).sum() for t in tallies])

    def spread(rows: NDArray[np.intp]) -> float:
        n = found[rows].sum()
        return float(np.sqrt(max(0.0, squares[rows].sum() / n - (sums[rows].sum() / n) ** 2))) if n else float("nan")

    group = NAMES[name]
    estimates = [
        ("sensitivity", bootstrap.ratio(found, marked, seed=seed), int(marked.sum())),
        ("precision", bootstrap.ratio(found, given, seed=seed), int(given.sum())),
        ("mean error, ms", bootstrap.ratio(sums, found, seed=seed), int(found.sum())),
        ("SD of error, ms", bootstrap.statistic(spread, found.size, seed=seed), int(found.sum())),
    ]
    return [Row(system, metric, e.value, e.low, e.high, n, group) for metric, e, n in estimates]


def error_row(
    system: str, metric: str, errors: NDArray[np.float64], seed: int, goal: float | None, group: str = ""
) -> Row:
    """Mean absolute error over the records where both are there."""
    finite = np.abs(errors[np.isfinite(errors)])
    e = bootstrap.mean(finite, seed=seed)
    return Row(system, metric, e.value, e.low, e.high, int(finite.size), group, goal, at_least=False)
