"""``precordia eval own-model``: the small language model beside the composer and the answerer that need none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from precordia.concepts import label_report
from precordia.core import bootstrap
from precordia.core.errors import InputError, UsageError
from precordia.core.findings import Finding
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, rows_of
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.questions import Question
from precordia.datasets.ptbxl import read_table, signal_of
from precordia.encoders import load_encoder
from precordia.encoders.seen import seen_by
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.ecgqa.built_figures import SINGLE
from precordia.eval.tasks.ecgqa.built_task import spread
from precordia.eval.tasks.ecgqa.majority import Usual
from precordia.eval.tasks.ecgqa.named import Named
from precordia.eval.tasks.ecgqa.scorers import corrected, offers_none
from precordia.eval.tasks.ecgqa.shipped import Answered
from precordia.eval.tasks.ecgqa.system import Reply, System
from precordia.fitting.answers.archive import HereArchive, Vectors
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.signals import Signals, find_signals
from precordia.generation.reports.composer import compose
from precordia.generation.reports.report import write_report
from precordia.judgement.reconcile import said_of
from precordia.language_models import LanguageModelSettings
from precordia.language_models.own_model.checkpoint import load_model
from precordia.language_models.own_model.context import Sees, Shown, measured_words
from precordia.language_models.own_model.features import features_of
from precordia.language_models.own_model.material import canonical
from precordia.language_models.own_model.model import OwnModel
from precordia.language_models.own_model.questions import VERDICTS
from precordia.language_models.trained_here import OwnLanguageModel
from precordia.language_models.trained_here import load as load_own

OWN: Final = "own model"
COMPOSER: Final = "consensus of precedents"
SAMPLE: Final = 900
"""Questions asked of each system without ``--limit``, as in ``ecgqa-built``."""


def ablations(sees: Sees) -> dict[str, Sees]:
    """What the model is shown in each variant, the whole first; it was trained with each input hidden now and then."""
    cases = {
        OWN: sees,
        f"{OWN}, no precedents": replace(sees, precedents=0),
        f"{OWN}, no ECG": replace(sees, ecg="none"),
        f"{OWN}, no measurements": replace(sees, measurements=False),
        f"{OWN}, nothing": Sees("none", 0, False),
    }
    return {name: seen for name, seen in cases.items() if name == OWN or seen != sees}


CARD: Final = TaskCard(
    name="own-model",
    summary="the small language model of our own beside the composer and the no-LLM answerer (PTB-XL fold 9)",
    protocol=(
        "PTB-XL 1.0.3, the records that are there. Archive and answer frequencies: folds 1-8; asked: fold 9, or the fold of "
        "--set fold=N; patients are disjoint, precedents never the ECG's own patient's. Reports: micro F1 of findings against "
        "the cardiologist's report, read by precordia.concepts and closed under implication. Questions: ECG-QA's single-ECG "
        "ones built from labels, without numeric features, sampled over types and templates; exact match as a phrase. Yes or "
        "no and choices are held to their options; what is asked for in the open is written freely. Variants hide an input "
        "from the same weights. Intervals: 95%, bootstrap by patient. --set model=NAME or FOLDER; parts=reports|questions."
    ),
    source="Wagner et al., PTB-XL, Scientific Data 2020;7:154, CC BY 4.0; Oh et al., ECG-QA, NeurIPS 2023, CC BY 4.0",
    # No weights ship: there is nothing to run without ``--set model=FOLDER``.
    runs=(),
    code=__name__,
)


class OwnModelTask:
    """Reports and answers of the model that is trained here."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option is not understood.
            InputError: PTB-XL is not there.
            CheckpointError: the model belongs to another encoder.
        """
        options = {"model": "default", "fold": "9", "parts": "both", **settings.options}
        if unknown := sorted(set(options) - {"model", "fold", "parts"}):
            raise UsageError(f"option {unknown[0]} is not known to own-model (choices: model, fold, parts)")
        if options["parts"] not in ("both", "reports", "questions") or options["fold"] not in ("8", "9"):
            raise UsageError("own-model: give parts=both, reports or questions, and fold=9 or 8")
        language_model = load_own(options["model"], LanguageModelSettings())
        model = load_model(options["model"])
        rows, digest = read_table(settings.data / "ptbxl")
        here = [i for i in rows if signal_of(settings.data / "ptbxl", i)]
        fold = int(options["fold"])
        known = [i for i in here if int(rows[i]["strat_fold"]) <= 8 and int(rows[i]["strat_fold"]) != fold]
        asked = [i for i in here if int(rows[i]["strat_fold"]) == fold][: settings.limit]
        if not known or not asked:
            raise InputError(f"{settings.data / 'ptbxl'}: no signal of fold {fold}, or none of the archive")
        bench = _Bench(find_signals("ptbxl", settings.data, [*known, *asked]), known, asked, model)
        figures: list[Row] = []
        samples: list[dict[str, Any]] = []
        if options["parts"] != "questions":
            samples += _reports(bench, model, language_model)
            figures += report_figures(samples)
        if options["parts"] != "reports":
            found = _questions(bench, model, rows, settings)
            samples += found
            figures += question_figures(found)
        return Result(
            self.card.name,
            tuple(figures),
            (
                f"archive {len(known)} recordings, asked {len(asked)} of fold {fold}",
                f"model: {model.parameters:,} parameters, trained with encoder {model.encoder_fingerprint}",
                *winners(figures),
            ),
            samples,
            {"model": f"{options['model']} {model.fingerprint}", "encoder": model.encoder_fingerprint},
            {"ptbxl_database.csv": digest},
        )


class _Bench:
    """ECGs as the model and the others see them."""

    def __init__(self, signals: Signals, known: Sequence[int], asked: Sequence[int], model: OwnModel) -> None:
        self.signals, self.known, self.asked = signals, tuple(known), tuple(asked)
        self.encoder = load_encoder(model.encoder)
        vectors = Vectors(signals, self.encoder, [*known, *asked])
        self.archive = HereArchive(_Only(signals, set(known)), vectors, lambda found: seen_by(model.encoder, found))
        self.examined = Examined(signals, vectors, self.archive)
        steps: list[tuple[int, ...]] = [()] * len(asked)
        if model.quantiser is not None:
            steps = model.ecg_tokens(features_of(self.encoder, [signals.recording(i) for i in asked])[1])
        self.shown = {
            ecg: Shown(
                vectors.of(ecg),
                tokens,
                measured_words(self.examined.measurements(ecg)),
                tuple((w, h.score) for h in self.archive.hits(ecg) if (w := canonical(h.case.findings))),
            )
            for ecg, tokens in zip(asked, steps, strict=True)
        }

    def truth(self, ecg: int) -> Sequence[Finding]:
        return label_report(self.signals.report(ecg) or "")


class _Only(Signals):
    """Signals of which only some may be precedents."""

    def __init__(self, signals: Signals, known: set[int]) -> None:
        folds = {ecg: (1 if ecg in known else 10) for ecg in signals.paths}
        super().__init__(
            signals.paths, signals.cases, signals.patients, folds, signals.kb, signals._read, signals._reports
        )


def _reports(bench: _Bench, model: OwnModel, language_model: OwnLanguageModel) -> list[dict[str, Any]]:
    said: dict[str, dict[int, Sequence[Finding]]] = {}
    shown = [bench.shown[ecg] for ecg in bench.asked]
    for name, sees in ablations(model.sees).items():
        texts = model.report(shown, sees=sees)
        said[name] = {ecg: label_report(text) for ecg, text in zip(bench.asked, texts, strict=True)}
    counts = Counter(c for ecg in bench.known for c in said_of(bench.truth(ecg)))
    usual = [Finding(c) for c, n in counts.items() if n > len(bench.known) / 2]
    for name in (COMPOSER, f"{OWN}, grounded", "nearest report", "commonest findings"):
        said[name] = {}
    for ecg in bench.asked:
        judgement = bench.examined.judgement(ecg)
        drafts = {
            COMPOSER: compose(judgement),
            f"{OWN}, grounded": write_report(judgement, language_model=language_model),
        }
        for name, draft in drafts.items():
            said[name][ecg] = [f for s in draft.statements for f in s.findings]
        said["nearest report"][ecg] = judgement.evidence.hits[0].case.findings
        said["commonest findings"][ecg] = usual
    samples = []
    for name, found in said.items():
        for ecg in bench.asked:
            mine, truth = said_of(found[ecg]), said_of(bench.truth(ecg))
            samples.append(
                {"sample": f"report {ecg}", "system": name, "patient": bench.signals.patient(ecg), "part": "report",
                 "right": len(mine & truth), "said": len(mine), "true": len(truth), "group": ""}
            )  # fmt: skip
    return samples


class _Written:
    """The model's answers, written beforehand in batches."""

    reads_ecg = True

    def __init__(self, name: str, written: Mapping[str, str]) -> None:
        self.name = name
        self._written = written

    def reads_words(self, question: Question) -> bool:
        return True

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        return Reply(self._written[question.key])


def choices_of(question: Question) -> tuple[str, ...]:
    """The replies that a question is held to; none for one that asks in the open."""
    if question.type.endswith("-verify"):
        return VERDICTS
    if question.type.endswith("-choose"):
        return (*question.attributes, ", ".join(sorted(question.attributes)), "none")
    return ()


def _questions(bench: _Bench, model: OwnModel, rows: Mapping[int, Any], settings: Settings) -> list[dict[str, Any]]:
    folds = range(1, 11)
    train = build([facts_of(r) for r in rows_of(rows, folds, bench.known)], split="train", caps=TRAIN,
                  seed=settings.seed, wanted=_wanted)  # fmt: skip
    test = build([facts_of(r) for r in rows_of(rows, folds, bench.asked)], split="test", caps=HELD_OUT,
                 seed=settings.seed, wanted=_wanted)  # fmt: skip
    asked = spread(test, SAMPLE, settings.seed)
    known: dict[int, set[str]] = {}
    for q in train:
        known.setdefault(q.template, set()).update(q.answer - {"none"})
    patients = lambda q: frozenset(bench.signals.patient(e) for e in q.ecgs)  # noqa: E731
    shown = [bench.shown[q.ecgs[0]] for q in asked]
    texts, choices = [q.text for q in asked], [choices_of(q) for q in asked]
    systems: list[System] = [
        _Written(name, dict(zip([q.key for q in asked], model.answer(shown, texts, choices, sees=sees), strict=True)))
        for name, sees in ablations(model.sees).items()
    ]
    systems += [
        Answered(bench.examined),
        Named(bench.examined),
        Usual("majority of the template", train, patients, by_text=False),
        Usual("blind (question only)", train, patients, by_text=True),
    ]
    samples = []
    for system in systems:
        for q in asked:
            reply = system.reply(q, q.ecgs)
            options = (
                tuple(sorted(q.attributes)) if q.type.endswith("-choose") else tuple(sorted(known.get(q.template, ())))
            )
            right = corrected(reply.text if reply else "", options, q.answer, offers_none=offers_none(q.type))
            samples.append(
                {"sample": f"question {q.key}", "system": system.name, "patient": bench.signals.patient(q.ecgs[0]),
                 "part": "question", "right": int(right), "said": 1, "true": 1, "group": q.type}
            )  # fmt: skip
    return samples


def _wanted(slot: Slot) -> bool:
    return not slot.template.compares and slot.template.attribute_type != "numeric_feature"


def report_figures(samples: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Micro F1, precision and recall of findings of each system."""
    rows = []
    for system in dict.fromkeys(s["system"] for s in samples):
        mine = [s for s in samples if s["system"] == system]
        patients = [s["patient"] for s in mine]
        right, said, true = (np.array([s[key] for s in mine], dtype=float) for key in ("right", "said", "true"))
        for metric, e in (
            ("micro F1 of findings", bootstrap.ratio(2 * right, said + true, patients)),
            ("micro precision of findings", bootstrap.ratio(right, said, patients)),
            ("micro recall of findings", bootstrap.ratio(right, true, patients)),
        ):
            rows.append(Row(system, metric, e.value, e.low, e.high, e.n, "reports"))
    return rows


def question_figures(samples: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Exact match of each system by question type, and over the types."""
    rows = []
    for system in dict.fromkeys(s["system"] for s in samples):
        mine = [s for s in samples if s["system"] == system]
        values = []
        for group in SINGLE:
            members = [s for s in mine if s["group"] == group]
            if members:
                e = bootstrap.rate([bool(s["right"]) for s in members], [s["patient"] for s in members])
                rows.append(Row(system, "exact match", e.value, e.low, e.high, e.n, group))
                values.append(e.value)
        rows.append(Row(system, "exact match, mean of types", float(np.mean(values)), n=len(mine), group="questions"))
    return rows


def winners(figures: Sequence[Row]) -> list[str]:
    """Which system is best at reports and at each type of question, by the figures alone."""
    lines = []
    for metric, group in dict.fromkeys((r.metric, r.group) for r in figures if "F1" in r.metric or "exact" in r.metric):
        rows = [r for r in figures if (r.metric, r.group) == (metric, group)]
        best = max(rows, key=lambda r: r.value)
        lines.append(f"{metric}, {group}: best is {best.system} with {best.value:.3f}")
    return lines


OWN_MODEL = OwnModelTask()
