"""A video's pulse asks an archive only where it was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.core.errors import UnusableSignalError
from precordia.signals.pulse.asking import vector_of_video
from precordia.signals.pulse.encoder import PulseEncoder, save_pulse_encoder
from precordia.signals.pulse.network import PulseArchitecture, PulseNetwork
from precordia.simulation.pulse import Vessels, simulate_pulse


def write(path: Path, red: np.ndarray) -> Path:
    rows = [f"{round(1000 * i / 30)},{value:.4f},0,0" for i, value in enumerate(red)]
    path.write_text("\n".join(["time,R,G,B", *rows]))
    return path


def test_a_measured_pulse_has_a_vector_and_noise_has_none(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_pulse_encoder(PulseEncoder(PulseNetwork(PulseArchitecture(16, (8, 8), 1)), "one"), tmp_path)
    rng = np.random.default_rng(0)
    pulse = simulate_pulse(np.arange(-2.0, 30.0, 0.8), 30.0, fs=30.0, vessels=Vessels(sensor=0.01), rng=rng)
    vector = vector_of_video(write(tmp_path / "film.csv", 200.0 - pulse.signal), "one", tmp_path)
    assert vector.shape == (16,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(UnusableSignalError, match="poor signal"):
        vector_of_video(write(tmp_path / "noise.csv", 200.0 + rng.standard_normal(900)), "one", tmp_path)
