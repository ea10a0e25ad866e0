"""Questions as ECG-QA's files, so that what reads the released ones reads these."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from precordia.core.errors import InputError
from precordia.datasets.ecgqa.questions import Question

SHARD = 10_000
"""Questions a file, as released."""


def write(folder: Path, questions: Mapping[str, Sequence[Question]], ecgs: Mapping[str, Sequence[int]]) -> None:
    """``template/SPLIT/*.json``, ``SPLIT_ecgs.tsv``, ``answers.csv`` and ``answers_for_each_template.csv``.

    The same questions give the same bytes.

    Args:
        folder: New or empty.
        questions: Split to its questions, numbered from 0.
        ecgs: Split to its ECGs.

    Raises:
        InputError: the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; give a new folder")
    for split, found in questions.items():
        place = folder / "template" / split
        place.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(found), SHARD):
            entries = [entry_of(question) for question in found[start : start + SHARD]]
            (place / f"{start:05d}.json").write_text(json.dumps(entries, indent=4) + "\n", encoding="utf-8")
    for split, numbers in ecgs.items():
        lines = [f"{i}\t{ecg}\n" for i, ecg in enumerate(sorted(numbers))]
        (folder / f"{split}_ecgs.tsv").write_text("".join(lines), encoding="utf-8")
    by_template: dict[int, set[str]] = defaultdict(set)
    for question in (q for found in questions.values() for q in found):
        by_template[question.template] |= question.answer
    every = list(dict.fromkeys(a for _, answers in sorted(by_template.items()) for a in sorted(answers)))
    _table(folder / "answers.csv", ("index", "class"), list(enumerate(every)))
    rows = [(number, str(sorted(answers))) for number, answers in sorted(by_template.items())]
    _table(folder / "answers_for_each_template.csv", ("template_id", "classes"), rows)


def entry_of(question: Question) -> dict[str, object]:
    """One question as in the released files; comparisons name no attributes."""
    return {
        "template_id": question.template,
        "question_id": question.question_id,
        "sample_id": question.sample_id,
        "question_type": question.type,
        "attribute_type": question.attribute,
        "question": question.text,
        "answer": sorted(question.answer),
        "ecg_id": list(question.ecgs),
        "attribute": list(question.attributes) or None,
    }


def _table(path: Path, head: Sequence[str], rows: Sequence[tuple[int, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
