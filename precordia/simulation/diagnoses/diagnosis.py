"""What a diagnosis is: a change to a heart, the findings it leaves on the ECG, and the criterion a reader would apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from precordia.core.findings import Finding
from precordia.core.recording import Sex
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Change, Heart

Group = Literal[
    "conduction",
    "fascicle",
    "hypertrophy",
    "infarction",
    "repolarisation",
    "voltage",
    "rhythm",
    "av",
    "ectopy",
    "atrium",
]

GROUPS: tuple[Group, ...] = (
    "conduction",
    "fascicle",
    "hypertrophy",
    "infarction",
    "repolarisation",
    "voltage",
    "rhythm",
    "av",
    "ectopy",
    "atrium",
)
"""The order in which changes are made; at most one diagnosis of a group, but for ``ectopy``."""


@dataclass(frozen=True)
class Reader:
    """Whom a criterion is read for: limits differ by age and sex."""

    age: float
    sex: Sex


Criterion = Callable[[Exam, Reader], bool]


def always(exam: Exam, reader: Reader) -> bool:
    """No criterion on the beat's shape."""
    return True


@dataclass(frozen=True)
class Diagnosis:
    """One entry of the catalogue.

    Attributes:
        name: As asked for ("CLBBB", "IMI:acute").
        findings: What a correct report says of it.
        group: One diagnosis of a group at a time.
        change: What it does to the heart.
        meets: The criterion that the clean beat must meet.
        stronger: What is done, again and again, until it does.
        excludes: Names and groups that cannot be read beside it.
    """

    name: str
    findings: tuple[Finding, ...]
    group: Group
    change: Change
    meets: Criterion = always
    stronger: Callable[[Heart], Heart] | None = None
    excludes: frozenset[str] = frozenset()
