"""Numbers that a sentence states of an ECG, checked against what was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from precordia.core.findings import Measurements
from precordia.judgement.measured import MEASURES, TOLERANCE

_GAP: Final = (
    r"(?:\s|interval|duration|complex|width|corrected|prolonged|short|normal|wide|is|was|of|at|about|around|approximately"
    r"|[:=~≈(,])*"
)
_NUMBER: Final = r"(?P<value>[-−+]?\d{1,4}(?:\.\d+)?)"
_RANGE: Final = r"(?!\s*(?:-|–|to)\s*\d)"

_BPM: Final = r"\s*(?:bpm|/\s?min|beats\s*(?:per|a|/)\s*min)"

_STATED: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "heart_rate_bpm",
            rf"\b(?:(?:ventricular|heart)\s+)?rate{_GAP}{_NUMBER}(?!\d){_RANGE}(?:\s*(?:bpm|/\s?min|beats\s*(?:per|a|/)\s*min))?",
        ),
        ("heart_rate_bpm", rf"(?P<value>\d{{2,3}}(?:\.\d+)?){_BPM}"),
        ("p_ms", rf"\bP(?:[\s-]wave)?\s+duration{_GAP}{_NUMBER}\s*ms"),
        ("pr_ms", rf"\b(?:PR|PQ){_GAP}{_NUMBER}\s*ms"),
        ("qrs_ms", rf"\bQRS{_GAP}{_NUMBER}\s*ms"),
        ("qtc_ms", rf"\bQTc{_GAP}(?:\(?Bazett\)?)?{_GAP}{_NUMBER}\s*ms"),
        ("qt_ms", rf"\bQT(?!c|/){_GAP}{_NUMBER}\s*ms"),
        ("qt_ms", rf"\bQT/QTc{_GAP}{_NUMBER}\s*/"),
        ("qtc_ms", rf"\bQT/QTc{_GAP}\d{{2,3}}\s*/\s*{_NUMBER}"),
        ("axis_deg", rf"\b(?:QRS[\s-]+)?axis{_GAP}{_NUMBER}\s*(?:°|degrees?|deg)"),
    )
)

ROUNDING: Final = 0.5
"""Reports give whole beats a minute, milliseconds and degrees."""


@dataclass(frozen=True)
class StatedNumber:
    """A measurement as a sentence gives it.

    Attributes:
        name: The measurement.
        value: As stated.
        measured: As measured, or None when it was not, or was not looked up.
        start, end: Its place in the sentence, with name and unit.
    """

    name: str
    value: float
    measured: float | None
    start: int = 0
    end: int = 0

    @property
    def agrees(self) -> bool:
        """Whether it was measured and lies within tolerance."""
        if self.measured is None:
            return False
        away = abs(self.value - self.measured)
        if self.name == "axis_deg":
            away = min(away % 360, 360 - away % 360)
        return away <= TOLERANCE[self.name]

    @property
    def exact(self) -> bool:
        """Whether it is what was measured, but for rounding to whole units."""
        return self.measured is not None and abs(self.value - self.measured) <= ROUNDING

    def __str__(self) -> str:
        measure = MEASURES[self.name]
        if self.measured is None:
            return f"{measure.label} {measure.format(self.value)} is stated but was not measured"
        return f"{measure.label} {measure.format(self.value)} is stated, {measure.format(self.measured)} was measured"


def stated_numbers(text: str, measurements: Measurements | None = None) -> list[StatedNumber]:
    """The measurements that a sentence states, in its order; a name as often as it is given a value that differs.

    >>> stated_numbers("QRS 142 ms.", Measurements(qrs_ms=140.0))[0].agrees
    True
    """
    found: dict[tuple[str, float], StatedNumber] = {}
    for name, pattern in _STATED:
        measured = getattr(measurements, name, None)
        for match in pattern.finditer(text):
            value = float(match.group("value").replace("−", "-"))
            number = StatedNumber(name, value, None if measured is None else float(measured), *match.span())
            other = found.get((name, value))
            # "Rate 72 bpm" is found by its name and by its unit: the longer match is the whole of it.
            if other is None or other.end - other.start < number.end - number.start:
                found[name, value] = number
    return sorted(found.values(), key=lambda number: number.start)
