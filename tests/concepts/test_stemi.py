"""The pattern of ST elevation infarction, and what looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from precordia.concepts import stemi_pattern
from precordia.core.findings import Measurements

INFERIOR = Measurements(
    qrs_ms=90, st_j60_mv={"I": -0.1, "II": 0.2, "III": 0.3, "aVL": -0.12, "aVF": 0.25, "V1": 0.0, "V2": 0.0}
)
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")


def anterior(*, st: float, t: float, r: float, s: float, qtc: float = 420.0) -> Measurements:
    return Measurements(
        qrs_ms=90,
        qtc_ms=qtc,
        st_j60_mv={
            "V1": 0.05,
            "V2": st,
            "V3": st,
            "V4": st / 2,
            "V5": 0.0,
            "V6": 0.0,
            "II": 0.0,
            "III": 0.0,
            "aVF": 0.0,
        },
        t_mv=dict.fromkeys(CHEST, t),
        r_mv={"V1": 0.2, "V2": r / 2, "V3": r / 2, "V4": r},
        s_mv=dict.fromkeys(CHEST, s),
    )


def test_reciprocal_depression_is_named_with_the_leads() -> None:
    found = stemi_pattern(INFERIOR)
    assert found is not None
    assert (found.concept, found.leads) == ("STEMI", ("II", "III", "aVF"))
    assert "II, III, aVF, largest in III (0.30 mV, limit 0.10 mV), with depression in I, aVL" in found.text
    assert set(found.measurements) == {"st_j60_mv", "st_j_mv"}


def test_nothing_measured_and_nothing_raised_is_no_pattern() -> None:
    assert stemi_pattern(Measurements()) is None
    assert stemi_pattern(replace(INFERIOR, st_j60_mv=dict.fromkeys(INFERIOR.st_j60_mv, 0.02))) is None


def test_early_repolarisation_is_told_from_anterior_occlusion() -> None:
    benign = anterior(st=0.22, t=0.8, r=1.8, s=1.0, qtc=390)
    occlusion = anterior(st=0.35, t=0.9, r=0.5, s=0.5, qtc=440)
    assert stemi_pattern(benign, 30, "M") is None
    found = stemi_pattern(occlusion, 60, "M")
    assert found is not None
    assert "score of anterior occlusion" in found.text


def test_an_old_anterior_infarction_has_small_t_waves() -> None:
    assert stemi_pattern(anterior(st=0.3, t=0.2, r=0.1, s=1.5, qtc=460), 70, "M") is None
    assert stemi_pattern(anterior(st=0.3, t=1.0, r=0.1, s=1.5, qtc=460), 70, "M") is not None


def test_hypertrophy_raises_st_by_a_small_share_of_a_tall_complex() -> None:
    levels = {"V1": 0.2, "V2": 0.3, "V3": 0.25, "II": -0.1, "aVF": -0.08, "V5": -0.2, "V6": -0.2}
    strain = Measurements(
        qrs_ms=100, st_j60_mv=levels, s_mv={"V1": 2.5, "V2": 3.0, "V3": 2.5}, criteria={"sokolow_lyon_lvh": True}
    )
    assert stemi_pattern(strain) is None
    assert stemi_pattern(replace(strain, s_mv={"V1": 2.5, "V2": 1.0, "V3": 0.9})) is not None


@pytest.mark.parametrize(("q", "t", "expected"), [(0.3, 0.9, True), (0.0, 0.2, True), (0.0, 0.9, False)])
def test_inferior_elevation_alone_needs_q_waves_or_a_low_t(q: float, t: float, expected: bool) -> None:
    leads = ("II", "III", "aVF")
    m = Measurements(
        qrs_ms=90,
        st_j60_mv=dict.fromkeys(leads, 0.15) | {"I": 0.0, "aVL": 0.0},
        q_mv=dict.fromkeys(leads, q),
        r_mv=dict.fromkeys(leads, 0.8),
        t_mv=dict.fromkeys(leads, t),
    )
    assert (stemi_pattern(m) is not None) is expected


@pytest.mark.parametrize(
    ("st", "r", "s", "leads"),
    [
        ({"V1": 0.3, "V2": 0.4, "V3": 0.3, "V6": -0.1}, 0.1, 2.0, None),
        ({"V1": 0.3, "V2": 0.4, "V3": 0.8}, 0.1, 2.0, ("V3",)),
        ({"V5": 0.15, "V6": 0.12}, 1.0, 0.1, ("V5", "V6")),
        ({"V1": 0.1, "V2": -0.15}, 0.1, 1.0, ("V2",)),
    ],
    ids=["discordant as it should be", "excessive", "concordant", "concordant depression"],
)
@pytest.mark.parametrize("width", [{"qrs_ms": 150.0}, {"paced": True}])
def test_behind_a_wide_complex_sgarbossa_decides(
    st: dict[str, float], r: float, s: float, leads: tuple[str, ...] | None, width: dict[str, float]
) -> None:
    depths = {"V1": 2.0} | dict.fromkeys(st, s)
    m = Measurements(st_j60_mv=st, r_mv={"V1": 0.1} | dict.fromkeys(st, r), s_mv=depths, **width)  # type: ignore[arg-type]
    found = stemi_pattern(m)
    assert (found.leads if found else None) == leads


def test_behind_right_bundle_branch_block_the_usual_limits_hold() -> None:
    block = replace(INFERIOR, qrs_ms=140, r_mv={"V1": 1.0}, s_mv={"V1": 0.2})
    found = stemi_pattern(block)
    assert found is not None
    assert found.leads == ("II", "III", "aVF")
