"""Answers from ECGs that were asked the same question: a random one's, or the vote of the nearest."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from precordia.datasets.ecgqa.classes import NONE
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.contexts import Context
from precordia.eval.tasks.ecgqa.system import Reply, said
from precordia.fitting.answers.archive import TRAINING_FOLDS, Vectors
from precordia.fitting.answers.signals import Signals


class _Asked:
    """Train questions on ECGs that are here (PTB-XL: folds 1 to 8), by question."""

    def __init__(self, train: Sequence[Question], signals: Signals) -> None:
        self._signals = signals
        self._by_question: dict[int, list[Question]] = defaultdict(list)
        for question in train:
            if all(e in signals and signals.folds.get(e, 1) in TRAINING_FOLDS for e in question.ecgs):
                self._by_question[question.question_id].append(question)

    def others(self, question: Question, ecgs: tuple[int, ...]) -> list[Question]:
        """The same question about ECGs of other patients than those asked about and those shown."""
        own = {self._signals.patient(ecg) for ecg in (*question.ecgs, *ecgs)}
        return [
            q
            for q in self._by_question.get(question.question_id, ())
            if not own & {self._signals.patient(ecg) for ecg in q.ecgs}
        ]


class RandomNeighbour:
    """The answer to the same question about a random other patient's ECG."""

    name = "random neighbour"
    reads_ecg = False

    def __init__(self, train: Sequence[Question], signals: Signals, seed: int) -> None:
        self._asked = _Asked(train, signals)
        self._seed = seed

    def reads_words(self, question: Question) -> bool:
        """It knows the question by its number."""
        return False

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """None when the question was asked about no other patient."""
        others = self._asked.others(question, ecgs)
        if not others:
            return None
        generator = np.random.default_rng([self._seed, zlib.crc32(question.key.encode())])
        return said(others[int(generator.integers(len(others)))].answer)


class NeighboursVote:
    """The vote of the ``k`` nearest ECGs of other patients that were asked the same question; nothing is fitted.

    How near two questions are is the mean cosine similarity of their ECGs, first with first and second with second. The
    share of neighbours with a class is its score. One answer is wanted of a verify or choose question, that of most
    neighbours (of equally many, the nearest); of a query, every class that more than half of them have, else none.
    In another context than "nearest" others vote: all that were asked ("none": nobody looks which are near), as many drawn
    at random, or those nearest to another patient's ECG ("wrong").
    """

    reads_ecg = True

    def __init__(
        self,
        train: Sequence[Question],
        signals: Signals,
        vectors: Vectors,
        k: int = 10,
        *,
        context: Context = "nearest",
        others: Mapping[int, int] | None = None,
        seed: int = 42,
    ) -> None:
        """Vote.

        Args:
            train: Questions with known answers.
            signals: Whose ECG is whose.
            vectors: Of every ECG.
            k: How many vote.
            context: Who votes.
            others: ECG to another patient's ECG, for "wrong".
            seed: For "random".
        """
        self.name = f"neighbours' vote, k={k}"
        self._asked = _Asked(train, signals)
        self._vectors = vectors
        self._k = k
        self._context = context
        self._others = others or {}
        self._seed = seed

    def reads_words(self, question: Question) -> bool:
        """It knows the question by its number."""
        return False

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """None when the question was asked about no other patient."""
        others = self._asked.others(question, ecgs)
        if not others:
            return None
        nearest = self._voters(question, ecgs, others)
        votes = Counter(name for q in nearest for name in q.answer if name != NONE)
        scores = {name: votes[name] / len(nearest) for name in sorted(votes)}
        if question.type.endswith("-query"):
            answer = {name for name, score in scores.items() if score > 0.5} or {NONE}
        else:
            whole = Counter(tuple(sorted(q.answer)) for q in nearest)  # equal counts keep the order: nearest first
            answer = set(whole.most_common(1)[0][0])
        return Reply(", ".join(sorted(answer)), scores)

    def _voters(self, question: Question, ecgs: tuple[int, ...], others: Sequence[Question]) -> list[Question]:
        if self._context == "none":
            return list(others)
        if self._context == "random":
            generator = np.random.default_rng([self._seed, zlib.crc32(question.key.encode())])
            return [others[i] for i in generator.permutation(len(others))[: self._k].tolist()]
        if self._context == "wrong":
            ecgs = tuple(self._others.get(ecg, ecg) for ecg in ecgs)
        near = np.mean(
            [
                np.stack([self._vectors.of(q.ecgs[i]) for q in others]) @ self._vectors.of(ecg)
                for i, ecg in enumerate(ecgs)
            ],
            axis=0,
        )
        return [others[i] for i in np.argsort(-near, kind="stable")[: self._k]]
