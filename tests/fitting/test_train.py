"""What is relied on: one command and one function train everything, by the same names, and older spellings stay."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import pytest

import precordia
from precordia.cli.main import main
from precordia.cli.train import KINDS, spelled
from precordia.core.errors import KnowledgeBaseNotFoundError, UnknownNameError, UsageError
from precordia.encoders import create, load_encoder, save_encoder
from precordia.fitting import TRAININGS
from precordia.simulation import write_archive


def test_the_command_and_the_function_train_the_same() -> None:
    assert sorted(KINDS) == list(TRAININGS)
    for name in TRAININGS:
        assert TRAININGS.get(name).__doc__, name
        assert callable(KINDS[name].command().run)


OF_THE_COMMAND = {"help", "json", "threads", "devices", "tensorboard"}
"""How a result is printed, and how processes are started and shown: Python code does that around the call."""


@pytest.mark.parametrize("name", sorted(KINDS))
def test_python_reaches_what_the_command_reaches(name: str) -> None:
    parser = argparse.ArgumentParser()
    KINDS[name].command().configure(parser)
    takes = set(inspect.signature(TRAININGS.get(name)).parameters)
    options = {action.dest for action in parser._actions} - OF_THE_COMMAND
    renamed = {"cross_fitted": "cross_fitted_in"}
    assert {renamed.get(option, option) for option in options} <= takes


def test_the_help_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    words = " ".join(capsys.readouterr().out.split())
    for name, kind in KINDS.items():
        assert f"{name} {kind.line}" in words


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("train", "train encoder"),
        ("train tiny --cpu", "train encoder tiny --cpu"),
        ("train --cpu tiny", "train encoder --cpu tiny"),
        ("train tiny --help", "train encoder tiny --help"),
        ("train encoder tiny", "train encoder tiny"),
        ("train --task encoder tiny", "train encoder tiny"),
        ("train small.json --task=report --data DIR", "train reports small.json --data DIR"),
        ("train swaps --out FILE", "train swaps --out FILE"),
        ("train --help", "train --help"),
    ],
)
def test_older_spellings_stay(given: str, meant: str) -> None:
    assert spelled(given.split()) == meant.split()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--task", "answers"], "--task answers: nothing of that name"),
        (["answers", "--held", "seven"], "--held seven"),
        (["answers", "--held", "8,9"], "folds held back: 8-9; give some of folds 1-8"),
        (["answers", "--cross-fitted", "a", "--unseen", "b"], "name no other"),
        (["answers", "--cross-fitted", "nowhere"], "no manifest of cross-fitted encoders"),
        (["calibration", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) in (1, 2)
    error = capsys.readouterr().err.strip()
    assert error.startswith("precordia train: ")
    assert says in error
    assert "\n" not in error
    assert list(tmp_path.glob("runs")) == []


def test_the_function_says_what_it_takes() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'quality'"):
        precordia.train("qualitty")
    with pytest.raises(UsageError, match=r"train swaps: .*'out'; it takes data, out, progress"):
        precordia.train("swaps", "data")
    with pytest.raises(UsageError, match=r"unexpected keyword argument 'kb'"):
        precordia.train("quality", "data", "out", kb="x")


def test_an_encoder_is_trained_from_python_as_from_the_command_line(tmp_path: Path) -> None:
    from dataclasses import replace

    recipe = replace(precordia.encoders.load_recipe("tiny"), name="small", simulated=16, batch_size=4, epochs=3)
    trained = precordia.train("encoder", recipe, out=tmp_path / "a", epochs=1, cpu=True)
    assert (trained.what, trained.path, trained.facts["recordings"]) == ("encoder", tmp_path / "a", 16)
    assert trained.facts["fingerprint"] == load_encoder(tmp_path / "a").fingerprint
    assert repr(trained) == f"Trained('encoder', '{tmp_path / 'a'}')"
    file = tmp_path / "small.json"
    file.write_text(replace(recipe, epochs=1).to_json())
    assert main(["train", "encoder", str(file), "--cpu", "--out", str(tmp_path / "b")]) == 0
    assert load_encoder(tmp_path / "b").fingerprint == trained.facts["fingerprint"]
    with pytest.raises(UsageError, match="nothing to train on"):
        precordia.train("encoder", replace(recipe, simulated=0), out=tmp_path / "c")


def test_calibration_is_what_a_build_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("precordia.judgement.learning.FEWEST_CASES", 20)
    archive, kb, encoder = tmp_path / "archive", tmp_path / "kb", tmp_path / "encoder"
    write_archive(archive, 60, seed=3, formats=("wfdb",), poor=0.0)
    save_encoder(create("tiny"), encoder)
    table = ["--reports", str(archive / "reports.csv")]
    assert main(["build", str(archive), *table, "--kb", str(kb), "--encoder", str(encoder), "--workers", "1"]) == 0
    kept = {path.name: path.read_bytes() for path in (kb / "judgement").iterdir()}
    assert kept
    for path in (kb / "judgement").iterdir():
        path.unlink()
    capsys.readouterr()
    assert main(["train", "calibration", str(kb)]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(kb)
    assert {path.name: path.read_bytes() for path in (kb / "judgement").iterdir()} == kept
    assert precordia.train("calibration", kb).facts["n_cases"] == len(precordia.KnowledgeBase.open(kb))
    with pytest.raises(KnowledgeBaseNotFoundError):
        precordia.train("calibration", tmp_path / "none")
