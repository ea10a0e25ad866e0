"""How far one finding is borne out: one value that the report, the answers, the check of a model's words and the page read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from precordia.core.findings import Finding
from precordia.judgement.votes import Vote, lineage

Source = Literal["measurement", "model", "vote"]


@dataclass(frozen=True)
class Standing:
    """How far the evidence bears out one finding.

    Attributes:
        finding: As it would be said: present or uncertain, with territory and severity where most precedents give them.
        probability: That a report of this ECG would state it, 0 to 1; 1 where a measurement defines it, 0 where one rules
            it out.
        source: What decides: a measurement, the archive's model, or the precedents' vote.
        vote: The precedents that state and deny it.
        measurements: Names of the measurements that show it, or, where it is ruled out, that rule it out.
        against: What measurements have against it, for people.
        ruled_out: A measurement that defines it, or another that excludes it, says otherwise: it is not said.
        shown: A rule of the measurements finds it in this very ECG.
        calibrated: Whether the probability was held against cases kept back.
        made_of: The finding that, with a number, makes this one up, and whose probability it has; "" for its own.
    """

    finding: Finding
    probability: float
    source: Source
    vote: Vote
    measurements: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    ruled_out: bool = False
    shown: bool = False
    calibrated: bool = False
    made_of: str = ""

    def __repr__(self) -> str:
        return f"Standing({self.finding.status} {self.concept}, {self.probability:.2f} by {self.source})"

    @property
    def concept(self) -> str:
        """The finding's identifier."""
        return self.finding.concept

    @property
    def support(self) -> float:
        """Share of the precedents that agree, weighted by similarity; 1 for what a measurement shows."""
        return 1.0 if self.shown else self.vote.support

    @property
    def borne_out(self) -> bool:
        """Whether anything can be pointed at: a precedent that states it, or a measurement that shows it."""
        return self.shown or bool(self.vote.stating)

    def implies(self, concept: str) -> bool:
        """Whether another finding follows from this one."""
        return concept in lineage(self.concept)
