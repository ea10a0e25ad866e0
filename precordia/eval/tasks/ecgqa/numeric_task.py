"""``precordia eval ecgqa-numeric``: ECG-QA's questions about numeric features, answered from measurements alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core import bootstrap
from precordia.core.errors import InputError, UsageError
from precordia.core.recording import Recording
from precordia.datasets.ecgqa.builder.numeric import NORMAL_MS
from precordia.datasets.ecgqa.questions import read_shards
from precordia.datasets.ptbxl import signal_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.ecgqa.features import FEATURES, as_ecgqa_ms, as_neurokit_ms, clinical_ms
from precordia.records.read import read_recording

Answer = frozenset[str]
Features = Mapping[str, float | None]

NONE: Final = "none"
BECAME_NORMAL, BECAME_ABNORMAL, STILL_ABNORMAL = 68, 69, 70
TEMPLATES: Final = {
    BECAME_NORMAL: "now normal",
    BECAME_ABNORMAL: "now abnormal",
    STILL_ABNORMAL: "still abnormal",
}
"""The comparison templates; single-ECG templates (40-42) have no question among the shards that could be had."""

SYSTEMS: Final[Mapping[str, Callable[[Recording], Features]]] = {
    "precordia": clinical_ms,
    "precordia, lead II as ECG-QA": as_ecgqa_ms,
    "neurokit2-dwt, lead II": as_neurokit_ms,
}


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        sample_id: As ECG-QA numbers it.
        template: One of :data:`TEMPLATES`.
        first, second: PTB-XL ids.
        answer: Features named, or ``{"none"}``.
        split: "train", "valid" or "test".
    """

    sample_id: int
    template: int
    first: int
    second: int
    answer: Answer
    split: str


CARD: Final = TaskCard(
    name="ecgqa-numeric",
    summary="ECG-QA's questions on RR, P, PR, QRS, QT and QTc against their normal ranges, from measurements alone",
    protocol=(
        "ECG-QA 1.0.2 (PTB-XL), template questions 68-70 with attribute type numeric_feature whose two ECGs are under DATA/ptbxl "
        "(500 Hz where it is there, else 100 Hz), all splits; nothing is trained. A feature is named when it was abnormal "
        "in the first ECG and is normal in the second (68), the reverse (69), or is abnormal in both (70). Normal ranges, ms: "
        + "; ".join(f"{name} {low:.0f}-{high:.0f}" for name, (low, high) in NORMAL_MS.items())
        + ". Exact match: the same set of features. Majority: the commonest answer of the template among all train "
        "questions. Intervals: bootstrap by the first ECG's patient."
    ),
    source="Oh et al., ECG-QA, NeurIPS 2023 Datasets and Benchmarks; CC BY 4.0; ranges: their question generator",
    code=__name__,
)


class EcgqaNumericTask:
    """ECG-QA's numeric features."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: ``baselines`` is not understood.
            InputError: no question has both of its ECGs here.
        """
        baselines = settings.options.get("baselines", "neurokit2")
        if baselines not in ("neurokit2", "none"):
            raise UsageError(f"option baselines={baselines!r} is not understood; give neurokit2 or none")
        folder = settings.data / "ecgqa" / "ptbxl" / "template"
        every, digest = load_questions(folder)
        paths = {i: signal_of(settings.data / "ptbxl", i) for i in {e for q in every for e in (q.first, q.second)}}
        questions = [q for q in every if paths[q.first] and paths[q.second]][: settings.limit]
        if not questions:
            raise InputError(f"{folder}: no question has both of its ECGs under {settings.data / 'ptbxl'}")
        recordings = {i: read_recording(str(paths[i])) for q in questions for i in (q.first, q.second)}
        said: dict[str, list[Answer]] = {}
        for system, measure in SYSTEMS.items():
            if baselines == "none" and system.startswith("neurokit2"):
                continue
            features = {i: measure(recording) for i, recording in recordings.items()}
            said[system] = [answer_of(q.template, features[q.first], features[q.second]) for q in questions]
        usual = majority([q for q in every if q.split == "train"])
        said["majority"] = [usual[q.template] for q in questions]
        patients = [recordings[q.first].patient_id or str(q.first) for q in questions]
        n_500 = sum(r.fs >= 500 for r in recordings.values())
        return Result(
            self.card.name,
            tuple(_rows(questions, said, patients, settings.seed)),
            _notes(len(every), len(questions), len(recordings), n_500),
            _samples(questions, said),
            {"baselines": baselines},
            {"ecgqa/ptbxl/template": digest},
        )


def load_questions(folder: Path) -> tuple[list[Question], str]:
    """The numeric-feature questions of every shard, in order, and the SHA-256 of the shards."""
    out, digest = [], hashlib.sha256()
    for path, content, entries in read_shards(folder):
        digest.update(content)
        for entry in entries:
            if entry["attribute_type"] == "numeric_feature" and entry["template_id"] in TEMPLATES:
                first, second = entry["ecg_id"]
                answer = frozenset(entry["answer"])
                split = path.parent.name
                out.append(Question(entry["sample_id"], entry["template_id"], first, second, answer, split))
    if not out:
        raise InputError(f"{folder}: no numeric-feature question; give the folder that holds ecgqa/ with --data")
    return out, digest.hexdigest()


def answer_of(template: int, first: Features, second: Features) -> Answer:
    """The features to name; one that cannot be measured in either ECG is never named.

    >>> sorted(answer_of(68, {"rr interval": 500.0}, {"rr interval": 800.0}))
    ['rr interval']
    """
    wanted = {BECAME_NORMAL: (False, True), BECAME_ABNORMAL: (True, False), STILL_ABNORMAL: (False, False)}[template]
    named = [f for f in FEATURES if (_is_normal(f, first.get(f)), _is_normal(f, second.get(f))) == wanted]
    return frozenset(named) or frozenset({NONE})


def _is_normal(feature: str, value: float | None) -> bool | None:
    low, high = NORMAL_MS[feature]
    return None if value is None else low <= value <= high


def majority(questions: Sequence[Question]) -> dict[int, Answer]:
    """Each template's commonest answer; ties go to the first in alphabetical order."""
    out = {}
    for template in TEMPLATES:
        counts = Counter(tuple(sorted(q.answer)) for q in questions if q.template == template)
        best = min(counts, key=lambda answer: (-counts[answer], answer)) if counts else (NONE,)
        out[template] = frozenset(best)
    return out


def _rows(
    questions: Sequence[Question], said: Mapping[str, Sequence[Answer]], patients: Sequence[str], seed: int
) -> list[Row]:
    rows = []
    for system, answers in said.items():
        right = np.array([a == q.answer for a, q in zip(answers, questions, strict=True)], dtype=float)
        e = bootstrap.mean(right, patients, seed=seed)
        rows.append(Row(system, "exact match", e.value, e.low, e.high, e.n))
        for template, label in TEMPLATES.items():
            chosen = [i for i, q in enumerate(questions) if q.template == template]
            e = bootstrap.mean(right[chosen], [patients[i] for i in chosen], seed=seed)
            rows.append(Row(system, "exact match", e.value, e.low, e.high, e.n, label))
    for system, answers in said.items():
        if system == "majority":
            continue
        for feature in FEATURES:
            named = np.array([feature in a for a in answers])
            true = np.array([feature in q.answer for q in questions])
            both = (named & true).astype(float)
            e = bootstrap.ratio(2 * both, named.astype(float) + true, patients, seed=seed)
            rows.append(Row(system, "F1 of naming it", e.value, e.low, e.high, int(true.sum()), feature))
    return rows


def _notes(n_every: int, n_questions: int, n_ecgs: int, n_500: int) -> tuple[str, ...]:
    return (
        f"{n_questions} of {n_every} questions have both ECGs here ({n_ecgs} ECGs, {n_500} of them at 500 Hz).",
        "ECG-QA's answers rest on NeuroKit2's wavelet delineation of lead II at 500 Hz: medians over beats, the QRS duration from "
        "the Q to the S peak, QT from the Q peak. Its T and QRS boundaries are often far off (see precordia eval measurements), "
        "so agreement below 1 on PR, QRS and QT says little of either; RR depends on beats alone and agrees.",
        "'lead II as ECG-QA' measures the same quantities as the questions do, with our boundaries: what is left is "
        "NeuroKit2's error and ours. 'neurokit2-dwt, lead II' repeats the published extraction with the installed version: "
        "what it does not reproduce, no measurement can.",
        "QTc: the published generator says 330-555 ms, but the released answers follow 350-450 ms, which is used here.",
    )


def _samples(questions: Sequence[Question], said: Mapping[str, Sequence[Answer]]) -> list[dict[str, object]]:
    out = []
    for i, q in enumerate(questions):
        sample: dict[str, object] = {
            "sample_id": q.sample_id,
            "split": q.split,
            "template": q.template,
            "first": q.first,
            "second": q.second,
            "answer": ", ".join(sorted(q.answer)),
        }
        sample |= {system: ", ".join(sorted(answers[i])) for system, answers in said.items()}
        out.append(sample)
    return out


ECGQA_NUMERIC = EcgqaNumericTask()
