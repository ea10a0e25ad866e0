"""What is relied on: noise of the asked kind and power, in its band, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.encoders.noise import NOISES, add_noise, noise

FS = 500.0


@pytest.mark.parametrize("kind", NOISES)
def test_unit_power_and_a_seed_decides(kind: str) -> None:
    rows = noise(kind, 3, 5000, FS, np.random.default_rng(1))
    np.testing.assert_allclose(np.sqrt((rows**2).mean(axis=1)), 1.0, rtol=1e-3)
    np.testing.assert_array_equal(rows, noise(kind, 3, 5000, FS, np.random.default_rng(1)))
    assert abs(np.corrcoef(rows)[0, 1]) < 0.999


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("baseline_wander", 0.0, 1.1), ("muscle", 4.9, 230.0), ("mains", 49.0, 61.0), ("electrode_motion", 0.0, 12.0)],
)
def test_power_lies_in_the_band(kind: str, low: float, high: float) -> None:
    rows = noise(kind, 8, 5000, FS, np.random.default_rng(2))
    power = (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(5000, 1 / FS)
    inside = (frequency >= low) & (frequency <= high)
    assert power[inside].sum() / power.sum() > 0.9


@pytest.mark.parametrize("snr_db", [12.0, 0.0])
def test_the_ratio_is_as_asked(snr_db: float) -> None:
    signal = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32) * np.array(
        [[1.0], [0.1]], np.float32
    )
    added = add_noise(signal, FS, "muscle", snr_db, np.random.default_rng(3)) - signal
    measured = 20 * np.log10(signal.std(axis=1) / added.std(axis=1))
    np.testing.assert_allclose(measured, snr_db, atol=0.1)


def test_an_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(UnknownNameError, match="muscle"):
        noise("muscel", 1, 100, FS, np.random.default_rng(0))
