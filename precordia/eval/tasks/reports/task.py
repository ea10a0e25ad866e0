"""``precordia eval reports``: reports on held-back ECGs, by words, by findings and by their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError, UsageError
from precordia.core.recording import Recording
from precordia.encoders.text import SentenceEncoder, load_text_encoder
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_codes, read_ptbxl_here
from precordia.eval.tasks.reports import experts as reports_experts
from precordia.eval.tasks.reports import losses as reports_losses
from precordia.eval.tasks.reports import risk as reports_risk
from precordia.eval.tasks.reports import text as reports_text
from precordia.eval.tasks.reports.archive import Archive, open_archive
from precordia.eval.tasks.reports.data import LUDB, PTBXL, Sample, examine, read_ludb
from precordia.eval.tasks.reports.risk import Judged
from precordia.eval.tasks.reports.scores import Scored, against_codes, score, score_text
from precordia.eval.tasks.reports.systems import (
    CONSENSUS,
    NEAREST,
    Drafted,
    ModelsAlone,
    MostFrequent,
    Nearest,
    PrecedentsAlone,
    Random,
    SameLabels,
    System,
    Written,
)
from precordia.generation.written.grounding import Policy
from precordia.generation.written.writing import WritingSettings
from precordia.judgement.settings import JudgementSettings

ASKED_FOLDS: Final = (9,)
THRESHOLD_FOLDS: Final = (8,)
"""The encoder is not trained on this one."""
_POLICIES: Final[tuple[Policy, ...]] = ("drop", "ask again")
_OPTIONS: Final = ("bertscore", "policy", "replies")


CARD: Final = TaskCard(
    name="reports",
    summary="reports on PTB-XL fold 9 and LUDB from precedents, by words, findings, contradictions and citations",
    protocol=(
        "PTB-XL 1.0.3, the 100 Hz records that are here; LUDB 1.0.1, records 51-100. Precedents: PTB-XL folds 1-8 (no patient "
        'crosses folds), or those of --kb. Asked: fold 9 and LUDB, but for ECGs whose report states no finding ("trace only '
        'requested"). All systems get the same ECGs, precedents and exclusion of the own patient. Text metrics on PTB-XL: as '
        "written (English, German, Swedish), over references written in English, and in canonical English; none on LUDB, whose "
        "diagnoses are entries of a form. Findings are read from every text by precordia.concepts, suspected ones count as "
        "stated, all closed under implication, artefacts and history left out. Intervals: bootstrap by patient, differences "
        "paired. Thresholds of support are chosen on fold 8 against the archive less its patient. --set bertscore=idf weighs "
        "word pieces by rarity; --set replies=DIR keeps a language model's replies (default: OUT/replies); "
        "--set 'policy=ask again' shows it once what was not borne out."
    ),
    source=(
        "Wagner et al., PTB-XL, Scientific Data 2020;7:154, CC BY 4.0; Kalyakulina et al., LUDB, IEEE Access 2020;8:186181, "
        "ODC-By 1.0"
    ),
    headline=(
        "micro F1 of findings @ PTB-XL",
        "micro F1 of findings @ LUDB",
        "contradiction rate* @ PTB-XL",
        "citation precision* @ PTB-XL",
        "abstained @ PTB-XL",
        "BLEU-4 @ PTB-XL, *",
        "CIDEr-D @ PTB-XL, *",
    ),
    code=__name__,
)


class ReportsTask:
    """Reports against those that cardiologists wrote."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            MissingExtraError: a metric's library is not installed.
            InputError: PTB-XL is not there, or none of its fold 9; or the knowledge base holds what is asked.
            UsageError: an option is not understood.
        """
        _check(settings.options)
        words = load_text_encoder(device="cpu")
        reports_text.check_libraries(words)
        here, ludb = read_ptbxl_here(settings.data), read_ludb(settings.data)
        codes, table_hash = read_codes(settings.data)
        asked = of_folds(here, ASKED_FOLDS)
        if not asked:
            raise InputError(
                f"{settings.data / 'ptbxl'}: no signal of fold 9; give the folder that holds it with --data"
            )
        archive = open_archive(settings)
        systems = _systems(settings, archive)
        rows: list[Row] = []
        table: list[dict[str, object]] = []
        notes = [f"precedents: {len(archive.cases)} ECGs, {archive.name}"]
        for dataset, recordings in ((PTBXL, asked[: settings.limit]), (LUDB, ludb[: settings.limit])):
            samples = list(examine(recordings, dataset, archive, settings.progress))
            notes.append(_size(dataset, samples, recordings))
            if not samples:
                continue
            scored = _reports(systems, samples, archive, words, settings)
            rows += _figures(scored, dataset, codes if dataset == PTBXL else {}, settings.seed)
            rows += reports_losses.rows(samples, scored[CONSENSUS].reports, archive.cases, dataset)
            if dataset == PTBXL:
                judged = _judged(samples, scored[CONSENSUS].reports)
                chosen = _for_thresholds(archive, settings)
                rows += reports_risk.rows(judged, chosen, dataset, settings.seed)
            else:
                rows += _numbers(scored, dataset, settings)
            table += [row for one in scored.values() for row in one.rows(codes)]
            notes += _of_models(systems, scored, dataset)
        return Result(
            self.card.name,
            tuple(rows),
            (*notes, *_NOTES),
            table,
            {
                **reports_text.SETTINGS,
                "BERTScore weights": settings.options.get("bertscore", "equal"),
                "encoder": archive.kb.manifest.encoder_fingerprint,
                "judgement": repr(JudgementSettings()),
                "precedents": archive.name,
            },
            {"ptbxl_database.csv": table_hash, "PTB-XL": hash_signals(here), "LUDB": hash_signals(ludb)},
        )


_NOTES: Final = (
    "a reference that leaves a finding out does not deny it: precision is a lower bound, and contradictions are what it rules out",
    "what is compared was read by one labeller from both sides; the row against the ECG's codes does without it on one side",
    "the oracle reads the reference's findings: what it lacks in words is how differently the same findings are put, and what it "
    "lacks in findings no single report of the archive holds together",
    "LUDB's forms always name rhythm and axis and list chambers and ischaemia by wall; PTB-XL's reports do not, so that no system "
    "that learned from them can be complete there",
)  # fmt: skip


def _check(options: Mapping[str, str]) -> None:
    CARD.check_options(options, *_OPTIONS)
    if options.get("bertscore", "equal") not in ("equal", "idf"):
        raise UsageError(f"option bertscore={options['bertscore']!r} is not understood; give equal or idf")
    if options.get("policy", "drop") not in _POLICIES:
        raise UsageError(f"option policy={options['policy']!r} is not understood; give {' or '.join(_POLICIES)}")


def _systems(settings: Settings, archive: Archive) -> list[System]:
    systems: list[System] = [
        Drafted(archive.kb),
        ModelsAlone(),
        PrecedentsAlone(),
        Nearest(),
        Random(archive.cases, settings.seed),
        MostFrequent(archive.cases),
        SameLabels(archive.cases, settings.seed),
    ]
    if settings.llm is not None:
        from precordia.language_models import LanguageModelSettings, load_language_model

        default = settings.out / "replies" if settings.out else None
        folder = Path(settings.options["replies"]) if "replies" in settings.options else default
        model = load_language_model(settings.llm, LanguageModelSettings(cache_dir=folder))
        if model is not None:
            policy = next(p for p in _POLICIES if p == settings.options.get("policy", "drop"))
            systems.insert(1, Drafted(archive.kb, model, WritingSettings(policy=policy)))
    return systems


def _reports(
    systems: Sequence[System], samples: Sequence[Sample], archive: Archive, words: SentenceEncoder, settings: Settings
) -> dict[str, Scored]:
    """What each system writes, and what it scores."""
    reports: dict[str, list[Written]] = {}
    for system in systems:
        label = f"{samples[0].dataset}: {system.name}"
        reports[system.name] = list(map(system.write, settings.progress(samples, len(samples), label)))
    idf = settings.options.get("bertscore") == "idf"
    in_words = [sample for sample in samples if sample.dataset == PTBXL]
    texts = score_text(in_words, reports, words, idf=idf) if in_words else {}
    cases = {case.case_id: case for case in archive.cases}
    return {name: score(name, samples, some, cases, texts.get(name, {})) for name, some in reports.items()}


def _figures(scored: Mapping[str, Scored], dataset: str, codes: Mapping[str, tuple[str, ...]], seed: int) -> list[Row]:
    """Every figure of every system, then the differences from copying the nearest report."""
    rows = []
    measures = {}
    for name, one in scored.items():
        measures[name] = one.measures(dataset) + ([against_codes(one, codes, dataset)] if codes else [])
        rows += [measure.row(name, seed) for measure in (*measures[name], *one.own_measures(dataset))]
    drafted = [name for name, one in scored.items() if one.evidence]
    pairs = [(name, NEAREST) for name in drafted] + [(name, CONSENSUS) for name in drafted if name != CONSENSUS]
    for name, other in pairs:
        rows += [
            mine.less(theirs, f"{name} less {other}", seed)
            for mine, theirs in zip(measures[name], measures[other], strict=True)
        ]
    return rows


def _numbers(scored: Mapping[str, Scored], dataset: str, settings: Settings) -> list[Row]:
    """The numbers that drafts state against LUDB's experts."""
    rows = []
    for name, one in scored.items():
        if one.evidence:
            found = reports_experts.measures(one.samples, one.reports, settings.data / "ludb", dataset)
            rows += [measure.row(name, settings.seed) for measure in found]
    return rows


def _judged(samples: Sequence[Sample], reports: Sequence[Written]) -> list[Judged]:
    return [
        Judged(report.draft, sample.truth, sample.patient)
        for sample, report in zip(samples, reports, strict=True)
        if report.draft is not None
    ]


def _for_thresholds(archive: Archive, settings: Settings) -> list[Judged]:
    """The report on the fold that thresholds are chosen on; empty where the archive does not hold it."""
    # Its own recordings name patients as its cases do, so that the own patient's cases are left out.
    folds = {str(fold) for fold in THRESHOLD_FOLDS}
    cases = [case for case in archive.cases if case.metadata.get("strat_fold") in folds]
    recordings = [replace(archive.kb.recording(case.case_id), report=case.report) for case in cases]
    samples = list(examine(recordings, "fold 8", archive, settings.progress))
    system = Drafted(archive.kb)
    return _judged(samples, [system.write(sample) for sample in samples])


def _size(dataset: str, samples: Sequence[Sample], recordings: Sequence[Recording]) -> str:
    english = sum(sample.language == "en" for sample in samples)
    return (
        f"{dataset}: {len(samples)} ECGs of {len({s.patient for s in samples})} patients, {english} with a report in English; "
        f"{len(recordings) - len(samples)} left out whose report states no finding"
    )


def _of_models(systems: Sequence[System], scored: Mapping[str, Scored], dataset: str) -> list[str]:
    """How often a language model was no use, so that the consensus answered."""
    notes = []
    for system in systems:
        if isinstance(system, Drafted) and system.name != CONSENSUS:
            reports = scored[system.name].reports
            instead = sum(r.draft is not None and not r.abstained and r.draft.author != system.name for r in reports)
            notes.append(
                f"{dataset}: in {instead} of {len(reports)} reports by {system.name} the consensus answered instead"
            )
    return notes


REPORTS = ReportsTask()
