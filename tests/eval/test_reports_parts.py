"""Findings, contradictions, evidence, thresholds and losses of reports, on cases that can be done by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.concepts import label_report, statement_of, vocabulary
from precordia.core.case import Case
from precordia.core.drafts import Citation, Draft, Prompt, Reply, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Why
from precordia.encoders.text import load_text_encoder
from precordia.eval.tasks.reports import losses as reports_losses
from precordia.eval.tasks.reports.data import PTBXL, Sample
from precordia.eval.tasks.reports.evidence import EvidenceCounts, count, holds, supports
from precordia.eval.tasks.reports.figures import mean, ratio
from precordia.eval.tasks.reports.findings import coded_of, macro_f1, opposed, tallies
from precordia.eval.tasks.reports.risk import NEVER, Judged, conformal_threshold
from precordia.eval.tasks.reports.scores import score, score_text
from precordia.eval.tasks.reports.systems import (
    Drafted,
    ModelsAlone,
    MostFrequent,
    Nearest,
    PrecedentsAlone,
    Random,
    SameLabels,
    Written,
    written,
)
from precordia.generation.reports.composer import compose
from precordia.generation.reports.report import write_report
from precordia.generation.written.writing import WritingSettings
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import judge
from precordia.judgement.reconcile import said_of, sayable
from precordia.judgement.settings import JudgementSettings

REPORTS = {
    "a": "sinus rhythm. normal ecg.",
    "b": "sinus rhythm. left bundle branch block.",
    "c": "sinus rhythm. normal ecg.",
    "d": "atrial fibrillation. left bundle branch block.",
}
CASES = [
    Case(i, name, f"patient {name}", report, tuple(label_report(report)), codes=("scp:NORM", "scp:SR"))
    for i, (name, report) in enumerate(REPORTS.items(), 1)
]
BY_ID = {case.case_id: case for case in CASES}
FINE = Quality(1.0, True, {}, ())


def recording(name: str = "query", report: str | None = None) -> Recording:
    signal = np.random.default_rng(0).normal(0, 0.1, (12, 100)).astype(np.float32)
    return Recording(signal, 100.0, LEADS, name, patient_id=f"patient {name}", report=report)


def hits(*case_ids: int) -> tuple[Hit, ...]:
    found = [(rank, 1.0 - rank / 100, BY_ID[i]) for rank, i in enumerate(case_ids, 1)]
    return tuple(Hit(rank, s, case, Why({"signal": s}, {"signal": rank})) for rank, s, case in found)


def sample(reference: str, *nearest: int, name: str = "query", **measured: float) -> Sample:
    stated = tuple(label_report(reference))
    return Sample(recording(name, reference), reference, stated, PTBXL, evidence(hits(*nearest), name, **measured))


def evidence(found: tuple[Hit, ...], name: str = "query", **measured: float) -> Evidence:
    return Evidence(recording(name), Measurements(**measured), FINE, hits=found)  # type: ignore[arg-type]


class Asked:
    """Stands in for a knowledge base."""

    def report(self, evidence: Evidence, llm: object, settings: WritingSettings | None) -> Draft:
        return write_report(judge(evidence), language_model=None if llm == "none" else llm, settings=settings)  # type: ignore[arg-type]


def voted(concept: str, support: float) -> Statement:
    text = statement_of(Finding(concept))
    return Statement(text, (Finding(concept),), (Citation(1, ""),), support=support)


# --- findings ---------------------------------------------------------------------------------------------------


def test_a_report_is_what_it_states_or_suspects_with_all_that_this_implies() -> None:
    said = said_of(label_report("Possible complete left bundle branch block. No atrial fibrillation. Artifact."))
    assert {"CLBBB", "LBBB", "BBB"} <= said
    assert not said & {"AFIB", "ARTI"}


def test_every_sayable_finding_is_read_back_from_its_canonical_words() -> None:
    # The figures read every text with the labeller: what the composer says must not be lost on the way.
    lost = [
        concept.id
        for concept in vocabulary()
        if sayable(concept.id) and concept.id not in said_of(label_report(f"{statement_of(Finding(concept.id))}."))
    ]
    assert lost == []


def test_codes_say_findings_and_unknown_codes_say_nothing() -> None:
    assert {"CLBBB", "LBBB"} <= coded_of(["scp:CLBBB", "scp:NOSUCH"])
    assert coded_of([]) == frozenset()


def test_macro_f1_gives_every_finding_the_same_weight() -> None:
    # SR: right in both, F1 1. LBBB: said wrongly once, true once and missed, F1 0.
    said = [frozenset({"SR", "LBBB"}), frozenset({"SR"})]
    truth = [frozenset({"SR"}), frozenset({"SR", "LBBB"})]
    assert macro_f1(tallies(said, truth, ["SR", "LBBB"]).sum(axis=0)) == pytest.approx(0.5)
    assert macro_f1(tallies(said, truth, ["SR", "AFIB"]).sum(axis=0)) == 1.0


@pytest.mark.parametrize(
    ("said", "reference", "expected"),
    [
        ("Atrial fibrillation.", "Sinus rhythm.", ["AFIB"]),
        ("Complete left bundle branch block.", "No left bundle branch block.", ["CLBBB"]),
        ("No left bundle branch block.", "Complete left bundle branch block.", ["LBBB"]),
        ("Possible atrial fibrillation.", "Sinus rhythm.", []),
        ("Left bundle branch block.", "Sinus rhythm.", []),
        ("Sinus rhythm.", "Sinus rhythm. Atrial fibrillation.", []),
    ],
)
def test_what_the_reference_rules_out_is_opposed(said: str, reference: str, expected: list[str]) -> None:
    assert [f.concept for f in opposed(label_report(said), label_report(reference))] == expected


# --- who writes -------------------------------------------------------------------------------------------------


def test_copied_reports_come_from_other_patients() -> None:
    own = sample(REPORTS["d"], 4, 2, name="d")
    for seed in range(20):
        assert Random(CASES[2:], seed).write(own).text == REPORTS["c"]
        assert SameLabels(CASES, seed).write(own).text != REPORTS["d"]


def test_the_oracle_copies_the_same_findings_and_else_the_nearest_set() -> None:
    assert SameLabels(CASES, 0).write(sample("Sinusrhythmus, normales EKG")).text == REPORTS["a"]
    partly = SameLabels(CASES, 0).write(sample("Vorhofflimmern, Linksschenkelblock, Linkstyp"))
    assert partly.text == REPORTS["d"]


def test_the_most_frequent_and_the_nearest_report_are_copied_word_for_word() -> None:
    assert MostFrequent(CASES).write(sample("x", 4)).text == REPORTS["a"]
    assert Nearest().write(sample("x", 4, 1)).text == REPORTS["d"]
    silent = Hit(1, 1.0, Case(9, "r", "p"), Why({}, {}))
    asked = sample("x", 2)
    first_without = Sample(asked.recording, "x", (), PTBXL, evidence((silent, *asked.hits)))
    assert Nearest().write(first_without).text == REPORTS["b"]


def test_a_draw_depends_on_the_sample_and_the_seed_alone() -> None:
    many = [Case(i, str(i), str(i), f"report {i}") for i in range(1000)]
    first = Random(many, 1).write(sample("x", name="s")).text
    assert Random(many, 1).write(sample("y", name="s")).text == first
    assert Random(many, 2).write(sample("x", name="s")).text != first
    assert Random(many, 1).write(sample("x", name="t")).text != first


def test_numbers_are_not_part_of_the_words_that_are_compared() -> None:
    asked = sample("x", 2, 4, 1, qrs_ms=150.0)
    draft = compose(judge(asked.evidence))
    report = written(draft)
    assert "QRS duration" in draft.text
    assert "QRS duration" not in report.text
    assert "LBBB" in report.said
    same = Drafted(Asked()).write(asked)  # type: ignore[arg-type]
    assert same.text == report.text


def test_what_precedents_say_alone_is_the_report_where_there_are_no_models() -> None:
    asked = sample("x", 2, 4, 1, qrs_ms=150.0)
    assert PrecedentsAlone().write(asked).said == Drafted(Asked()).write(asked).said  # type: ignore[arg-type]
    assert ModelsAlone().write(asked).said == frozenset()


class _Model(LanguageModel):
    """Always replies the same."""

    name = "scripted"

    def reply(self, prompt: Prompt) -> Reply:
        return Reply("Left bundle branch block [1]. Inferior infarction [2].")


def test_a_language_model_is_held_to_the_precedents() -> None:
    report = Drafted(Asked(), _Model()).write(sample("x", 2, 4, 1))  # type: ignore[arg-type]
    assert "LBBB" in report.said
    assert "IMI" not in report.said


# --- evidence ---------------------------------------------------------------------------------------------------


def test_citations_are_counted_by_what_the_cited_case_says() -> None:
    lbbb = Finding("LBBB")
    right = Citation(2, "left bundle branch block")
    draft = Draft(
        (
            Statement("Left bundle branch block.", (lbbb,), (right, Citation(1, "sinus rhythm"), Citation(99, ""))),
            Statement("Atrial fibrillation.", (Finding("AFIB"),)),
            Statement("Normal ECG.", (Finding("NORM"),), (Citation(1, "code NORM"),)),
        )
    )
    found = count(draft, BY_ID, Measurements())
    # Right: case 2's words, and case 1's code and words for NORM. Case 1 says no block; there is no case 99.
    assert (found.statements, found.cited, found.backed) == (3, 2, 2)
    assert (found.citations, found.right) == (4, 2)
    assert (found.worded, found.right_words) == (2, 1)
    # Codes are all NORM and SR: none says the block (LBBB has no code of its own), one says NORM.
    assert (found.coded, found.right_codes) == (1, 1)


def test_a_quote_that_is_not_in_the_report_is_no_evidence() -> None:
    invented = Statement("LBBB.", (Finding("LBBB"),), (Citation(1, "left bundle branch block"),))
    assert count(Draft((invented,)), BY_ID, Measurements()).right_words == 0


def test_a_code_that_is_cited_counts_where_the_case_has_it() -> None:
    case = Case(5, "e", "e", "trace only requested.", (), codes=("scp:CLBBB",))
    said = Statement("Complete LBBB.", (Finding("CLBBB"),), (Citation(5, "code CLBBB"),))
    assert count(Draft((said,)), {5: case}, Measurements()) == EvidenceCounts(1, 1, 1, 1, 1, 0, 0, 1, 1)
    other = Case(5, "e", "e", "trace only requested.", (), codes=("scp:NORM",))
    assert count(Draft((said,)), {5: other}, Measurements()).right == 0


def test_a_denial_is_supported_by_what_denies_or_excludes_the_finding() -> None:
    no_af = Statement("No atrial fibrillation.", (Finding("AFIB", "absent"),))
    assert supports(label_report("no atrial fibrillation"), no_af)
    assert supports(label_report("sinus rhythm"), no_af)
    assert not supports(label_report("left bundle branch block"), no_af)
    assert not supports(label_report("atrial fibrillation"), no_af)


def test_a_measurement_holds_when_it_shows_the_finding_by_itself() -> None:
    slow = Measurements(heart_rate_bpm=45.0, qrs_ms=90.0)
    said = Statement("Bradycardia.", (Finding("BRADY"),), measurements=("heart_rate_bpm",))
    assert holds(said, slow)
    assert not holds(said, Measurements(heart_rate_bpm=80.0))
    assert not holds(said, Measurements(qrs_ms=90.0))
    wrong = Statement("Bradycardia.", (Finding("BRADY"),), measurements=("qrs_ms",))
    assert not holds(wrong, slow)
    numbers = Statement("Ventricular rate 45 bpm, QRS duration 90 ms.", measurements=("heart_rate_bpm", "qrs_ms"))
    assert holds(numbers, slow)
    assert not holds(numbers, Measurements(heart_rate_bpm=45.0, qrs_ms=140.0))


# --- risk -------------------------------------------------------------------------------------------------------


def judged(*votes: tuple[float, bool]) -> Judged:
    said = ("SR", "LBBB", "LVH")
    draft = Draft(tuple(voted(concept, support) for concept, (support, _) in zip(said, votes, strict=False)))
    truth = frozenset(
        c for concept, (_, true) in zip(said, votes, strict=False) if true for c in said_of([Finding(concept)])
    )
    return Judged(draft, truth, "p")


def test_the_threshold_lets_no_more_reports_be_wrong_than_allowed() -> None:
    # Nine reports whose worst false vote has support 0.1, 0.2, ... 0.9: with k of them wrong the bound is (k + 1) / 10.
    drafts = [judged((1.0, True), (i / 10, False)) for i in range(1, 10)]
    assert conformal_threshold(drafts, 0.35) == pytest.approx(0.7)
    assert sum(s >= conformal_threshold(drafts, 0.35) and not t for d in drafts for s, t in d.voted()) == 2
    assert conformal_threshold(drafts, 1.0) == 0.0
    assert conformal_threshold(drafts, 0.05) == NEVER


def test_reports_without_a_false_vote_need_no_threshold() -> None:
    assert conformal_threshold([judged((0.4, True))] * 20, 0.1) == 0.0


def test_what_was_measured_stays_whatever_the_threshold() -> None:
    direct = Statement("LAD.", (Finding("LAD"),), (Citation(1, ""),), ("axis_deg",), support=1.0)
    some = Judged(Draft((direct, voted("LVH", 0.5))), frozenset(), "p")
    assert some.voted() == [(0.5, False)]
    assert "LAD" in some.kept(NEVER)
    assert "LVH" not in some.kept(0.6)


# --- losses -----------------------------------------------------------------------------------------------------


def test_every_loss_has_the_first_reason_that_applies() -> None:
    known = frozenset().union(*(said_of(case.findings) for case in CASES))
    asked = sample("x", 1, 2, 3)
    asked = replace(asked, evidence=replace(asked.evidence, settings=JudgementSettings(least=0.45, min_agreeing=1)))
    report = Written("", compose(judge(asked.evidence)))

    def why(concept: str) -> str:
        return reports_losses.reason_of(concept, asked, report, known)

    assert why("PACE") == "unknown to the archive"
    assert why("AFIB") == "no voter states it"
    assert why("LBBB") == "outvoted"
    assert why("SR") == "overruled"
    abstained = Written("", Draft((), abstained=True))
    assert reports_losses.reason_of("SR", asked, abstained, known) == "abstained"


def test_losses_and_gains_add_up() -> None:
    asked = [sample("sinus rhythm. inferior infarction.", 1, 2, 3), sample("atrial fibrillation", 1, 3)]
    drafts = [written(compose(judge(s.evidence))) for s in asked]
    found = reports_losses.rows(asked, drafts, CASES, PTBXL)
    parts = [row for row in found if row.metric.startswith(("stated", "missed"))]
    for group in {row.group for row in parts}:
        assert sum(row.value for row in parts if row.group == group) == pytest.approx(1.0)
    # Two of the first one's voters write "normal ecg", which its reference does not; the second has too few voters.
    added = {row.group: row.value for row in found if row.metric.startswith("reports that say it")}
    assert added[f"{PTBXL}, NORM"] == 0.5
    assert {row.n for row in found if row.group.endswith("all findings")} == {3}


# --- figures ----------------------------------------------------------------------------------------------------


def test_a_difference_is_paired() -> None:
    patients = [str(i) for i in range(40)]
    noise = np.random.default_rng(0).normal(0, 10, 40)
    row = mean("x", noise + 1, patients).less(mean("x", noise, patients), "a less b", 0)
    assert row.value == pytest.approx(1.0)
    assert row.low == pytest.approx(1.0)
    assert row.high == pytest.approx(1.0)


def test_the_interval_of_a_share_of_none_counts_those_who_could_have() -> None:
    patients = [str(i) for i in range(100)]
    everyone = ratio("x", [0] * 100, [1] * 100, patients).row("s", 0)
    ten = ratio("x", [0] * 100, [1] * 10 + [0] * 90, patients).row("s", 0)
    assert everyone.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert ten.high == pytest.approx(1 - 0.025 ** (1 / 10))


@pytest.mark.usefixtures("text_extra")
def test_samples_carry_no_words_and_the_same_keys() -> None:
    asked = [sample("Sinusrhythmus. Linksschenkelblock", 2, name="s"), sample("sinus rhythm. normal ecg.", 1, name="t")]
    reports = {"nearest report": [Nearest().write(s) for s in asked]}
    texts = score_text(asked, reports, load_text_encoder(device="cpu"))
    scored = score("nearest report", asked, reports["nearest report"], BY_ID, texts["nearest report"])
    rows = scored.rows({"t": ("scp:NORM",)})
    assert rows[0].keys() == rows[1].keys()
    assert [row["f1"] for row in rows] == [1.0, 1.0]
    assert rows[0]["english_rouge_l"] is None
    assert rows[1]["english_rouge_l"] == 1.0
    assert rows[0]["canonical_rouge_l"] == 1.0
    assert isinstance(rows[0]["written_rouge_l"], float)
    assert rows[0]["written_rouge_l"] < 1.0
    kept = str(rows).lower()
    assert not any(words in kept for words in ("rhythm", "rhythmus", "ecg", "branch", "block"))
