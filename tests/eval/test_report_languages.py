"""What is relied on: reports of one language are asked of another's, one a patient, by what was not learned from them."""

from __future__ import annotations

import numpy as np

from precordia.eval.tasks.report_labels.data import Coded
from precordia.eval.tasks.report_labels.languages_task import (
    METRIC,
    OURS,
    REPORT_LANGUAGES,
    frequent,
    one_each,
    stated,
    systems,
)

WORDS = {
    "en": {"LBBB": "left bundle branch block", "AFIB": "atrial fibrillation", "NORM": "normal ecg"},
    "de": {"LBBB": "Linksschenkelblock", "AFIB": "Vorhofflimmern", "NORM": "normales EKG"},
}


def reports(language: str, n: int = 30, first: int = 0) -> list[Coded]:
    codes = ["LBBB", "AFIB", "NORM"]
    return [
        Coded(
            first + i, first + i, f"{WORDS[language][codes[i % 3]]}, {60 + i}/min", frozenset({codes[i % 3]}), language
        )
        for i in range(n)
    ]


def test_one_report_a_patient_and_no_text_twice() -> None:
    one, other, *_ = reports("en")
    again, same = (
        Coded(9, other.patient, "another", frozenset(), "en"),
        Coded(8, 8, f" {one.text.upper()} ", frozenset(), "en"),
    )
    assert list(one_each([one, other, again, same], 5)) == [one, other]
    assert list(one_each([one, other], 1)) == [one]


def test_a_german_report_finds_the_english_one_of_its_meaning_by_canonical_statements() -> None:
    learned_from = reports("en", 300, first=1000)
    codes = frequent(learned_from)
    assert codes == ["AFIB", "LBBB", "NORM"]
    assert stated(learned_from[:1], codes).tolist() == [[False, True, False]]
    ready = systems(learned_from, codes)
    rows = list(REPORT_LANGUAGES._rows(ready, reports("de"), reports("en"), codes, "de asks en", 1))
    value = {row.system: row.value for row in rows if row.metric == METRIC}
    assert value[OURS] > 0.95
    assert value["letters (TF-IDF of 2 to 5, 256 latent)"] < value[OURS]
    assert all(np.isfinite(row.value) for row in rows)
