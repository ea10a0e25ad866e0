"""A recording's measurements in words, and what they say about a finding.

Reference ranges for adults: rate 60-100 bpm (Surawicz et al., AHA/ACCF/HRS part III, Circulation 2009;119:e235), PR
120-200 ms, QRS below 110 ms and axis -30 to 90 degrees (ibid.), QTc 350-450 ms in men and to 460 ms in women (Rautaharju et
al., part IV, Circulation 2009;119:e241), P below 120 ms (Hancock et al., part V, Circulation 2009;119:e251).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from precordia.concepts.criteria import certain
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Sex
from precordia.judgement.votes import lineage

Rule = Callable[[Measurements], list[Finding]]


@dataclass(frozen=True)
class Measure:
    """How a scalar measurement is named and read.

    Attributes:
        name: Field of :class:`Measurements`.
        label: For people.
        unit: Shown behind the number.
        low, high: Reference range in adults, inclusive; None where there is none.
        decimals: Digits shown behind the point.
    """

    name: str
    label: str
    unit: str
    low: float | None = None
    high: float | None = None
    decimals: int = 0

    def high_for(self, sex: Sex | None) -> float | None:
        """Upper end of the reference range; QTc's depends on sex and is the wider one when that is unknown."""
        return 450.0 if self.name == "qtc_ms" and sex == "M" else self.high

    def format(self, value: float) -> str:
        """The number with its unit.

        >>> MEASURES["qrs_ms"].format(93.6)
        '94 ms'
        """
        number = f"{round(value, self.decimals) + 0.0:.{self.decimals}f}"
        return number + (self.unit if self.unit in ("", "°") else f" {self.unit}")

    def is_outside(self, value: float, sex: Sex | None, by: float = 0.0) -> bool:
        """Whether a value, rounded as it is shown, lies outside the reference range by more than ``by``."""
        high, value = self.high_for(sex), round(value, self.decimals)
        return (self.low is not None and value < self.low - by) or (high is not None and value > high + by)


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("heart_rate_bpm", "Ventricular rate", "bpm", 60, 100),
        Measure("rr_ms", "RR interval", "ms"),
        Measure("rr_sd_ms", "RR standard deviation", "ms"),
        Measure("p_ms", "P duration", "ms", None, 120),
        Measure("pr_ms", "PR interval", "ms", 120, 200),
        Measure("qrs_ms", "QRS duration", "ms", None, 110),
        Measure("qt_ms", "QT interval", "ms"),
        Measure("qtc_ms", "QTc (Bazett)", "ms", 350, 460),
        Measure("qtc_fridericia_ms", "QTc (Fridericia)", "ms", 350, 460),
        Measure("p_axis_deg", "P axis", "°", 0, 75),
        Measure("axis_deg", "QRS axis", "°", -30, 90),
        Measure("t_axis_deg", "T axis", "°"),
        Measure("n_beats", "Beats", ""),
    )
}
"""The scalar measurements, in reading order."""

DERIVED = {
    measure.name: measure
    for measure in (
        Measure("wide_v1_balance", "R less S in V1 of a wide QRS, as a share of both,", "", decimals=1),
        Measure("p_terminal_v1_mv_ms", "P terminal force in V1", "mV ms", None, 4, decimals=1),
    )
}
"""What rules ask besides, and no report tells of itself."""


TOLERANCE = {
    "heart_rate_bpm": 5.0,
    "p_ms": 15.0,
    "pr_ms": 15.0,
    "qrs_ms": 12.0,
    "qt_ms": 20.0,
    "qtc_ms": 20.0,
    "axis_deg": 10.0,
}
"""How far a stated number may lie from the measured one: the errors of measurement that the project allows itself."""


@dataclass(frozen=True)
class Check:
    """What a finding implies for a measurement.

    Attributes:
        concept: The finding.
        name: The measurement.
        low, high: The range in which the finding is plausible, measurement error allowed for; None is open. An angle's
            range may pass through 180 degrees: then ``low`` is above ``high``.
        decides: Outside the range the finding is not said at all.
        defines: And within it, it is there: the measurement is what the finding means.
    """

    concept: str
    name: str
    low: float | None
    high: float | None
    decides: bool
    defines: bool = False

    def allows(self, value: float) -> bool:
        """Whether the finding is plausible with this value."""
        if self.low is not None and self.high is not None and self.low > self.high:
            return value >= self.low or value <= self.high
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@lru_cache(maxsize=1)
def checks() -> tuple[Check, ...]:
    """The table ``measured.csv``: its header names the sources."""
    return tuple(_check(row, row["decides"]) for row in _table("measured.csv"))


def is_defined(concept: str) -> bool:
    """Whether a measurement defines a finding or something that it implies."""
    return bool(lineage(concept) & {check.concept for check in checks() if check.defines})


def speaks_alone(concept: str, measurements: Measurements, *, unknown: bool = False) -> bool:
    """Whether a finding is so plain in the measurements that it is said even where no precedent bears it out.

    ``alone.csv`` says from where, and its header after whom.

    Args:
        concept: The finding.
        measurements: Of the ECG.
        unknown: Whether the archive's models do not know its recorder, and so not what is called what where it comes from.
    """
    rows = [row for row in _table("alone.csv") if unknown or not row["unknown"]]
    return any(_met(row, measurements) for row in rows if row["concept"] == concept)


def findings_where_unknown(measurements: Measurements) -> list[Finding]:
    """The findings that measurements support only of an ECG whose recorder the archive's models do not know."""
    sure = certain(measurements)
    return [Finding(row["concept"]) for row in _table("alone.csv") if row["unknown"] and _met(row, sure)]


def _met(row: dict[str, str], measurements: Measurements) -> bool:
    check = _check(row, "yes")
    value = getattr(measurements, check.name)
    return value is not None and check.allows(float(value))


@lru_cache(maxsize=4)
def _table(name: str) -> tuple[dict[str, str], ...]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(line for line in lines if not line.startswith("#")))


def _check(row: dict[str, str], decides: str) -> Check:
    low, high = (float(row[key]) if row[key] else None for key in ("low", "high"))
    return Check(row["concept"], row["measurement"], low, high, decides != "no", decides == "yes")


@dataclass(frozen=True)
class Conflict:
    """A finding that a measurement speaks against.

    Attributes:
        check: The rule that it breaks.
        value: What was measured.
    """

    check: Check
    value: float

    def __str__(self) -> str:
        measure = MEASURES.get(self.check.name) or DERIVED[self.check.name]
        low, high = self.check.low, self.check.high
        if low is not None and high is not None:
            expected = f"{measure.format(low)} to {measure.format(high)}"
        else:
            expected = (
                f"at least {measure.format(low)}" if low is not None else f"at most {measure.format(high or 0.0)}"
            )
        return f"{measure.label} is {measure.format(self.value)}, expected {expected}"


def conflicts(concepts: Sequence[str], measurements: Measurements) -> list[Conflict]:
    """The measurements that speak against a finding.

    Args:
        concepts: The finding's concept and its ancestors, whose rules it inherits.
        measurements: Of the query.
    """
    found = []
    for check in checks():
        value = getattr(measurements, check.name)
        if check.concept in concepts and value is not None and not check.allows(float(value)):
            found.append(Conflict(check, float(value)))
    return found


def supporting(finding: Finding, measurements: Measurements, rule: Rule) -> tuple[str, ...]:
    """Names of the measurements that a rule rests a finding on: those without which it would not be found.

    Args:
        finding: What the rule found.
        measurements: In which it found it.
        rule: ``precordia.concepts.findings_from_measurements``.
    """

    def found(candidate: Measurements) -> bool:
        return any(f.concept == finding.concept and f.status == finding.status for f in rule(candidate))

    nothing = Measurements()
    empty: dict[str, Any] = {f.name: getattr(nothing, f.name) for f in fields(nothing) if f.name != "confidence"}
    names = [name for name in empty if getattr(measurements, name) != empty[name]]
    needed = [name for name in names if not found(replace(measurements, **{name: empty[name]}))]
    if needed:
        return tuple(needed)
    # Any one of several is enough: name those that suffice by themselves, else all there are.
    alone = [name for name in names if found(replace(Measurements(), **{name: getattr(measurements, name)}))]
    return tuple(alone or names)


def in_words(name: str, measurements: Measurements) -> str:
    """A measurement as it is cited: label and value.

    >>> in_words("pr_ms", Measurements(pr_ms=212.0))
    'PR interval 212 ms'
    """
    if name.startswith("second."):
        return f"{MEASURES[name[7:]].label if name[7:] in MEASURES else name[7:]}, second ECG"
    measure = MEASURES.get(name) or DERIVED.get(name)
    if measure is not None:
        value, label = getattr(measurements, name), measure.label.rstrip(",")
        return label if value is None else f"{label} {measure.format(float(value))}"
    if name == "rhythm_regularity":
        return f"Rhythm {measurements.rhythm_regularity}"
    if name == "criteria":
        met = [key for key, value in measurements.criteria.items() if value]
        return f"Criteria met: {', '.join(met).replace('_', ' ') or 'none'}"
    labels = {
        "st_j_mv": "ST level (J)",
        "st_j60_mv": "ST level (J+60 ms)",
        "st_j80_mv": "ST level (J+80 ms)",
        "r_mv": "R amplitudes",
        "s_mv": "S amplitudes",
        "q_mv": "Q amplitudes",
        "t_mv": "T amplitudes",
        "t_width_ms": "Widths of the T wave",
        "rr_min_ms": "Shortest RR interval",
        "rr_max_ms": "Longest RR interval",
        "rr_usual_sd_ms": "RR standard deviation without ectopic beats",
        "qrs_sd_ms": "QRS duration from beat to beat",
        "qrs_active_ms": "Time of fast change in a cycle",
        "qtc_wide_ms": "QTc corrected for a wide QRS",
        "p_rate_bpm": "Atrial rate",
        "av_dissociation": "P waves apart from QRS complexes",
        "n_lone_p": "P waves without a QRS complex",
        "n_spikes": "Pacing stimuli",
        "n_captured": "Pacing stimuli that are answered",
        "paced": "Pacemaker spikes",
        "quality": "Signal quality",
    }
    return labels.get(name, name)
