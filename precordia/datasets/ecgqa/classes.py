"""The answers that a question may have: of its template, or of the question itself."""

from __future__ import annotations

import ast
import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from precordia.core.errors import InputError
from precordia.datasets.ecgqa.questions import Question

ValidClasses = Literal["published", "template", "item"]
"""Which classes are valid: as published, those of the question where it offers a choice and else of its template; those
of the template always; or those of the question, with the template's only where it names none."""

NONE = "none"


@dataclass(frozen=True)
class Classes:
    """The answers there are.

    Attributes:
        every: All classes in the published order, without "none", which is no class but the empty answer.
        by_template: Template to its classes, in order, without "none".
    """

    every: tuple[str, ...]
    by_template: Mapping[int, tuple[str, ...]]

    def options(self, question: Question, valid: ValidClasses = "published") -> tuple[str, ...]:
        """The valid classes of a question, without "none".

        A choice between ranges ("above the normal range of qt interval") is one between "above the normal range" and its
        like, as in the published preprocessing.

        Raises:
            InputError: the template or an attribute has no class.
        """
        if question.template not in self.by_template:
            raise InputError(f"question {question.key}: template {question.template} has no classes in the table")
        template = self.by_template[question.template]
        chooses = question.type.endswith("-choose")
        if valid == "template" or (valid == "published" and not chooses) or not question.attributes:
            return template
        named = [a.partition(" of ")[0] if "the normal range" in a else a for a in question.attributes]
        if not chooses:
            named = [a for a in named if a in template]
            return tuple(a for a in template if a in named) or template
        order = {name: i for i, name in enumerate(self.every)}
        unknown = [a for a in named if a not in order]
        if unknown:
            raise InputError(f"question {question.key}: {unknown[0]!r} is not in answers.csv")
        return tuple(sorted(dict.fromkeys(named), key=order.__getitem__))


def load_classes(folder: Path) -> tuple[Classes, dict[str, str]]:
    """``answers.csv`` and ``answers_for_each_template.csv`` of a source, with their SHA-256.

    Raises:
        InputError: either is missing or not as published.
    """
    hashes, tables = {}, {}
    for name, column in (("answers.csv", "class"), ("answers_for_each_template.csv", "classes")):
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: is not there; it comes with ECG-QA beside the questions")
        content = path.read_bytes()
        hashes[name] = hashlib.sha256(content).hexdigest()
        tables[name] = list(csv.DictReader(content.decode().splitlines()))
        if not tables[name] or column not in tables[name][0]:
            raise InputError(f"{path}: has no column {column!r}; ECG-QA 1.0.2 is needed")
    every = _without_none([row["class"] for row in tables["answers.csv"]])
    by_template = {
        int(row["template_id"]): _without_none(ast.literal_eval(row["classes"]))
        for row in tables["answers_for_each_template.csv"]
    }
    known = set(every)
    for template, names in by_template.items():
        for name in names:
            if name not in known:
                raise InputError(f"{folder}: class {name!r} of template {template} is not in answers.csv")
    return Classes(every, by_template), hashes


def _without_none(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name != NONE)
