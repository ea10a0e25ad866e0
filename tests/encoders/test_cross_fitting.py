"""What is relied on: each cross-fitted encoder is made without its folds, is found by fold, and nothing else passes for it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.errors import CheckpointError, UsageError
from precordia.encoders import create, load_encoder, load_recipe, save_encoder
from precordia.encoders.cross_fitting import cross_fitted, parts_of
from precordia.encoders.sources import open_source
from tests.encoders.conftest import recordings


def test_every_fold_is_left_out_once_and_not_watched() -> None:
    parts = parts_of(load_recipe("default"), 4)
    assert sorted(fold for unseen, _ in parts.values() for fold in unseen) == [str(f) for f in range(1, 9)]
    for unseen, recipe in parts.values():
        assert {*unseen, "9", "10"} == set(recipe.exclude["strat_fold"])
        assert not {*recipe.exclude["strat_fold"]} & {*recipe.hold_out["strat_fold"]}


def test_what_cannot_be_cross_fitted_is_refused() -> None:
    with pytest.raises(UsageError, match="divide"):
        parts_of(load_recipe("tiny"), 3)
    with pytest.raises(UsageError, match="seen every fold"):
        parts_of(dataclasses.replace(load_recipe("tiny"), init_from="default"), 4)


def mirror(folder: Path) -> Path:
    """Packed arrays, two recordings a patient, folds 1 to 8."""
    packed = folder / "pretrain"
    packed.mkdir(parents=True)
    signal = np.stack([np.rint(r.signal * 1000) for r in recordings(32)]).astype(np.int16)
    np.savez(packed / "a.npz", signal=signal)
    rows = [f"a.npz,{i},ptbxl,{i},uV,{i // 2},{i // 2 % 8 + 1}" for i in range(32)]
    (packed / "index.csv").write_text("\n".join(["file,row,dataset,native_id,units,patient_id,strat_fold", *rows]))
    return packed / "index.csv"


def test_one_command_makes_them_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(load_recipe("tiny").to_json())
    recipe, out = tmp_path / "small.json", tmp_path / "out"
    recipe.write_text(json.dumps({**values, "batch_size": 4, "epochs": 1}))
    command = ["train", str(recipe), "--data", str(mirror(tmp_path / "data")), "--cross-fit", "2", "--out", str(out)]
    assert main([*command, "--threads", "1", "--cpu"]) == 0
    found = cross_fitted(out)
    low, high = found.for_fold(3).fingerprint, found.for_fold(7).fingerprint
    assert low == load_encoder(out / "without-1-2-3-4").fingerprint != high
    assert len({part.data_hash for part in found.parts}) == 2
    assert main([*command, "--threads", "1", "--cpu", "--resume"]) == 0
    assert cross_fitted(out).for_fold(3).fingerprint == low
    with pytest.raises(UsageError, match="fold 9"):
        found.for_fold(9)
    save_encoder(create("tiny", seed=5), out / "without-1-2-3-4")
    with pytest.raises(CheckpointError, match="train it again"):
        found.for_fold(1)
    with pytest.raises(CheckpointError, match="--cross-fit"):
        cross_fitted(tmp_path)


def test_a_manifest_gives_folds_and_codes_as_statements(tmp_path: Path) -> None:
    from precordia.simulation import simulate

    folder = tmp_path / "more"
    folder.mkdir()
    import wfdb

    made = simulate(seed=1, fs=100.0).recording
    wfdb.wrsamp("a", 100, ["mV"] * 12, list(made.leads), made.signal.T.astype(float), fmt=["16"] * 12, write_dir=folder)
    head = "path,uid,dataset,native_id,labels,label_scheme,report,patient_id,strat_fold"
    row = 'more/a,x:a,x,A1,"164889003,1",snomed-ct,,x:p,3'
    (folder / "manifest.csv").write_text(f"{head}\n{row}\n")
    found = open_source(folder).read(0)
    assert found.report == "atrial fibrillation"
    assert found.metadata == {"dataset": "x", "native_id": "A1", "strat_fold": "3"}
    assert (found.recording_id, found.patient_id) == ("x:a", "x:p")
