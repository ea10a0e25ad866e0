"""The questions and searches as people type them, and their halves.

``questions.tsv`` and ``searches.tsv`` hold what is typed, its kind, where its truth comes from, and whose voice it is written
in ("builder" are those that the grammar was first made with). What is meant, and not how it is put, decides the half, so
that no paraphrase of a question that was tuned on is held back.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from precordia.retrieval.grammar import Bound

Half = Literal["development", "held back"]
HALVES: Final[tuple[Half, Half]] = ("development", "held back")
BUILDER: Final = "builder"


@dataclass(frozen=True)
class Asked:
    """What somebody types.

    Attributes:
        text: The words.
        kind: "finding", "choice", "acuity", "limit", "number", "regular", "record", "compare", "verdict", "beyond"; of
            searches "negation", "people", "numbers", ...
        truth: A concept, concepts to choose from, a limit, a measurement's name, a topic; of searches the condition that
            relevant cases meet.
        voice: Who would put it so.
    """

    text: str
    kind: str
    truth: str
    voice: str = BUILDER

    @property
    def half(self) -> Half:
        """By a hash of what is meant."""
        return half_of(f"{self.kind}|{self.truth}")

    @property
    def bound(self) -> Bound:
        """The limit asked about."""
        measure, operator, value = self.truth.split()
        return Bound(measure, operator, float(value))  # type: ignore[arg-type]

    @property
    def options(self) -> tuple[str, ...]:
        """The findings to choose from."""
        return tuple(self.truth.split("|"))


def half_of(key: str) -> Half:
    """ "development" or "held back", of what is meant or of an ECG."""
    return HALVES[hashlib.sha256(key.encode()).digest()[0] % 2]


def load(name: str) -> list[Asked]:
    """``"questions"`` or ``"searches"``."""
    text = resources.files("precordia.eval.tasks.questions").joinpath(f"{name}.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Asked(row["text"], row["kind"], row["truth"], row["voice"]) for row in rows]
