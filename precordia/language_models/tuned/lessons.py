"""From material to what a tuned model learns: reports, and questions, as they are or balanced among ECGs alike in severity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from precordia.core.errors import InputError
from precordia.language_models.own_model.context import Example, Shown
from precordia.language_models.own_model.material import Ecg, Material, statements_in
from precordia.language_models.tuned.recipe import TunedRecipe

WATCHED = 48
"""Reports, and as many questions, of the held-out folds that are looked at along the way."""


@dataclass(frozen=True, eq=False)
class TunedLessons:
    """What there is to learn from, and to look at.

    Attributes:
        examples: Reports, and questions where they are wanted.
        held_out: Of the held-out folds.
    """

    examples: Sequence[Example]
    held_out: Sequence[Example]


def tuned_lessons(material: Material, recipe: TunedRecipe) -> TunedLessons:
    """The lessons of a recipe, the same each time.

    Raises:
        InputError: there is nothing to learn from, or nothing held out.
    """
    training = [e for e in material.ecgs if not e.held_out]
    held = [e for e in material.ecgs if e.held_out]
    examples = [
        *_some([Example(shown_of(e), e.report) for e in training if e.report], recipe.reports, recipe.seed),
        *_asked(training, recipe),
    ]
    watched = _some([Example(shown_of(e), e.report) for e in held if e.report], WATCHED, recipe.seed)
    if recipe.questions:
        watched += _some([x for e in held for x in _about(e)], WATCHED, recipe.seed)
    if not examples or not watched:
        raise InputError("nothing to learn from, or nothing held out: check --data, the recipe's folds and --limit")
    return TunedLessons(examples, watched)


def shown_of(ecg: Ecg) -> Shown:
    """An ECG as it may be shown."""
    return Shown(ecg.vector, (), ecg.measured, ecg.precedents, ecg.steps)


def severity(report: str) -> int:
    """How much a canonical report finds beyond a rhythm and a normal ECG: nothing, one or two things, more.

    >>> severity("Sinus rhythm. Normal ECG."), severity("Sinus rhythm. Left ventricular hypertrophy.")
    (0, 1)
    """
    usual = ("Sinus rhythm.", "Normal ECG.")
    found = sum(statement not in usual for statement in statements_in(report))
    return 0 if found == 0 else 1 if found <= 2 else 2


def balanced(asked: Sequence[tuple[int, Example]], n: int, seed: int) -> list[Example]:
    """Questions drawn so that the question does not tell the answer (backdoor adjustment by severity).

    What is asked is drawn first, then a severity among those in which it has more than one answer, then the answer, then the
    ECG: within a severity each answer is as common as any other, so that only the ECG can tell them apart.

    Args:
        asked: Severity and question.
        n: How many.
        seed: Of the draws.
    """
    known: dict[str, dict[int, dict[str, list[Example]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for stratum, example in asked:
        known[str(example.question)][stratum][example.answer].append(example)
    open_ = {
        question: [answers for _, answers in sorted(strata.items()) if len(answers) > 1]
        for question, strata in sorted(known.items())
    }
    open_ = {question: strata for question, strata in open_.items() if strata}
    if not open_:
        return []
    rng, questions = np.random.default_rng([seed, 7]), list(open_)
    drawn = []
    for _ in range(n):
        strata = open_[questions[int(rng.integers(len(questions)))]]
        answers = strata[int(rng.integers(len(strata)))]
        some = answers[sorted(answers)[int(rng.integers(len(answers)))]]
        drawn.append(some[int(rng.integers(len(some)))])
    return drawn


def in_classes(asked: Sequence[Example], n: int, least: int, seed: int) -> list[Example]:
    """Questions for episodes: such that each answer has ECGs enough for one, and its question another such answer.

    Args:
        asked: Questions.
        n: Most that are drawn.
        least: ECGs that an episode takes of a class; twice as many are drawn, where there are so many.
        seed: Of the draws.
    """
    known: dict[str, dict[str, list[Example]]] = defaultdict(lambda: defaultdict(list))
    for example in asked:
        known[str(example.question)][example.answer].append(example)
    rng, drawn = np.random.default_rng([seed, 9]), list[Example]()
    for question in rng.permutation(sorted(known)).tolist():
        classes = [some for _, some in sorted(known[question].items()) if len(some) >= least]
        more = [some[i] for some in classes for i in rng.permutation(len(some))[: 2 * least].tolist()]
        if len(classes) > 1 and len(drawn) + len(more) <= n:
            drawn += more
    return drawn


def _asked(training: Sequence[Ecg], recipe: TunedRecipe) -> list[Example]:
    if not recipe.questions:
        return []
    if recipe.episodes:
        least = recipe.episodes.shots + recipe.episodes.queries
        return in_classes([x for e in training for x in _about(e)], recipe.questions, least, recipe.seed)
    if recipe.balanced:
        graded = [(severity(e.report), x) for e in training if e.report for x in _about(e)]
        return balanced(graded, recipe.questions, recipe.seed)
    return _some([x for e in training for x in _about(e)], recipe.questions, recipe.seed)


def _about(ecg: Ecg) -> list[Example]:
    return [Example(shown_of(ecg), answer, question, "question") for question, answer in ecg.questions]


def _some(examples: Sequence[Example], n: int, seed: int) -> list[Example]:
    chosen = np.random.default_rng([seed, 8]).permutation(len(examples))[:n]
    return [examples[i] for i in np.sort(chosen).tolist()]
