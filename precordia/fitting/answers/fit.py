"""Fits what answers rest on: probes and priors on some of PTB-XL's folds, and how far to trust them on others.

How far the probes of an encoder are to be trusted shows only on ECGs that it was not trained on; fold 9 is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from precordia.core.errors import InputError
from precordia.datasets.ecgqa.questions import Question
from precordia.fitting.answers.probing import Labelled, fit_whole, prevalence_of
from precordia.fitting.answers.targets import GROUPS, VOTED, answer_in, asked_by
from precordia.fitting.answers.weighing import Kept, carried_over, weigh
from precordia.generation.answers.fitted import FittedAnswers, Probes, Trust
from precordia.generation.answers.priors import AskedBefore
from precordia.judgement.scaling import Scaling

FEWEST_LEARNED = 100
FEWEST_HELD = 20


def fit(
    learn: Sequence[Labelled],
    held: Sequence[Labelled],
    learn_questions: Sequence[Question],
    held_questions: Sequence[Question],
    *,
    encoder: str,
    source: str,
) -> tuple[FittedAnswers, dict[str, Kept]]:
    """What answers rest on, and by kind of question how its promise was kept on ECGs that it was not fitted on.

    Args:
        learn: ECGs to learn from.
        held: ECGs of other patients, which the encoder was not trained on.
        learn_questions: About the first: how questions are usually answered.
        held_questions: About the second: how sure answers are.
        encoder: Fingerprint.
        source: On what it is fitted, for people.

    Raises:
        InputError: there are too few ECGs.
    """
    if len(held) < FEWEST_HELD:
        raise InputError(f"{len(held)} ECGs held back: too few to fit answers; {FEWEST_HELD} are needed")
    return weigh(_learned(learn, learn_questions, encoder, source), learn, held, held_questions)


def fit_as_weighed(
    learn: Sequence[Labelled], questions: Sequence[Question], weighed: FittedAnswers, *, encoder: str, source: str
) -> FittedAnswers:
    """What answers rest on, learned from all these ECGs and weighed as what was learned alike from fewer of them.

    Args:
        learn: ECGs to learn from.
        questions: About them.
        weighed: Fitted by :func:`fit`, with an encoder that was trained on fewer of these ECGs.
        encoder: Fingerprint.
        source: On what it is fitted, for people.

    Raises:
        InputError: there are too few ECGs.
    """
    return carried_over(_learned(learn, questions, encoder, source), learn, weighed)


def _learned(learn: Sequence[Labelled], questions: Sequence[Question], encoder: str, source: str) -> FittedAnswers:
    if len(learn) < FEWEST_LEARNED:
        raise InputError(f"{len(learn)} ECGs to learn from: too few to fit answers; {FEWEST_LEARNED} are needed")
    empty = Scaling(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    return FittedAnswers(
        encoder, source, GROUPS, prevalence_of([one.facts for one in learn]), VOTED, fit_whole(learn),
        Probes((), empty, np.zeros((0, 0)), np.zeros(0)),
        {"voted": Trust(), "unvoted": Trust(), "lead": Trust()}, _asked_before(questions),
    )  # fmt: skip


def _asked_before(questions: Sequence[Question]) -> AskedBefore:
    pairs = []
    for question in questions:
        asked = asked_by(question.text)
        answer = answer_in(question, asked) if asked else None
        if asked is not None and answer is not None:
            pairs.append((asked, answer))
    return AskedBefore.of(pairs)
