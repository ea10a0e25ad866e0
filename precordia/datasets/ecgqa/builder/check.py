"""Are rebuilt answers those that were released? Question by question, with what a disagreement comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from precordia.datasets.ecgqa.builder.answers import Answer, answer_of
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.numeric import NORMAL_MS
from precordia.datasets.ecgqa.builder.slots import Slot, slots
from precordia.datasets.ecgqa.questions import Question

AGREES: Final = "agrees"
NEAR_LIMIT: Final = "each feature in dispute lies within 5% of a limit"
FAR: Final = "a feature in dispute lies further from the limits"
OTHER_LABEL: Final = "the labels say otherwise"
NOT_KNOWN: Final = "not rebuilt: a feature is not measured, or lead II is annotated as noisy"
NOT_MADE: Final = "no template makes this question"
REASONS: Final = (AGREES, OTHER_LABEL, NEAR_LIMIT, FAR, NOT_KNOWN, NOT_MADE)
_NEAR: Final = 0.05

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Checked:
    """One released question against the rebuilt one.

    Attributes:
        question: As released.
        answer: Rebuilt, or None.
        outcome: One of :data:`REASONS`.
    """

    question: Question
    answer: Answer | None
    outcome: str


def check(questions: Iterable[Question], facts: Mapping[int, Facts], values: Mapping[int, Values]) -> list[Checked]:
    """Each question rebuilt.

    Args:
        questions: As released, in the wording of the templates.
        facts: ``ecg_id`` to what is known of it, for every ECG asked about.
        values: ``ecg_id`` to its numeric features, ms, where measured.
    """
    by_text: dict[tuple[int, str], Slot] = {(s.template.template_id, s.text): s for s in slots()}
    out = []
    for question in questions:
        slot = by_text.get((question.template, question.text))
        if slot is None:
            out.append(Checked(question, None, NOT_MADE))
            continue
        answer = answer_of(slot, *(facts[ecg] for ecg in question.ecgs))
        out.append(Checked(question, answer, _outcome(question, answer, values)))
    return out


def _outcome(question: Question, answer: Answer | None, values: Mapping[int, Values]) -> str:
    if answer is None:
        return NOT_KNOWN
    disputed = (frozenset(answer) ^ question.answer) - {"none"}
    if frozenset(answer) == question.answer:
        return AGREES
    if question.attribute != "numeric_feature":
        return OTHER_LABEL
    near = all(any(_near(values.get(ecg, {}).get(name), name) for ecg in question.ecgs) for name in disputed)
    return NEAR_LIMIT if near else FAR


def _near(value: float | None, feature: str) -> bool:
    return value is not None and any(abs(value - limit) <= _NEAR * limit for limit in NORMAL_MS[feature] if limit)
