"""A draft as text and as JSON: what is said, what must not be missed, and ids that survive JavaScript."""

from __future__ import annotations

import json

import pytest

from precordia.cli.console import print_json
from precordia.cli.report import print_draft
from precordia.core.case import Case
from precordia.core.documents import draft_document, search_document
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.retrieval import Hit, Query

BIG = 2**62 + 1
"""A case id beyond the whole numbers that JavaScript holds."""
HIT = Hit(1, 0.9, Case(BIG, "ecg-1", "p1", "Sinus rhythm. Ventricular tachycardia.", (), Measurements()))
CITED = (Citation(BIG, "Ventricular tachycardia", "ecg-1"),)
SAID = Statement("Sinus rhythm.", (Finding("SR"),), CITED, support=0.8)
CONCERN = Statement(
    "Ventricular tachycardia: suspected.", (Finding("VT", "uncertain"),), CITED, ("heart_rate_bpm",), 0.2,
    warnings=("Possible; a guideline",),
)  # fmt: skip
DRAFT = Draft((SAID,), hits=(HIT,), consider=(CONCERN,), warnings=("Signal: noisy",))


def test_what_must_not_be_missed_is_printed_after_the_statements(capsys: pytest.CaptureFixture[str]) -> None:
    print_draft(DRAFT)
    assert capsys.readouterr().out.splitlines() == [
        "- Sinus rhythm.  [precedents ecg-1; support 80%]",
        "To consider:",
        "- Ventricular tachycardia: suspected.  [precedents ecg-1; measured heart_rate_bpm]",
        "    ! Possible; a guideline",
        "! Signal: noisy",
    ]


def test_where_nothing_is_claimed_it_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_draft(Draft((), True, "no precedent was found", consider=(CONCERN,)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Not sure: no precedent was found", "To consider:"]


def test_nothing_to_consider_prints_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_draft(Draft((SAID,)))
    assert "consider" not in capsys.readouterr().out


def test_the_document_has_what_must_not_be_missed_beside_the_statements() -> None:
    document = draft_document(DRAFT)
    (concern,) = document["to_consider"]
    assert set(concern) == set(document["statements"][0])
    assert concern["text"] == CONCERN.text
    assert concern["findings"][0]["concept"] == "VT"
    assert concern["measurements"] == ["heart_rate_bpm"]
    assert concern["warnings"] == ["Possible; a guideline"]
    assert draft_document(Draft(()))["to_consider"] == []


def test_case_ids_are_strings_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"draft": draft_document(DRAFT), "found": search_document(Query(text="x"), [HIT])})
    printed = json.loads(capsys.readouterr().out, parse_int=lambda digits: int(float(digits)))
    ids = [
        printed["draft"]["hits"][0]["case_id"],
        printed["draft"]["statements"][0]["citations"][0]["case_id"],
        printed["draft"]["to_consider"][0]["citations"][0]["case_id"],
        printed["found"]["hits"][0]["case_id"],
    ]
    assert ids == [str(BIG)] * 4
