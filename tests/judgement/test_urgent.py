"""What must not be missed: each concern on phantom patients and on figures written by hand, and what must stay silent."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from precordia.concepts import vocabulary
from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements
from precordia.judgement import urgent as module
from precordia.judgement.urgent import Concern, concerns, urgent
from precordia.measurements import measure
from precordia.simulation import simulate

SEEDS = (31, 32, 33)

RAISED = {
    "VT": ["VT"],
    "STEMI": ["IMI:acute", "AMI:acute", "LMI:acute"],
    "ACMI": ["PMI:acute"],
    "3AVB": ["3AVB", "3AVB:wide"],
    "HAVB": ["2AVB", "MOB2", "HAVB"],
    "PREEX": ["AFIB:WPW"],
    "HYPERK": ["HYPERK", "HYPERK:severe"],
    "LNGQT": ["LNGQT:500"],
    "BRUG": ["BRUG"],
}

SILENT = [
    "NORM", "SBRAD", "STACH", "SARRH", "AFIB", "1AVB", "PAC", "PVC", "CLBBB", "CRBBB", "LAFB", "PACE", "LVH", "IMI:old", "INVT",
]  # fmt: skip

SINUS = Case(
    1, "before", "p", time=datetime(2020, 5, 4), measurements=Measurements(p_ms=100.0, rhythm_regularity="regular")
)
FIBRILLATING = Measurements(heart_rate_bpm=95, rr_usual_sd_ms=110, rr_ms=630, rhythm_regularity="irregular", qrs_ms=90)


def raised(name: str, seed: int, fs: float = 500) -> dict[str, Concern]:
    made = simulate([name], seed=seed, fs=fs)
    found = urgent(measure(made.recording), age=made.truth.age, sex=made.truth.sex)
    return {c.concept: c for c in found}


@pytest.mark.parametrize("fs", [500, 100])
@pytest.mark.parametrize(("concept", "name"), [(c, n) for c, names in RAISED.items() for n in names])
def test_it_is_raised(concept: str, name: str, fs: float) -> None:
    assert sum(concept in raised(name, seed, fs) for seed in SEEDS) >= len(SEEDS) - 1


def test_a_failing_pacemaker_is_seen_and_a_working_one_is_not() -> None:
    assert sum("PFAIL" in raised("PFAIL", seed) for seed in range(31, 39)) >= 7
    assert sum("PFAIL" in raised("PFAIL", seed, 100) for seed in range(31, 39)) >= 4
    assert not any("PFAIL" in raised(name, seed) for name in ("PACE", "VPACE") for seed in SEEDS)


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_raised_on_others(name: str) -> None:
    found = [c for seed in SEEDS for fs in (500, 100) for c in raised(name, seed, fs)]
    assert found == []


def test_fibrillation_is_new_only_after_an_ecg_without_it() -> None:
    (found,) = urgent(FIBRILLATING, earlier=[SINUS])
    assert (found.concept, found.grade) == ("AFIB", "likely")
    assert "2020-05-04" in found.text
    assert urgent(FIBRILLATING) == ()
    known = replace(SINUS, findings=(Finding("PAF", "uncertain"),), time=datetime(2015, 1, 1))
    assert urgent(FIBRILLATING, earlier=[SINUS, known]) == ()
    assert urgent(FIBRILLATING, earlier=[SINUS, replace(SINUS, measurements=FIBRILLATING)]) == ()
    denied = replace(SINUS, findings=(Finding("AFIB", "absent"),))
    assert urgent(FIBRILLATING, earlier=[denied])


def test_fibrillation_needs_irregular_intervals_and_no_atrial_rate() -> None:
    for change in ({"rr_usual_sd_ms": 20.0}, {"p_rate_bpm": 75.0}, {"p_ms": 90.0}, {"rhythm_regularity": "regular"}):
        assert urgent(replace(FIBRILLATING, **change), earlier=[SINUS]) == ()  # type: ignore[arg-type]


def test_nothing_measured_raises_nothing() -> None:
    assert urgent(Measurements()) == ()
    assert urgent(Measurements(n_beats=0), earlier=[SINUS]) == ()


def test_qtc_counts_when_it_is_sure_and_less_the_width_of_a_wide_complex() -> None:
    long = Measurements(qt_ms=480, qtc_ms=520, qrs_ms=90, heart_rate_bpm=70, confidence={"qtc_ms": 0.9})
    (found,) = urgent(long)
    assert (found.concept, found.grade) == ("LNGQT", "likely")
    assert "520" in found.text
    assert found.measurements[0] == "qtc_ms"
    assert urgent(replace(long, confidence={"qtc_ms": 0.3})) == ()
    assert urgent(replace(long, qrs_ms=160, qtc_wide_ms=450)) == ()
    (near,) = urgent(replace(long, qtc_ms=492))
    assert near.grade == "possible"


def test_a_p_wave_that_cuts_t_short_leaves_qtc_at_least_that_long() -> None:
    cut = Measurements(
        rr_ms=680, pr_ms=280, qt_ms=375, qtc_ms=455, qrs_ms=90, heart_rate_bpm=88, confidence={"qtc_ms": 0.9}
    )
    (found,) = urgent(cut)
    assert (found.concept, found.grade) == ("LNGQT", "possible")
    assert "at least 455" in found.text
    for clear in (replace(cut, pr_ms=180), replace(cut, rr_ms=760), replace(cut, qtc_ms=435)):
        assert urgent(clear) == ()


def test_complete_block_is_not_said_under_a_working_pacemaker() -> None:
    parted = Measurements(
        heart_rate_bpm=60, rr_ms=1000, rr_usual_sd_ms=4, av_dissociation=True, p_rate_bpm=85, qrs_ms=160, n_beats=10
    )
    assert [c.concept for c in urgent(parted)] == ["3AVB"]
    assert urgent(replace(parted, paced=True, n_spikes=10, n_captured=10)) == ()


def test_stimuli_without_an_answer() -> None:
    failing = Measurements(heart_rate_bpm=40, n_beats=7, n_spikes=11, n_captured=7, qrs_ms=160)
    (found,) = urgent(failing)
    assert (found.concept, found.grade) == ("PFAIL", "likely")
    assert "4 of 11" in found.text
    assert urgent(replace(failing, n_captured=10)) == ()
    (pause,) = urgent(replace(failing, n_captured=11, rr_max_ms=2000))
    assert "2.0 s" in pause.text


def test_every_rule_has_its_row_and_every_row_is_whole() -> None:
    path = Path(module.__file__).with_name("urgent.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["concept"] for row in rows} == set(module._RULES)
    assert all(all(row.values()) for row in rows)
    for row in concerns():
        assert vocabulary().concept(row.concept)
        assert 0 <= row.false_alarms < 0.03


@pytest.mark.parametrize("name", [n for names in RAISED.values() for n in names])
def test_a_concern_says_what_was_measured_and_what_settles_it(name: str) -> None:
    known = set(Measurements.__dataclass_fields__)
    for concern in raised(name, 31).values():
        assert concern.text.endswith(".")
        assert concern.text[0].isupper() or concern.text[0].isdigit()
        assert set(concern.measurements) <= known
        assert concern.source
        assert concern.limits
        assert next(r for r in concerns() if r.concept == concern.concept).settles in concern.text
