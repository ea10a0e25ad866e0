"""What is known of one ECG, as far as ECG-QA's questions reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from precordia.datasets.ecgqa.builder.annotated import NO_INFARCTION
from precordia.datasets.ecgqa.builder.attributes import BY_CODE, SUPERCLASSES

CERTAIN = frozenset({0.0, 100.0})
"""Likelihoods that count as certain; 0 is PTB-XL's "not stated" (form and rhythm have no likelihoods)."""
DOUBTFUL = frozenset({15.0, 35.0, 50.0, 80.0})
"""Likelihoods that make the answer "not sure"; the five other values in PTB-XL's table count as "no"."""


@dataclass(frozen=True)
class Facts:
    """One ECG's labels.

    Attributes:
        ecg_id: As the archive numbers it.
        patient: Key of the patient.
        codes: SCP-ECG code to likelihood, percent.
        noise: Kind of noise to the leads that show it; kinds without a lead are left out.
        extra_systoles: Kinds named.
        stages: Of infarction.
        axis: One of the four directions, or None where it is not known.
        ranges: Numeric feature to where it lies; features that are not known are left out.
        form_leads: Form code to the leads that the report names for it.
        taken: Sorts one patient's ECGs in time.
    """

    ecg_id: int
    patient: str
    codes: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, frozenset[str]] = field(default_factory=dict)
    extra_systoles: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset({NO_INFARCTION})
    axis: str | None = None
    ranges: Mapping[str, str] = field(default_factory=dict)
    form_leads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    taken: str = ""

    def named(self, kind: str, *, certain: bool = False) -> frozenset[str]:
        """Names of its statements of a kind ("d", "f", "r"); ``certain`` leaves doubtful ones out. NORM is none."""
        return frozenset(
            BY_CODE[code].name
            for code, likelihood in self.codes.items()
            if code in BY_CODE and code != "NORM" and kind in BY_CODE[code].kinds
            if not certain or likelihood in CERTAIN
        )

    @cached_property
    def superclasses(self) -> frozenset[str]:
        """Names of the diagnostic superclasses, whatever the likelihood."""
        found = {BY_CODE[code].superclass for code in self.codes if code in BY_CODE}
        return frozenset(SUPERCLASSES[s] for s in found if s in SUPERCLASSES)

    @cached_property
    def abnormal(self) -> bool:
        """Whether it has any statement but NORM and SR."""
        return any(code not in ("NORM", "SR") for code in self.codes)

    @cached_property
    def symptoms(self) -> frozenset[str]:
        """Names of all its statements but NORM."""
        return frozenset(BY_CODE[code].name for code in self.codes if code in BY_CODE and code != "NORM")
