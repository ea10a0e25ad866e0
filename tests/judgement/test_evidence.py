"""Evidence: precedents are other patients', one a patient votes, and what is too thin says why."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from precedents import evidence_of, judged, precedent, query_recording

from precordia.core.recording import Problem, Quality
from precordia.core.retrieval import Hit

HITS = [precedent(i, "SR", similarity=0.9) for i in range(1, 5)]
POOR = Quality(0.1, False, {}, (Problem("noisy", (), 0.9, "noise of 2 mV in every lead"),))


def test_the_own_patients_cases_are_left_out() -> None:
    own = [precedent(9, "AFIB", patient="q", similarity=0.99)]
    assert evidence_of([*own, *HITS]).hits == tuple(HITS)
    nobody = replace(query_recording(1.0), patient_id=None)
    itself = precedent(8, "AFIB", patient=f"recording:{nobody.recording_id}")
    assert evidence_of([itself, *HITS], recording=nobody).hits == tuple(HITS)


def test_the_own_earlier_ecgs_are_kept_apart() -> None:
    own = precedent(9, "AFIB", patient="q", similarity=0.99)
    evidence = evidence_of(HITS, earlier=[own])
    assert evidence.earlier == (own,)
    assert own.case.case_id not in {voter.case.case_id for voter in evidence.jury}


def test_the_floor_is_about_the_nearest_case_alone() -> None:
    far = [precedent(i, "SR", similarity=0.3) for i in range(2, 6)]
    near = evidence_of([precedent(1, "SR", similarity=0.7), *far], floor=0.7)
    assert near.too_thin is None
    assert len(near.jury) == 5
    assert evidence_of([precedent(1, "SR", similarity=0.69), *far], floor=0.7).too_thin is not None


def test_a_near_case_without_a_report_is_near_all_the_same() -> None:
    silent = precedent(9, report="trace only requested.", similarity=0.9)
    evidence = evidence_of([silent, *(precedent(i, "SR", similarity=0.4) for i in range(1, 4))], floor=0.8)
    assert evidence.nearest == 0.9
    assert evidence.too_thin is None


@pytest.mark.parametrize(
    ("hits", "quality", "floor", "words"),
    [
        (HITS, POOR, 0.5, "not good enough (quality 0.10): noise of 2 mV in every lead"),
        ([], None, 0.5, "no precedent was found"),
        (HITS, None, 0.95, "no close precedent: the nearest has similarity 0.90, at least 0.95 is needed"),
        (HITS[:2], None, 0.5, "too few precedents with a report: 2 patients, at least 3 are needed"),
        ([precedent(i, "SR", patient="one") for i in range(1, 9)], None, 0.5, "1 patients"),
    ],
)
def test_what_is_too_thin_says_why(hits: list[Hit], quality: Quality | None, floor: float, words: str) -> None:
    evidence = evidence_of(hits, quality=quality, floor=floor)
    assert words in (evidence.too_thin or "")
    assert judged(hits, quality=quality, floor=floor).reason == evidence.too_thin


def test_an_acceptable_signal_is_no_reason() -> None:
    assert evidence_of(HITS, quality=Quality(0.6, True, {})).too_thin is None


def test_without_precedents_nothing_is_near() -> None:
    assert math.isnan(evidence_of().nearest)
    assert evidence_of().jury == ()


@given(
    st.lists(
        st.builds(
            lambda i, patient, near, speaks: precedent(
                i, *(["SR"] if speaks else []), patient=patient, similarity=near, report=None if speaks else "none."
            ),
            st.integers(1, 10**6),
            st.sampled_from(["q", "a", "b", "c", "d"]),
            st.floats(0, 1),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda hit: hit.case.case_id,
    )
)
def test_each_other_patient_that_says_something_has_one_vote(hits: list[Hit]) -> None:
    evidence = evidence_of(hits)
    patients = [voter.case.patient_key for voter in evidence.jury]
    speaking = {hit.case.patient_key for hit in hits if hit.case.findings} - {"q"}
    assert sorted(patients) == sorted(speaking)
    assert not patients or sum(voter.weight for voter in evidence.jury) == pytest.approx(1.0)
    assert evidence.vote("SR").support == pytest.approx(1.0 if patients else 0.0)
