"""Few-shot episodes: a few answered examples (support), then questions on other patients' ECGs (query).

After Tang et al., Electrocardiogram-Language Model for Few-Shot Question Answering with Meta Learning (CHIL 2025,
arXiv:2410.14464), as in github.com/Tang-Jia-Lu/FSL_ECG_QA (``load_class.py``, ``data_loader.py``): a class is a template, what
it is about and an answer; an episode has N classes, of each one question with K examples and some queries; four fifths of
the classes are for meta-training, the rest for testing. Verify questions count where the answer is yes or no.

Differing from it: support and query share no patient (there they are drawn with replacement from one pool, so that they can
share an ECG), examples are of different patients, every fifth of the classes is tested in turn, and classes need only as many
ECGs as an episode takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from precordia.datasets.ecgqa.questions import Question
from precordia.fitting.answers.signals import Signals

Kind = Literal["classes", "question"]
KINDS: Final[tuple[Kind, ...]] = ("classes", "question")
"""An episode's N classes are any (as published: mostly of different questions, so that the question gives the class away); or
N answers to one question, where only the ECG can tell them apart."""
PARTS: Final = 5
_ATTEMPTS: Final = 20


@dataclass(frozen=True)
class Shape:
    """What an episode is like.

    Attributes:
        kind: Which classes go together.
        type: Question type.
        ways: Classes (N).
        shots: Examples of each (K).
    """

    kind: Kind
    type: str
    ways: int
    shots: int

    def __str__(self) -> str:
        return f"{self.type}, {'any classes' if self.kind == 'classes' else 'one question'}, {self.ways}-way {self.shots}-shot"


@dataclass(frozen=True)
class Episode:
    """One small task.

    Attributes:
        number: Of the shape.
        part: Which fifth of the classes it is from.
        support: K examples of each class, answers known.
        query: As many of each class, of patients that support has not.
    """

    number: int
    part: int
    support: tuple[Question, ...]
    query: tuple[Question, ...]


def answer_text(question: Question) -> str:
    """The answer as one text; a query's several answers are one class."""
    return ", ".join(sorted(question.answer))


class Draws:
    """Episodes of one question type, drawn from two pools of questions."""

    def __init__(self, support: Sequence[Question], query: Sequence[Question], signals: Signals, seed: int) -> None:
        """Sort the pools.

        Args:
            support: Examples; also the queries of meta-training.
            query: Queries of testing.
            signals: Whose ECG is whose.
            seed: Of the fifths and of every draw.
        """
        self._signals = signals
        self._seed = seed
        self._support, self._query = _by_class(support), _by_class(query)
        self._patients = {key: len({signals.patient(q.ecgs[0]) for q in found}) for key, found in self._support.items()}
        self._parts = {kind: self._divide(kind) for kind in KINDS}

    def units(self, kind: Kind) -> list[Hashable]:
        """What is divided into fifths: classes, or what questions are about with all their answers; in order."""
        return sorted({_unit(kind, key) for key in self._support}, key=str)

    def episode(self, shape: Shape, number: int, queries: int, *, meta_train: int | None = None) -> Episode | None:
        """One episode; None where there are too few classes or ECGs.

        Args:
            shape: What it is like.
            number: The same number gives the same episode; its part is ``number`` modulo :data:`PARTS`.
            queries: Most of each class.
            meta_train: Draw from all but this part, and queries from the support's pool too.
        """
        parts = self._parts[shape.kind]
        part = number % PARTS if meta_train is None else meta_train
        pool = self._query if meta_train is None else self._support
        needed = shape.shots + (0 if meta_train is None else 1)
        by_unit: dict[Hashable, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for key in self._support:
            unit = _unit(shape.kind, key)
            if (parts[unit] == part) == (meta_train is None) and key in pool and self._patients[key] >= needed:
                by_unit[unit][key[2]].append(key[3])
        stream = [self._seed, KINDS.index(shape.kind), shape.ways, shape.shots, number, int(meta_train is not None)]
        rng = np.random.default_rng([*stream, *shape.type.encode()])
        for _ in range(_ATTEMPTS):
            keys = _choose(shape, by_unit, rng)
            if keys is None:
                return None
            found = self._fill(keys, pool, shape.shots, queries, rng)
            if found is not None:
                return Episode(number, part, *found)
        return None

    def _divide(self, kind: Kind) -> Mapping[Hashable, int]:
        units = self.units(kind)
        order = np.random.default_rng([self._seed, KINDS.index(kind)]).permutation(len(units))
        return {units[unit]: place % PARTS for place, unit in enumerate(order.tolist())}

    def _fill(
        self,
        keys: Sequence[_Key],
        pool: Mapping[_Key, Sequence[Question]],
        shots: int,
        queries: int,
        rng: np.random.Generator,
    ) -> tuple[tuple[Question, ...], tuple[Question, ...]] | None:
        support = [q for key in keys for q in self._some(self._support[key], shots, frozenset(), rng)]
        seen = frozenset(self._signals.patient(q.ecgs[0]) for q in support)
        query = [self._some(pool[key], queries, seen, rng) for key in keys]
        each = min(len(found) for found in query)
        if each == 0 or len(support) < shots * len(keys):
            return None
        asked = [q for found in query for q in found[:each]]
        return _shuffled(support, rng), _shuffled(asked, rng)

    def _some(
        self, questions: Sequence[Question], most: int, not_of: frozenset[str], rng: np.random.Generator
    ) -> list[Question]:
        """At most so many, each of another patient."""
        found: dict[str, Question] = {}
        for i in rng.permutation(len(questions)).tolist():
            patient = self._signals.patient(questions[i].ecgs[0])
            if patient not in not_of and len(found) < most:
                found.setdefault(patient, questions[i])
        return list(found.values())


_Key = tuple[int, tuple[str, ...], int, str]
"""Template, attributes, question number, answer."""


def _by_class(questions: Sequence[Question]) -> dict[_Key, list[Question]]:
    out: dict[_Key, list[Question]] = defaultdict(list)
    for q in questions:
        answer = answer_text(q)
        if q.type != "single-verify" or answer in ("yes", "no"):
            out[q.template, tuple(sorted(q.attributes)), q.question_id, answer].append(q)
    return {key: out[key] for key in sorted(out)}


def _unit(kind: Kind, key: _Key) -> Hashable:
    template, attributes, _, answer = key
    return (template, attributes, answer) if kind == "classes" else (template, attributes)


def _choose(
    shape: Shape, by_unit: Mapping[Hashable, Mapping[int, Sequence[str]]], rng: np.random.Generator
) -> list[_Key] | None:
    def key(unit: Hashable, question_id: int, answer: str) -> _Key:
        assert isinstance(unit, tuple)
        return (unit[0], unit[1], question_id, answer)

    if shape.kind == "classes":
        units = list(by_unit)
        if len(units) < shape.ways:
            return None
        chosen = [units[i] for i in rng.choice(len(units), shape.ways, replace=False).tolist()]
        numbers = [sorted(by_unit[unit]) for unit in chosen]
        asked = [found[int(rng.integers(len(found)))] for found in numbers]
        return [key(unit, number, by_unit[unit][number][0]) for unit, number in zip(chosen, asked, strict=True)]
    rich = [(u, n) for u, found in by_unit.items() for n in sorted(found) if len(found[n]) >= shape.ways]
    if not rich:
        return None
    unit, number = rich[int(rng.integers(len(rich)))]
    answers = by_unit[unit][number]
    return [key(unit, number, answers[i]) for i in rng.choice(len(answers), shape.ways, replace=False).tolist()]


def _shuffled(questions: Sequence[Question], rng: np.random.Generator) -> tuple[Question, ...]:
    return tuple(questions[i] for i in rng.permutation(len(questions)).tolist())
