"""Findings in canonical English."""

from __future__ import annotations

import pytest

from precordia.concepts import canonical_text, label_report, statement_of, vocabulary
from precordia.core.findings import Finding


@pytest.mark.parametrize(
    ("finding", "statement"),
    [
        (Finding("SR"), "sinus rhythm"),
        (Finding("IMI", "uncertain", "inferior", "old"), "possible old inferior myocardial infarction"),
        (
            Finding("IMI", territory="inferior", severity="age undetermined"),
            "inferior myocardial infarction, age undetermined",
        ),
        (Finding("STD_", territory="lateral", severity="mild"), "mild ST depression in lateral leads"),
        (Finding("INVT", territory="widespread"), "widespread T-wave inversion"),
        (Finding("LVOLT", territory="limb leads"), "low QRS voltage in limb leads"),
        (Finding("AFIB", "absent"), "no atrial fibrillation"),
        (Finding("LBBB", comparison="new"), "new left bundle branch block"),
        (Finding("AFIB", "absent", comparison="resolved"), "atrial fibrillation no longer present"),
    ],
)
def test_certainty_territory_severity_and_comparison_are_said(finding: Finding, statement: str) -> None:
    assert statement_of(finding) == statement


def test_every_finding_is_read_back_from_its_statement() -> None:
    lost = [c.id for c in vocabulary() if c.id not in [f.concept for f in label_report(statement_of(Finding(c.id)))]]
    assert not lost


@pytest.mark.parametrize("status", ["uncertain", "absent"])
def test_doubt_and_denial_are_read_back(status: str) -> None:
    for concept in ("LVH", "IMI", "AFIB", "CLBBB", "STD_", "ISCAL"):
        (finding,) = label_report(statement_of(Finding(concept, status)))  # type: ignore[arg-type]
        assert (finding.concept, finding.status) == (concept, status)


def test_german_becomes_english() -> None:
    german = "sinusrhythmus ueberdrehter linkstyp inferiorer infarkt     wahrscheinlich alt linkshypertrophie mÖglich"
    assert canonical_text(german) == (
        "Sinus rhythm. Left axis deviation. Inferior myocardial infarction, probably old. Possible left ventricular hypertrophy."
    )


def test_canonical_text_is_stable() -> None:
    once = canonical_text("sinus rhythm. st segments are depressed in v5,6. this may be due to lv strain or ischaemia.")
    assert canonical_text(once) == once


def test_a_report_without_findings_is_empty() -> None:
    assert canonical_text("") == ""
