"""Pulses in an ECG encoder's space: fed alike, stored with the encoder's fingerprint, refused beside another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import CheckpointError, MismatchError, UnusableSignalError
from precordia.signals.pulse.encoder import PulseEncoder, load_pulse_encoder, save_pulse_encoder
from precordia.signals.pulse.network import PulseArchitecture, PulseNetwork
from precordia.signals.pulse.windows import SAMPLES, pulse_windows
from precordia.simulation.pulse import Vessels, simulate_pulse

QUIET = Vessels(breathing=0.0, sensor=0.0)


def pulse(duration_s: float, fs: float = 100.0) -> np.ndarray:
    beats = np.arange(-2.0, duration_s, 0.8)
    return simulate_pulse(beats, duration_s, fs=fs, vessels=QUIET, rng=np.random.default_rng(0)).signal


def small() -> PulseEncoder:
    import torch

    torch.manual_seed(0)
    return PulseEncoder(PulseNetwork(PulseArchitecture(16, (8, 8), 1)), "one")


def test_neither_rate_nor_scale_changes_what_is_fed() -> None:
    slow, fast = pulse_windows(pulse(9.0), 100.0), pulse_windows(1000.0 * pulse(9.0, 250.0) + 7.0, 250.0)
    assert slow.shape == fast.shape == (1, SAMPLES)
    np.testing.assert_allclose(slow[0, 20:-20], fast[0, 20:-20], atol=0.1)


def test_a_long_pulse_has_windows_to_its_end() -> None:
    assert pulse_windows(pulse(30.0), 100.0).shape == (4, SAMPLES)


@pytest.mark.parametrize(("signal", "fs"), [(np.zeros(2000), 100.0), (np.ones(100), 100.0), (np.ones(90), 10.0)])
def test_what_holds_no_pulse_is_refused(signal: np.ndarray, fs: float) -> None:
    with pytest.raises(UnusableSignalError, match="cannot be used"):
        pulse_windows(signal, fs)


def test_vectors_are_of_unit_norm_and_alone_as_in_a_batch() -> None:
    encoder = small()
    many = encoder.embed([pulse(9.0), pulse(30.0)], 100.0)
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(many[1], encoder.embed([pulse(30.0)], 100.0)[0], atol=1e-5)
    assert encoder.embed([], 100.0).shape == (0, 16)


def test_what_is_stored_gives_the_same_vectors_again(tmp_path: Path) -> None:
    save_pulse_encoder(small(), tmp_path)
    again = load_pulse_encoder("one", tmp_path)
    np.testing.assert_allclose(again.embed([pulse(9.0)], 100.0), small().embed([pulse(9.0)], 100.0), atol=2e-3)


def test_it_is_refused_beside_another_encoder(tmp_path: Path) -> None:
    save_pulse_encoder(small(), tmp_path)
    with pytest.raises(MismatchError, match="precordia train pulse align"):
        load_pulse_encoder("another", tmp_path)


def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="precordia train pulse align"):
        load_pulse_encoder("one", tmp_path)
    save_pulse_encoder(small(), tmp_path)
    (tmp_path / "pulse.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        load_pulse_encoder("one", tmp_path)
