"""Noise has the strength asked for, the spectrum of its kind, and leaves Einthoven's law intact."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.errors import UnknownNameError, UsageError
from precordia.simulation import add_noise, simulate
from precordia.simulation.noise import KINDS, add_noises, lose_contact, noise_level, quantised


@pytest.fixture(scope="module")
def clean() -> NDArray[np.float32]:
    return simulate(seed=4, fs=500, noise=None).recording.signal


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_signal_to_noise_ratio_is_as_asked(clean: NDArray[np.float32], kind: str, snr_db: float) -> None:
    noisy = add_noise(clean, 500, kind, snr_db, np.random.default_rng(1))
    made = noisy.astype(float) - clean
    got = 10 * np.log10(clean.var(axis=1).mean() / made.var(axis=1).mean())
    assert got == pytest.approx(snr_db, abs=0.2)
    assert noisy.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_limb_leads_still_obey_einthoven(clean: NDArray[np.float32], kind: str) -> None:
    noisy = add_noise(clean, 500, kind, 5.0, np.random.default_rng(2)).astype(float)
    assert np.abs(noisy[2] - (noisy[1] - noisy[0])).max() < 1e-5


BANDS = [("wander", 0.0, 0.8), ("muscle", 8.0, 250.0), ("mains", 49.0, 61.0), ("motion", 0.2, 15.0)]


@pytest.mark.parametrize(("kind", "low", "high"), BANDS)
def test_power_lies_in_the_band_of_the_kind(clean: NDArray[np.float32], kind: str, low: float, high: float) -> None:
    made = add_noise(clean, 500, kind, 0.0, np.random.default_rng(3)).astype(float) - clean
    power = (np.abs(np.fft.rfft(made - made.mean(axis=1, keepdims=True), axis=1)) ** 2).sum(axis=0)
    f = np.fft.rfftfreq(clean.shape[1], 1 / 500)
    assert power[(f >= low) & (f <= high)].sum() > 0.85 * power.sum()


def test_a_batch_gets_its_ratio_member_by_member(clean: NDArray[np.float32]) -> None:
    batch = np.stack([clean, 0.1 * clean])
    made = add_noise(batch, 500, "muscle", 10.0, np.random.default_rng(4)).astype(float) - batch
    ratio = made.var(axis=(1, 2))
    assert ratio[0] == pytest.approx(100 * ratio[1], rel=0.3)


def test_other_lead_counts_and_gaps_are_accepted(clean: NDArray[np.float32]) -> None:
    gappy = clean[:2].copy()
    gappy[0, 100:200] = np.nan
    noisy = add_noise(gappy, 500, "white", 20.0, np.random.default_rng(5))
    assert np.isnan(noisy[0, 100:200]).all()
    assert np.isfinite(noisy[1]).all()


def test_same_generator_same_noise(clean: NDArray[np.float32]) -> None:
    a, b = (add_noise(clean, 500, "motion", 6.0, np.random.default_rng(6)) for _ in range(2))
    assert np.array_equal(a, b)


def test_refusals(clean: NDArray[np.float32]) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UnknownNameError, match="muscle"):
        add_noise(clean, 500, "muscel", 3, rng)
    with pytest.raises(UsageError, match="50 Hz"):
        add_noise(clean, 100, "mains", 3, rng)
    with pytest.raises(UnknownNameError, match="typical"):
        noise_level("typicl")


def test_heavier_levels_are_noisier(clean: NDArray[np.float32]) -> None:
    strength = [
        np.mean(
            [(add_noises(clean, 500, noise_level(level), np.random.default_rng(s)) - clean).std() for s in range(5)]
        )
        for level in ("none", "light", "typical", "heavy")
    ]
    assert strength[0] == 0
    assert strength == sorted(strength)


def test_quantised_values_are_whole_steps(clean: NDArray[np.float32]) -> None:
    steps = quantised(clean, 0.005) / 0.005
    assert np.abs(steps - np.rint(steps)).max() < 1e-3


def test_a_lost_limb_electrode_spoils_its_leads_only(clean: NDArray[np.float32]) -> None:
    spoiled = lose_contact(clean, 500, "V2", np.random.default_rng(7))
    moved = np.abs(spoiled - clean).max(axis=1) > 0.1
    assert moved.tolist() == [lead == 7 for lead in range(12)]
    spoiled = lose_contact(clean, 500, "LL", np.random.default_rng(7), whole=True)
    moved = np.abs(spoiled - clean).max(axis=1) > 0.1
    assert not moved[0]  # lead I has no foot electrode
    assert moved[1:].all()
