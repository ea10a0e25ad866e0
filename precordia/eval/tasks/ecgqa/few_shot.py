"""What answers a few-shot episode without a language model. What reads the ECG is told which question is asked: it looks at the
examples of the same question, where there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.episodes import Episode, answer_text
from precordia.fitting.answers.archive import Vectors

PENALTIES: Final = (1.0, 10.0, 100.0, 1000.0)
"""Of the probe (scikit-learn's C, for unit vectors), from which meta-training chooses."""


class FewShot(Protocol):
    """One thing that answers episodes.

    Attributes:
        name: In results.
    """

    name: str

    def answers(self, episode: Episode) -> list[str]:
        """The answer to each query, one of the support's."""
        ...


class Majority:
    """The support's commonest answer; of equally many, the first in alphabetical order."""

    name = "majority of the support"

    def answers(self, episode: Episode) -> list[str]:
        """The same to every query."""
        return [_commonest(episode.support)] * len(episode.query)


class QuestionOnly:
    """The commonest answer of the examples of the same question: blind to the ECG."""

    name = "question text only"

    def answers(self, episode: Episode) -> list[str]:
        """By question."""
        return [_commonest(same_question(episode.support, q)) for q in episode.query]


class ByVector:
    """Answers from the ECGs' vectors.

    Each query is given the vector of its ECG or, with ``swapped``, that of the next query (does it read the ECG at all?).
    """

    def __init__(
        self,
        name: str,
        vectors: Vectors,
        rule: Callable[[Sequence[Question], Vectors], Callable[[NDArray[np.float32]], str]],
        *,
        reads_question: bool = True,
        swapped: bool = False,
    ) -> None:
        """Answer by ``rule``.

        Args:
            name: In results.
            vectors: Of every ECG.
            rule: From examples to a function from a vector to an answer.
            reads_question: Whether only the examples of the same question count.
            swapped: Whether queries are shown one another's ECGs.
        """
        self.name = name
        self._vectors = vectors
        self._rule = rule
        self._reads_question = reads_question
        self._swapped = swapped

    def answers(self, episode: Episode) -> list[str]:
        """By question and vector."""
        rules: dict[int | None, Callable[[NDArray[np.float32]], str]] = {}
        out = []
        for place, q in enumerate(episode.query):
            asked = q.question_id if self._reads_question else None
            if asked not in rules:
                examples = episode.support if asked is None else same_question(episode.support, q)
                rules[asked] = self._rule(examples, self._vectors)
            shown = episode.query[(place + 1) % len(episode.query)] if self._swapped else q
            out.append(rules[asked](self._vectors.of(shown.ecgs[0])))
        return out


def nearest(examples: Sequence[Question], vectors: Vectors) -> Callable[[NDArray[np.float32]], str]:
    """The answer of the most similar example; of equally similar ones, of the first."""
    matrix = np.stack([vectors.of(q.ecgs[0]) for q in examples])
    return lambda vector: answer_text(examples[int(np.argmax(matrix @ vector))])


def prototype(examples: Sequence[Question], vectors: Vectors) -> Callable[[NDArray[np.float32]], str]:
    """The answer whose examples' mean vector is the most similar (Snell et al., Prototypical networks, NeurIPS 2017)."""
    answers = sorted({answer_text(q) for q in examples})
    means = []
    for answer in answers:
        mean = np.mean([vectors.of(q.ecgs[0]) for q in examples if answer_text(q) == answer], axis=0)
        means.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
    matrix = np.stack(means)
    return lambda vector: answers[int(np.argmax(matrix @ vector))]


def probe(c: float) -> Callable[[Sequence[Question], Vectors], Callable[[NDArray[np.float32]], str]]:
    """A logistic regression on the examples' vectors, with this penalty."""

    def rule(examples: Sequence[Question], vectors: Vectors) -> Callable[[NDArray[np.float32]], str]:
        from sklearn.linear_model import LogisticRegression

        answers = [answer_text(q) for q in examples]
        if len(set(answers)) == 1:
            return lambda vector: answers[0]
        model = LogisticRegression(C=c, max_iter=1000)
        model.fit(np.stack([vectors.of(q.ecgs[0]) for q in examples]).astype(np.float64), answers)
        return lambda vector: str(model.predict(vector[None].astype(np.float64))[0])

    return rule


def chance(episode: Episode) -> float:
    """What a guess among the support's answers is right in, on average."""
    return 1 / len({answer_text(q) for q in episode.support})


def same_question(support: Sequence[Question], question: Question) -> list[Question]:
    """The examples of the same question; all where there is none."""
    return [s for s in support if s.question_id == question.question_id] or list(support)


def _commonest(examples: Sequence[Question]) -> str:
    counts = Counter(answer_text(q) for q in examples)
    return min(counts, key=lambda answer: (-counts[answer], answer))
