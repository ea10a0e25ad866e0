"""The published sample for language models: a tenth of each kind of question."""

from __future__ import annotations

import random
from collections.abc import Sequence

from precordia.datasets.ecgqa.questions import ATTRIBUTE_TYPES, Question

_FIRST = ("single", "comparison_consecutive", "comparison_irrelevant")
_SECOND = ("verify", "choose", "query")


def stratified(questions: Sequence[Question], seed: int = 42, share: int = 10) -> list[Question]:
    """One in ``share`` of each question type and attribute type, drawn as published.

    Strata go from single to irrelevant, verify to query, SCP code to numeric feature; of each, ``round(n / share)`` are
    drawn by Python's generator, seeded once. Given a split's questions in full and in the published order, the sample is
    the published one.

    Args:
        questions: Of one split, in order.
        seed: The published one is 42.
        share: The published one is 10.
    """
    generator = random.Random(seed)
    strata: dict[tuple[str, str], list[Question]] = {
        (f"{first}-{second}", attribute): [] for first in _FIRST for second in _SECOND for attribute in ATTRIBUTE_TYPES
    }
    for question in questions:
        strata[question.type, question.attribute].append(question)
    drawn: list[Question] = []
    for members in strata.values():
        drawn += generator.sample(members, round(len(members) / share))
    return drawn
