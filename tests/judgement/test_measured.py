"""Measurements in words, and what they say of findings."""

from __future__ import annotations

import pytest

from precordia.concepts import findings_from_measurements, vocabulary
from precordia.core.findings import Finding, Measurements
from precordia.judgement import measured
from precordia.judgement.made_up import recipes
from precordia.judgement.measured import MEASURES, conflicts, in_words, speaks_alone, supporting


def test_every_rule_is_about_a_known_finding_and_measurement() -> None:
    known = vocabulary()
    for check in measured.checks():
        assert check.concept in known
        assert check.name in MEASURES or check.name in measured.DERIVED
        assert check.low is not None or check.high is not None
    for row in measured._table("alone.csv"):
        assert row["concept"] in known
        assert row["measurement"] in {*MEASURES, *measured.DERIVED, "paced"}
    for recipe in recipes():
        assert {recipe.concept, recipe.of} <= {concept.id for concept in known}
        assert recipe.number.name in MEASURES


@pytest.mark.parametrize(
    ("concept", "value", "name", "plausible"),
    [
        ("CLBBB", 150.0, "qrs_ms", True),
        ("CLBBB", 90.0, "qrs_ms", False),
        ("TACHY", 120.0, "heart_rate_bpm", True),
        ("TACHY", 70.0, "heart_rate_bpm", False),
        ("RAD", 120.0, "axis_deg", True),
        ("RAD", -170.0, "axis_deg", True),
        ("RAD", 10.0, "axis_deg", False),
        ("LAFB", -60.0, "axis_deg", True),
        ("LAFB", 40.0, "axis_deg", False),
    ],
)
def test_a_measurement_speaks_for_or_against_a_finding(concept: str, value: float, name: str, plausible: bool) -> None:
    assert (conflicts([concept], Measurements(**{name: value})) == []) == plausible


def test_a_conflict_names_the_value_and_what_was_expected() -> None:
    assert str(conflicts(["CLBBB"], Measurements(qrs_ms=90.0))[0]) == "QRS duration is 90 ms, expected at least 112 ms"
    assert "-20°" in str(conflicts(["RAD"], Measurements(axis_deg=-20.0))[0])


@pytest.mark.parametrize(
    ("v1", "qrs_ms", "concept", "told"),
    [((0.1, 1.2), 150.0, "CRBBB", True), ((0.9, 0.3), 150.0, "CRBBB", False), ((0.1, 1.2), 128.0, "IRBBB", False),
     ((0.4, 0.9), 150.0, "CRBBB", False),
     ((0.1, 1.2), 150.0, "CLBBB", False)],
)  # fmt: skip
def test_a_wide_complex_that_ends_downwards_in_v1_is_no_right_bundle_branch_block(
    v1: tuple[float, float], qrs_ms: float, concept: str, told: bool
) -> None:
    found = Measurements(qrs_ms=qrs_ms, r_mv={"V1": v1[0]}, s_mv={"V1": v1[1]})
    against = conflicts(sorted(measured.lineage(concept)), found)
    assert ("V1" in " ".join(map(str, against))) == told
    assert not measured.is_defined(concept)


def test_what_was_not_measured_speaks_against_nothing() -> None:
    assert conflicts([check.concept for check in measured.checks()], Measurements()) == []


def test_only_plain_measurements_speak_alone() -> None:
    assert speaks_alone("LNGQT", Measurements(qtc_ms=500.0))
    assert not speaks_alone("LNGQT", Measurements(qtc_ms=465.0))
    assert not speaks_alone("VCLVH", Measurements(criteria={"sokolow_lyon_lvh": True}))


@pytest.mark.parametrize(
    ("measurements", "names"),
    [
        (Measurements(pr_ms=240.0, qrs_ms=90.0, heart_rate_bpm=70.0), {"LPR": ("pr_ms",)}),
        (Measurements(heart_rate_bpm=40.0, qtc_ms=400.0), {"BRADY": ("heart_rate_bpm",)}),
        (Measurements(st_j60_mv={"V2": 0.3, "V3": 0.3}), {"STE_": ("st_j60_mv",)}),
        (Measurements(rhythm_regularity="irregular"), {"IRREG": ("rhythm_regularity",)}),
        (Measurements(criteria={"sokolow_lyon_lvh": True, "cornell_lvh": True}), {"VCLVH": ("criteria",)}),
    ],
)
def test_a_finding_is_traced_to_the_measurements_it_rests_on(
    measurements: Measurements, names: dict[str, tuple[str, ...]]
) -> None:
    found = {
        f.concept: supporting(f, measurements, findings_from_measurements)
        for f in findings_from_measurements(measurements)
    }
    assert {concept: found[concept] for concept in names} == names


def test_either_of_two_measurements_that_suffice_is_named() -> None:
    def rule(m: Measurements) -> list[Finding]:
        return [Finding("X")] if m.pr_ms or m.qrs_ms else []

    assert supporting(Finding("X"), Measurements(pr_ms=1.0, qrs_ms=1.0, qt_ms=1.0), rule) == ("pr_ms", "qrs_ms")


def test_numbers_are_worded_with_their_units() -> None:
    m = Measurements(axis_deg=-0.2, qtc_ms=431.6, criteria={"sokolow_lyon_lvh": True, "x": False})
    assert in_words("axis_deg", m) == "QRS axis 0°"
    assert in_words("qtc_ms", m) == "QTc (Bazett) 432 ms"
    assert in_words("criteria", m) == "Criteria met: sokolow lyon lvh"
    assert in_words("second.qrs_ms", m) == "QRS duration, second ECG"


def test_the_reference_of_qtc_depends_on_sex() -> None:
    assert MEASURES["qtc_ms"].is_outside(455.0, "M")
    assert not MEASURES["qtc_ms"].is_outside(455.0, "F")
    assert not MEASURES["qtc_ms"].is_outside(455.0, None)
