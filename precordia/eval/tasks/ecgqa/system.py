"""What is scored: anything that replies to a question, shown some ECGs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from precordia.core.progress import Progress
from precordia.datasets.ecgqa.classes import NONE
from precordia.datasets.ecgqa.questions import Question

Put: TypeAlias = tuple[Question, tuple[int, ...]]
"""A question with the ECGs that are shown with it."""


@dataclass(frozen=True)
class Reply:
    """What a system says.

    Attributes:
        text: In words, for the scorers of language models.
        scores: Class to score, 0 to 1, for the classifier protocol; None where the system gives words alone.
        tokens_in, tokens_out: Of a language model's prompt and reply, as its server counts them.
        latency_s: Time that the language model took, s.
        promised: Whether the promise that few answers are wrong covers it, where one is made.
    """

    text: str
    scores: Mapping[str, float] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_s: float | None = None
    promised: bool = True


class System(Protocol):
    """One thing that answers.

    Attributes:
        name: In results.
        reads_ecg: Whether its reply can depend on the ECG; if so it is also shown another patient's.
    """

    name: str
    reads_ecg: bool

    def reads_words(self, question: Question) -> bool:
        """Whether its reply to a question can depend on the wording; if so it is also asked in the other."""
        ...

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """What it says to a question on these ECGs; None when it does not answer questions of that kind."""
        ...


@runtime_checkable
class Batched(Protocol):
    """A system that takes long over a reply and can prepare many at a time."""

    def prepare(self, puts: Sequence[Put], progress: Progress) -> None:
        """Told all that it will be asked, before the first question."""
        ...


def said(answer: Iterable[str]) -> Reply:
    """A reply that names exactly these answers.

    >>> reply = said({"no"})
    >>> reply.text, reply.scores
    ('no', {'no': 1.0})
    """
    names = sorted(answer)
    return Reply(", ".join(names), {name: 1.0 for name in names if name != NONE})
