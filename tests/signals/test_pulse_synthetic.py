"""What is drawn beside a pulse is synthetic, says so everywhere, and is nothing that can be measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.cli.main import main
from precordia.core.errors import CheckpointError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.eval.tasks.pulse.drawing_task import aligned
from precordia.fitting.signals.pulse_flow import Beside, FlowRecipe, flow_loss, pieces
from precordia.generation.pages.synthetic_page import render_synthetic
from precordia.signals.pulse import synthetic
from precordia.signals.pulse.flow import FlowArchitecture, FlowNetwork
from precordia.signals.pulse.synthetic import WATERMARK, draw_ecg, load_flow, save_flow
from precordia.simulation.pulse import Vessels, simulate_pulse

SMALL = FlowArchitecture(latent=3, width=8, layers=2, steps=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    place = tmp_path_factory.mktemp("flow")
    save_flow(FlowNetwork(SMALL), place)
    return place


def pulse(duration_s: float = 12.0) -> np.ndarray:
    beats = np.arange(-1.0, duration_s, 0.8)
    return simulate_pulse(beats, duration_s, vessels=Vessels(), rng=np.random.default_rng(0)).signal


def test_what_is_drawn_is_no_recording_and_says_synthetic(folder: Path) -> None:
    drawn = draw_ecg(pulse(), 100.0, folder=folder)
    assert not isinstance(drawn, Recording)
    told = drawn.document()
    assert told["synthetic"] is True
    assert told["unit"] is None
    assert len(told["samples"]) == drawn.drawn.size == 1200
    np.testing.assert_array_equal(draw_ecg(pulse(), 100.0, folder=folder).drawn, drawn.drawn)


def test_every_ten_seconds_of_the_page_carry_the_watermark(folder: Path) -> None:
    page = render_synthetic(draw_ecg(pulse(25.0), 100.0, folder=folder), "<watch>")
    assert page.count(f">{WATERMARK}</text>") == 2 * 3
    assert page.index("Synthetic: a model drew") < page.index("<svg")
    assert "<watch>" not in page


def test_a_pulse_that_is_too_short_is_refused(folder: Path) -> None:
    with pytest.raises(UnusableSignalError, match=r"5\.12 s"):
        draw_ecg(pulse(4.0), 100.0, folder=folder)


def test_a_damaged_model_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="precordia train pulse-flow"):
        load_flow(tmp_path)
    (tmp_path / "flow.json").write_text((folder / "flow.json").read_text())
    (tmp_path / "flow.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="damaged"):
        load_flow(tmp_path)


def test_ecg_and_pulse_of_a_piece_are_of_the_same_time() -> None:
    at = np.arange(900, dtype=np.float32)
    pairs = Beside(np.stack([at, at]), np.stack([at[::2], at[::2]]))
    ecg, beside = pieces(pairs, np.array([0, 1, 1]), np.random.default_rng(0))
    torch.testing.assert_close(ecg[:, ::2], beside)
    assert ecg.shape == (3, 512)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network, rng = FlowNetwork(SMALL), np.random.default_rng(0)
    beat = np.tile(np.exp(-0.5 * ((np.arange(80) - 40) / 3.0) ** 2), 12)[:900].astype(np.float32)
    pairs = Beside(
        np.stack([np.roll(beat, k) for k in range(8)]), np.stack([np.roll(beat, k + 24)[::2] for k in range(8)])
    )
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    losses = []
    for _ in range(25):
        loss = flow_loss(network, pairs, np.arange(8), FlowRecipe(), rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_a_drawn_ecg_is_moved_as_a_whole_before_it_is_compared() -> None:
    true = np.random.default_rng(0).standard_normal(400).astype(np.float32)
    moved, r = aligned(np.roll(true, 7), true)
    np.testing.assert_array_equal(moved, true)
    assert r == pytest.approx(1.0, abs=1e-4)


def test_the_command_writes_the_page_and_says_synthetic_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, page = tmp_path / "PPG.csv", tmp_path / "drawn.html"
    wave = 150.0 - 4.0 * pulse(20.0)[::3]
    rows = [f"{1000 * i * 0.03:.1f},{r:.3f},{r / 3:.3f},{r / 5:.3f}" for i, r in enumerate(wave)]
    video.write_text("\n".join(["time,R,G,B", *rows]) + "\n")
    assert main(["inspect", str(video), "--draw-ecg", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["drawn"]["synthetic"] is True
    assert told["drawn"]["warning"] == synthetic.WARNING
    assert WATERMARK in page.read_text()
