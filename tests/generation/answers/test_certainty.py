"""Yes and no of a finding are said only where every reading of the ECG carries them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from precedents import judged, precedent

from precordia.core.findings import Measurements
from precordia.generation.answers.certainty import Reading, in_doubt, is_certain, readings_of, together
from precordia.judgement.judge import Judgement

STATED = [precedent(i, "SR", "LVH", similarity=0.97 - i / 100) for i in range(1, 6)]
SILENT = [precedent(i, "SR", similarity=0.97 - i / 100) for i in range(1, 6)]
NUMBERS = Measurements(heart_rate_bpm=72.0, pr_ms=160.0, qrs_ms=92.0)


def certain(judgement: Judgement, concept: str, *others: Reading) -> bool | None:
    standing = judgement.standing(concept)
    return is_certain(standing, judgement, readings_of(standing, judgement, *others))


@pytest.mark.parametrize(
    ("probability", "prevalence", "there"), [(0.9, 0.1, True), (0.05, 0.1, None), (0.2, 0.1, None), (0.31, 0.02, True)]
)
def test_yes_needs_both_readings(probability: float, prevalence: float, there: bool | None) -> None:
    assert certain(judged(STATED, NUMBERS), "LVH", Reading("other", probability, prevalence)) is there


@pytest.mark.parametrize(
    ("probability", "prevalence", "there"),
    [(0.01, 0.1, False), (0.08, 0.1, None), (0.001, 0.001, None), (0.6, 0.1, None)],
)
def test_no_needs_an_ecg_that_speaks_against_it(probability: float, prevalence: float, there: bool | None) -> None:
    assert certain(judged(SILENT, NUMBERS), "LVH", Reading("other", probability, prevalence)) is there


def test_a_measurement_decides_alone() -> None:
    slow = judged([precedent(i, "SBRAD") for i in range(1, 6)], NUMBERS)
    assert certain(slow, "SBRAD", Reading("other", 0.99, 0.1)) is False
    fast = judged([precedent(i, "SR") for i in range(1, 6)], replace(NUMBERS, heart_rate_bpm=130.0))
    assert certain(fast, "TACHY", Reading("other", 0.01, 0.1)) is True


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4))
def test_readings_together_lie_between_them(probabilities: list[float]) -> None:
    likely = together([Reading("one", p, None) for p in probabilities])
    assert min(probabilities) - 1e-9 <= likely <= max(probabilities) + 1e-9


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_no_reading_both_affirms_and_denies(probability: float, prevalence: float) -> None:
    reading = Reading("one", probability, prevalence)
    assert not (reading.affirms and reading.denies)


def test_doubt_is_told_in_numbers() -> None:
    told = in_doubt([Reading("the archive's judgement", 0.31, None), Reading("the fitted answers", 0.2, 0.12)])
    assert told == "31% by the archive's judgement, 20% by the fitted answers; 12% of ECGs at large"
