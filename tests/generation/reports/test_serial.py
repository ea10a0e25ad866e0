"""Comparison with the patient's own last ECG: what moved, what was said then, what is no longer borne out."""

from __future__ import annotations

from datetime import datetime

import pytest

from precordia.concepts import label_report
from precordia.core.case import Case
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.retrieval import Hit
from precordia.generation.reports.serial import with_earlier
from precordia.judgement.changes import change_in_words, move_of


def _earlier(report: str | None, **measured: float) -> Hit:
    findings = tuple(label_report(report)) if report else ()
    case = Case(7, "ecg-7", "p1", report, findings, Measurements(**measured), time=datetime(2019, 3, 2))
    return Hit(1, 0.9, case)


def _draft(*concepts: str, **measured: float) -> Draft:
    statements = tuple(
        Statement(c, (Finding(c),), (Citation(1, "quoted", "other"),), support=0.8, confidence=0.7) for c in concepts
    )
    return Draft(statements, measurements=Measurements(**measured))


def _changes(draft: Draft, hit: Hit) -> list[Statement]:
    return list(with_earlier(draft, [hit]).statements[len(draft.statements) :])


def test_nothing_earlier_leaves_the_draft_as_it_is() -> None:
    draft = _draft("AFIB")
    assert with_earlier(draft, []) is draft


def test_tells_what_moved_and_only_that() -> None:
    (said,) = _changes(_draft(heart_rate_bpm=95.0, pr_ms=162.0), _earlier(None, heart_rate_bpm=60.0, pr_ms=160.0))
    assert said.text == "Since the ECG of 2019-03-02: Ventricular rate increased: 60 bpm, then 95 bpm."
    assert said.measurements == ("heart_rate_bpm",)
    assert [c.case_id for c in said.citations] == [7]


def test_finding_stated_then_is_unchanged_and_cites_the_words() -> None:
    (said,) = _changes(_draft("AFIB"), _earlier("Atrial fibrillation."))
    assert said.text.startswith("Stated for the ECG of 2019-03-02 too: ")
    assert said.findings[0].comparison == "unchanged"
    assert said.citations[0].quote == "Atrial fibrillation"
    assert said.support == 0.8


def test_new_is_said_only_of_what_was_denied() -> None:
    (denied,) = _changes(_draft("AFIB"), _earlier("No atrial fibrillation."))
    assert denied.text.startswith("New, denied for")
    assert denied.findings[0].comparison == "new"
    unstated, gone = _changes(_draft("AFIB"), _earlier("Left bundle branch block."))
    assert unstated.text.startswith("Not stated for")
    assert unstated.findings[0].comparison is None
    assert gone.text.startswith("Stated for the ECG of 2019-03-02, not borne out")
    assert [(f.comparison, f.status) for f in gone.findings] == [("resolved", "uncertain")]


def test_what_the_measurements_still_show_is_not_called_gone() -> None:
    (said,) = _changes(_draft(pr_ms=240.0), _earlier("First degree AV block.", pr_ms=238.0))
    assert said.text.startswith("Stated for the ECG of 2019-03-02, and in keeping with the present measurements: ")
    assert said.measurements == ("pr_ms",)
    assert said.citations[0].case_id == 7


def test_every_statement_has_the_earlier_ecg_as_evidence() -> None:
    draft = _draft("AFIB", "CLBBB", heart_rate_bpm=120.0)
    changes = _changes(draft, _earlier("Sinus rhythm. No left bundle branch block.", heart_rate_bpm=70.0))
    assert len(changes) == 4
    assert all({c.case_id for c in s.citations} == {7} for s in changes)


def test_a_draft_that_abstained_is_not_compared() -> None:
    draft = Draft((), True, "too noisy", Measurements(heart_rate_bpm=120.0))
    compared = with_earlier(draft, [_earlier(None, heart_rate_bpm=60.0)])
    assert compared.statements == ()
    assert len(compared.earlier) == 1


@pytest.mark.parametrize(
    ("name", "before", "after", "move"),
    [
        ("qrs_ms", 90.0, 98.0, "unchanged"),
        ("qrs_ms", 90.0, 140.0, "increased"),
        ("axis_deg", 170.0, -170.0, "increased"),
        ("heart_rate_bpm", 90.0, 60.0, "decreased"),
    ],
)
def test_moves(name: str, before: float, after: float, move: str) -> None:
    assert move_of(name, before, after) == move
    assert move in change_in_words(name, before, after)
