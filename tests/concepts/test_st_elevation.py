"""Which leads are elevated: by lead, sex and age, contiguous, at the J point and after it."""

from __future__ import annotations

import pytest

from precordia.concepts.st_elevation import depressed_leads, elevated_leads, secondary
from precordia.core.findings import Measurements
from precordia.core.recording import Sex


@pytest.mark.parametrize(
    ("mv", "age", "sex", "elevated"),
    [
        (0.15, 60, "F", True),
        (0.14, 60, "F", False),
        (0.20, 60, "M", True),
        (0.19, 60, "M", False),
        (0.24, 39, "M", False),
        (0.25, 39, "M", True),
        (0.20, 40, "M", True),
        (0.20, None, "M", True),
        (0.20, 30, None, True),
        (0.19, None, None, False),
    ],
)
def test_limits_of_v2_and_v3(mv: float, age: float | None, sex: Sex | None, elevated: bool) -> None:
    leads = elevated_leads(Measurements(st_j60_mv={"V2": mv, "V3": mv}), age=age, sex=sex)
    assert leads == (frozenset({"V2", "V3"}) if elevated else frozenset())


def test_one_lead_or_two_apart_are_none() -> None:
    assert not elevated_leads(Measurements(st_j60_mv={"II": 0.3}))
    assert not elevated_leads(Measurements(st_j60_mv={"II": 0.3, "V5": 0.3, "aVR": 0.3}))
    assert elevated_leads(Measurements(st_j60_mv={"V4": 0.1, "V5": 0.1})) == {"V4", "V5"}


def test_elevation_holds_at_the_j_point_and_after_it() -> None:
    levels = {"II": 0.2, "III": 0.2, "aVF": 0.2}
    gone = {"II": 0.0, "III": 0.05, "aVF": 0.02}
    assert not elevated_leads(Measurements(st_j60_mv=levels, st_j_mv=gone))
    assert not elevated_leads(Measurements(st_j60_mv=gone, st_j_mv=levels))
    assert elevated_leads(Measurements(st_j60_mv=levels, st_j_mv=levels)) == {"II", "III", "aVF"}


def test_depression_of_half_a_millimetre() -> None:
    assert depressed_leads(Measurements(st_j60_mv={"V4": -0.05, "V5": -0.06, "I": -0.1, "V1": -0.04})) == {"V4", "V5"}


def test_what_follows_from_the_complex() -> None:
    assert [
        secondary(Measurements(qrs_ms=qrs, paced=paced)) for qrs, paced in ((119, None), (120, None), (90, True))
    ] == [
        False,
        True,
        True,
    ]
