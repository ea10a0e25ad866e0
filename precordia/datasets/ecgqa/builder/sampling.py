"""How many ECGs each question is asked of: ECG-QA's balance between answers.

Learned from the generator and from the counts of the released questions (train; the other splits have half):

- verify: at most 100 "yes" and as many "not sure"; five times as many "no" as "yes", at most 200; where a lead is asked
  about, half of the "no" are ECGs that show the attribute in other leads, as far as there are such.
- choose: at most 25 of each of "first", "second" and "both", 12 of "none"; each ECG once a template.
- query, also about two ECGs: at most 50 of each combination of answers, 100 of "none".
- A question is left out where fewer than two answers (one outside train) have an ECG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from precordia.datasets.ecgqa.builder.answers import NO, NOT_SURE, NOTHING, YES, Answer


@dataclass(frozen=True)
class Caps:
    """Most ECGs an answer.

    Attributes:
        verify: "yes", and "not sure".
        no: "no".
        no_per_yes: Of "no" for each "yes".
        choose: Of each choice, and of both.
        query: Of each combination of answers.
        nothing: "none" to a query; to a choice half of ``choose``.
        fewest: Answers other than "no" and "none" that must have an ECG.
    """

    verify: int = 100
    no: int = 200
    no_per_yes: int = 5
    choose: int = 25
    query: int = 50
    nothing: int = 100
    fewest: int = 2


TRAIN: Final = Caps()
HELD_OUT: Final = Caps(verify=50, no=100, choose=12, query=25, nothing=50, fewest=1)
"""Of valid and test."""


def draw(
    kind: str,
    by_answer: Mapping[Answer, Sequence[int]],
    elsewhere: frozenset[int],
    caps: Caps,
    rng: np.random.Generator,
) -> list[tuple[int, Answer]]:
    """The ECGs, or pairs, that one question is asked of, with the answer of each.

    Args:
        kind: "verify", "choose" or "query".
        by_answer: Answer to the positions of the ECGs that have it.
        elsewhere: Positions whose "no" is of an ECG that shows the attribute in another lead.
        caps: Most of each.
        rng: Draws without replacement.

    Returns:
        Position and answer, answers in alphabetical order; empty where the question is not asked.
    """
    if kind == "verify":
        return _verify(by_answer, elsewhere, caps, rng)
    rich = sum(bool(found) for answer, found in by_answer.items() if answer != NOTHING)
    if rich < caps.fewest:
        return []
    each, none = (caps.choose, caps.choose // 2) if kind == "choose" else (caps.query, caps.nothing)
    out: list[tuple[int, Answer]] = []
    for answer in sorted(by_answer):
        out += [(i, answer) for i in _some(by_answer[answer], none if answer == NOTHING else each, rng)]
    return out


def _verify(
    by_answer: Mapping[Answer, Sequence[int]], elsewhere: frozenset[int], caps: Caps, rng: np.random.Generator
) -> list[tuple[int, Answer]]:
    yes = _some(by_answer.get(YES, ()), caps.verify, rng)
    if not yes:
        return []
    unsure = _some(by_answer.get(NOT_SURE, ()), caps.verify, rng)
    most = min(caps.no, caps.no_per_yes * len(yes))
    near = [i for i in by_answer.get(NO, ()) if i in elsewhere]
    far = [i for i in by_answer.get(NO, ()) if i not in elsewhere]
    n_near = min(most // 2, len(near))
    no = [*_some(far, most - n_near, rng), *_some(near, n_near, rng)]
    return [*((i, NO) for i in no), *((i, NOT_SURE) for i in unsure), *((i, YES) for i in yes)]


def _some(found: Sequence[int], at_most: int, rng: np.random.Generator) -> list[int]:
    if len(found) <= at_most:
        return list(found)
    return [found[i] for i in sorted(rng.choice(len(found), at_most, replace=False).tolist())]
