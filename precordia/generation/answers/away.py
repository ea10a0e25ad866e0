"""Measurements beside which a finding is not there, whatever readings make of it: an even row of RR intervals has no extra beat."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from precordia.core.findings import Measurements
from precordia.judgement.measured import Check
from precordia.judgement.votes import lineage

REGULAR = "regular"
"""Whether the RR intervals are regular, as a number."""


@dataclass(frozen=True)
class Away:
    """What of a measurement speaks against a finding.

    Attributes:
        check: The range in which the number lies where the finding is not there.
        sure: The confidence that it needs.
    """

    check: Check
    sure: float

    def holds(self, m: Measurements) -> bool:
        """Whether the number is measured, surely enough, and lies in the range."""
        name = self.check.name
        value = m.rhythm_regularity and m.rhythm_regularity == REGULAR if name == REGULAR else getattr(m, name)
        return value is not None and m.confidence.get(name, 1.0) >= self.sure and self.check.allows(float(value))


def measured_away(concept: str, m: Measurements) -> tuple[str, ...]:
    """Names of the measurements beside which a finding, or something that it implies, is not there; empty where it may be."""
    for of, rows in _table().items():
        if of in lineage(concept) and all(row.holds(m) for row in rows):
            return tuple("rhythm_regularity" if row.check.name == REGULAR else row.check.name for row in rows)
    return ()


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
def _table() -> dict[str, tuple[Away, ...]]:
    """The table ``away.csv``: its header names the sources."""
    table: dict[str, tuple[Away, ...]] = {}
    for row in _rows("away.csv"):
        low, high = (float(row[key]) if row[key] else None for key in ("low", "high"))
        away = Away(Check(row["concept"], row["measurement"], low, high, decides=False), float(row["sure"]))
        table[row["concept"]] = (*table.get(row["concept"], ()), away)
    return table
