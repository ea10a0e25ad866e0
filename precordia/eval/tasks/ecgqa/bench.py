"""The questions a protocol runs on: built from PTB-XL's labels, or the published ones whose ECGs are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from precordia.core.errors import InputError
from precordia.core.progress import Progress, silent
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, rows_of
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.classes import NONE, Classes, load_classes
from precordia.datasets.ecgqa.published import check
from precordia.datasets.ecgqa.questions import Question, load_questions
from precordia.datasets.ptbxl import read_table, signal_of
from precordia.eval.harness.task import Settings
from precordia.fitting.answers.archive import TRAINING_FOLDS, Archive, Vectors
from precordia.fitting.answers.examined import Examined, examine
from precordia.fitting.answers.signals import Signals, find_signals
from precordia.generation.answers.fitted import FittedAnswers, shipped_for
from precordia.knowledge_base import KnowledgeBase

Source = Literal["built", "published"]
SOURCES: Final[tuple[Source, ...]] = ("built", "published")
TYPES: Final = ("single-verify", "single-choose", "single-query")
HELD_BACK: Final = 9


@dataclass
class Bench:
    """Questions with known answers and questions to ask, on ECGs of different patients.

    Attributes:
        source: Where the questions are from.
        train: On ECGs of PTB-XL's folds 1 to 8 that are here.
        held: On ECGs of fold 9.
        classes: The options.
        signals: Of every ECG.
        encoder: Name or path.
        kb: A knowledge base for precedents, or None for the ECGs of folds 1 to 8 that are here.
        data: Name of each input to its SHA-256.
        notes: What a reader must know of the questions.
        progress: Goes through what takes long.
    """

    source: Source
    train: Sequence[Question]
    held: Sequence[Question]
    classes: Classes
    signals: Signals
    encoder: str
    kb: KnowledgeBase | None
    data: dict[str, str]
    notes: tuple[str, ...]
    progress: Progress = silent

    @cached_property
    def _examined(self) -> tuple[Examined, Vectors, Archive]:
        return examine(self.signals, self.encoder, self.kb, self.progress)

    @property
    def examined(self) -> Examined:
        """Every ECG with all that is known of it."""
        return self._examined[0]

    @property
    def vectors(self) -> Vectors:
        """Every ECG embedded."""
        return self._examined[1]

    @property
    def archive(self) -> Archive:
        """Precedents."""
        return self._examined[2]

    @property
    def fitted(self) -> FittedAnswers | None:
        """What ships for the encoder."""
        return shipped_for(self.vectors.encoder)


def bench_of(source: Source, settings: Settings, types: Sequence[str] = TYPES) -> Bench:
    """The questions of a source.

    Args:
        source: "built" or "published".
        settings: Data folder, seed, encoder, knowledge base.
        types: Question types wanted.

    Raises:
        InputError: PTB-XL or ECG-QA is not there, or there is nothing to ask or nothing to ask it from.
    """
    found = _built(settings, types) if source == "built" else _published(settings, types)
    if not found.train or not found.held:
        raise InputError(
            f"{settings.data}: {len(found.train)} questions on folds 1-8, {len(found.held)} on fold 9; both are needed"
        )
    return found


def _built(settings: Settings, types: Sequence[str]) -> Bench:
    folder = settings.data / "ptbxl"
    table, digest = read_table(folder)
    here = [ecg for ecg in table if signal_of(folder, ecg)]
    rows = {"train": rows_of(table, TRAINING_FOLDS, here), "test": rows_of(table, [HELD_BACK], here)}
    wanted: Callable[[Slot], bool] = lambda slot: slot.template.question_type in types  # noqa: E731
    questions = {
        split: build([facts_of(row) for row in found], split=split, caps=caps, seed=settings.seed, wanted=wanted)
        for (split, found), caps in zip(rows.items(), (TRAIN, HELD_OUT), strict=True)
    }
    signals = find_signals("ptbxl", settings.data, [int(row["ecg_id"]) for found in rows.values() for row in found])
    note = (
        f"Built questions: {len(questions['train'])} on {len(rows['train'])} ECGs of folds 1-8, {len(questions['test'])} on "
        f"{len(rows['test'])} ECGs of fold 9 (patients are disjoint); labels are PTB-XL's, and what a report does not state "
        "counts as absent."
    )
    return _bench(
        "built", settings, questions["train"], questions["test"], None, signals, {"ptbxl_database.csv": digest}, note
    )


def _published(settings: Settings, types: Sequence[str]) -> Bench:
    folder = settings.data / "ecgqa" / "ptbxl"
    every, hashes = load_questions(folder)
    classes, more = load_classes(folder)
    hashes |= more
    every = [q for q in every if q.type in types]
    signals = find_signals("ptbxl", settings.data, {ecg for q in every for ecg in q.ecgs})
    here = [q for q in every if all(ecg in signals for ecg in q.ecgs)]
    train = [q for q in here if all(signals.folds.get(ecg) in TRAINING_FOLDS for ecg in q.ecgs)]
    held = [q for q in here if all(signals.folds.get(ecg) == HELD_BACK for ecg in q.ecgs)]
    note = (
        f"Published questions of these types: {len(every)} in the shards that are there, {len(here)} with their ECGs here; "
        f"{len(train)} on folds 1-8, {len(held)} on fold 9, whatever split they were published in. {check(folder, hashes).in_words}"
    )
    data = {f"ecgqa/ptbxl/{name}": digest for name, digest in hashes.items()}
    return _bench("published", settings, train, held, classes, signals, data, note)


def _bench(
    source: Source,
    settings: Settings,
    train: Sequence[Question],
    held: Sequence[Question],
    classes: Classes | None,
    signals: Signals,
    data: dict[str, str],
    note: str,
) -> Bench:
    kb = KnowledgeBase.open(settings.kb) if settings.kb else None
    where = "the knowledge base given" if kb else "PTB-XL's folds 1-8 that are here; give others with --kb"
    found = classes or classes_of(train)
    notes = (note, f"Precedents: {where}.")
    return Bench(source, train, held, found, signals, settings.encoder, kb, data, notes, settings.progress)


def classes_of(train: Sequence[Question]) -> Classes:
    """The answers that questions have, by template; and every name that a question can be about."""
    by_template: dict[int, set[str]] = {}
    for question in train:
        by_template.setdefault(question.template, set()).update(question.answer - {NONE})
    named = {name.partition(" of ")[0] if "the normal range" in name else name for q in train for name in q.attributes}
    every = sorted(named.union(*by_template.values()) - {NONE})
    return Classes(
        tuple(every), {template: tuple(sorted(answers)) for template, answers in sorted(by_template.items())}
    )
