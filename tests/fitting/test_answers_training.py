"""What is relied on: what answers rest on is made by one command, weighed by an encoder that has not seen what it is weighed on."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import precordia
from precordia.cli.main import main
from precordia.core.errors import CheckpointError, InputError
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, rows_of
from precordia.datasets.ptbxl import read_table, signal_of
from precordia.encoders import load_encoder, load_recipe
from precordia.encoders.cross_fitting import Part, write_manifest
from precordia.fitting.answers.archive import TRAINING_FOLDS
from precordia.fitting.answers.ground import in_short
from precordia.fitting.answers.probing import prevalence_of
from precordia.generation.answers.fitted import load, shipped


@pytest.fixture
def few(data_dir: Path, tmp_path: Path) -> Path:
    """PTB-XL with 100 records of fold 6 and 20 of fold 8 alone."""
    source, folder = data_dir / "ptbxl", tmp_path / "data" / "ptbxl"
    folder.mkdir(parents=True)
    (folder / "records100").symlink_to(source / "records100")
    with (source / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = [r for r in reader if (source / f"{r['filename_lr']}.hea").is_file()]
    kept = [r for r in rows if r["strat_fold"] == "6"][:100] + [r for r in rows if r["strat_fold"] == "8"][:20]
    with (folder / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, reader.fieldnames or [])
        writer.writeheader()
        writer.writerows(kept)
    return folder.parent


def cross_fitted_folder(folder: Path) -> Path:
    """Cross-fitted encoders of which that without folds 7 and 8 is there: the shipped one stands in for it."""
    import precordia.encoders

    (weights,) = (Path(precordia.encoders.__file__).parent / "weights").glob("*/encoder.json")
    shutil.copytree(weights.parent, folder / "without-7-8")
    part = Part("without-7-8", ("7", "8"), "data", load_encoder("default").fingerprint, 1)
    write_manifest(folder, load_recipe("default"), [part])
    return folder


@pytest.mark.data
@pytest.mark.slow
def test_one_command_weighs_with_one_encoder_and_learns_with_another(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crossed, out = cross_fitted_folder(tmp_path / "crossed"), tmp_path / "new" / "answers.npz"
    command = ["train", "answers", "--data", str(few), "--out", str(out)]
    assert main([*command, "--cross-fitted", str(crossed), "--json"]) == 0
    printed, first = json.loads(capsys.readouterr().out), load(out)
    assert printed["what"] == "answers"
    assert printed["encoder"] == first.encoder == load_encoder("default").fingerprint
    assert "folds 1-8 (120 ECGs), with trust, sharpness, curves and thresholds of encoder" in first.source
    assert "weighed on folds 7-8 (20 ECGs)" in first.source
    precordia.train("answers", few, out)
    alone = load(out)
    assert alone.source == "PTB-XL folds 1-7 (100 ECGs) and weighed on fold 8 (20 ECGs)"
    assert alone.trust == first.trust  # the same encoder, so the same as in the first of the two steps
    assert alone.prevalence != first.prevalence


@pytest.mark.data
def test_what_ships_was_learned_from_these_labels(data_dir: Path) -> None:
    rows, _ = read_table(data_dir / "ptbxl")
    train = rows_of(rows, TRAINING_FOLDS, [i for i in rows if signal_of(data_dir / "ptbxl", i)])
    fitted = shipped()
    assert fitted is not None
    assert f"folds {in_short(TRAINING_FOLDS)} ({len(train)} ECGs)" in fitted.source
    assert fitted.prevalence == pytest.approx(prevalence_of([facts_of(row) for row in train]), abs=1e-6)


def test_without_ptbxl_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ptbxl"):
        precordia.train("answers", tmp_path, tmp_path / "out.npz")
    with pytest.raises(CheckpointError, match="no manifest of cross-fitted encoders"):
        precordia.train("answers", tmp_path, tmp_path / "out.npz", cross_fitted_in=tmp_path)
    assert not (tmp_path / "out.npz").exists()
