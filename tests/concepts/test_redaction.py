"""What a report says of the heart stays; who it is about does not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.deidentification import by_form_and_vocabulary, measure, reports_of
from precordia.concepts.known_words import unknown_stretches
from precordia.concepts.redaction import masks, redact
from precordia.records.identifiers import find_identifiers


def test_made_up_reports_lose_their_identifiers_and_keep_their_clinical_words() -> None:
    figures = measure(reports_of("unseen"), by_form_and_vocabulary)
    assert (figures.n_reports, figures.n_identifiers > 800, figures.n_words > 2500) == (200, True, True)
    assert figures.recall >= 0.98
    assert figures.kept >= 0.99


def test_the_same_seed_makes_the_same_report() -> None:
    assert reports_of("first", 6) == reports_of("first", 6)
    assert len({report.text for report in reports_of("first", 50)}) == 50


@pytest.mark.parametrize(
    ("report", "secrets"),
    [
        ("Patient: Hans-Peter Müller. Sinusrhythmus.", ["Hans", "Peter", "Müller"]),
        ("Sinus rhythm. gez. Kowalczyk", ["Kowalczyk"]),
        ("Normal ECG, 12 . 3 . 1987", ["12", "1987"]),
        ("Wohnhaft Birkenweg 12, 52066 Aachen. Normales EKG.", ["Birkenweg", "12", "52066", "Aachen"]),
        ("Frau Block, Linksschenkelblock", ["Block,"]),
        ("Gisela Block, Linksschenkelblock", ["Gisela", "Block,"]),
        ("DR. ZYXWVUT CALLED. ATRIAL FIBRILLATION.", ["ZYXWVUT"]),
        ("herr schmidt, sinusrhythmus", ["schmidt"]),
        ("Sinus rhythm Zyxwvut", ["Zyxwvut"]),
        ("97-jährige Patientin, Vorhofflimmern", ["97"]),
        ("Call 0241 8080 123. AF.", ["0241", "8080", "123"]),
    ],
)
def test_what_identifies_is_masked(report: str, secrets: list[str]) -> None:
    shown = redact(report)
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    "report",
    [
        "Sinus rhythm, rate 72/min, axis -45 degrees, PR 160 ms, QRS 92 ms, QT/QTc 380/410 ms.",
        "Right bundle branch block with left anterior fascicular block.",
        "Sinusrhythmus, AV-Block I. Grades, ST-Senkung 0,15 mV in V4-V6, sonst normales EKG.",
        "Atrial flutter with 2:1 conduction, ventricular rate 150.",
        "Kein Anhalt für Ischämie. Linksschenkelblock, bekannt.",
        "sinusrhythmus linkstyp normales ekg 4.46 unbestÄtigter bericht",
        "NORMALES EKG",
        "",
    ],
)
def test_clinical_words_and_numbers_stay(report: str) -> None:
    assert redact(report) == report


def test_a_name_is_not_run_into_the_finding_after_it() -> None:
    assert redact("Patient: Doe, John Right bundle branch block") == "[name] Right bundle branch block"


@given(st.text(max_size=200))
def test_any_text_is_masked_in_order_and_all_that_is_unknown_is(text: str) -> None:
    found = masks(text)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert all(0 <= start < end <= len(text) for start, end, _ in found)
    for start, end in [*unknown_stretches(text), *((one.start, one.end) for one in find_identifiers(text))]:
        assert text[start:end] in '[]"*#_|' or any(a <= start < b for a, b, _ in found)
