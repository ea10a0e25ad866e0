"""All that is known of one ECG when a question is asked of it: made once, and everything that is said rests on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import patient_key_of
from precordia.core.findings import Measurements
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import ALIKE, Hit
from precordia.judgement import votes
from precordia.judgement.knowledge import Knowledge
from precordia.judgement.settings import JudgementSettings
from precordia.judgement.votes import Vote, Voter
from precordia.signals.kind import KINDS, SignalKind


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one ECG.

    Attributes:
        recording: The ECG.
        measurements: Of its signal.
        quality: Of its signal, or None where it was not assessed.
        vector: ``(dim,)`` the encoder's unit vector, or None.
        hits: Its precedents, nearest first; never of its own patient.
        earlier: The patient's own earlier ECGs, most recent first: to compare with, never precedents.
        knowledge: What the archive has taught: how near is near, and its finding models.
        settings: How much evidence a finding needs.
        nearest: Similarity of the nearest case that the ECG may have as a precedent; NaN without one. By default that of ``hits``.
        witnesses: Cases further off that state what is probable and no precedent states; they have no vote.
        kind: What kind of signal it is: what that cannot show is never said.
    """

    recording: Recording
    measurements: Measurements
    quality: Quality | None = None
    vector: NDArray[np.float32] | None = None
    hits: tuple[Hit, ...] = ()
    earlier: tuple[Hit, ...] = ()
    knowledge: Knowledge = field(default_factory=Knowledge)
    settings: JudgementSettings = field(default_factory=JudgementSettings)
    nearest: float = float("nan")
    witnesses: tuple[Hit, ...] = ()
    kind: SignalKind = field(default_factory=lambda: KINDS.get("ecg"))

    def __post_init__(self) -> None:
        own = patient_key_of(self.recording)
        object.__setattr__(self, "hits", tuple(hit for hit in self.hits if hit.case.patient_key != own))
        object.__setattr__(self, "earlier", tuple(self.earlier))
        if math.isnan(self.nearest):
            nearest = max((votes.similarity_of(hit) for hit in self.hits), default=float("nan"))
            object.__setattr__(self, "nearest", nearest)

    def __repr__(self) -> str:
        return f"Evidence({self.recording!r}, {len(self.hits)} precedents, {len(self.earlier)} earlier)"

    @property
    def shown(self) -> tuple[Hit, ...]:
        """The precedents and the witnesses: all that a statement may cite."""
        return (*self.hits, *self.witnesses)

    @cached_property
    def jury(self) -> tuple[Voter, ...]:
        """The precedents that have a report or codes, as voters: one a patient."""
        s, alike = self.settings, any(ALIKE in hit.why.scores for hit in self.hits)
        return votes.voters(self.hits, temperature=s.alike_temperature if alike else s.temperature, k=s.voters)

    def vote(self, concept: str) -> Vote:
        """How the jury stands to a finding."""
        if concept not in self._votes:
            weight = self.settings.uncertain_weight
            self._votes[concept] = votes.vote(concept, self.jury, self.witnesses, uncertain_weight=weight)
        return self._votes[concept]

    def least(self, concept: str) -> float:
        """Probability from which a finding is said of this ECG."""
        models = self.knowledge.models
        return self.settings.least_for(models.counts.get(concept) if models is not None else None)

    @cached_property
    def _votes(self) -> dict[str, Vote]:
        return {}

    @property
    def too_thin(self) -> str | None:
        """Why no finding may be claimed, for people; None where findings may be."""
        s, quality = self.settings, self.quality
        if quality is not None and not quality.acceptable:
            worst = f": {quality.problems[0].message}" if quality.problems else ""
            return f"the signal is not good enough (quality {quality.score:.2f}){worst}"
        if not self.hits:
            return "no precedent was found"
        floor = self.knowledge.floor
        if self.nearest < floor:
            return f"no close precedent: the nearest has similarity {self.nearest:.2f}, at least {floor:.2f} is needed"
        if len(self.jury) < s.min_precedents:
            return (
                f"too few precedents with a report: {len(self.jury)} patients, at least {s.min_precedents} are needed"
            )
        return None
