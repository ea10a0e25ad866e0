"""A video's pulse asks an archive only where it was measured."""

from __future__ import annotations

from pathlib import Path

import edfio
import numpy as np
import pytest
import torch

from precordia.core.errors import InputError, UnusableSignalError
from precordia.signals.inspecting import inspect_signal
from precordia.signals.kind import KINDS
from precordia.signals.pulse.asking import question_of
from precordia.signals.pulse.encoder import PulseEncoder, save_pulse_encoder
from precordia.signals.pulse.network import PulseArchitecture, PulseNetwork
from precordia.signals.pulse.pressure import read_calibration
from precordia.signals.pulse.report import report
from precordia.signals.pulse.table import Pulses, pulses_in
from precordia.simulation.pulse import Vessels, simulate_pulse


def write(path: Path, red: np.ndarray) -> Path:
    rows = [f"{round(1000 * i / 30)},{value:.4f},0,0" for i, value in enumerate(red)]
    path.write_text("\n".join(["time,R,G,B", *rows]))
    return path


def test_an_oximeters_edf_holds_a_pulse_and_no_ecg(tmp_path: Path) -> None:
    wave = simulate_pulse(
        np.arange(-2.0, 62.0, 0.8), 60.0, fs=100.0, vessels=Vessels(sensor=0.01), rng=np.random.default_rng(1)
    ).signal
    signals = [
        edfio.EdfSignal(row, fs, label=label, physical_range=(row.min() - 1, row.max() + 1))
        for row, fs, label in ((wave, 100.0, "PLETH"), (np.full(60, 97.0), 1.0, "SpO2"))
    ]
    edfio.Edf(signals).write(tmp_path / "finger.edf")
    found = pulses_in(tmp_path / "finger.edf")
    assert found is not None
    assert (found.names, found.fs, found.values.shape) == (("PLETH",), 100.0, (1, 6000))
    assert found.analyse().rate_bpm == pytest.approx(75, abs=1)
    document, line = inspect_signal(tmp_path / "finger.edf")
    assert document["pulse"]["channel"] == "PLETH"
    assert line == KINDS.get("pulse").limits


def test_a_measured_pulse_has_a_vector_and_noise_has_none(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_pulse_encoder(PulseEncoder(PulseNetwork(PulseArchitecture(16, (8, 8), 1)), "one"), tmp_path)
    rng = np.random.default_rng(0)
    pulse = simulate_pulse(np.arange(-2.0, 30.0, 0.8), 30.0, fs=30.0, vessels=Vessels(sensor=0.01), rng=rng)
    film = pulses_in(write(tmp_path / "film.csv", 200.0 - pulse.signal))
    assert film is not None
    vector = question_of(film, "one", tmp_path).vector
    assert vector.shape == (16,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    noise = pulses_in(write(tmp_path / "noise.csv", 200.0 + rng.standard_normal(900)))
    assert noise is not None
    with pytest.raises(UnusableSignalError, match="poor signal"):
        question_of(noise, "one", tmp_path)


def test_a_table_of_a_pulse_is_read_and_an_ecg_with_a_pulse_beside_it_is_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    wave = simulate_pulse(np.arange(-2.0, 30.0, 0.8), 30.0, fs=100.0, vessels=Vessels(sensor=0.01), rng=rng).signal
    rows = [f"{i / 100:.2f},{value:.5f}" for i, value in enumerate(wave)]
    (tmp_path / "finger.csv").write_text("\n".join(["Time [s],PLETH", *rows]))
    pulses = pulses_in(tmp_path / "finger.csv")
    assert pulses is not None
    assert (pulses.kind, pulses.names, pulses.fs) == ("pulse", ("PLETH",), 100.0)
    assert pulses.analyse().rate_bpm == pytest.approx(75.0, abs=1.0)
    (tmp_path / "both.csv").write_text("\n".join(["Time [s],II,PLETH", *(f"{row},0.1" for row in rows)]))
    assert pulses_in(tmp_path / "both.csv") is None


def test_blood_pressure_is_told_by_a_calibration_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    beats = np.arange(-2.0, 40.0, 0.8)
    wave = simulate_pulse(beats, 40.0, fs=100.0, vessels=Vessels(sensor=0.001), rng=rng).signal
    sites = Pulses("pulse", ("wrist PPG", "finger PPG"), np.stack([wave[10:], wave[:-10]]), 100.0, 0.0, "two.csv")
    none = report(sites)
    assert none["blood_pressure"]["systolic_mmhg"] is None
    assert "needs a calibration" in none["blood_pressure"]["not_measured"]
    assert none["transit"]["transit_ms"] == pytest.approx(100.0, abs=8.0)
    file = tmp_path / "cuff.csv"
    file.write_text("transit_ms,systolic_mmhg\n80,150\n120,110\n")
    told = report(sites, read_calibration(file))["blood_pressure"]
    assert 110 < told["systolic_mmhg"] < 150
    file.write_text("transit,mmhg\n80,150\n")
    with pytest.raises(InputError, match="transit_ms"):
        read_calibration(file)
