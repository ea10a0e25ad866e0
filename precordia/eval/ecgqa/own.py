"""Precordia's own answers without a language model: precedents, measurements and the quality check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from precordia.core.drafts import Draft
from precordia.core.findings import Measurements
from precordia.core.recording import Quality, Recording
from precordia.eval.ecgqa.archive import TRAINING_FOLDS, Archive, Vectors
from precordia.eval.ecgqa.questions import Question
from precordia.eval.ecgqa.signals import Signals
from precordia.eval.ecgqa.system import Reply, said
from precordia.eval.tasks.ecgqa_features import as_ecgqa_ms, clinical_ms
from precordia.eval.tasks.ecgqa_numeric import TEMPLATES, answer_of
from precordia.generation.answers.answer import answer
from precordia.generation.answers.features import Features, features_of
from precordia.generation.answers.fitted import FittedAnswers, shipped_for

Milliseconds = Mapping[str, float | None]
MEASURES: Mapping[str, Callable[[Recording], Milliseconds]] = {
    "measurements": clinical_ms,
    "measurements, lead II as ECG-QA": as_ecgqa_ms,
}


class Evidence:
    """Measurements and quality of each ECG, each found once."""

    def __init__(self, signals: Signals) -> None:
        self.signals = signals
        self.measurements: Callable[[int], Measurements] = cache(self._measure)
        self.quality: Callable[[int], Quality] = cache(self._assess)

    def _measure(self, ecg: int) -> Measurements:
        from precordia.measurements import measure

        return measure(self.signals.recording(ecg))

    def _assess(self, ecg: int) -> Quality:
        from precordia.records.quality import assess

        return assess(self.signals.recording(ecg))


@dataclass(frozen=True, eq=False)
class Fit:
    """What ``precordia ask`` rests on besides precedents and measurements.

    Attributes:
        answers: As shipped.
        features: Number of an ECG to its numbers.
    """

    answers: FittedAnswers
    features: Callable[[int], Features]


def shipped_fit(fingerprint: str, vectors: Vectors, evidence: Evidence) -> Fit | None:
    """What ships for an encoder, as :meth:`KnowledgeBase.ask` takes it; None where nothing was fitted for it.

    Args:
        fingerprint: The encoder's.
        vectors: Its vector of each ECG.
        evidence: Measurements.
    """
    answers = shipped_for(fingerprint)
    if answers is None:
        return None
    signals = evidence.signals
    return Fit(
        answers, cache(lambda ecg: features_of(signals.recording(ecg), evidence.measurements(ecg), vectors.of(ecg)))
    )


class Measured:
    """Which numeric features became normal, became abnormal or still are, from measurements against the published ranges."""

    reads_ecg = True

    def __init__(self, name: str, signals: Signals) -> None:
        self.name = name
        measure = MEASURES[name]
        self._features: Callable[[int], Milliseconds] = cache(lambda ecg: measure(signals.recording(ecg)))

    def reads_words(self, question: Question) -> bool:
        """It knows the question by its template."""
        return False

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """None to anything but the templates of ``ecgqa-numeric``."""
        if question.template not in TEMPLATES or question.attribute != "numeric_feature":
            return None
        return said(answer_of(question.template, *(self._features(ecg) for ecg in ecgs)))


ASK: Final = "precordia ask, no LLM"
VOTES: Final = f"{ASK}, votes as they are"


class Answered:
    """``precordia ask`` without a language model, the question put in its own words.

    With ``fit`` it has seen the labels of PTB-XL's folds 1 to 8, and does not answer about their ECGs; without, it answers from
    precedents and measurements as they are.
    """

    reads_ecg = True

    def __init__(self, signals: Signals, archive: Archive, evidence: Evidence, fit: Fit | None = None) -> None:
        self._signals = signals
        self._archive = archive
        self._evidence = evidence
        self._fit = fit
        self.name = ASK if fit else VOTES

    def reads_words(self, question: Question) -> bool:
        """Always."""
        return True

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """The draft as a short reply; an abstention is "not sure". None where the answer was there to be fitted."""
        if self._fit and any(self._signals.folds.get(ecg) in TRAINING_FOLDS for ecg in ecgs):
            return None
        draft = answer(
            question.text,
            [self._signals.recording(ecg) for ecg in ecgs],
            [self._archive.hits(ecg) for ecg in ecgs],
            [self._evidence.measurements(ecg) for ecg in ecgs],
            qualities=[self._evidence.quality(ecg) for ecg in ecgs],
            features=[self._fit.features(ecg) for ecg in ecgs] if self._fit and len(ecgs) == 1 else (),
            fitted=self._fit.answers if self._fit else None,
        )
        return Reply(in_short(draft))


def in_short(draft: Draft) -> str:
    """A draft's answer: "yes", "no" or "none" where it begins with that, "not sure" for an abstention, else its words.

    >>> from precordia.core.drafts import Statement
    >>> in_short(Draft((Statement("No: no atrial flutter."),))), in_short(Draft((), abstained=True))
    ('no', 'not sure')
    """
    if draft.abstained:
        return "not sure"
    found = re.match(r"(yes|no)\b\s*[:,.]|(none)\b", draft.text, re.IGNORECASE)
    return (found[1] or found[2]).lower() if found else draft.text
