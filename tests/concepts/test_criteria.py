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


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [("pr_ms", 240.0, "LPR"), ("qrs_ms", 150.0, "IVB"), ("qtc_ms", 490.0, "LNGQT"), ("axis_deg", -60.0, "LAD")],
)
def test_a_number_measured_with_little_confidence_supports_nothing(name: str, value: float, finding: str) -> None:
    for confidence, expected in ((0.49, False), (0.5, True)):
        m = Measurements(**{name: value}, confidence={name: confidence})  # type: ignore[arg-type]
        assert (finding in concepts(m)) is expected


def test_behind_pacing_the_complex_says_nothing() -> None:
    paced = Measurements(
        heart_rate_bpm=70,
        qrs_ms=160,
        axis_deg=-70,
        qtc_ms=480,
        qtc_wide_ms=410,
        st_j60_mv={"V1": 0.4, "V2": 0.5, "V5": -0.2, "V6": -0.2},
        r_mv=dict.fromkeys(LIMB, 0.3),
        s_mv=dict.fromkeys(LIMB, 0.1),
        criteria={"sokolow_lyon_lvh": True, "sokolow_lyon_rvh": True},
        paced=True,
        rhythm_regularity="regular",
    )
    assert concepts(paced) == {"PACE", "REGRH"}


def test_behind_a_wide_complex_voltage_and_st_say_nothing() -> None:
    wide = Measurements(
        qrs_ms=150,
        axis_deg=-70,
        st_j60_mv={"V1": 0.4, "V2": 0.5, "V5": -0.2, "V6": -0.2},
        criteria={"cornell_lvh": True},
    )
    assert concepts(wide) == {"IVB", "LAD"}


def test_qt_behind_a_wide_complex_is_judged_without_its_width() -> None:
    assert concepts(Measurements(qrs_ms=160, qtc_ms=500, qtc_wide_ms=420)) == {"IVB"}
    assert concepts(Measurements(qrs_ms=160, qtc_ms=520, qtc_wide_ms=470)) == {"IVB", "LNGQT"}


def test_the_limit_of_qt_depends_on_sex() -> None:
    m = Measurements(qtc_ms=455)
    assert [bool(findings_from_measurements(m, sex=sex)) for sex in ("M", "F", None)] == [True, False, False]


def test_a_pr_interval_without_conduction_is_none() -> None:
    apart = Measurements(pr_ms=240, av_dissociation=True, p_rate_bpm=80)
    fibrillation = Measurements(pr_ms=240, rhythm_regularity="irregular", confidence={"pr_ms": 0.6})
    sinus = Measurements(pr_ms=240, rhythm_regularity="irregular", p_rate_bpm=70, confidence={"pr_ms": 0.6})
    assert "LPR" not in concepts(apart) | concepts(fibrillation)
    assert "LPR" in concepts(sinus)


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
