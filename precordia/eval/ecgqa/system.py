"""What is scored: anything that replies to a question, shown some ECGs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from precordia.eval.ecgqa.classes import NONE
from precordia.eval.ecgqa.questions import Question


@dataclass(frozen=True)
class Reply:
    """What a system says.

    Attributes:
        text: In words, for the scorers of language models.
        scores: Class to score, 0 to 1, for the classifier protocol; None where the system gives words alone.
    """

    text: str
    scores: Mapping[str, float] | None = None


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


def said(answer: Iterable[str]) -> Reply:
    """A reply that names exactly these answers.

    >>> said({"no"})
    Reply(text='no', scores={'no': 1.0})
    """
    names = sorted(answer)
    return Reply(", ".join(names), {name: 1.0 for name in names if name != NONE})
