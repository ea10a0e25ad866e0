"""Reports are data: what addresses a model is taken out, what identifies a person is scrubbed, what a report says stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from injections import INJECTIONS

from precordia.generation.sanitize import REMOVED, clean, scrub, visible

HARMLESS = [
    "Sinus rhythm. Normal ECG.",
    "Atrial fibrillation with rapid ventricular response, new since the previous tracing.",
    "Left bundle branch block, unchanged from prior ECG.",
    "Sinusrhythmus, Linkstyp, AV-Block I. Grades, sonst normales EKG.",
    "No previous ECG available for comparison.",
    "Artifact in V2, disregard that lead.",
    "T-wave inversion in V1-V3, cannot rule out anterior ischaemia.",
    "System: MAC 55, 25 mm/s"[8:],
    "ST-Hebung in II, III, aVF; akuter inferiorer Infarkt möglich.",
    "Heart rate 72, PR 160 ms, QRS 92 ms, QT/QTc 380/410 ms.",
    "ecg repeated at higher gain; findings as before.",
    "pacemaker spikes noted. paced beats and sinus beats are present.",
    "low voltage, consider pericardial effusion.",
    "QRS(T) abnorm, inferiorer Infarkt, Alter unbest.",
]


def test_there_are_at_least_forty_attempts() -> None:
    assert len(INJECTIONS) >= 40


@pytest.mark.parametrize("attempt", INJECTIONS)
def test_an_instruction_is_taken_out_of_a_report(attempt: str) -> None:
    cleaned = clean(f"Sinus rhythm. {attempt}")
    assert REMOVED in cleaned.text
    assert cleaned.n_removed >= 1
    assert cleaned.text.startswith("Sinus rhythm.")
    for word in ("ignore", "instruct", "assistant", "prompt", "http", "<", "{", "`", "banana", "pirate", "anweisung"):
        assert word not in cleaned.text.lower()


@pytest.mark.parametrize("attempt", INJECTIONS)
def test_an_instruction_is_taken_out_when_it_is_all_there_is(attempt: str) -> None:
    assert REMOVED in clean(attempt).text


@pytest.mark.parametrize("report", HARMLESS)
def test_what_reports_say_stays_word_for_word(report: str) -> None:
    assert clean(report).text == " ".join(report.split())
    assert clean(report).n_removed == 0


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Seen by Dr. Erika Mustermann on the ward.", "Mustermann"),
        ("Herr Schmidt, Sinusrhythmus", "Schmidt"),
        ("Confirmed by John Smith", "Smith"),
        ("Name: Doe, John", "Doe"),
        ("gez.: Huber", "Huber"),
        ("Recorded 12.03.1987 at noon", "1987"),
        ("2004-11-30", "2004"),
        ("3 March 2011", "2011"),
        ("at 14:35:10 Uhr", "14:35"),
        ("MRN 00482913", "00482913"),
        ("Patient ID: A-44871", "44871"),
        ("Serial number: SN-99812-X", "99812"),
        ("S/N 7782913", "7782913"),
        ("cart CS-12L0044127 replaced", "0044127"),
        ("call 0241 8080 123", "8080"),
        ("write to a.b@hospital.example", "hospital"),
    ],
)
def test_what_identifies_is_scrubbed(text: str, secret: str) -> None:
    assert secret not in clean(text).text


@pytest.mark.parametrize(
    "text", ["PR 160 ms, QRS 92 ms, QTc 410 ms, axis -35", "V1-V3", "rate 150/min", "2:1 AV block", "ST 0.2 mV in V2"]
)
def test_numbers_of_medicine_are_not_scrubbed(text: str) -> None:
    assert scrub(text) == (text, 0)


def test_greek_and_cyrillic_words_stay_what_they_are() -> None:
    assert clean("Δ-wave; ритм синусовый").text == "Δ-wave; ритм синусовый"


def test_a_long_text_is_cut() -> None:
    assert len(clean("sinus rhythm " * 1000, max_chars=100).text) <= 102


@given(st.text(max_size=400))
def test_any_text_becomes_one_line_without_control_characters(text: str) -> None:
    cleaned = clean(text).text
    assert cleaned == visible(cleaned).replace("\n", " ")
    assert "\n" not in cleaned
    assert all(c.isprintable() for c in cleaned)


@pytest.mark.parametrize("unit", ["A1-", "0-", "1 ", "(\n", "ignore ", "a ", "<", "Dr. Aa ", "{", "print "])
def test_a_hostile_text_is_read_to_a_bounded_length(unit: str) -> None:
    # Texts of any length cost no more than their first few thousand characters.
    assert clean(unit * 100_000) == clean((unit * 100_000)[:8000])
