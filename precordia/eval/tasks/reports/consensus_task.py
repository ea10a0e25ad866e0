"""``precordia eval report-consensus``: what reports find, and what models, precedents and rules each give, on several archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from precordia.concepts import canonical_text, label_report, statement_of
from precordia.core import bootstrap
from precordia.core.case import Case, patient_key_of
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.findings import Finding
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.metrics.overlap import rouge_l, words
from precordia.eval.ptbxl import of_folds, read_ptbxl_here
from precordia.eval.tasks.reports.archive import Archive, open_archive
from precordia.eval.tasks.reports.data import LUDB, PTBXL, ludb_before, read_coded, read_ludb
from precordia.eval.tasks.reports.figures import Measure, ratio
from precordia.eval.tasks.reports.findings import certain, opposed, superclasses
from precordia.eval.tasks.reports.systems import written
from precordia.generation.reports.composer import compose
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import HARMLESS, NORMAL, judge
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import most_specific, said_of, section_of, written_of
from precordia.judgement.votes import lineage

REPORT: Final = "precordia"
NEAREST: Final = "nearest report"
ALIKE: Final = "most alike report"
RARE: Final = 20
"""A finding that fewer cases of the archive state is rare."""
PLACES: Final = (PTBXL, LUDB, "LUDB, with LUDB 1-50 in the archive", "Chapman-Ningbo", "CPSC2018")
_CODED: Final = {"Chapman-Ningbo": ("chapman_ningbo",), "CPSC2018": ("cpsc2018", "cpsc2018extra")}
Truth = frozenset[str]


@dataclass(frozen=True, eq=False)
class _Asked:
    """An ECG with what was written or coded of it."""

    recording: Recording
    stated: tuple[Finding, ...]

    @property
    def truth(self) -> Truth:
        return said_of(self.stated)


@dataclass(frozen=True)
class _Said:
    """What a system says of an ECG: as findings, and in words."""

    findings: Truth
    words: str

    @classmethod
    def of(cls, findings: Truth) -> _Said:
        """In canonical words, the most special alone, in the order in which reports are read."""
        ordered = sorted(most_specific(sorted(findings)), key=lambda concept: (section_of(concept), concept))
        return cls(findings, " ".join(statement_of(Finding(concept)) for concept in ordered))


CARD: Final = TaskCard(
    name="report-consensus",
    summary=(
        "findings of reports, and what models, precedents and rules each give (PTB-XL fold 9, LUDB, Chapman, CPSC)"
    ),
    protocol=(
        "Archive: a knowledge base of PTB-XL 1.0.3's folds 1-8, the 100 Hz records that are there, built as users build one. "
        "Asked through it, as users ask: PTB-XL fold 9 (no patient crosses folds), LUDB 51-100 without and with LUDB 1-50 in "
        "the archive, Chapman-Ningbo and CPSC2018 (SNOMED CT codes as truth). Findings are read from reports by "
        "precordia.concepts and closed under implication; artefacts and history left out; ECGs of which nothing is stated are "
        "left out. Micro precision, recall and F1, 95% bootstrap interval by patient, differences paired; abstentions count as "
        "saying nothing. Rare: stated by fewer than 20 cases of the archive. Wording, of PTB-XL's reports alone: ROUGE-L of both "
        "texts in canonical English. --set place=NAME asks of one place alone."
    ),
    source=(
        "Wagner et al., PTB-XL, Scientific Data 2020;7:154; CC BY 4.0. Others: see eval reports and encoder-transfer"
    ),
    headline=(
        "micro F1 of findings @ *",
        "citation precision* @ *",
        "F1 of * @ PTB-XL",
        "precision of normal @ PTB-XL",
    ),
    code=__name__,
)


class ReportConsensus:
    """Finding-level agreement of reports with the cardiologist's, whole and by what they rest on."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Compose a report for each query and compare.

        Raises:
            UsageError: ``place`` is none of the places.
            InputError: there is no PTB-XL.
        """
        wanted = settings.options.get("place")
        if (wanted is not None and wanted not in PLACES) or set(settings.options) - {"place"}:
            raise UsageError(f"report-consensus has one setting, place: {'; '.join(PLACES)}")
        rows: list[dict[str, Any]] = []
        figures: list[Row] = []
        notes: list[str] = []
        archive = open_archive(settings)
        for place in PLACES if wanted is None else (wanted,):
            here = archive
            if place == PLACES[2]:
                here = open_archive(settings, ludb_before(settings.data))
            asked = [a for a in _asked(place, settings) if a.truth]
            known = _seen(asked, settings) if place in _CODED else frozenset()
            asked = [a for a in asked if a.recording.recording_id not in known][: settings.limit]
            found, drafts = _ask(here, asked, place, settings)
            rows += found
            figures += _figures(found, place, here.cases)
            if place == PTBXL:
                figures += _less_former(found)
            figures += _of_drafts(drafts, asked, here, place)
            models = here.kb.knowledge().models
            notes.append(
                f"{place}: {len(asked)} ECGs asked, {len(known)} more left out that the encoder was trained on; "
                f"archive {len(here.cases)} cases; {models}"
            )
        return Result(
            self.card.name,
            tuple(figures),
            (*notes, "Support is agreement among precedents; a report that leaves a finding out does not deny it."),
            samples=rows,
            settings={"encoder": archive.kb.manifest.encoder_fingerprint},
        )


def _asked(place: str, settings: Settings) -> list[_Asked]:
    if place in _CODED:
        return [_Asked(recording, stated) for recording, stated in read_coded(settings.data, _CODED[place])]
    recordings = of_folds(read_ptbxl_here(settings.data), (9,)) if place == PTBXL else read_ludb(settings.data)
    return [_Asked(r, tuple(label_report(r.report or ""))) for r in recordings]


def _seen(asked: Sequence[_Asked], settings: Settings) -> frozenset[str]:
    """Those that the encoder was trained on, be it without a word of what was found."""
    from precordia.encoders.checkpoint import load_encoder
    from precordia.encoders.seen import seen_by

    vectors = load_encoder(settings.encoder).embed([a.recording for a in asked])
    known = seen_by(settings.encoder, vectors)
    return frozenset(a.recording.recording_id for a, seen in zip(asked, known, strict=True) if seen)


def _ask(
    archive: Archive, asked: Sequence[_Asked], place: str, settings: Settings
) -> tuple[list[dict[str, Any]], list[Draft]]:
    """What each system says of each ECG, and the reports themselves."""
    commonest = _Said.of(_commonest(archive.cases))
    rows, drafts = [], []
    for one in settings.progress(asked, len(asked), f"{place}: reporting", "ECG"):
        bare = replace(one.recording, report=None, codes=(), vendor_statements=())
        evidence = archive.evidence(bare)
        draft = archive.kb.report(evidence)
        drafts.append(draft)
        for system, say in _SYSTEMS.items():
            rows.append(_row(system, place, one, say(evidence, draft), draft.abstained))
        nearest = archive.kb.search(bare, k=1)
        rows.append(_row(NEAREST, place, one, _of_first(nearest), False))
        rows.append(_row("commonest findings", place, one, commonest, False))
    return rows, drafts


def _row(system: str, place: str, one: _Asked, whole: _Said, abstained: bool) -> dict[str, Any]:
    said = whole.findings
    theirs, ours = (words(canonical_text(text)) for text in (one.recording.report or "", whole.words))
    return {
        "sample": one.recording.recording_id,
        "system": system,
        "place": place,
        "patient": patient_key_of(one.recording),
        "right": sorted(said & one.truth),
        "wrong": sorted(said - one.truth),
        "missed": sorted(one.truth - said),
        "abstained": system == REPORT and abstained,
        "rouge_l": rouge_l(ours, theirs),
    }


def _of_report(evidence: Evidence, draft: Draft) -> _Said:
    return _Said(said_of([f for statement in draft.statements for f in statement.findings]), written(draft).text)


def _by_models(evidence: Evidence, draft: Draft) -> _Said:
    """What is probable by the models, whether a precedent or measurement bears it out or not."""
    models = evidence.knowledge.models
    if models is None or evidence.vector is None:
        return _Said.of(frozenset())
    chances = models.chances(evidence.recording, evidence.measurements, evidence.vector)
    return _Said.of(frozenset(concept for concept, p in chances.items() if p >= evidence.least(concept)))


def _by_precedents(evidence: Evidence, draft: Draft) -> _Said:
    """What the vote and the rules of measurement come to without models."""
    alone = judge(replace(evidence, knowledge=replace(evidence.knowledge, models=None)))
    return _Said(said_of([standing.finding for standing in alone.said]), written(compose(alone)).text)


def _by_alike(evidence: Evidence, draft: Draft) -> _Said:
    """What the first precedent states: the most alike, where the archive has models."""
    return _of_first(evidence.hits)


def _of_first(hits: Sequence[Hit]) -> _Said:
    if not hits:
        return _Said.of(frozenset())
    return _Said(written_of(hits[0].case.findings), hits[0].case.report or "")


_SYSTEMS: Final[Mapping[str, Callable[[Evidence, Draft], _Said]]] = {
    REPORT: _of_report,
    "models alone": _by_models,
    "precedents alone": _by_precedents,
    ALIKE: _by_alike,
}


def _commonest(cases: Sequence[Case]) -> Truth:
    """What more than half of the archive's reports state."""
    counts = Counter(concept for case in cases for concept in said_of(case.findings))
    return frozenset(concept for concept, count in counts.items() if count > len(cases) / 2)


def _figures(rows: Sequence[Mapping[str, Any]], place: str, cases: Sequence[Case]) -> list[Row]:
    counts = Counter(concept for case in cases for concept in said_of(case.findings))
    rare = lambda concept: counts[concept] < RARE  # noqa: E731
    figures: list[Row] = []
    by_system = {name: [r for r in rows if r["system"] == name] for name in dict.fromkeys(r["system"] for r in rows)}
    for system, mine in by_system.items():
        patients = [row["patient"] for row in mine]
        right, wrong, missed = (_sizes(mine, key) for key in ("right", "wrong", "missed"))
        found = [
            ("micro F1 of findings", place, bootstrap.ratio(2 * right, 2 * right + wrong + missed, patients)),
            ("micro precision of findings", place, bootstrap.ratio(right, right + wrong, patients)),
            ("micro recall of findings", place, bootstrap.ratio(right, right + missed, patients)),
        ]
        if system == REPORT:
            found.append(("abstained", place, bootstrap.rate([row["abstained"] for row in mine], patients)))
        r, w, m = (_sizes(mine, key, rare) for key in ("right", "wrong", "missed"))
        if (r + m).sum():
            found.append(("micro F1 of rare findings", place, bootstrap.ratio(2 * r, 2 * r + w + m, patients)))
        if place == PTBXL:
            found.append(("ROUGE-L in canonical words", place, bootstrap.mean([r["rouge_l"] for r in mine], patients)))
            for name in ("MI", "STTC", "CD", "HYP", NORMAL):
                f1 = _of_superclass(mine, name)
                found.append((f"F1 of {name}", place, bootstrap.ratio(f1[0], f1[1], patients)))
            said = np.array([NORMAL in (*row["right"], *row["wrong"]) for row in mine], dtype=float)
            true = np.array([NORMAL in row["right"] for row in mine], dtype=float)
            if said.any():
                found.append(("precision of normal", place, bootstrap.ratio(true, said, patients)))
        figures += [Row(system, metric, e.value, e.low, e.high, e.n, group) for metric, group, e in found]
    own = _f1(by_system[REPORT], place)
    figures += [
        own.less(_f1(by_system[other], place), f"{REPORT} less {other}", seed=42)
        for other in ("models alone", "precedents alone", ALIKE, NEAREST)
    ]
    return figures


def _sizes(rows: Sequence[Mapping[str, Any]], key: str, counted: Callable[[str], bool] = lambda concept: True) -> Any:
    return np.array([sum(counted(concept) for concept in row[key]) for row in rows], dtype=float)


def _of_superclass(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[Any, Any]:
    """Twice the rightly said, and the said and the true together, of one superclass."""
    said = np.array([name in superclasses((*r["right"], *r["wrong"])) for r in rows], dtype=float)
    true = np.array([name in superclasses((*r["right"], *r["missed"])) for r in rows], dtype=float)
    return 2 * said * true, said + true


def _f1(rows: Sequence[Mapping[str, Any]], place: str) -> Measure:
    right, wrong, missed = (_sizes(rows, key) for key in ("right", "wrong", "missed"))
    total = (2 * right + wrong + missed).tolist()
    return ratio("micro F1 of findings", (2 * right).tolist(), total, [row["patient"] for row in rows], place)


def _less_former(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The difference from what release 0.1 said of the same ECGs; nothing where none of them is among those."""
    import pandas as pd

    path = Path(__file__).parent / "report_consensus_0.1.csv"
    former = pd.read_csv(path, comment="#").set_index("sample")
    mine = [row for row in rows if row["system"] == REPORT and row["sample"] in former.index]
    if not mine:
        return []
    then = former.loc[[row["sample"] for row in mine]]
    patients = [row["patient"] for row in mine]
    total = (then["said"] + then["true"]).tolist()
    before = ratio("micro F1 of findings", (2 * then["right"]).tolist(), total, patients, PTBXL)
    return [before.row("release 0.1", 42), _f1(mine, PTBXL).less(before, f"{REPORT} less release 0.1", seed=42)]


def _of_drafts(drafts: Sequence[Draft], asked: Sequence[_Asked], archive: Archive, place: str) -> list[Row]:
    """What must hold of every draft, counted: contradictions, citations, "normal" alone, fibrillation only where irregular."""
    patients = [patient_key_of(one.recording) for one in asked]
    stated = [len(certain([f for s in d.statements for f in s.findings])) for d in drafts]
    against = [
        len(opposed([f for s in d.statements for f in s.findings], one.stated))
        for d, one in zip(drafts, asked, strict=True)
    ]
    cases = {case.case_id: case for case in archive.cases}
    cited = [[(c, s) for s in d.statements if s.findings for c in s.citations] for d in drafts]
    right = [
        sum(any(f.concept in said_of(cases[c.case_id].findings) for f in s.findings) for c, s in some) for some in cited
    ]
    beside = [_is_normal_beside(draft) for draft in drafts]
    regular = [_fibrillates_regularly(draft) for draft in drafts]
    found = [
        ("contradicted statements", bootstrap.ratio(np.array(against, float), np.array(stated, float), patients), False),
        ("citation precision: the cited case says it",
         bootstrap.ratio(np.array(right, float), np.array([len(some) for some in cited], float), patients), True),
        ("normal beside an abnormal finding or number", bootstrap.rate(beside, patients), False),
        ("atrial fibrillation with regular RR", bootstrap.rate(regular, patients), False),
        ("drafts with something to consider", bootstrap.rate([bool(d.consider) for d in drafts], patients), True),
    ]  # fmt: skip
    promised = [
        [(s, f) for s in d.statements if s.confidence is not None for f in s.findings if f.status == "present"]
        for d in drafts
    ]
    calibrated = [[f for s in d.statements if s.confidence is not None for f in s.findings] for d in drafts]
    wrong = [sum(f.concept not in one.truth for _, f in some) for some, one in zip(promised, asked, strict=True)]
    n_promised = np.array([len(some) for some in promised], float)
    if n_promised.any():
        found += [
            ("wrong of statements that a promise covers", bootstrap.ratio(np.array(wrong, float), n_promised, patients), False),
            ("statements that a promise covers",
             bootstrap.ratio(n_promised, np.array([len(some) for some in calibrated], float), patients), True),
        ]  # fmt: skip
    for quality in ("territory", "severity"):
        agreed, both = _qualified(drafts, asked, quality)
        if both.any():
            found.append((f"{quality} as the report gives it", bootstrap.ratio(agreed, both, patients), True))
    return [Row(REPORT, metric, e.value, e.low, e.high, e.n, place, at_least=better) for metric, e, better in found]


def _qualified(drafts: Sequence[Draft], asked: Sequence[_Asked], quality: str) -> tuple[Any, Any]:
    """Of findings that draft and report both state and the report qualifies: how many the draft qualifies alike, and all."""
    agreed, both = [], []
    for draft, one in zip(drafts, asked, strict=True):
        theirs = {f.concept: value for f in one.stated if f.status != "absent" and (value := getattr(f, quality))}
        said = [f for s in draft.statements for f in s.findings if f.concept in theirs and f.status != "absent"]
        agreed.append(float(sum(getattr(f, quality) == theirs[f.concept] for f in said)))
        both.append(float(len(said)))
    return np.array(agreed), np.array(both)


def _is_normal_beside(draft: Draft) -> bool:
    concepts = [f.concept for s in draft.statements for f in s.findings if f.status != "absent"]
    if NORMAL not in concepts:
        return False
    odd = any(
        getattr(draft.measurements, name) is not None
        and MEASURES[name].is_outside(float(getattr(draft.measurements, name)), None)
        for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg")
    )
    return odd or any(not lineage(concept) & HARMLESS for concept in most_specific(concepts))


def _fibrillates_regularly(draft: Draft) -> bool:
    sd = draft.measurements.rr_sd_ms
    said = {c for s in draft.statements for f in s.findings if f.status != "absent" for c in lineage(f.concept)}
    return "AFIB" in said and sd is not None and sd < 25.0


REPORT_CONSENSUS = ReportConsensus()
