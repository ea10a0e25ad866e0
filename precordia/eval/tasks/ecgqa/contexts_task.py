"""``precordia eval ecgqa-contexts``: what retrieval gives, and whether the ECG is read at all: the same system, other evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.core.progress import Progress
from precordia.datasets.ecgqa.questions import QUESTION_TYPES, Question
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.ecgqa.bench import SOURCES, TYPES, Bench, bench_of
from precordia.eval.tasks.ecgqa.built_task import spread
from precordia.eval.tasks.ecgqa.contexts import CONTEXTS, Context, Shown, other_patients
from precordia.eval.tasks.ecgqa.figures import cost
from precordia.eval.tasks.ecgqa.language import Asked, load_model
from precordia.eval.tasks.ecgqa.named import Named
from precordia.eval.tasks.ecgqa.neighbours import NeighboursVote
from precordia.eval.tasks.ecgqa.outcomes import Outcome, ask, swap_ecgs
from precordia.eval.tasks.ecgqa.shipped import ASK, JUDGEMENT, Answered
from precordia.eval.tasks.ecgqa.system import Batched, Put, Reply, System
from precordia.fitting.answers.examined import Examined

SAMPLE: Final = 900
"""Questions asked of each system in each condition without ``--limit``."""
K: Final = 10
SWAPPED: Final = "another's ECG"
CONDITIONS: Final = (*CONTEXTS, SWAPPED)
MEAN: Final = "mean of types"
_OPTIONS: Final = ("questions", "replies", "workers")


CARD: Final = TaskCard(
    name="ecgqa-contexts",
    summary="ECG-QA with no, random and wrong precedents and with another patient's ECG: what retrieval gives",
    protocol=(
        "The same system answers the same questions on PTB-XL fold 9 five times: with its precedents (nearest), with none, with "
        "as many drawn at random, with those of another patient's ECG (wrong; its own measurements stay), and shown another "
        "patient's ECG throughout, of a question of the same template. Precedents and votes are of folds 1-8, never of the same "
        "patient. Exact match of whole options, by question type, and the mean of the types; paired differences from nearest, "
        "95% bootstrap by patient. Systems: the vote of the 10 nearest ECGs that were asked the same question (none: of all), "
        "precordia ask without a language model (its findings on built questions, its words on published ones; with what ships "
        "for the encoder, and by its judgement alone), and with --llm any language model. "
        "--set questions=built|published; --limit N takes as many of each type and template as there are "
        f"(built, default {SAMPLE}) or the first N (published); replies=DIR, workers=4"
    ),
    source="Oh et al., ECG-QA, NeurIPS 2023, CC BY 4.0; Wagner et al., PTB-XL 1.0.3, CC BY 4.0",
    headline=tuple(
        f"exact match, {part} @ {MEAN}" for part in ("nearest", *(f"nearest less {c}" for c in CONDITIONS[1:]))
    ),
    runs=({"questions": "built"}, {"questions": "published"}),
    code=__name__,
)


class EcgqaContextsTask:
    """One answering system, other precedents."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Ask.

        Raises:
            UsageError: an option is not understood.
            InputError: the data are not there.
        """
        unknown = [name for name in settings.options if name not in _OPTIONS]
        if unknown:
            raise UsageError(f"option {unknown[0]} is not known to {self.card.name} (choices: {', '.join(_OPTIONS)})")
        source = settings.options.get("questions", SOURCES[0])
        if source not in SOURCES:
            raise UsageError(f"option questions={source!r} is not understood; give {' or '.join(SOURCES)}")
        bench = bench_of(source, settings, TYPES if source == "built" else QUESTION_TYPES)
        limit = SAMPLE if settings.limit is None else settings.limit
        asked = spread(bench.held, limit, settings.seed) if source == "built" else list(bench.held[:limit])
        swapped = swap_ecgs(asked, bench.signals, settings.seed)
        outcomes: dict[str, dict[str, list[Outcome]]] = {}
        for name, condition, system in _systems(bench, asked, swapped, settings):
            mine = ask(system, asked, bench.signals, bench.classes, progress=settings.progress)
            outcomes.setdefault(name, {})[condition] = [
                o for o in mine if condition != SWAPPED or o.question.key in swapped
            ]
        rows = [row for name, found in outcomes.items() for row in rows_of(name, found, settings.seed)]
        rows += [row for found in outcomes.values() for mine in found.values() if mine for row in cost(mine)]
        samples = [_sample(o) for found in outcomes.values() for mine in found.values() for o in mine]
        return Result(self.card.name, tuple(rows), _notes(bench, asked), samples, {"questions": source}, bench.data)


@dataclass
class Renamed:
    """A system under another name, and, where ECGs are swapped, shown other patients' ECGs."""

    inner: System
    name: str
    swapped: Mapping[str, tuple[int, ...]] | None = None
    reads_ecg: bool = True

    def reads_words(self, question: Question) -> bool:
        """As the system."""
        return self.inner.reads_words(question)

    def prepare(self, puts: Sequence[Put], progress: Progress) -> None:
        """As the system, where it prepares."""
        if isinstance(self.inner, Batched):
            self.inner.prepare([(q, self._shown(q, ecgs)) for q, ecgs in puts], progress)

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """As the system, shown these or the swapped ECGs."""
        return self.inner.reply(question, self._shown(question, ecgs))

    def _shown(self, question: Question, ecgs: tuple[int, ...]) -> tuple[int, ...]:
        return (self.swapped or {}).get(question.key, ecgs)


def _systems(
    bench: Bench, asked: Sequence[Question], swapped: Mapping[str, tuple[int, ...]], settings: Settings
) -> list[tuple[str, str, System]]:
    """Name, condition and system, conditions in the order of :data:`CONDITIONS` for each name."""
    others = other_patients(asked, bench.signals, settings.seed)

    def vote(context: Context) -> System:
        return NeighboursVote(
            bench.train, bench.signals, bench.vectors, K, context=context, others=others, seed=settings.seed
        )

    def shown(context: Context) -> Examined:
        return bench.examined.beside(Shown(bench.archive, context, others, settings.seed))

    def judged(context: Context) -> System:
        return Named(shown(context))

    def answers(context: Context) -> System:
        if bench.source == "published":
            return Answered(shown(context), bench.fitted)
        return Named(shown(context), fitted=bench.fitted, abstain=False)

    makers: list[tuple[str, Callable[[Context], System]]] = [
        (f"neighbours' vote, k={K}", vote),
        (ASK if bench.fitted else JUDGEMENT, answers),
    ]
    if bench.source == "built" and bench.fitted is not None:
        makers.insert(1, (JUDGEMENT, judged))
    model = load_model(settings)
    if model is not None:
        language_model = model

        def words(context: Context) -> System:
            return Asked(language_model, bench.classes, shown(context), context)

        makers.append((model.name, words))
    out: list[tuple[str, str, System]] = []
    for name, make in makers:
        out += [(name, context, Renamed(make(context), f"{name}, {context}")) for context in CONTEXTS]
        out.append((name, SWAPPED, Renamed(make("nearest"), f"{name}, {SWAPPED}", swapped)))
    return out


def rows_of(name: str, found: Mapping[str, Sequence[Outcome]], seed: int) -> list[Row]:
    """Exact match of a system in each condition, and what it loses by each against ``nearest``, paired.

    Args:
        name: Of the system.
        found: Condition to outcomes; ``nearest`` among them.
        seed: Of the bootstrap.
    """
    rows = []
    asked = {condition: outcomes for condition, outcomes in found.items() if outcomes}
    for condition, outcomes in asked.items():
        right = np.array([o.corrected for o in outcomes], dtype=float)
        for group, value in _by_type(outcomes, right, seed, bootstrap.rate):
            rows.append(Row(name, f"exact match, {condition}", value.value, value.low, value.high, value.n, group))
    own = {o.question.key: o for o in found["nearest"]}
    for condition, outcomes in asked.items():
        if condition == "nearest":
            continue
        pairs = [(own[o.question.key], o) for o in outcomes if o.question.key in own]
        gap = np.array([float(a.corrected) - float(b.corrected) for a, b in pairs])
        for group, value in _by_type([a for a, _ in pairs], gap, seed, bootstrap.mean):
            rows.append(
                Row(name, f"exact match, nearest less {condition}", value.value, value.low, value.high, value.n, group)
            )
    return rows


def _by_type(
    outcomes: Sequence[Outcome],
    values: NDArray[np.float64],
    seed: int,
    estimate: Callable[..., bootstrap.Estimate],
) -> list[tuple[str, bootstrap.Estimate]]:
    """The mean within each type, and the mean of these means, with intervals by patient."""
    kinds = [kind for kind in QUESTION_TYPES if any(o.question.type == kind for o in outcomes)]
    codes = np.array([kinds.index(o.question.type) for o in outcomes], dtype=np.intp)
    patients = np.array([o.patient for o in outcomes])
    out = [
        (kind, estimate(values[codes == i], patients[codes == i].tolist(), seed=seed)) for i, kind in enumerate(kinds)
    ]

    def mean_of_types(chosen: NDArray[np.intp]) -> float:
        counts = np.bincount(codes[chosen], minlength=len(kinds))
        sums = np.bincount(codes[chosen], values[chosen], minlength=len(kinds))
        return float((sums[counts > 0] / counts[counts > 0]).mean())

    return [(MEAN, bootstrap.statistic(mean_of_types, len(outcomes), patients.tolist(), seed=seed)), *out]


def _sample(outcome: Outcome) -> dict[str, object]:
    question = outcome.question
    return {
        "sample": question.key,
        "system": outcome.system,
        "patient": outcome.patient,
        "template": question.template,
        "type": question.type,
        "attribute": question.attribute,
        "question": question.text,
        "answer": ", ".join(sorted(question.answer)),
        "said": ", ".join(sorted(outcome.said)),
        "correct": outcome.corrected,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "latency_s": outcome.latency_s,
    }


def _notes(bench: Bench, asked: Sequence[Question]) -> tuple[str, ...]:
    n = {kind: sum(q.type == kind for q in asked) for kind in QUESTION_TYPES}
    return (
        f"Asked: {len(asked)} questions on fold 9, of {len({bench.signals.patient(e) for q in asked for e in q.ecgs})} patients: "
        f"{', '.join(f'{kind} {count}' for kind, count in n.items() if count)}.",
        *bench.notes,
        "A difference whose interval holds 0 shows no use of what was taken away. 'nearest less none' is what retrieval gives, "
        "'nearest less random' what it gives beyond having any cases, 'nearest less another's ECG' what the ECG itself gives.",
        "Without precedents precordia ask has its measurements, its quality check and what was fitted for the encoder on folds "
        "1-8, if anything; by its judgement alone it then abstains where measurements do not answer. The vote without retrieval "
        "is that of all train ECGs asked the same question, so it knows how often each answer holds.",
    )


ECGQA_CONTEXTS = EcgqaContextsTask()
