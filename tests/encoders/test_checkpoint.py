"""What is relied on: a checkpoint comes back as it was, or not at all, with a message that says why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from precordia.core.errors import CheckpointError, UnknownNameError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders import create, load_encoder, save_encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_encoder(create("tiny", seed=1), tmp_path / "tiny")
    return tmp_path / "tiny"


def edit(folder: Path, **changes: object) -> None:
    path = folder / "encoder.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def tensors(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "weights.safetensors")


def test_comes_back_with_equal_vectors_and_fingerprint(folder: Path) -> None:
    first, second = create("tiny", seed=1), load_encoder(folder)
    assert first.fingerprint == second.fingerprint
    recording = Recording(
        signal=np.random.default_rng(0).standard_normal((12, 1000)), fs=100.0, leads=LEADS, recording_id="r"
    )
    np.testing.assert_array_equal(first.embed([recording]), second.embed([recording]))


def test_fingerprints_tell_weights_apart() -> None:
    assert create("tiny", seed=1).fingerprint != create("tiny", seed=2).fingerprint
    assert create("tiny", seed=1).fingerprint == create("tiny", seed=1).fingerprint


def test_a_missing_key_is_an_error(folder: Path) -> None:
    kept = tensors(folder)
    del kept["network.stem.weight"]
    save_file(kept, folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"missing network\.stem\.weight"):
        load_encoder(folder)


def test_an_unexpected_key_is_an_error(folder: Path) -> None:
    save_file({**tensors(folder), "network.more": np.zeros(1)}, folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"unexpected network\.more"):
        load_encoder(folder)


def test_another_shape_is_an_error(folder: Path) -> None:
    kept = tensors(folder)
    kept["network.side.bias"] = np.zeros(3, dtype=np.float32)
    save_file(kept, folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"network\.side\.bias has shape \(3,\)"):
        load_encoder(folder)


def test_changed_weights_are_an_error(folder: Path) -> None:
    kept = tensors(folder)
    kept["network.side.bias"] = kept["network.side.bias"] + 1
    save_file(kept, folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match="fingerprint"):
        load_encoder(folder)


def test_weights_that_are_not_finite_are_an_error(folder: Path) -> None:
    kept = tensors(folder)
    kept["network.side.bias"] = np.full_like(kept["network.side.bias"], np.nan)
    save_file(kept, folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match="not finite"):
        load_encoder(folder)


def test_another_signal_spec_is_an_error(folder: Path) -> None:
    spec = json.loads((folder / "encoder.json").read_text())["spec"]
    edit(folder, spec={**spec, "fs": 250.0})
    with pytest.raises(CheckpointError, match="fingerprint"):
        load_encoder(folder)
    edit(folder, spec={**spec, "version": 99})
    with pytest.raises(CheckpointError, match="99"):
        load_encoder(folder)
    edit(folder, spec={**spec, "colour": "blue"})
    with pytest.raises(CheckpointError, match="colour"):
        load_encoder(folder)


def test_another_format_or_version_is_an_error(folder: Path) -> None:
    edit(folder, version=2)
    with pytest.raises(CheckpointError, match="version 2"):
        load_encoder(folder)
    edit(folder, format="something")
    with pytest.raises(CheckpointError, match="not a precordia-encoder"):
        load_encoder(folder)


def test_damaged_or_missing_files_are_errors(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(CheckpointError, match="safetensors"):
        load_encoder(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match="safetensors"):
        load_encoder(folder)
    (folder / "encoder.json").write_text("{")
    with pytest.raises(CheckpointError, match="description"):
        load_encoder(folder)


def test_an_unknown_name_lists_what_is_shipped() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'default'"):
        load_encoder("defualt")


def test_the_shipped_encoder_loads_and_is_small() -> None:
    encoder = load_encoder("default")
    assert encoder.dim == 256
    folder = Path(__file__).parents[2] / "precordia" / "encoders" / "weights" / "default"
    assert {"weights.safetensors", "encoder.json", "recipe.json", "card.md", "curve.csv"} <= {
        p.name for p in folder.iterdir()
    }
    assert (folder / "weights.safetensors").stat().st_size <= 12e6
    card = (folder / "card.md").read_text()
    assert encoder.fingerprint in card
    assert "data hash" in card
