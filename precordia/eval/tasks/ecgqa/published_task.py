"""``precordia eval ecgqa``: the published ECG-QA questions whose ECGs are here, by the published protocols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

from precordia.core.errors import InputError
from precordia.datasets.ecgqa.classes import Classes, load_classes
from precordia.datasets.ecgqa.published import check
from precordia.datasets.ecgqa.questions import QUESTION_TYPES, SPLITS, Question, Wording, load_questions, stratified
from precordia.eval.harness.task import Result, Settings, TaskCard
from precordia.eval.tasks.ecgqa.contexts import Context, Shown, other_patients
from precordia.eval.tasks.ecgqa.figures import rows_of
from precordia.eval.tasks.ecgqa.language import Asked, load_model
from precordia.eval.tasks.ecgqa.majority import Usual
from precordia.eval.tasks.ecgqa.neighbours import NeighboursVote, RandomNeighbour
from precordia.eval.tasks.ecgqa.options import Options, options_of
from precordia.eval.tasks.ecgqa.outcomes import Outcome, ask, swap_ecgs
from precordia.eval.tasks.ecgqa.shipped import MEASURES, Answered, Measured
from precordia.eval.tasks.ecgqa.system import System
from precordia.fitting.answers.archive import Archive, Vectors
from precordia.fitting.answers.examined import Examined, examine
from precordia.fitting.answers.signals import Signals, find_signals
from precordia.generation.answers.fitted import shipped_for
from precordia.knowledge_base import KnowledgeBase

CARD: Final = TaskCard(
    name="ecgqa",
    summary=(
        "ECG-QA's published questions: blind, majority, neighbours, measurements, precordia ask, any language model"
    ),
    protocol=(
        "ECG-QA 1.0.2 as it lies under DATA/ecgqa, the questions whose ECGs are all under DATA or in --kb. Exact match, micro "
        "within each of the seven question types and macro over the types that were asked; by attribute type; 95% bootstrap "
        "interval by the first ECG's patient. Scorers: corrected (whole options, longest first, case ignored), paper-exact "
        "(the published LLM harness with its faults), classifier (scores over 0.5 on exactly the true valid classes). "
        "Counts and neighbours are of the train split, never of the patients asked about; neighbours are of PTB-XL folds 1-8. "
        "--limit N takes N questions evenly through the files. --llm asks a tenth of each type and attribute (seed 42), with "
        "the options and None. --set source=ptbxl|mimic-iv-ecg, wording=template|paraphrased, split=all|train|valid|test, "
        "sample=yes|no, classes=published|template|item, systems=blind,majority,random,neighbours,measurements,ask, "
        "contexts=nearest,none,random,wrong, k=10, probes=yes|no, "
        "replies=DIR (the language model's, kept by content; else OUT/replies), workers=4"
    ),
    source=(
        "Oh et al., ECG-QA: A comprehensive question answering dataset combined with electrocardiogram, NeurIPS 2023 "
        "Datasets and Benchmarks; CC BY 4.0; protocol: github.com/Jwoo5/ecg-qa 3eabbce1, github.com/Jwoo5/fairseq-signals 6b9e1375"
    ),
    headline=("exact match @ macro*", "exact match @ single-verify", "exact match @ comparison_irrelevant-query"),
    runs=({}, {"wording": "paraphrased", "probes": "no"}),
    code=__name__,
)


class EcgqaTask:
    """ECG-QA as published."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Ask every system.

        Raises:
            UsageError: an option is not understood.
            InputError: no question has its ECGs here, or the files are not as published.
        """
        options = options_of(settings)
        folder = settings.data / "ecgqa" / options.source
        wording = cast(Wording, options.wording)
        every, hashes = load_questions(folder, wording)
        classes, more = load_classes(folder)
        hashes |= more
        kb = _open(settings.kb)
        signals = find_signals(options.source, settings.data, {e for q in every for e in q.ecgs}, kb)
        here = [q for q in every if all(e in signals for e in q.ecgs)]
        if not here:
            raise InputError(
                f"{folder}: none of {len(every)} questions has its ECGs here; put the signals under {settings.data} "
                "or name a knowledge base that holds them with --kb"
            )
        asked = [q for q in here if options.split in ("all", q.split)]
        if options.sample:
            asked = [q for split in SPLITS for q in stratified([q for q in asked if q.split == split], settings.seed)]
        asked = _spread(asked, settings.limit)
        if not asked:
            raise InputError(
                f"{folder}: {len(here)} questions have their ECGs here, none of them in split {options.split}"
                f"{' and the 10% sample' if options.sample else ''}; choose with --set split=all or sample=no"
            )
        reworded: dict[str, Question] = {}
        if options.probes:
            other: Wording = "paraphrased" if wording == "template" else "template"
            if (folder / other).is_dir():
                questions, other_hashes = load_questions(folder, other)
                reworded, hashes = {q.key: q for q in questions}, hashes | other_hashes
        swapped = swap_ecgs(asked, signals, settings.seed) if options.probes else {}
        train = [q for q in every if q.split == "train"]
        outcomes: list[Outcome] = []
        rows = []
        for system in _systems(settings, options, train, asked, signals, classes):
            mine = ask(
                system,
                asked,
                signals,
                classes,
                valid=options.classes,
                swapped=swapped,
                reworded=reworded,
                progress=settings.progress,
            )
            outcomes += mine
            rows += rows_of(mine, settings.seed)
        return Result(
            self.card.name,
            tuple(rows),
            (*_notes(every, here, asked, signals, options), check(folder, hashes).in_words),
            [_sample(outcome) for outcome in outcomes],
            {name: str(value) for name, value in vars(options).items()} | {"encoder": settings.encoder},
            {f"ecgqa/{options.source}/{name}": digest for name, digest in hashes.items()},
        )


def _systems(
    settings: Settings,
    options: Options,
    train: Sequence[Question],
    asked: Sequence[Question],
    signals: Signals,
    classes: Classes,
) -> Iterator[System]:
    def patients(question: Question) -> frozenset[str]:
        return frozenset(signals.patient(ecg) for ecg in question.ecgs)

    examined: Examined | None = None
    vectors: Vectors | None = None
    archive: Archive | None = None
    if settings.llm is not None or {"neighbours", "ask"} & set(options.systems):
        examined, vectors, archive = examine(signals, settings.encoder, signals.kb, settings.progress)
    if "blind" in options.systems:
        yield Usual("blind, same text", train, patients, by_text=True)
    if "majority" in options.systems:
        yield Usual("majority of template", train, patients, by_text=False)
    if "random" in options.systems:
        yield RandomNeighbour(train, signals, settings.seed)
    if "neighbours" in options.systems and vectors is not None:
        yield NeighboursVote(train, signals, vectors, options.k)
    if "measurements" in options.systems:
        for name in MEASURES:
            yield Measured(name, signals)
    if examined is None or vectors is None or archive is None:
        return
    if "ask" in options.systems:
        fitted = shipped_for(vectors.encoder)
        yield Answered(examined)
        if fitted is not None:
            yield Answered(examined, fitted)
    model = load_model(settings)
    if model is not None:
        others = other_patients(asked, signals, settings.seed)
        for context in options.contexts:
            shown = Shown(archive, cast(Context, context), others, settings.seed)
            yield Asked(model, classes, examined.beside(shown), context)


def _open(path: Path | None) -> KnowledgeBase | None:
    return None if path is None else KnowledgeBase.open(path)


def _spread(questions: list[Question], limit: int | None) -> list[Question]:
    """At most ``limit`` questions, evenly through the list."""
    if limit is None or limit >= len(questions):
        return questions
    return [questions[i * len(questions) // limit] for i in range(limit)]


def _notes(
    every: Sequence[Question], here: Sequence[Question], asked: Sequence[Question], signals: Signals, options: Options
) -> tuple[str, ...]:
    def counted(questions: Sequence[Question]) -> str:
        counts = Counter(q.type for q in questions)
        return ", ".join(f"{kind} {counts[kind]}" for kind in QUESTION_TYPES if counts[kind])

    missing = [kind for kind in QUESTION_TYPES if not any(q.type == kind for q in asked)]
    splits = Counter(q.split for q in asked)
    notes = [
        f"{len(every)} questions in the shards that are there; {len(here)} have their ECGs here "
        f"({len({e for q in here for e in q.ecgs})} ECGs): {counted(here)}. Asked: {len(asked)} "
        f"({', '.join(f'{split} {splits[split]}' for split in SPLITS if splits[split])}).",
    ]
    if missing:
        attributes = sorted({q.attribute for q in asked})
        notes.append(
            f"Cannot be concluded: anything on {', '.join(missing)}, or on attributes other than {', '.join(attributes)}; "
            "the macro mean is over the types that could be asked and is not the published one."
        )
    if splits["train"]:
        notes.append(
            "Train questions are among those asked. Counts and neighbours leave out the patients asked about, but the encoder's "
            "self-supervised training and the choice of settings saw ECGs of folds 1-8: rows of fold 9 did not."
        )
    if not options.sample:
        notes.append("All questions with signals are asked, not the published 10% sample (--set sample=yes draws it).")
    elif len(here) < len(every):
        notes.append("The 10% sample is drawn among the questions with signals: it is not the published one.")
    notes += [
        "By type, the rows of another scorer are left out where it judges every reply as the corrected one does.",
        "blind: the commonest train answer to the same words, else of the template; a question that it cannot beat needs no ECG. "
        "It and majority are not shown another's ECG: they read none.",
        "measurements answer templates 68-70 alone, precordia ask every question in free words; its reply to a comparison names "
        "changes, not ECG-QA's options, so that exact match there says how far free words fit the options, no more.",
        "precordia ask with what was fitted on folds 1-8, where that ships for the encoder, is asked about ECGs of no such fold "
        "alone; by its judgement alone (the archive's models, votes and measurements), about all.",
        "another's ECG: the same question on the ECGs of another patient's question of that template, still scored against the "
        "first answer. Where that costs nothing, the answer did not come from the ECG.",
    ]
    return tuple(notes)


def _sample(outcome: Outcome) -> dict[str, object]:
    question = outcome.question
    return {
        "sample": question.key,
        "system": outcome.system,
        "patient": outcome.patient,
        "type": question.type,
        "attribute": question.attribute,
        "template": question.template,
        "ecgs": " ".join(str(ecg) for ecg in question.ecgs),
        "answer": ", ".join(sorted(question.answer)),
        "said": ", ".join(sorted(outcome.said)),
        "correct": outcome.corrected,
        "paper_exact": outcome.paper_exact,
        "classifier": outcome.classifier,
        "other_ecg_same": outcome.other_ecg_same,
        "other_ecg_right": outcome.other_ecg_right,
        "other_words_same": outcome.other_words_same,
        "other_words_right": outcome.other_words_right,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "latency_s": outcome.latency_s,
    }


ECGQA = EcgqaTask()
