"""Findings from measurements, by published limits."""

from __future__ import annotations

import pytest

from precordia.concepts import findings_from_measurements
from precordia.core.findings import Finding, Measurements

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


def concepts(measurements: Measurements) -> set[str]:
    return {finding.concept for finding in findings_from_measurements(measurements)}


def test_nothing_measured_says_nothing() -> None:
    assert findings_from_measurements(Measurements()) == []


def test_normal_values_say_normal_axis_and_regular_rhythm_only() -> None:
    normal = Measurements(
        heart_rate_bpm=70, pr_ms=160, qrs_ms=90, qtc_ms=420, axis_deg=45, p_ms=100, rhythm_regularity="regular"
    )
    assert concepts(normal) == {"NAXIS", "REGRH"}


@pytest.mark.parametrize(
    ("measurements", "finding"),
    [
        (Measurements(heart_rate_bpm=59), "BRADY"),
        (Measurements(heart_rate_bpm=101), "TACHY"),
        (Measurements(pr_ms=201), "LPR"),
        (Measurements(pr_ms=119), "SPR"),
        (Measurements(qrs_ms=120), "IVB"),
        (Measurements(qtc_ms=460), "LNGQT"),
        (Measurements(qtc_ms=390, heart_rate_bpm=80), "SQT"),
        (Measurements(axis_deg=-31), "LAD"),
        (Measurements(axis_deg=91), "RAD"),
        (Measurements(axis_deg=-91), "EXAX"),
        (Measurements(rhythm_regularity="irregular"), "IRREG"),
        (Measurements(criteria={"sokolow_lyon_lvh": True}), "VCLVH"),
        (Measurements(p_ms=121), "PWIDE"),
    ],
)
def test_a_value_beyond_its_limit_is_a_finding(measurements: Measurements, finding: str) -> None:
    assert finding in concepts(measurements)


@pytest.mark.parametrize(
    "measurements",
    [
        Measurements(heart_rate_bpm=60),
        Measurements(heart_rate_bpm=100),
        Measurements(pr_ms=200),
        Measurements(pr_ms=120),
        Measurements(qrs_ms=119),
        Measurements(qtc_ms=459),
        Measurements(criteria={"sokolow_lyon_lvh": False}),
    ],
)
def test_a_value_at_its_limit_is_none(measurements: Measurements) -> None:
    assert concepts(measurements) == set()


def test_low_voltage_needs_every_lead_of_its_plane() -> None:
    low = {"r_mv": dict.fromkeys(LIMB, 0.3), "s_mv": dict.fromkeys(LIMB, 0.1)}
    assert findings_from_measurements(Measurements(**low)) == [Finding("LVOLT", territory="limb leads")]
    assert not findings_from_measurements(Measurements(r_mv={"I": 0.3}, s_mv={"I": 0.1}))


def test_st_deviation_needs_two_contiguous_leads_and_says_where() -> None:
    one = Measurements(st_j60_mv={"II": 0.2, "V2": 0.1, "V5": -0.06})
    assert findings_from_measurements(one) == []
    two = Measurements(st_j60_mv={"II": 0.15, "III": 0.2, "aVF": 0.2, "I": -0.1, "aVL": -0.1})
    assert findings_from_measurements(two) == [
        Finding("STD_", territory="high lateral"),
        Finding("STE_", territory="inferior"),
    ]
