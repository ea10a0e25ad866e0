"""Whether a finding is there for certain: yes, no, or not sure.

An ECG is read twice: by the archive's judgement, and, with the encoder that they were fitted for, by the fitted answers.
An answer never disagrees with the report of the same ECG: "yes" is said of what the report states, as it states it, where no
reading makes it less likely than it is of ECGs at large; "no" only of what it does not state. A measurement that defines a
finding decides alone, and a change of the ST segment that is measured in neighbouring leads is there, whoever states it.

"No" is held against how common the finding is as well: of a rare finding every ECG makes "no" likely, and who asks has a
reason to. It is said where the ECG itself speaks against the finding, and not where it merely fails to speak for it.

What is measured speaks for itself as well: beside an even row of RR intervals there is no extra beat (``away.csv``).

Of an ECG that is like none of the archive the report claims nothing. Who asks of one finding is told what both readings lean to
and together make likelier than not, with the warning that there is no close precedent; where it is further still, nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.findings import Finding
from precordia.generation.answers.away import is_named, measured_away, measured_there, named_by
from precordia.generation.answers.fitted import Belief, logit
from precordia.judgement.judge import Judgement
from precordia.judgement.made_up import made_up
from precordia.judgement.reconcile import in_words
from precordia.judgement.standing import Standing
from precordia.judgement.votes import lineage

LESS: Final = 0.5
"""Log-odds by which an ECG makes a finding less likely than it is of ECGs at large, for "no": odds of 0.6.

Chosen, with what follows, on the tuning halves of PTB-XL fold 9, CPSC2018 and phantoms that ``precordia eval questions`` asks, and
on phantoms of other seeds; on LUDB 1-50 and Chapman-Ningbo it denies no finding that 0.6 did not."""
HARDLY: Final = 0.01
"""Probability below which "no" is said of a finding that an ECG makes no more than slightly less likely."""
SLIGHTLY: Final = 0.1
"""Log-odds that this takes: of a finding that is as unlikely at large, an improbable one tells nothing; and those by which no
reading may make it likelier."""
DISTANT: Final = 0.1
"""How far below the archive's floor the nearest precedent may lie for an ECG to be asked about at all: time-reversed
ECGs, noise and one lead written twelve times lie further."""
CLEARLY_LESS: Final = 1.2
"""What :data:`LESS` is of such an ECG."""
LIKELY: Final = 0.7
"""What both readings are to give what the report leaves out, for "yes": on folds 7-8, by an encoder that has not seen them, it is
there in 40 of 44 such ECGs and in doubt in two; nearly all are normal ones beside a number at its border."""
SILENT: Final = 0.05
"""How common a finding is taken for of which that is not known."""
HALF: Final = 0.5
_PACED: Final = frozenset(("PACE", *vocabulary().descendants("PACE")))
SIGNS: Final = "st_t"
"""Section of the vocabulary whose measured signs are there although reports pass most of them over."""


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
    def leaning(self) -> float:
        """Log-odds by which the ECG makes the finding likelier than it is at large, below 0 where less likely."""
        return logit(self.probability) - logit(SILENT if self.prevalence is None else self.prevalence)


@dataclass(frozen=True, eq=False)
class View:
    """One ECG as questions see it.

    Attributes:
        judgement: The archive's.
        belief: The fitted answers', or None.
        targets: Finding to the fitted target that stands for it, where that has another name.
        withhold: Leave open what is not sure; else the likelier of yes and no is taken.
    """

    judgement: Judgement
    belief: Belief | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    withhold: bool = True

    @property
    def is_distant(self) -> bool:
        """Whether nothing but a close precedent is missing, and the nearest is not far away."""
        evidence = self.judgement.evidence
        floor, quality = evidence.knowledge.floor, evidence.quality
        clean = quality is None or quality.acceptable
        enough = len(evidence.jury) >= evidence.settings.min_precedents
        return clean and enough and floor - DISTANT <= evidence.nearest < floor

    def asked(self, concept: str) -> Standing:
        """How far a finding is borne out that is asked for by name; of a distant ECG also by its parts."""
        own = self.judgement.asked(concept)
        if names := named_by(concept, self.judgement.evidence.measurements):
            return replace(own, finding=Finding(concept), measurements=names)
        if names := self._measured_there(own):
            said = own.finding if own.borne_out and self.judgement.says(own) else Finding(concept, "uncertain")
            return replace(own, finding=said, measurements=names)
        away = self._away(own)
        if away:
            return replace(own, measurements=away)
        if not self.is_distant or own.ruled_out:
            return own
        made = made_up(concept, self.judgement.evidence.measurements, self.judgement.standing)
        return made if made is not None and made.probability > own.probability else own

    def readings(self, standing: Standing) -> tuple[Reading, ...]:
        """What each reading makes of a finding; the fitted answers where they know it, and the standing is the finding's own."""
        models, concept = self.judgement.evidence.knowledge.models, standing.concept
        counted = None
        if models is not None and models.n_cases and concept in models.counts:
            counted = models.counts[concept] / models.n_cases
        own = Reading("the archive's judgement", standing.probability, counted)
        target = self.targets.get(concept, concept)
        if self.belief is None or standing.made_of or target not in self.belief.fitted.prevalence:
            return (own,)
        fitted = Reading("the fitted answers", self.belief.probability(target), self.belief.prevalence(target))
        return (own, fitted)

    def likely(self, standing: Standing) -> float:
        """The probability that the readings come to."""
        return together([reading.probability for reading in self.readings(standing)])

    def is_there(self, standing: Standing) -> bool | None:
        """Whether a finding is there; None where that is not sure, or cannot be shown by this kind of signal."""
        if not self.judgement.evidence.kind.may_say(standing.concept):
            return None
        named = is_named(standing.concept, self.judgement.evidence.measurements)
        if named is not None:
            return named
        if standing.ruled_out:
            return False
        if standing.source == "measurement":
            return True if standing.borne_out else self._or_likelier(standing)
        if self._measured_there(standing):
            return True
        if self._away(standing):
            return False
        readings = self.readings(standing)
        if self.is_distant:
            return self._of_distant(standing, readings)
        if self.judgement.says(standing) and standing.borne_out:
            against = bool(standing.against) or any(
                reading.leaning < 0 and reading.probability < HALF for reading in readings
            )
            return self._or_likelier(standing) if against else True
        if self._is_to_consider(standing):
            return self._or_likelier(standing)
        if standing.shown:
            is_sign = vocabulary().concept(standing.concept).section == SIGNS
            return True if is_sign else self._or_likelier(standing)
        if len(readings) > 1 and standing.vote.support >= HALF and all(r.probability >= LIKELY for r in readings):
            return True  # the report may leave out what all are sure of: "normal" beside a number at its border
        # Stimuli that this sampling rate cannot show: that pacing is rare tells nothing.
        unseen = standing.concept in _PACED and self.judgement.evidence.measurements.n_spikes is None
        return False if is_denied(readings, hardly=0.0 if unseen else HARDLY) else self._or_likelier(standing)

    def _measured_there(self, standing: Standing) -> tuple[str, ...]:
        """Measurements beside which a finding is there; none where one of them, or of the judgement's, rules it out."""
        return () if standing.ruled_out else measured_there(standing.concept, self.judgement.evidence.measurements)

    def _away(self, standing: Standing) -> tuple[str, ...]:
        """Measurements beside which a finding is not there that nobody states; none where anything speaks for it."""
        stated = self.judgement.says(standing) or standing.shown or standing.source == "measurement"
        likely = any(reading.probability >= HALF for reading in self.readings(standing))
        if stated or likely or self._is_to_consider(standing):
            return ()
        return measured_away(standing.concept, self.judgement.evidence.measurements)

    def _of_distant(self, standing: Standing, readings: Sequence[Reading]) -> bool | None:
        if any(reading.prevalence is None for reading in readings):
            return self._or_likelier(standing)
        likely = together([reading.probability for reading in readings]) >= HALF
        if likely and all(reading.leaning > 0 for reading in readings) and standing.vote.support >= HALF:
            return True
        if standing.shown and vocabulary().concept(standing.concept).section == SIGNS:
            return True
        if standing.shown or self._is_to_consider(standing) or not is_denied(readings, CLEARLY_LESS, hardly=0.0):
            return self._or_likelier(standing)
        return False

    def _is_to_consider(self, standing: Standing) -> bool:
        """What is "to consider" is not denied beside."""
        return any(standing.concept in lineage(concern.concept) for concern in self.judgement.concerns)

    def must_be_told(self, standing: Standing) -> bool:
        """Whether a finding is told however improbable another reading makes it: what must not be missed, and measured signs."""
        is_sign = standing.shown and vocabulary().concept(standing.concept).section == SIGNS
        return is_sign or self._is_to_consider(standing)

    def is_measured(self, standing: Standing) -> bool:
        """Whether a measurement shows a finding beyond doubt, or makes it up with another finding."""
        return bool(standing.made_of) or bool(self._measured_there(standing))

    def _or_likelier(self, standing: Standing) -> bool | None:
        return None if self.withhold else self.likely(standing) >= 0.5


def is_denied(readings: Sequence[Reading], less: float = LESS, hardly: float = HARDLY) -> bool:
    """Whether the readings together make a finding clearly less likely than it is at large, none more; or hardly likely at all.

    Args:
        readings: What each reading makes of it.
        less: Log-odds that make it clearly less likely.
        hardly: Probability below which it is hardly likely.
    """
    likely = together([reading.probability for reading in readings])
    leaning = sum(reading.leaning for reading in readings) / len(readings)
    clearly = leaning <= -less and likely < HALF and all(reading.leaning <= 0 for reading in readings)
    # Of what is rare a reading that leans towards it, however little, is the only sign that there may be.
    towards = any(reading.leaning > SLIGHTLY for reading in readings)
    return clearly or (likely < hardly and leaning <= -SLIGHTLY and not towards)


def together(probabilities: Sequence[float]) -> float:
    """The probability that several come to: the mean of their log-odds.

    >>> round(together([0.8, 0.5]), 2)
    0.67
    """
    return 1 / (1 + math.exp(-sum(logit(p) for p in probabilities) / len(probabilities)))


def in_doubt(standings: Sequence[Standing], view: View) -> str:
    """Why neither yes nor no is said: how likely each reading makes each finding, and who states it."""
    jury = view.judgement.evidence.jury
    return "not sure: " + "; ".join(
        f"{in_words(Finding(s.concept))} is possible ({in_numbers(view.readings(s))}; stated by {len(s.vote.agreeing)} of "
        f"{len(jury)} precedents)"
        for s in standings
    )


def in_numbers(readings: Sequence[Reading]) -> str:
    """How likely each reading makes a finding, for people.

    >>> in_numbers([Reading("the archive's judgement", 0.31, 0.12)])
    "31% by the archive's judgement; 12% of ECGs at large"
    """
    told = [f"{r.probability:.0%} by {r.source}" for r in readings]
    known = next((r.prevalence for r in readings if r.prevalence is not None), None)
    return "; ".join([", ".join(told), *(() if known is None else (f"{known:.0%} of ECGs at large",))])
