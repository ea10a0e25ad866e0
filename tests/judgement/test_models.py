"""Finding models: kept and read again, refused with the remedy where they do not fit, and gone when forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from precedents import models_that_say, query_recording

from precordia.core.case import Case
from precordia.core.errors import MismatchError
from precordia.core.findings import Measurements
from precordia.judgement.inputs import N_BESIDE
from precordia.judgement.learning import Lessons, learn
from precordia.judgement.models import FOLDER, FindingModels, Promise, Recorders, damaged, forget, load
from precordia.judgement.scaling import Scaling


def fitted(seed: int = 0, n: int = 12) -> FindingModels:
    rng = np.random.default_rng(seed)
    raw = np.where(rng.random((50, n)) < 0.1, np.nan, rng.normal(size=(50, n)))
    scaling = Scaling.of(raw)
    weights = rng.normal(size=(scaling.mean.size, 2))
    promise = Promise(0.2, 0.61, 0.4, 900, 300)
    return FindingModels(
        "encoder-1", ("AFIB", "LVH"), scaling, weights, np.array([-1.0, 0.5]), Recorders(), 0.9, 0.1,
        {"AFIB": 7, "LVH": 20}, 50, 40,
        60, promise,
    )  # fmt: skip


ECGS = np.random.default_rng(1).normal(size=(5, 12))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = fitted()
    written.save(tmp_path)
    read = load(tmp_path, "encoder-1")
    assert read is not None
    assert read.probabilities(ECGS) == pytest.approx(written.probabilities(ECGS), rel=1e-5)
    for name in ("encoder", "concepts", "slope", "shift", "counts", "n_cases", "n_patients", "n_archive", "promise"):
        assert getattr(read, name) == getattr(written, name)


def test_equal_models_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fitted().save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a" / FOLDER).iterdir())
    assert len(files) == 2
    for file in files:
        assert (tmp_path / "a" / FOLDER / file).read_bytes() == (tmp_path / "b" / FOLDER / file).read_bytes()


def test_none_are_there_until_they_are_fitted_and_after_they_are_forgotten(tmp_path: Path) -> None:
    assert load(tmp_path, "encoder-1") is None
    forget(tmp_path)
    fitted().save(tmp_path)
    forget(tmp_path)
    assert load(tmp_path, "encoder-1") is None
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_models_of_another_encoder_are_refused_with_the_remedy(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    with pytest.raises(MismatchError, match="precordia build --refit --kb"):
        load(tmp_path, "encoder-2")


@pytest.mark.parametrize("damage", ["a byte", "cut short", "no arrays", "no JSON", "a key", "another format"])
def test_damaged_models_are_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    fitted().save(tmp_path)
    arrays, document = next((tmp_path / FOLDER).glob("*.npz")), tmp_path / FOLDER / "models.json"
    content = bytearray(arrays.read_bytes())
    told = json.loads(document.read_text())
    if damage == "a byte":
        content[len(content) // 2] ^= 1
        arrays.write_bytes(content)
    elif damage == "cut short":
        arrays.write_bytes(content[:100])
    elif damage == "no arrays":
        arrays.unlink()
    elif damage == "no JSON":
        document.write_text("{")
    elif damage == "a key":
        document.write_text(json.dumps({key: value for key, value in told.items() if key != "slope"}))
    else:
        document.write_text(json.dumps({**told, "format": "precordia-finding-models-0"}))
    with pytest.raises(MismatchError, match="precordia build --refit --kb") as error:
        load(tmp_path, "encoder-1")
    assert str(tmp_path) in str(error.value)
    assert "models.json" in damaged(tmp_path / FOLDER)


def test_new_models_take_the_place_of_the_former_and_sound_ones_are_not_damaged(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    first = next((tmp_path / FOLDER).glob("*.npz"))
    replace(fitted(), bias=fitted().bias + 1).save(tmp_path)
    (second,) = (tmp_path / FOLDER).glob("*.npz")
    assert second != first
    assert damaged(tmp_path / FOLDER) == []
    assert damaged(tmp_path / "nothing") == []


def test_a_recorder_that_is_not_known_counts_as_the_average_one() -> None:
    known = [("device: A", "fs: 500 Hz")] * 30 + [("fs: 100 Hz",)] * 10
    recorders = Recorders.of(known, least=10)
    assert recorders.names == ("device: A", "fs: 100 Hz", "fs: 500 Hz")
    columns = recorders.columns([*known, ("device: B", "fs: 250 Hz"), ()])
    rates = columns[:40, 1:]
    assert rates.mean(axis=0) == pytest.approx([0, 0])
    assert (columns[-2:] == 0).all()
    assert Recorders.of([("fs: 500 Hz",)] * 40, least=10).names == ()


def test_models_learn_the_habits_of_a_recorder() -> None:
    # Two hospitals, alike in every number; one calls every ECG "SR", the other none.
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 5))
    mine = np.arange(400) % 2 == 0
    lessons = Lessons(
        inputs, tuple(frozenset({"SR"} if m else {"LVH"}) for m in mine), tuple(map(str, range(400))), np.ones(400),
        np.ones(400, dtype=bool), 400, tuple((f"fs: {500 if m else 250} Hz",) for m in mine),
    )  # fmt: skip
    models = learn(lessons, "e")
    assert models is not None
    at = models.concepts.index("SR")
    here, there, nowhere = models.probabilities(inputs[:3] * 0, [("fs: 500 Hz",), ("fs: 250 Hz",), ()])[:, at]
    assert here > 0.8
    assert there < 0.2
    assert 0.3 < nowhere < 0.7


def test_an_archive_knows_its_recorders_also_where_there_is_but_one() -> None:
    one = Recorders.of([("fs: 500 Hz",)] * 40, least=10)
    assert one.hold(("fs: 500 Hz",))
    assert not one.hold(("fs: 100 Hz",))
    assert not one.hold(("device: B", "fs: 500 Hz"))
    assert Recorders().hold(("device: B", "fs: 500 Hz"))


def test_those_are_alike_in_whom_the_models_see_the_same() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(6, 2)).astype(np.float32)
    models = models_that_say(AFIB=0.5, LVH=0.5)
    models = replace(models, weights=np.vstack([[[4.0, 0.0], [0.0, 4.0]], np.zeros((N_BESIDE, 2))]))
    cases = [Case(i, f"r{i}", f"p{i}") for i in range(6)]
    ecg = query_recording(1.0)
    chances = models.chances(replace(ecg, age=None, sex=None), Measurements(), vectors[3])
    alike = models.likeness(chances, cases, vectors)
    assert alike.shape == (6,)
    assert int(alike.argmax()) == 3
    assert alike[3] == pytest.approx(1.0)
    assert ((alike >= 0) & (alike <= 1 + 1e-9)).all()
    assert models.likeness(chances, [], vectors[:0]).shape == (0,)
