"""``precordia eval ecgqa-built``: ECG-QA's questions built from PTB-XL's labels, and the proof that they are ECG-QA's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.errors import InputError, UsageError
from precordia.core.progress import Progress
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.check import check
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, rows_of
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.writer import write
from precordia.datasets.ecgqa.questions import QUESTION_TYPES, Question, load_questions
from precordia.datasets.ptbxl import Row, read_table, signal_of
from precordia.eval.harness.task import Result, Settings, TaskCard
from precordia.eval.tasks.ecgqa.built_figures import (
    COMPARED,
    SINGLE,
    agreement,
    beaten,
    compared,
    counts,
    gaps,
    scores,
    withheld,
)
from precordia.eval.tasks.ecgqa.features import as_ecgqa_ms, as_neurokit_ms
from precordia.eval.tasks.ecgqa.majority import Usual
from precordia.eval.tasks.ecgqa.named import Named
from precordia.eval.tasks.ecgqa.scorers import corrected, offers_none, paper_exact
from precordia.eval.tasks.ecgqa.shipped import ASK, JUDGEMENT
from precordia.eval.tasks.ecgqa.system import System
from precordia.fitting.answers.archive import TRAINING_FOLDS
from precordia.fitting.answers.examined import Examined, examine
from precordia.fitting.answers.ground import Ground, in_words
from precordia.fitting.answers.signals import Signals, find_signals
from precordia.generation.answers.fitted import FittedAnswers, shipped_for
from precordia.knowledge_base import KnowledgeBase

HELD_BACK: Final = (9,)
SAMPLE: Final = 900
"""Questions of the part that is spread evenly over types and templates, without ``--limit``."""
BLIND: Final = "blind (question only)"
MAJORITY: Final = "majority of the template"
OURS: Final = ASK
MAY_ABSTAIN: Final = f"{ASK}, may abstain"
_OPTIONS: Final = {
    "check": ("no", "published"),
    "axis": ("annotated", "measured"),
    "features": ("none", "lead-ii", "neurokit2"),
}
_FEATURES: Final = {"lead-ii": as_ecgqa_ms, "neurokit2": as_neurokit_ms}
Features = Callable[[int], Mapping[str, float | None]]


CARD: Final = TaskCard(
    name="ecgqa-built",
    summary="ECG-QA's seven types of questions built over PTB-XL fold 9, answered without a language model",
    protocol=(
        "Questions over ECG-QA's templates from PTB-XL 1.0.3's table (rows checked by a person, signals present), answers from "
        "codes, noise annotations, stages, extra beats and the annotated axis (axis=measured: from the signal, as published, "
        "which is then no independent truth; features=neurokit2 or lead-ii adds numeric features), balanced as published, seeded. "
        "Asked: fold 9; precedents and answer frequencies: folds 1-8 (patients are disjoint); what answers rest on besides is "
        "learned from these folds and weighed on ECGs that the encoder was not trained on (the file that ships where it fits the "
        "encoder, else fitted for the run on folds 1-7 and 8; `precordia train answers` makes such). Exact match as a phrase "
        "(corrected) and as in the published harness: of 900 questions (--limit) spread evenly over types and templates, and of "
        "every single question. Answers are all given; the system that may abstain, as users get it, has coverage and risk "
        "besides (where the judgement answers instead of what is not sure enough, no promise is made, and that is told apart), "
        'and its abstentions count as "not sure". '
        "Of two ECGs (a patient's neighbouring ones in fold 9, or two patients') as many questions of each type about findings are "
        "asked; nothing is promised of these, and those about numbers, which the code that answers measures, stay with "
        "ecgqa-numeric. "
        "Differences to guesses are paired by question. Intervals: bootstrap by patient. check=published compares rebuilt "
        "answers with every released question that is here instead; out=FOLDER writes the questions as ECG-QA's files."
    ),
    source="Oh et al., ECG-QA, NeurIPS 2023, CC BY 4.0; Wagner et al., PTB-XL 1.0.3, CC BY 4.0",
    runs=({}, {"check": "published"}),
    code=__name__,
)


class EcgqaBuiltTask:
    """ECG-QA built from labels."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option is not understood.
            InputError: PTB-XL is not there, or none of its fold 9.
        """
        self.card.check_options(settings.options.keys() - {"replies"}, *_OPTIONS, "out")
        chosen = {name: settings.options.get(name, values[0]) for name, values in _OPTIONS.items()}
        for name, value in chosen.items():
            if value not in _OPTIONS[name]:
                raise UsageError(f"option {name}={value!r} is not understood; give {' or '.join(_OPTIONS[name])}")
        rows, digest = read_table(settings.data / "ptbxl")
        if chosen["check"] == "published":
            return self._check(settings, rows, digest, chosen)
        return self._score(settings, rows, digest, chosen)

    def _check(self, settings: Settings, rows: Mapping[int, Row], digest: str, chosen: Mapping[str, str]) -> Result:
        questions, hashes = load_questions(settings.data / "ecgqa" / "ptbxl")
        here = {i for i in rows if signal_of(settings.data / "ptbxl", i)}
        single = [q for q in questions if q.attribute != "numeric_feature"]
        numeric = [q for q in questions if q.attribute == "numeric_feature" and here.issuperset(q.ecgs)]
        asked = [*single, *numeric[: settings.limit]]
        signals = find_signals("ptbxl", settings.data, {e for q in numeric[: settings.limit] for e in q.ecgs})
        measure = _FEATURES.get(chosen["features"], as_ecgqa_ms)
        values = {ecg: measure(signals.recording(ecg)) for ecg in sorted(signals.paths)}
        known = {e: facts_of(rows[e], features=lambda i: values.get(i, {})) for q in asked for e in q.ecgs}
        found = check(asked, known, values)
        notes = (
            f"{len(questions)} released questions are here; {len(single)} need the table alone, {len(numeric)} of the "
            f"{len(questions) - len(single)} about numeric features have the signals of both ECGs here",
            f"numeric features: {chosen['features'] if chosen['features'] != 'none' else 'lead-ii'}; the released ones "
            "are NeuroKit2's at 500 Hz, and most of the signals here are at 100 Hz",
            "the released answers hold combinations of features balanced by hand, so that rare ones are common there",
        )
        return Result(
            self.card.name,
            tuple(agreement(found, rows, settings.seed)),
            notes,
            [compared(c, rows) for c in found],
            dict(chosen),
            {"ptbxl_database.csv": digest, **hashes},
        )

    def _score(self, settings: Settings, rows: Mapping[int, Row], digest: str, chosen: Mapping[str, str]) -> Result:
        here = [i for i in rows if signal_of(settings.data / "ptbxl", i)]
        train, held = rows_of(rows, TRAINING_FOLDS, here), rows_of(rows, HELD_BACK, here)
        if not held or not train:
            raise InputError(f"{settings.data / 'ptbxl'}: no signal of fold 9, or none of folds 1-8")
        kb = KnowledgeBase.open(settings.kb) if settings.kb else None
        signals = find_signals("ptbxl", settings.data, [int(row["ecg_id"]) for row in (*train, *held)])
        facts = {name: _facts(found, signals, chosen) for name, found in (("train", train), ("test", held))}
        built = {
            "train": build(facts["train"], split="train", caps=TRAIN, seed=settings.seed),
            "test": build(facts["test"], split="test", caps=HELD_OUT, seed=settings.seed),
        }
        if "out" in settings.options:
            ecgs = {name: [f.ecg_id for f in found] for name, found in facts.items()}
            write(Path(settings.options["out"]), built, ecgs)
        n = SAMPLE if settings.limit is None else settings.limit
        single = [q for q in built["test"] if q.type in SINGLE]
        two = [q for q in built["test"] if q.type in COMPARED and q.attribute != "numeric_feature"]
        # As many of each type about two ECGs as of each about one.
        even = {q.key for q in (*spread(single, n, settings.seed), *spread(two, n * 4 // 3, settings.seed))}
        asked = [q for q in (*single, *two) if q.key in even or (q.type in SINGLE and settings.limit is None)]
        examined, vectors, _ = examine(signals, settings.encoder, kb, settings.progress)
        basis = basis_of(Ground(examined, vectors, facts["train"], settings.seed, settings.progress))
        systems: list[System] = [
            Usual(BLIND, built["train"], _patients(signals), by_text=True),
            Usual(MAJORITY, built["train"], _patients(signals), by_text=False),
            Named(examined, name=JUDGEMENT),
        ]
        if basis.fitted is not None:
            systems.append(Named(examined, name=OURS, fitted=basis.fitted, abstain=False))
            systems.append(Named(examined, name=MAY_ABSTAIN, fitted=basis.fitted))
        answers = _answers(built["train"])
        samples = [s for system in systems for s in _replies(system, asked, answers, signals, even, settings.progress)]
        rows_out = [*counts(built["test"]), *scores(samples, [s.name for s in systems], settings.seed)]
        notes = (*_notes(facts, built, asked, kb is not None, chosen), *basis.notes)
        if basis.fitted is not None:
            above = gaps(samples, OURS, (BLIND, MAJORITY), settings.seed)
            rows_out += [*above, *withheld(samples, MAY_ABSTAIN, basis.fitted.risk, settings.seed)]
            notes = (*notes, beaten(above))
        return Result(
            self.card.name,
            tuple(rows_out),
            notes,
            samples,
            {**chosen, "precedents": "knowledge base" if kb else "PTB-XL folds 1-8 that are here"},
            {"ptbxl_database.csv": digest},
        )


def spread(questions: Sequence[Question], n: int, seed: int) -> list[Question]:
    """At most ``n`` questions: as many of each type, and within a type of each template, as there are; in order.

    Args:
        questions: To draw from.
        n: Shared out evenly over types; what a type lacks goes to no other.
        seed: Of the draws.
    """
    types = [t for t in QUESTION_TYPES if any(q.type == t for q in questions)]
    kept: set[str] = set()
    for kind in types:
        left = n // len(types)
        by_template: dict[int, list[Question]] = {}
        for q in questions:
            if q.type == kind:
                by_template.setdefault(q.template, []).append(q)
        smallest_first = sorted(by_template.items(), key=lambda item: (len(item[1]), item[0]))
        for place, (template, found) in enumerate(smallest_first):
            share = min(len(found), left // (len(smallest_first) - place))
            drawn = np.random.default_rng([seed, template]).choice(len(found), share, replace=False)
            kept.update(found[i].key for i in drawn.tolist())
            left -= share
    return [q for q in questions if q.key in kept]


def _facts(rows: Sequence[Row], signals: Signals, chosen: Mapping[str, str]) -> list[Facts]:
    measure = _FEATURES.get(chosen["features"])
    features: Features | None = (lambda ecg: measure(signals.recording(ecg))) if measure else None
    measured = Examined(signals).measurements
    axis = (lambda ecg: measured(ecg).axis_deg) if chosen["axis"] == "measured" else None
    return [facts_of(row, axis_deg=axis, features=features) for row in rows]


def _patients(signals: Signals) -> Callable[[Question], frozenset[str]]:
    return lambda question: frozenset(signals.patient(ecg) for ecg in question.ecgs)


def _answers(train: Sequence[Question]) -> dict[int, tuple[str, ...]]:
    found: dict[int, set[str]] = {}
    for question in train:
        found.setdefault(question.template, set()).update(question.answer - {"none"})
    return {template: tuple(sorted(answers)) for template, answers in found.items()}


def _replies(
    system: System,
    asked: Sequence[Question],
    answers: Mapping[int, tuple[str, ...]],
    signals: Signals,
    even: Collection[str],
    progress: Progress,
) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for q in progress(asked, len(asked), system.name, "question"):
        reply = system.reply(q, q.ecgs)
        text = reply.text if reply else ""
        choose = q.type.endswith("-choose") and q.attribute != "numeric_feature"
        options = tuple(sorted(q.attributes)) if choose else answers.get(q.template, ())
        out.append(
            {
                "sample": q.key,
                "system": system.name,
                "patient": signals.patient(q.ecgs[0]),
                "template": q.template,
                "type": q.type,
                "attribute": q.attribute,
                "question": q.text,
                "answer": ", ".join(sorted(q.answer)),
                "spread": q.key in even,
                "reply": text if q.type.endswith("-verify") else "",
                "abstained": text == "not sure",
                "promised": reply is not None and reply.promised,
                "right": corrected(text, options, q.answer, offers_none=offers_none(q.type)),
                "right_as_published": paper_exact(text, options, q.answer),
            }
        )
    return out


def _notes(
    facts: Mapping[str, Sequence[Facts]],
    built: Mapping[str, Sequence[Question]],
    asked: Sequence[Question],
    has_kb: bool,
    chosen: Mapping[str, str],
) -> tuple[str, ...]:
    n = {name: (len(found), len({f.patient for f in found})) for name, found in facts.items()}
    notes = [
        f"fold 9: {n['test'][0]} ECGs of {n['test'][1]} patients, {len(built['test'])} questions, of which {len(asked)} were "
        f"asked; folds 1-8: {n['train'][0]} ECGs of {n['train'][1]} patients, {len(built['train'])} questions",
        "questions of one template share ECGs, so that the intervals, by patient, say less than the number of questions does",
        "labels are PTB-XL's: what the report does not state counts as absent, also where the ECG shows it",
        "precedents: " + ("the knowledge base given" if has_kb else "PTB-XL's folds 1-8 that are here; give one with --kb"),
    ]  # fmt: skip
    if chosen["axis"] == "measured":
        notes.append("the axis is measured by the same code that answers; its questions prove nothing")
    if chosen["features"] == "lead-ii":
        notes.append("numeric features are measured by code that also answers; their questions prove little")
    return tuple(notes)


ECGQA_BUILT = EcgqaBuiltTask()


@dataclass(frozen=True, eq=False)
class Basis:
    """What answers rest on.

    Attributes:
        fitted: None where nothing fits the encoder and nothing could be fitted.
        notes: Where it comes from, and how its promise was kept where it was fitted, for people.
    """

    fitted: FittedAnswers | None
    notes: tuple[str, ...]


def basis_of(ground: Ground) -> Basis:
    """What ships for the encoder, else what is fitted on folds 1-7 and 8, if there are ECGs enough."""
    known = shipped_for(ground.vectors.encoder)
    if known is not None:
        return Basis(known, (f"answers rest on what was fitted on {known.source}, as shipped",))
    try:
        fitted, kept = ground.held_back()
    except InputError as error:
        return Basis(None, (f"answers rest on the judgement alone, since nothing fits this encoder and {error}",))
    where = "for this run alone: nothing that ships fits the encoder"
    return Basis(fitted, (f"answers rest on what was fitted on {fitted.source}, {where}", *in_words(fitted, kept)))
