"""The questions and searches, their halves, and whether a reply is right.

``questions.tsv`` and ``searches.tsv`` hold what is typed, its kind and where its truth comes from; a hash of the words splits both.
They were written beside the grammar by the same hands: other words are the better test.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from precordia.core.drafts import Draft
from precordia.core.recording import Recording
from precordia.judgement.measured import TOLERANCE
from precordia.retrieval.grammar import Bound
from precordia.simulation.truth import Truth

Outcome = Literal["right", "declined", "wrong"]
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_YES_NO: Final = re.compile(r"(yes|no)\b", re.I)


@dataclass(frozen=True)
class Asked:
    """What somebody types.

    Attributes:
        text: The words.
        kind: "finding", "limit", "number", "regular", "record", "beyond"; of searches "negation", "people", "numbers", ...
        truth: A concept, a limit, a measurement's name, ...; of searches the condition that relevant cases meet.
    """

    text: str
    kind: str
    truth: str

    @property
    def half(self) -> str:
        """ "development" or "held back", by a hash of the words."""
        return "held back" if hashlib.sha256(self.text.encode()).digest()[0] % 2 else "development"

    @property
    def bound(self) -> Bound:
        """The limit asked about."""
        measure, operator, value = self.truth.split()
        return Bound(measure, operator, float(value))  # type: ignore[arg-type]


def load(name: str) -> list[Asked]:
    """``"questions"`` or ``"searches"``."""
    text = resources.files("precordia.eval.tasks.questions").joinpath(f"{name}.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Asked(row["text"], row["kind"], row["truth"]) for row in rows]


def verdict(draft: Draft, truth: bool) -> Outcome:
    """Of a question that is to be answered with yes or no."""
    said = _YES_NO.match(draft.text)
    if draft.abstained or said is None:
        return "declined" if draft.abstained else "wrong"
    return "right" if (said[1].lower() == "yes") is truth else "wrong"


def number(draft: Draft, name: str, truth: float) -> Outcome:
    """Of a question that is to be answered with a measurement; right within the error that the project allows itself."""
    found = _NUMBER.search(draft.text) if not draft.abstained else None
    if found is None:
        return "declined" if draft.abstained else "wrong"
    gap = abs(float(found[0]) - truth)
    gap = min(gap, 360 - gap) if name == "axis_deg" else gap
    return "right" if gap <= TOLERANCE[name] else "wrong"


def declined(draft: Draft) -> Outcome:
    """Of a question that no ECG can answer: declining is right, and so is nothing else."""
    return "right" if draft.abstained and len(draft.statements) <= 1 and not _YES_NO.match(draft.text) else "wrong"


def of_record(draft: Draft, recording: Recording, wanted: str) -> Outcome:
    """Of a question about the patient."""
    if wanted == "age":
        found = _NUMBER.search(draft.text)
        if recording.age is None or draft.abstained or found is None:
            return "right" if recording.age is None and draft.abstained else "declined" if draft.abstained else "wrong"
        return "right" if float(found[0]) == round(recording.age) else "wrong"
    return verdict(draft, (recording.sex == "F") is (wanted == "female"))


def meets(asked: Asked, truth: Truth) -> bool | None:
    """Whether a phantom meets a limit; None where it is too near to say, or has no such measurement."""
    value = getattr(truth.measurements, asked.bound.measure)
    if value is None or abs(value - asked.bound.value) <= TOLERANCE[asked.bound.measure]:
        return None
    return asked.bound.holds(value)
