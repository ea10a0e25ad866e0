"""Amplitudes and criteria from single complexes."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.measurements.voltages import Voltages, _qrs_amplitudes, criteria


def complex_of(*corners: float) -> np.ndarray:
    return np.interp(np.arange(61), np.linspace(0, 60, len(corners) + 2), [0.0, *corners, 0.0])


@pytest.mark.parametrize(
    ("corners", "r", "s", "q"),
    [
        ((-0.2, 1.0, -0.3), 1.0, 0.3, 0.2),
        ((0.3, -1.5), 0.3, 1.5, 0.0),
        ((-1.2,), 0.0, 1.2, 1.2),
        ((-0.9, 0.03), 0.03, 0.9, 0.9),
        ((0.2, -0.8, 0.6), 0.6, 0.8, 0.0),
        ((1.4,), 1.4, 0.0, 0.0),
    ],
    ids=["qRs", "rS", "QS", "QS with a late ripple", "rSR'", "R"],
)
def test_deflections(corners: tuple[float, ...], r: float, s: float, q: float) -> None:
    assert _qrs_amplitudes(complex_of(*corners)) == pytest.approx((r, s, q), abs=0.03)


def volts(**r_and_s: tuple[float, float]) -> Voltages:
    r, s = {k: v[0] for k, v in r_and_s.items()}, {k: v[1] for k, v in r_and_s.items()}
    return Voltages(r, s, dict.fromkeys(r, 0.0))


def test_cornell_depends_on_sex() -> None:
    between = volts(aVL=(1.0, 0.0), V3=(0.5, 1.4))
    assert criteria(between, "F", 100.0)["cornell_lvh"]
    assert not criteria(between, "M", 100.0)["cornell_lvh"]
    assert "cornell_lvh" not in criteria(between, None, 100.0)
    assert criteria(volts(aVL=(1.5, 0.0), V3=(0.5, 1.6)), None, 100.0)["cornell_lvh"]


def test_cornell_product_counts_the_duration() -> None:
    v = volts(aVL=(0.9, 0.0), V3=(0.5, 1.3))
    assert not criteria(v, "M", 90.0)["cornell_product_lvh"]
    assert criteria(v, "M", 130.0)["cornell_product_lvh"]
    assert "cornell_product_lvh" not in criteria(v, "M", None)


def test_right_ventricular_voltage() -> None:
    assert criteria(volts(V1=(0.7, 0.2), V5=(0.6, 0.5)), "M", 90.0)["sokolow_lyon_rvh"]
    assert not criteria(volts(V1=(0.2, 0.9), V5=(1.2, 0.2)), "M", 90.0)["sokolow_lyon_rvh"]
