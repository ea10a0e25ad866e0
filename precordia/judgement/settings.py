"""How much evidence a finding needs: the one set of settings that reports, answers, checks and evaluation share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CORROBORATION: Final = 0.15
"""Share of the voters that must state what a rule finds in the measurements, where it is not so plain that it speaks alone."""


RARE: Final = 20
"""Cases, among those that models were fitted on, of which fewer make a finding rare."""


@dataclass(frozen=True)
class JudgementSettings:
    """How much evidence a finding needs.

    Chosen on ECGs that the encoder had not seen (docs/judgement.md says which): the F1 of findings is greatest where a
    finding is said from a probability of about half the F1 that can be reached.

    Attributes:
        min_precedents: With fewer precedents (patients) that have a report, nothing is claimed.
        voters: Most precedents (patients) that vote.
        temperature: Of the vote's weights by similarity; large makes all voters equal.
        alike_temperature: The same where precedents are ranked by likeness.
        uncertain_weight: What a "possible" finding counts beside a certain one.
        least: Probability from which a finding is said.
        least_rare: The same of a finding that fewer than :data:`RARE` of the cases state that the models were fitted on:
            their penalty draws it towards never.
        certain: Probability from which it is said without "possible", where no promise of the archive decides.
        min_agreeing: Fewest precedents that state what is said by their vote alone.
        max_citations: Cases cited for one statement.
        warn_share: Dissent from at least this weighted share of the voters is told.
        concern: Probability from which a finding that must not be missed is shown "to consider" although it is not said.
    """

    min_precedents: int = 3
    voters: int = 20
    temperature: float = 0.1
    alike_temperature: float = 0.05
    uncertain_weight: float = 0.5
    least: float = 0.3
    least_rare: float = 0.15
    certain: float = 0.5
    min_agreeing: int = 2
    max_citations: int = 3
    warn_share: float = 0.1
    concern: float = 0.15

    def least_for(self, n_stating: int | None) -> float:
        """Probability from which a finding is said.

        Args:
            n_stating: Cases that state it, of those that its model was fitted on; None without a model.
        """
        return self.least_rare if n_stating is not None and n_stating < RARE else self.least
