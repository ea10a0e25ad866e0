"""Precordia's own answers without a language model: precedents, measurements and the quality check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from precordia.core.drafts import Draft
from precordia.core.recording import Recording
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.features import as_ecgqa_ms, clinical_ms
from precordia.eval.tasks.ecgqa.numeric_task import TEMPLATES, answer_of
from precordia.eval.tasks.ecgqa.system import Reply, said
from precordia.fitting.answers.archive import TRAINING_FOLDS
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.signals import Signals
from precordia.generation.answers.answer import answer
from precordia.generation.answers.fitted import FittedAnswers

Milliseconds = Mapping[str, float | None]
MEASURES: Mapping[str, Callable[[Recording], Milliseconds]] = {
    "measurements": clinical_ms,
    "measurements, lead II as ECG-QA": as_ecgqa_ms,
}


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
JUDGEMENT: Final = f"{ASK}, its judgement alone"


class Answered:
    """``precordia ask`` without a language model, the question put in its own words.

    With ``fitted`` it has seen the labels of PTB-XL's folds 1 to 8, and does not answer about their ECGs; without, it answers
    from the judgement alone.
    """

    reads_ecg = True

    def __init__(self, examined: Examined, fitted: FittedAnswers | None = None) -> None:
        self._examined = examined
        self._fitted = fitted
        self.name = ASK if fitted else JUDGEMENT

    def reads_words(self, question: Question) -> bool:
        """Always."""
        return True

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """The draft as a short reply; an abstention is "not sure". None where the answer was there to be fitted."""
        folds = self._examined.signals.folds
        if self._fitted and any(folds.get(ecg) in TRAINING_FOLDS for ecg in ecgs):
            return None
        judgements = [self._examined.judgement(ecg) for ecg in ecgs]
        return Reply(in_short(answer(question.text, judgements, fitted=self._fitted)))


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
