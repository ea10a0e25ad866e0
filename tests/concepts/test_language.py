"""The language of a report."""

from __future__ import annotations

import pytest

from precordia.concepts.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("sinus rhythm. normal ecg.", "en"),
        ("st segments are depressed in ii, iii, avf.", "en"),
        ("sinusrhythmus lagetyp normal", "de"),
        ("vorhofflimmern/-flattern linkstyp", "de"),
        ("schrittmacher ekg", "de"),
        ("sinusrytm vÄnster el-axel", "sv"),
        ("fÖrmaksflimmer med hÖg kammarfrekvens", "sv"),
        ("", "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language
