"""Measurements beside which a finding is there, or is not, whatever readings make of it: an even row has no extra beat."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from precordia.core.findings import Measurements
from precordia.generation.answers.wave_sizes import WAVE_SIZES
from precordia.judgement.measured import Check
from precordia.judgement.votes import lineage

REGULAR = "regular"
"""Whether the RR intervals are regular, as a number."""


@dataclass(frozen=True)
class Row:
    """What of a measurement speaks for a finding, or against it.

    Attributes:
        check: The range in which the number lies.
        sure: The confidence that it needs.
    """

    check: Check
    sure: float

    def holds(self, m: Measurements) -> bool:
        """Whether the number is measured, surely enough, and lies in the range."""
        value = _number(self.check.name, m)
        return value is not None and m.confidence.get(self.check.name, 1.0) >= self.sure and self.check.allows(value)

    @property
    def names(self) -> tuple[str, ...]:
        """The measurements that the number is read off."""
        name = self.check.name
        return WAVE_SIZES[name].of if name in WAVE_SIZES else ("rhythm_regularity" if name == REGULAR else name,)


def measured_away(concept: str, m: Measurements) -> tuple[str, ...]:
    """Names of the measurements beside which a finding, or something that it implies, is not there; empty where it may be."""
    return _names(rows for of, rows in _table("away.csv").items() if of in lineage(concept) and _hold(rows, m))


def measured_there(concept: str, m: Measurements) -> tuple[str, ...]:
    """Names of the measurements beside which a finding, or something that implies it, is there; empty where they do not tell."""
    return _names(rows for of, rows in _table("there.csv").items() if concept in lineage(of) and _hold(rows, m))


def _hold(rows: Sequence[Row], m: Measurements) -> bool:
    return all(row.holds(m) for row in rows)


def _names(found: Iterator[Sequence[Row]]) -> tuple[str, ...]:
    """The measurements of the first finding's rows."""
    return tuple(dict.fromkeys(name for row in next(found, ()) for name in row.names))


def _number(name: str, m: Measurements) -> float | None:
    if name in WAVE_SIZES:
        return WAVE_SIZES[name].value(m)
    value = m.rhythm_regularity and m.rhythm_regularity == REGULAR if name == REGULAR else getattr(m, name)
    return None if value is None else float(value)


def is_named(concept: str, m: Measurements) -> bool | None:
    """Whether a number lies where a finding's name says; None where it names no place, or the number lies at its border."""
    row = _named().get(concept)
    value = None if row is None else getattr(m, row["measurement"])
    if row is None or value is None:
        return None
    low, high, margin = (float(row[key]) for key in ("low", "high", "margin"))
    if low + margin <= value <= high - margin:
        return True
    return None if low - margin <= value <= high + margin else False


def named_by(concept: str, m: Measurements) -> tuple[str, ...]:
    """The measurement that decides on a finding by its name alone; empty where none does."""
    return () if is_named(concept, m) is None else (_named()[concept]["measurement"],)


@cache
def _named() -> dict[str, dict[str, str]]:
    """The table ``named.csv``: its header says what it holds."""
    return {row["concept"]: row for row in _rows("named.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("precordia.generation.answers").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@cache
def _table(name: str) -> dict[str, tuple[Row, ...]]:
    """``away.csv`` or ``there.csv``: their headers name the sources."""
    table: dict[str, tuple[Row, ...]] = {}
    for row in _rows(name):
        low, high = (float(row[key]) if row[key] else None for key in ("low", "high"))
        check = Check(row["concept"], row["measurement"], low, high, decides=False)
        table[row["concept"]] = (*table.get(row["concept"], ()), Row(check, float(row["sure"])))
    return table
