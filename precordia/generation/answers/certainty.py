"""Whether a finding is there for certain: yes, no, or not sure.

An ECG is read twice: by the archive's judgement, and, with the encoder that they were fitted for, by the fitted answers.
"Yes" and "no" are said only where all readings carry them; between lies "not sure". A measurement that defines a finding
decides alone.

Both are held against how common the finding is as well: of a rare finding every ECG makes "no" likely, and who asks has a
reason to. "No" is said where the ECG itself speaks against the finding, and not where it merely fails to speak for it; "yes"
where it is probable, or probable enough to be reported and many times likelier than of ECGs at large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from precordia.generation.answers.fitted import logit
from precordia.judgement.judge import Judgement
from precordia.judgement.standing import Standing

LESS: Final = 0.6
"""Log-odds by which an ECG makes a finding less likely than it is of ECGs at large, for "no": odds of about half."""
MORE: Final = 2.0
"""Log-odds by which it makes one more likely, for "yes" of what is reported as possible: odds of about seven times.

Both, and how readings are put together, were chosen on halves of PTB-XL fold 9 and CPSC2018 and on phantoms. Of as many
questions of yes as of no 4 % of the answers were wrong there (8 % of CPSC2018), each reading for itself 15 % (21 %)."""
SILENT: Final = 0.05
"""Probability below which "no" is said of a finding of which it is not known how common it is."""


@dataclass(frozen=True)
class Reading:
    """What one reading makes of a finding.

    Attributes:
        source: Whose it is, for people.
        probability: Of the finding, 0 to 1.
        prevalence: Of the finding among ECGs at large, or None where that is not known.
    """

    source: str
    probability: float
    prevalence: float | None

    @property
    def denies(self) -> bool:
        """Whether the ECG speaks against the finding."""
        if self.prevalence is None:
            return self.probability < SILENT
        return self.probability < 0.5 and logit(self.probability) <= logit(self.prevalence) - LESS

    @property
    def affirms(self) -> bool:
        """Whether the ECG speaks for the finding, however rare it is."""
        return self.prevalence is not None and logit(self.probability) >= logit(self.prevalence) + MORE


def readings_of(standing: Standing, judgement: Judgement, *others: Reading) -> tuple[Reading, ...]:
    """The judgement's reading of a finding, and others."""
    models = judgement.evidence.knowledge.models
    counted = None
    if models is not None and models.n_cases and standing.concept in models.counts:
        counted = models.counts[standing.concept] / models.n_cases
    return (Reading("the archive's judgement", standing.probability, counted), *others)


def is_certain(standing: Standing, judgement: Judgement, readings: Sequence[Reading]) -> bool | None:
    """Whether a finding is there, for certain; None where that is not sure."""
    if standing.ruled_out:
        return False
    if standing.source == "measurement":
        return True if standing.borne_out else None
    least = judgement.evidence.settings.least
    likely = together(readings)
    said = any(s.implies(standing.concept) for s in judgement.said)
    if said and standing.borne_out:
        probable = likely >= 0.5 and all(r.probability >= least for r in readings)
        return True if probable or (likely >= least and all(r.affirms for r in readings)) else None
    return False if not said and not standing.shown and all(r.denies for r in readings) else None


def together(readings: Sequence[Reading]) -> float:
    """The probability that the readings come to: the mean of their log-odds.

    >>> round(together([Reading("one", 0.8, None), Reading("other", 0.5, None)]), 2)
    0.67
    """
    return 1 / (1 + math.exp(-sum(logit(r.probability) for r in readings) / len(readings)))


def in_doubt(readings: Sequence[Reading]) -> str:
    """How likely each reading makes a finding, for people.

    >>> in_doubt([Reading("the archive's judgement", 0.31, 0.12)])
    "31% by the archive's judgement; 12% of ECGs at large"
    """
    told = [f"{r.probability:.0%} by {r.source}" for r in readings]
    known = next((r.prevalence for r in readings if r.prevalence is not None), None)
    return "; ".join([", ".join(told), *(() if known is None else (f"{known:.0%} of ECGs at large",))])
