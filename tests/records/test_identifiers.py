"""Identifiers are found by their form, as what they are, and measurements are none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.records.identifiers import find_identifiers, mask_identifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient: Hans-Peter Müller, Sinusrhythmus", "Patient: [name], Sinusrhythmus"),
        ("PATIENT NAME Doe, John - ECG", "PATIENT NAME [name] - ECG"),
        ("gez. Dr. med. von Berg", "gez. [name]"),
        ("Confirmed by J. Smith on 12/3/87", "Confirmed by [name] on [date]"),
        ("Normal ECG.\n-- Erika Beispiel", "Normal ECG.\n-- [name]"),
        ("John Smith, MD", "[name], MD"),
        ("Seen by John I. Smith", "Seen by [name]"),
        ("am 12 . 3 . 1987 um 14.35 Uhr", "am [date] um [time] Uhr"),
        ("March 3rd, 1987; 3. März 87; 1987-03-03; 3-Mar-1987", "[date]; [date]; [date]; [date]"),
        ("im Februar 1990", "[date]"),
        ("geb. 1950", "geb. [date]"),
        ("a 93-year-old, 72 years", "a [age]-year-old, 72 years"),
        ("Tel. 0241/8080123, +49 30 1234567, (555) 555-0199", "Tel. [id], [id], [id]"),
        ("Fall-Nr. A-44871 MRN 48 29 13", "Fall-Nr. [id] MRN [id]"),
        ("write to a.b@hospital.example", "write to [id]"),
        ("Gartenweg 7, 52066 Aachen", "[address]"),
        ("12 Oak Street, Dayton, OH 45402", "[address]"),
        ("Transferred from St. Mary's Hospital.", "Transferred from [address]."),
        ("Klinikum Aachen", "[address]"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert mask_identifiers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "PR 160 ms, QRS 92 ms. QT/QTc 380/410 ms, axis -35",
        "Vent. rate 72, P-R-T axes 45 -30 60",
        "2:1 AV block, V1-V3, V2,3,4, ST 0.2 mV, S1Q3T3",
        "AV-Block I. Grades. Q-Zacken in III. Im Vergleich zum Vor-EKG unverändert.",
        "Z.n. Infarkt, V.a. Ischämie, fr. Infarkt, DD Aneurysma",
        "Patient should be considered for a pacemaker. No 160 ms pause.",
        "st-hÖjning med patologisk Q",
        "Sinusrhythmus, Linkstyp. May be normal. Marked sinus bradycardia.",
        "Can I go running? May I drive? Will I need an operation?",
    ],
)
def test_what_is_of_the_ecg_is_none(text: str) -> None:
    assert mask_identifiers(text) == text


@given(st.text(max_size=300))
def test_any_text_gives_stretches_in_order(text: str) -> None:
    found = find_identifiers(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
