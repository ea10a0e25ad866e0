"""What is relied on: the command trains a checkpoint that loads, goes on where it stopped, and refuses bad usage in a line."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.encoders import create, load_encoder, load_recipe, save_encoder
from precordia.simulation import write_archive


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
    wrong, half = tmp_path / "wrong.json", tmp_path / "half.json"
    wrong.write_text(json.dumps({"name": "wrong", "epoch": 3}))
    half.write_text(json.dumps({"name": "half", "precision": "fp16", "simulated": 8}))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "state.pt").write_bytes(b"nothing")
    for arguments, word in (
        (["train", "tiny"], "--data"),
        (["train", "tinny", "--data", str(tmp_path)], "tiny"),
        (["train", "tiny", "--data", str(tmp_path / "none")], "no such folder"),
        (["train", "tiny", "--data", str(tmp_path)], "no ECG"),
        (["train", str(wrong), "--data", str(tmp_path)], "epoch"),
        (["train", str(half), "--cpu", "--out", str(tmp_path / "out")], "fp16 needs a GPU"),
        (["train", "tiny", "--data", str(tmp_path), "--devices", "0"], "--devices"),
        (["train", "tiny", "--data", str(tmp_path), "--devices", "3"], "does not divide"),
        (["train", str(small(tmp_path)), "--out", str(tmp_path / "bad"), "--resume"], "without --resume"),
    ):
        assert main(arguments) == 2, arguments
        message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("precordia train:")]
        assert len(message) == 1
        assert word in message[0]


def test_an_archive_with_a_report_table_is_learned_from_and_what_is_left_out_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, out = tmp_path / "archive", tmp_path / "out"
    write_archive(archive, 16, seed=3, formats=("wfdb",), poor=0.0)
    next(archive.rglob("*.dat")).write_bytes(b"cut short")
    command = ["train", str(small(tmp_path)), "--data", str(archive), "--reports", str(archive / "reports.csv")]
    options = ["--epochs", "1", "--threads", "1", "--cpu", "--out", str(out), "--json", "--tensorboard"]
    assert main([*command, *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["recordings"] == 16 - 1 + 24
    assert result["left_out"] == 1
    left = list(csv.DictReader((out / "left_out.csv").read_text().splitlines()))
    assert [".hea" in row["reason"] for row in left] == [True]
    found = re.search(r"recordings trained on \| (\d+) .*of which (\d+) with a report", (out / "card.md").read_text())
    assert found is not None
    assert found[1] == found[2]
    assert list((out / "tensorboard").iterdir())


def test_a_knowledge_base_is_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, knowledge = tmp_path / "archive", tmp_path / "kb"
    write_archive(archive, 8, seed=3, formats=("wfdb",), poor=0.0)
    source, built = ["--reports", str(archive / "reports.csv")], ["--kb", str(knowledge), "--workers", "1"]
    untrained = tmp_path / "untrained"
    save_encoder(create("tiny"), untrained)
    assert main(["build", str(archive), *source, *built, "--encoder", str(untrained)]) == 0
    capsys.readouterr()
    options = ["--epochs", "1", "--threads", "1", "--cpu", "--memory", "0", "--workers", "1", "--json"]
    assert (
        main(["train", str(small(tmp_path)), "--data", str(knowledge), "--out", str(tmp_path / "out"), *options]) == 0
    )
    assert json.loads(capsys.readouterr().out)["recordings"] == 8 + 24
    assert len(list((tmp_path / "corpora").iterdir())) == 1
