"""What is relied on: several processes compute what one does, and a kill in the middle changes nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from precordia.cli.main import main
from precordia.core.errors import UsageError
from precordia.encoders import load_encoder
from precordia.encoders.curve import Curve
from precordia.encoders.training.processes import Processes, check_batch

SMALL: dict[str, Any] = {
    "name": "small",
    "architecture": {"dim": 16, "channels": [8, 16], "blocks": [1, 1], "attention_layers": 1, "heads": 2},
    "objectives": [
        {"name": "masked_signal"}, {"name": "vicreg"}, {"name": "contrast"}, {"name": "distillation"},
        {"name": "report_words", "options": {"min_reports": 3}}, {"name": "learned_views"}, {"name": "visits"},
    ],
    "views": [{"subset": 0.0}, {"subset": 0.7, "hide": 0.3}],
    "epochs": 2, "batch_size": 8, "simulated": 24, "evaluate_every": 1, "precision": "fp32", "hold_out": {},
}  # fmt: skip


def written(folder: Path, **changes: object) -> Path:
    path = folder / "small.json"
    path.write_text(json.dumps({**SMALL, **changes}))
    return path


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def curve(folder: Path) -> list[dict[str, str]]:
    return Curve(folder / "curve.csv").rows()


def test_a_process_that_is_killed_goes_on_to_the_same_curve_and_weights(tmp_path: Path) -> None:
    kept = [SMALL["objectives"][0], *SMALL["objectives"][3:6]]  # those that have something of their own to keep
    recipe = written(tmp_path, epochs=9, evaluate_every=3, objectives=kept)
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    command = [sys.executable, "-m", "precordia.cli.main", "train", str(recipe), "--threads", "1", "--cpu", "--out"]
    with subprocess.Popen([*command, str(parts)], env=environment(), stderr=subprocess.DEVNULL) as process:
        while len(curve(parts)) < 2:
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert 2 <= len(curve(parts)) < 9
    assert not (parts / "weights.safetensors").exists()
    assert main(["train", str(recipe), "--threads", "1", "--cpu", "--out", str(parts), "--resume"]) == 0
    assert main(["train", str(recipe), "--threads", "1", "--cpu", "--out", str(whole)]) == 0
    assert (parts / "curve.csv").read_bytes() == (whole / "curve.csv").read_bytes()
    assert (parts / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same recipe trained in one process (``one``) and in two (``two``), from one corpus on disk."""
    pytest.importorskip("accelerate")
    folder = tmp_path_factory.mktemp("processes")
    command = ["train", str(written(folder)), "--threads", "1", "--cpu", "--memory", "0", "--workers", "1", "--out"]
    assert main([*command, str(folder / "one")]) == 0
    assert main([*command, str(folder / "two"), "--devices", "2"]) == 0
    return folder


def test_two_processes_learn_what_one_does(two: Path) -> None:
    one, other = curve(two / "one"), curve(two / "two")
    assert len(one) == len(other) == 2
    for a, b in zip(one, other, strict=True):
        # In float32 the order of sums differs, and batch normalisation over 8 recordings magnifies it.
        assert {k: float(v) for k, v in a.items()} == pytest.approx(
            {k: float(v) for k, v in b.items()}, rel=0.05, abs=0.01
        )
    outcome = json.loads((two / "two" / "training.json").read_text())
    assert outcome["processes"] == 2
    assert "2 process" in (two / "two" / "card.md").read_text()
    assert load_encoder(two / "two").dim == 16


def test_the_gradient_of_a_shared_batch_is_that_of_the_whole_batch(two: Path, tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    script, out = Path(__file__).parent / "gradients_of_two.py", tmp_path / "out.json"
    command = [
        sys.executable,
        str(script),
        str(written(tmp_path, objectives=SMALL["objectives"][:5])),
        str(two / "corpora"),
        str(out),
    ]
    place = environment(WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    subprocess.run(command, env=place, check=True)
    found = json.loads(out.read_text())
    assert found["count"] == 2
    assert found["worst"] < 1e-9
    assert found["drift"] < 1e-12


def test_a_batch_must_divide() -> None:
    check_batch("r", 64, 8)
    with pytest.raises(UsageError, match="64 does not divide into 3"):
        check_batch("r", 64, 3)


def test_shares_make_the_batch() -> None:
    batch = torch.arange(10).reshape(5, 2)
    shares = [Processes(rank, 3).share(Processes(rank, 3).padded(batch)) for rank in range(3)]
    assert {len(share) for share in shares} == {2}
    assert torch.equal(torch.cat(shares)[:5], batch)
