"""The published questions as they lie on disk, checked."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from precordia.core.errors import InputError

QUESTION_TYPES: Final = (
    "single-verify",
    "single-choose",
    "single-query",
    "comparison_consecutive-verify",
    "comparison_consecutive-query",
    "comparison_irrelevant-verify",
    "comparison_irrelevant-query",
)
ATTRIBUTE_TYPES: Final = (
    "scp_code",
    "noise",
    "stage_of_infarction",
    "extra_systole",
    "heart_axis",
    "numeric_feature",
)
"""In the order in which the published sampling goes through them."""

SPLITS: Final = ("train", "valid", "test")
SOURCES: Final = ("ptbxl", "mimic-iv-ecg")
Wording = Literal["template", "paraphrased"]

_FIELDS: Final[dict[str, type | tuple[type, ...]]] = {
    "template_id": int,
    "question_id": int,
    "sample_id": int,
    "question_type": str,
    "attribute_type": str,
    "question": str,
    "answer": list,
    "ecg_id": list,
    "attribute": (list, type(None)),
}


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        split: "train", "valid" or "test".
        sample_id: Numbered within the split; the same in both wordings.
        template: 1 to 70.
        question_id: The question whatever its wording.
        type: One of :data:`QUESTION_TYPES`.
        attribute: One of :data:`ATTRIBUTE_TYPES`.
        text: The question.
        answer: As published, cased; ``{"none"}`` where nothing applies.
        ecgs: PTB-XL's ``ecg_id`` or MIMIC's ``study_id``: one, or two to compare, the earlier first.
        attributes: What a single question is about; empty for comparisons.
    """

    split: str
    sample_id: int
    template: int
    question_id: int
    type: str
    attribute: str
    text: str
    answer: frozenset[str]
    ecgs: tuple[int, ...]
    attributes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Unique within a source, the same in both wordings."""
        return f"{self.split}/{self.sample_id}"


def read_shards(folder: Path) -> Iterator[tuple[Path, bytes, list[dict[str, Any]]]]:
    """Path, bytes and entries of each ``SPLIT/NUMBER.json`` below ``folder``, names in the order of text as published.

    Raises:
        InputError: there is none, or one is not a list in JSON.
    """
    paths = sorted(folder.glob("*/*.json"))
    if not paths:
        raise InputError(f"{folder}: no ECG-QA shard; give the folder that holds ecgqa/ with --data")
    for path in paths:
        content = path.read_bytes()
        try:
            entries = json.loads(content)
        except ValueError as error:
            raise InputError(f"{path}: not JSON ({error}); fetch the shard again") from error
        if not isinstance(entries, list):
            raise InputError(f"{path}: holds no list of questions; fetch the shard again")
        yield path, content, entries


def load_questions(folder: Path, wording: Wording = "template") -> tuple[list[Question], dict[str, str]]:
    """Every question of one source in one wording, and the SHA-256 of each shard.

    Args:
        folder: ``ecgqa/ptbxl`` or ``ecgqa/mimic-iv-ecg``; shards that are not there are passed over.
        wording: "template" or "paraphrased".

    Returns:
        The questions in the published order, and ``WORDING/SPLIT/NAME.json`` to hash.

    Raises:
        InputError: no shard, or an entry that does not follow the published schema, or a sample number twice.
    """
    questions: list[Question] = []
    hashes: dict[str, str] = {}
    seen: set[str] = set()
    for path, content, entries in read_shards(folder / wording):
        split = path.parent.name
        if split not in SPLITS:
            raise InputError(f"{path}: {split!r} is no split of ECG-QA ({', '.join(SPLITS)})")
        hashes[f"{wording}/{split}/{path.name}"] = hashlib.sha256(content).hexdigest()
        for number, entry in enumerate(entries):
            question = _question(entry, split, f"{path}, entry {number}")
            if question.key in seen:
                raise InputError(f"{path}, entry {number}: sample {question.key} stands there twice")
            seen.add(question.key)
            questions.append(question)
    return questions, hashes


def _question(entry: Any, split: str, where: str) -> Question:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: not an object")
    for name, kind in _FIELDS.items():
        if name not in entry:
            raise InputError(f"{where}: has no {name!r}; ECG-QA 1.0.2 is needed")
        if not isinstance(entry[name], kind) or isinstance(entry[name], bool):
            raise InputError(f"{where}: {name!r} is {entry[name]!r}; ECG-QA 1.0.2 is needed")
    if entry["question_type"] not in QUESTION_TYPES:
        raise InputError(f"{where}: question type {entry['question_type']!r} is not known")
    if entry["attribute_type"] not in ATTRIBUTE_TYPES:
        raise InputError(f"{where}: attribute type {entry['attribute_type']!r} is not known")
    n_ecgs = 1 if entry["question_type"].startswith("single") else 2
    if len(entry["ecg_id"]) != n_ecgs:
        raise InputError(f"{where}: names {len(entry['ecg_id'])} ECGs where its type has {n_ecgs}")
    if not entry["answer"]:
        raise InputError(f"{where}: has no answer; where nothing applies it is ['none']")
    if "late stage of myocardial infarction" in entry["answer"]:
        raise InputError(f"{where}: 'late stage of myocardial infarction' is from before ECG-QA 1.0.2 of May 2024")
    return Question(
        split,
        entry["sample_id"],
        entry["template_id"],
        entry["question_id"],
        entry["question_type"],
        entry["attribute_type"],
        entry["question"],
        frozenset(entry["answer"]),
        tuple(int(i) for i in entry["ecg_id"]),
        tuple(entry["attribute"] or ()),
    )


_SUBJECTS = ("single", "comparison_consecutive", "comparison_irrelevant")
_ASKED = ("verify", "choose", "query")


def stratified(questions: Sequence[Question], seed: int = 42, share: int = 10) -> list[Question]:
    """One in ``share`` of each question type and attribute type, drawn as published.

    Strata go from single to irrelevant, verify to query, SCP code to numeric feature; of each, ``round(n / share)`` are
    drawn by Python's generator, seeded once. Given a split's questions in full and in the published order, the sample is
    the published one.

    Args:
        questions: Of one split, in order.
        seed: The published one is 42.
        share: The published one is 10.
    """
    generator = random.Random(seed)
    strata: dict[tuple[str, str], list[Question]] = {
        (f"{first}-{second}", attribute): []
        for first in _SUBJECTS
        for second in _ASKED
        for attribute in ATTRIBUTE_TYPES
    }
    for question in questions:
        strata[question.type, question.attribute].append(question)
    drawn: list[Question] = []
    for members in strata.values():
        drawn += generator.sample(members, round(len(members) / share))
    return drawn
