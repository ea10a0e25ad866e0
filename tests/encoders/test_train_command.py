"""What is relied on: the command trains a checkpoint that loads, goes on where it stopped, and refuses bad usage in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.encoders import load_encoder, load_recipe


def small(folder: Path) -> Path:
    values = json.loads(load_recipe("tiny").to_json())
    path = folder / "small.json"
    path.write_text(json.dumps({**values, "simulated": 24, "batch_size": 4, "epochs": 2}))
    return path


def test_trains_from_simulated_ecgs_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = small(tmp_path), tmp_path / "out"
    assert main(["train", str(recipe), "--out", str(out), "--threads", "1", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["fingerprint"] == load_encoder(out).fingerprint
    assert first["recordings"] == 24
    assert main(["train", str(recipe), "--out", str(out), "--threads", "1", "--json", "--resume"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == first["fingerprint"]


def test_bad_usage_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in (
        (["train", "tiny"], "--data"),
        (["train", "tinny", "--data", str(tmp_path)], "tiny"),
        (["train", "tiny", "--data", str(tmp_path / "none")], "no such folder"),
    ):
        assert main(arguments) == 2
        message = capsys.readouterr().err.strip()
        assert word in message
        assert len(message.splitlines()) == 1
