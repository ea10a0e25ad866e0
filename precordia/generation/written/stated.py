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

_STATED: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("heart_rate_bpm", rf"\b(?:(?:ventricular|heart)\s+)?rate{_GAP}{_NUMBER}{_RANGE}"),
        ("heart_rate_bpm", r"(?P<value>\d{2,3}(?:\.\d+)?)\s*(?:bpm|/\s?min|beats\s*(?:per|a|/)\s*min)"),
        ("p_ms", rf"\bP(?:[\s-]wave)?\s+duration{_GAP}{_NUMBER}\s*ms"),
        ("pr_ms", rf"\b(?:PR|PQ){_GAP}{_NUMBER}\s*ms"),
        ("qrs_ms", rf"\bQRS{_GAP}{_NUMBER}\s*ms"),
        ("qtc_ms", rf"\bQTc{_GAP}(?:\(?Bazett\)?)?{_GAP}{_NUMBER}\s*ms"),
        ("qt_ms", rf"\bQT(?!c|/){_GAP}{_NUMBER}\s*ms"),
        ("qt_ms", rf"\bQT/QTc{_GAP}{_NUMBER}\s*/"),
        ("qtc_ms", rf"\bQT/QTc{_GAP}\d{{2,3}}\s*/\s*{_NUMBER}"),
        ("axis_deg", rf"\b(?:QRS[\s-]+)?axis{_GAP}{_NUMBER}\s*(?:°|deg|degrees)"),
    )
)


@dataclass(frozen=True)
class StatedNumber:
    """A measurement as a sentence gives it.

    Attributes:
        name: The measurement.
        value: As stated.
        measured: As measured, or None when it was not.
    """

    name: str
    value: float
    measured: float | None

    @property
    def agrees(self) -> bool:
        """Whether it was measured and lies within tolerance."""
        if self.measured is None:
            return False
        away = abs(self.value - self.measured)
        if self.name == "axis_deg":
            away = min(away % 360, 360 - away % 360)
        return away <= TOLERANCE[self.name]

    def __str__(self) -> str:
        measure = MEASURES[self.name]
        if self.measured is None:
            return f"{measure.label} {measure.format(self.value)} is stated but was not measured"
        return f"{measure.label} {measure.format(self.value)} is stated, {measure.format(self.measured)} was measured"


def stated_numbers(text: str, measurements: Measurements) -> list[StatedNumber]:
    """The measurements that a sentence states, in the order of the list above, each name once.

    >>> stated_numbers("QRS 142 ms.", Measurements(qrs_ms=140.0))[0].agrees
    True
    """
    found: dict[str, StatedNumber] = {}
    for name, pattern in _STATED:
        match = pattern.search(text)
        if match and name not in found:
            measured = getattr(measurements, name)
            value = float(match.group("value").replace("−", "-"))
            found[name] = StatedNumber(name, value, None if measured is None else float(measured))
    return list(found.values())
