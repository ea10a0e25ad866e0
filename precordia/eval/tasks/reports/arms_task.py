"""``precordia eval report-arms``: what retrieved reports give a language model, and what of its words reaches a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from precordia.core.errors import InputError, UsageError
from precordia.core.protocols import LanguageModel
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_ptbxl_here
from precordia.eval.tasks.reports.archive import open_archive
from precordia.eval.tasks.reports.arms import ARMS, Answered, Arm, puts_of, replies_to
from precordia.eval.tasks.reports.data import PTBXL, Sample, examine
from precordia.eval.tasks.reports.figures import Measure, mean, ratio
from precordia.eval.tasks.reports.findings import certain, opposed
from precordia.eval.tasks.reports.systems import CONSENSUS, NEAREST, Nearest, Written, written

ASKED_FOLDS: Final = (9,)
SAMPLE: Final = 200
"""ECGs asked about without ``--limit``."""
CONTROL: Final = "control"
_OPTIONS: Final = ("replies", "arms", "tokens", "control", "beside")
F1: Final = "micro F1 of findings"
CONTRADICTED: Final = "contradiction rate: findings that the reference rules out"

CARD: Final = TaskCard(
    name="report-arms",
    summary="reports by a language model shown no, random, another patient's or its own precedents: raw, proved, delivered",
    protocol=(
        "PTB-XL 1.0.3 fold 9, the 100 Hz records that are here, but for ECGs whose report states no finding and those on which "
        "the judgement claims nothing. Precedents: folds 1-8 (no patient crosses folds), or those of --kb. Each arm shows the "
        "same measurements, and of precedents none, as many drawn at random, those of another patient's ECG, its own, or its own "
        "with what the judgement says of the ECG, to be phrased; beside them the nearest report, copied. "
        "Raw: all that the model wrote. Proved: what of it stands, so "
        "that the model chooses. Delivered: the report that users get, in which what the model left out is said as well. "
        "Findings are read by precordia.concepts; intervals: bootstrap by patient, differences paired. Replies are kept under "
        "OUT/replies (--set replies=DIR), so that a run that was cut off asks only for the rest. --set arms=none,nearest takes "
        "some of the arms, control=SPEC asks a second model, taught without precedents, and shows it none, beside=SPEC,SPEC asks "
        "others, shown the ECG's own; "
        f"tokens=N bounds a reply (default 160), --limit N the ECGs (default {SAMPLE})."
    ),
    source="Wagner et al., PTB-XL, Scientific Data 2020;7:154, CC BY 4.0",
    headline=(f"{F1} @ PTB-XL", f"{CONTRADICTED} @ PTB-XL"),
    runs=(),
    code=__name__,
)


class ReportArmsTask:
    """One language model, other precedents."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Ask.

        Raises:
            UsageError: no model is named, or an option is not understood.
            InputError: no ECG of fold 9 is there.
            LanguageModelError: replies did not come; those that did are kept.
        """
        arms = _arms(settings)
        model = _model(settings, settings.llm)
        control = _model(settings, settings.options["control"]) if "control" in settings.options else None
        beside = [_model(settings, spec) for spec in settings.options.get("beside", "").split(",") if spec]
        if len({_short(one) for one in (model, *beside)}) <= len(beside):
            raise UsageError("option beside: a model is named twice")
        here = read_ptbxl_here(settings.data)
        asked = of_folds(here, ASKED_FOLDS)[: settings.limit or SAMPLE]
        if not asked:
            raise InputError(
                f"{settings.data / 'ptbxl'}: no signal of fold 9; name the folder that holds it with --data"
            )
        archive = open_archive(settings)
        samples = list(examine(asked, PTBXL, archive, settings.progress))
        found: dict[str, list[Answered]] = {}
        asked_of: list[tuple[str, Arm, LanguageModel]] = [(arm, arm, model) for arm in arms]
        if control is not None:
            asked_of.append((CONTROL, "none", control))
        asked_of += [(_short(one), "nearest", one) for one in beside]
        for name, arm, one in asked_of:
            puts = puts_of(arm, samples, archive.cases, one, settings.seed)
            replies = list(settings.progress(replies_to(one, [p.prompt for p in puts]), len(puts), name, "ECG"))
            found[name] = [Answered(put, reply) for put, reply in zip(puts, replies, strict=True)]
        rows, samples_out = _figures(found, settings.seed)
        notes = (
            f"{len(next(iter(found.values())))} ECGs, {model.name}; precedents: {len(archive.cases)} ECGs, {archive.name}",
            "proved and delivered hold no word of the model's that is not borne out; delivered says what precordia says",
        )
        data = {"PTB-XL": hash_signals(here)}
        facts = {"language model": model.name} | ({CONTROL: control.name} if control is not None else {})
        facts |= {f"beside {n}": one.name for n, one in enumerate(beside, 1)}
        return Result(self.card.name, tuple(rows), notes, samples_out, facts, data)


def _model(settings: Settings, spec: str | None) -> LanguageModel:
    for name in settings.options:
        if name not in _OPTIONS:
            raise UsageError(f"task report-arms has no setting {name} (choices: {', '.join(_OPTIONS)})")
    tokens = settings.options.get("tokens", "160")
    if not tokens.isdigit() or int(tokens) < 1:
        raise UsageError(f"option tokens={tokens!r}: give the longest reply, at least 1")
    from precordia.language_models import LanguageModelSettings, load_language_model

    call = LanguageModelSettings(cache_dir=settings.replies_dir, max_tokens=int(tokens))
    model = load_language_model(spec, call)
    if model is None:
        raise UsageError("task report-arms asks a language model: name one with --llm, as in --llm local")
    return model


def _arms(settings: Settings) -> list[Arm]:
    named = settings.options.get("arms", ",".join(ARMS)).split(",")
    wrong = [name for name in named if name not in ARMS]
    if wrong:
        raise UsageError(f"option arms={wrong[0]!r} is not known (choices: {', '.join(ARMS)})")
    return [arm for arm in ARMS if arm in named]


def _figures(found: Mapping[str, list[Answered]], seed: int) -> tuple[list[Row], list[dict[str, object]]]:
    rows: list[Row] = []
    table: list[dict[str, object]] = []
    asked = [answered.put for answered in next(iter(found.values()))]
    samples = [put.sample for put in asked]
    plain = [written(put.plain) for put in asked]
    copied = [Nearest().write(sample) for sample in samples]
    measured = {CONSENSUS: _measures(plain, samples), NEAREST: _measures(copied, samples)}
    for arm, answers in found.items():
        stages = {
            "raw": [a.raw for a in answers],
            "proved": [a.proved for a in answers],
            "delivered": [a.delivered for a in answers],
        }
        for stage, reports in stages.items():
            measured[f"{arm}, {stage}"] = _measures(reports, samples)
            table += _table(f"{arm}, {stage}", reports, samples)
        rows += _verdicts(arm, answers, stages["delivered"], plain, seed)
    table += _table(CONSENSUS, plain, samples) + _table(NEAREST, copied, samples)
    figures = [measure.row(name, seed) for name, some in measured.items() for measure in some]
    for name, some in measured.items():
        if name != CONSENSUS:
            pairs = zip(some, measured[CONSENSUS], strict=True)
            figures += [mine.less(theirs, f"{name} less {CONSENSUS}", seed) for mine, theirs in pairs]
    for mine, theirs in _compared(tuple(found)):
        pairs = zip(measured[f"{mine}, raw"], measured[f"{theirs}, raw"], strict=True)
        figures += [one.less(other, f"{mine}, raw less {theirs}, raw", seed) for one, other in pairs]
    return [*figures, *rows], table


def _compared(names: Sequence[str]) -> list[tuple[str, str]]:
    """Which arms' raw reports are set beside which: each with none and with the control, the ECG's own precedents with
    another's and with random ones, other models with the first."""
    shown = [name for name in names if name not in ("none", CONTROL)]
    pairs = [(arm, without) for without in ("none", CONTROL) if without in names for arm in shown]
    pairs += [(own, other) for own in ARMS[3:] for other in ARMS[1:3] if {own, other} <= set(names)]
    return pairs + [(name, "nearest") for name in shown if name not in ARMS and "nearest" in names]


def _short(model: LanguageModel) -> str:
    """A model's name without its fingerprint."""
    return model.name.partition(" ")[0]


def _measures(reports: Sequence[Written], samples: Sequence[Sample]) -> list[Measure]:
    patients = [sample.patient for sample in samples]
    truth = [sample.truth for sample in samples]
    right = [2 * len(r.said & t) for r, t in zip(reports, truth, strict=True)]
    both = [len(r.said) + len(t) for r, t in zip(reports, truth, strict=True)]
    against = [len(opposed(r.findings, s.stated)) for r, s in zip(reports, samples, strict=True)]
    claimed = [len(certain(r.findings)) for r in reports]
    return [
        ratio(F1, right, both, patients, PTBXL),
        ratio(CONTRADICTED, against, claimed, patients, PTBXL, at_least=False),
    ]


def _verdicts(
    arm: str, answers: Sequence[Answered], delivered: Sequence[Written], plain: Sequence[Written], seed: int
) -> list[Row]:
    """How the model's sentences fared, whether anything got past, and what a reply costs."""
    patients = [answered.put.sample.patient for answered in answers]
    n = [len(answered.checked) for answered in answers]
    found = []
    for verdict in ("proved", "reworded", "repeated", "unsupported", "contradicted"):
        top = [sum(item.verdict == verdict for item in answered.checked) for answered in answers]
        found.append(ratio(f"sentences {verdict}", top, n, patients, PTBXL, at_least=verdict == "proved"))
    past = [not d.said <= p.said for d, p in zip(delivered, plain, strict=True)]
    found.append(mean("reports that say more than the judgement", past, patients, PTBXL, at_least=False, share=True))
    rows = [measure.row(arm, seed) for measure in found]
    replies = [answered.reply for answered in answers if answered.reply is not None]
    for name, values in (
        ("tokens of a prompt", [r.tokens_in for r in replies]),
        ("tokens of a reply", [r.tokens_out for r in replies]),
        ("s a reply", [r.latency_s for r in replies]),
    ):
        counted = [value for value in values if value is not None]
        if counted:
            rows.append(
                Row(arm, name, float(np.mean(counted)), n=len(counted), group=PTBXL, at_least=False, machine=True)
            )
    return rows


def _table(system: str, reports: Sequence[Written], samples: Sequence[Sample]) -> list[dict[str, object]]:
    return [
        {
            "sample": sample.id,
            "patient": sample.patient,
            "system": system,
            "said": sorted(report.said),
            "true": sorted(sample.truth),
            "right": len(report.said & sample.truth),
        }
        for report, sample in zip(reports, samples, strict=True)
    ]


REPORT_ARMS = ReportArmsTask()
