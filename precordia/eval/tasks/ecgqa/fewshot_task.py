"""``precordia eval ecgqa-fewshot``: ECG-QA from a few answered examples of other patients."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.ecgqa.bench import SOURCES, TYPES, Bench, bench_of
from precordia.eval.tasks.ecgqa.episodes import KINDS, PARTS, Draws, Episode, Shape, answer_text
from precordia.eval.tasks.ecgqa.few_shot import (
    PENALTIES,
    ByVector,
    FewShot,
    Majority,
    QuestionOnly,
    chance,
    nearest,
    probe,
    prototype,
)
from precordia.fitting.answers.signals import Signals

EPISODES: Final = 100
QUERIES: Final = 5
META_TRAIN: Final = 10
"""Episodes of each fifth that choose the probe's penalty."""
CHANCE: Final = "chance"
BLIND: Final = QuestionOnly.name
PROBE: Final = "logistic probe"
_DEFAULTS: Final = {"questions": SOURCES[0], "ways": "2,5", "shots": "1,5,10", "queries": str(QUERIES)}


CARD: Final = TaskCard(
    name="ecgqa-fewshot",
    summary="ECG-QA in N-way K-shot episodes, support and query of different patients, without a language model",
    protocol=(
        "After Tang et al. (CHIL 2025): a class is a template, what it is about and an answer (verify: yes and no); an episode "
        "has N classes with K examples and at most 5 queries each, as many of every class. Any classes: as published, drawn from "
        "a fifth of the classes; the other four fifths choose what is chosen (the probe's penalty); every fifth in turn. One "
        "question: the N classes are answers to one question, so that its words tell nothing (fifths of what questions are "
        "about). Support: folds 1-8; query: fold 9; no patient and no signal in both, examples and queries each of another "
        "patient. Accuracy over all queries, 95% bootstrap by the query's patient, and paired differences from the question's "
        "text alone. With --llm tuned:FOLDER a language model whose ECG mouth was meta-learned "
        "answers too. --set questions=built|published, ways=2,5, shots=1,5,10, queries=5; --limit N: episodes of each shape "
        f"(default {EPISODES})"
    ),
    source=(
        "Tang et al., Electrocardiogram-Language Model for Few-Shot Question Answering with Meta Learning, CHIL 2025, "
        "arXiv:2410.14464; Oh et al., ECG-QA, NeurIPS 2023, CC BY 4.0; Wagner et al., PTB-XL 1.0.3, CC BY 4.0"
    ),
    headline=("accuracy @ *any classes, 5-way 5-shot", "accuracy @ *one question, 2-way 5-shot"),
    runs=({"questions": "built"}, {"questions": "published"}),
    code=__name__,
)


class EcgqaFewshotTask:
    """ECG-QA in episodes."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Answer episodes.

        Raises:
            UsageError: an option is not understood.
            InputError: the data are not there.
        """
        source, ways, shots, queries = _options(settings.options)
        bench = bench_of("built" if source == "built" else "published", settings)
        n_episodes = EPISODES if settings.limit is None else settings.limit
        taught = _taught(settings, bench)
        support, dropped = without_copies(bench.train, bench.held, bench.signals)
        rows: list[Row] = []
        samples: list[dict[str, object]] = []
        missing: list[str] = []
        sizes: list[str] = []
        for kind_of_question in TYPES:
            pools = [[q for q in pool if q.type == kind_of_question] for pool in (support, bench.held)]
            draws = Draws(pools[0], pools[1], bench.signals, settings.seed)
            units = {kind: len(draws.units(kind)) for kind in KINDS}
            sizes.append(f"{kind_of_question} {units['classes']} classes of {units['question']} subjects")
            if not all(pools):
                missing.append(f"{kind_of_question}: no questions")
                continue
            for shape in [Shape(kind, kind_of_question, n, k) for kind in KINDS for n in ways for k in shots]:
                drawn = [draws.episode(shape, i, queries) for i in range(n_episodes)]
                episodes = [e for e in drawn if e is not None]
                if len(episodes) < n_episodes:
                    missing.append(f"{shape}: {len(episodes)} of {n_episodes}")
                if episodes:
                    found = list(_replies(shape, episodes, bench, draws, queries, settings, taught))
                    rows += rows_of(str(shape), found, settings.seed)
                    samples += found
        return Result(
            self.card.name,
            tuple(rows),
            _notes(bench, sizes, missing, dropped),
            samples,
            {"questions": source, "encoder": settings.encoder, "episodes": str(n_episodes), "queries": str(queries)},
            bench.data,
        )


def without_copies(train: Sequence[Question], held: Sequence[Question], signals: Signals) -> tuple[list[Question], int]:
    """The train questions whose ECG is, sample by sample, none of the held ones; and how many ECGs that leaves out."""
    digests = {ecg: _digest(signals, ecg) for ecg in {e for q in (*train, *held) for e in q.ecgs}}
    asked = {digests[ecg] for q in held for ecg in q.ecgs}
    copies = {ecg for q in train for ecg in q.ecgs if digests[ecg] in asked}
    return [q for q in train if not copies & set(q.ecgs)], len(copies)


def _digest(signals: Signals, ecg: int) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(signals.recording(ecg).signal).tobytes()).digest()


def _taught(settings: Settings, bench: Bench) -> Sequence[FewShot]:
    """The meta-learned model of ``--llm tuned:FOLDER``; none where none is named."""
    if settings.llm is None:
        return ()
    kind, _, folder = settings.llm.partition(":")
    if kind != "tuned" or not folder:
        raise UsageError(f"task ecgqa-fewshot: {settings.llm!r} cannot learn from examples; give --llm tuned:FOLDER")
    from precordia.eval.tasks.ecgqa.meta import MetaLearned

    return MetaLearned.both(Path(folder), bench.signals)


def _replies(
    shape: Shape,
    episodes: Sequence[Episode],
    bench: Bench,
    draws: Draws,
    queries: int,
    settings: Settings,
    taught: Sequence[FewShot],
) -> Iterator[dict[str, object]]:
    vectors = bench.vectors
    probes = {part: probe(_penalty(shape, part, bench, draws, queries)) for part in sorted({e.part for e in episodes})}
    plain: list[FewShot] = [
        Majority(),
        QuestionOnly(),
        ByVector("nearest example", vectors, nearest),
        ByVector("prototype", vectors, prototype),
        ByVector("prototype, another's ECG", vectors, prototype, swapped=True),
    ]
    plain += taught
    if shape.kind == "classes":
        plain.append(ByVector("prototype, ECG alone", vectors, prototype, reads_question=False))
    for episode in settings.progress(episodes, len(episodes), str(shape), "episode"):
        said = {system.name: system.answers(episode) for system in plain}
        said[PROBE] = ByVector(PROBE, vectors, probes[episode.part]).answers(episode)
        for place, question in enumerate(episode.query):
            answer = answer_text(question)
            common = {
                "sample": f"{shape}/{episode.number}/{place}",
                "patient": bench.signals.patient(question.ecgs[0]),
                "shape": str(shape),
                "episode": episode.number,
                "part": episode.part,
                "question": question.key,
                "answer": answer,
            }
            yield {**common, "system": CHANCE, "said": "", "correct": chance(episode)}
            for system, answers in said.items():
                yield {**common, "system": system, "said": answers[place], "correct": float(answers[place] == answer)}


def _penalty(shape: Shape, part: int, bench: Bench, draws: Draws, queries: int) -> float:
    """The probe's penalty that answers most queries of meta-training; the strongest of equally good ones."""
    drawn = [draws.episode(shape, number, queries, meta_train=part) for number in range(META_TRAIN)]
    episodes = [e for e in drawn if e is not None]
    scores = []
    for c in PENALTIES:
        system = ByVector(PROBE, bench.vectors, probe(c))
        scores.append(
            sum(a == answer_text(q) for e in episodes for a, q in zip(system.answers(e), e.query, strict=True))
        )
    return PENALTIES[int(np.argmax(scores))]


def rows_of(group: str, samples: Sequence[Mapping[str, object]], seed: int) -> list[Row]:
    """Accuracy of each system, and how much more it is than that of the question's text alone, paired."""
    by_system: dict[str, list[Mapping[str, object]]] = {}
    for sample in samples:
        by_system.setdefault(str(sample["system"]), []).append(sample)
    correct = {name: np.array([s["correct"] for s in mine], dtype=float) for name, mine in by_system.items()}
    patients = [s["patient"] for s in by_system[BLIND]]
    rows = []
    for name, values in correct.items():
        e = bootstrap.mean(values, patients, seed=seed)
        rows.append(Row(name, "accuracy", e.value, e.low, e.high, e.n, group))
    for name in correct:
        if name not in (CHANCE, Majority.name, BLIND):
            e = bootstrap.difference(correct[name], correct[BLIND], patients, seed=seed)
            rows.append(Row(name, "accuracy less question text only", e.value, e.low, e.high, e.n, group))
    return rows


def _options(given: Mapping[str, str]) -> tuple[str, list[int], list[int], int]:
    unknown = [name for name in given if name not in _DEFAULTS]
    if unknown:
        raise UsageError(f"option {unknown[0]} is not known to ecgqa-fewshot (choices: {', '.join(_DEFAULTS)})")
    chosen = {**_DEFAULTS, **given}
    if chosen["questions"] not in SOURCES:
        raise UsageError(f"option questions={chosen['questions']!r} is not understood; give {' or '.join(SOURCES)}")
    numbers = {}
    for name, least in (("ways", 2), ("shots", 1), ("queries", 1)):
        parts = chosen[name].split(",")
        if not all(part.isdigit() and int(part) >= least for part in parts) or (name == "queries" and len(parts) > 1):
            raise UsageError(
                f"option {name}={chosen[name]!r}: give whole numbers of at least {least}, as {_DEFAULTS[name]}"
            )
        numbers[name] = [int(part) for part in parts]
    return chosen["questions"], numbers["ways"], numbers["shots"], numbers["queries"][0]


def _notes(bench: Bench, sizes: Sequence[str], missing: Sequence[str], dropped: int) -> tuple[str, ...]:
    notes = [
        *bench.notes[:1],
        f"In the support's pool: {'; '.join(sizes)}; a {PARTS}th of them in each episode. Left out as copies of a held-back "
        f"signal: {dropped} ECGs.",
        "Any classes: where the classes of an episode are of different questions, the question's words give the answer; what "
        "the ECG adds is the difference from 'question text only'. One question: that system is at chance.",
        "The encoder was trained on ECGs and reports of folds 1-7: classes that the probe did not meet are not unknown to it. "
        "Episodes share ECGs; the intervals are by patient, and say nothing of other classes. With another's ECG a little less "
        "than chance is to be expected, since the next query is more often of another class.",
    ]
    if missing:
        notes.append(f"Too few classes or ECGs for all episodes: {'; '.join(missing)}.")
    return tuple(notes)


ECGQA_FEWSHOT = EcgqaFewshotTask()
