from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from precordia.core.errors import MissingExtraError, PrecordiaError, UnknownNameError
from precordia.encoders import create, load_encoder, save_encoder
from precordia.engine.executors import EXECUTORS
from precordia.engine.ray import RayExecutor
from precordia.indexing.builder import BuildReport, build
from precordia.indexing.store import DeltaCaseStore
from precordia.simulation import write_archive
from precordia.testing.executors import ExecutorContract, square


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[scale\]"):
        RayExecutor().map(square, [1])


def test_it_is_chosen_by_name_and_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[scale\]"):
        EXECUTORS.get("ray")(2, 3)
    with pytest.raises(UnknownNameError, match="unknown executor 'rya'; did you mean 'ray'"):
        EXECUTORS.get("rya")


needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'precordia[scale]'"
)


@pytest.mark.slow
@needs_ray
class TestRayExecutor(ExecutorContract):
    def make(self, workers: int) -> RayExecutor:
        return RayExecutor(workers)


def built(archive: Path, kb: Path, executor: str, progress: Any = None) -> BuildReport:
    """A build in shards of four, with an untrained encoder."""
    encoder = archive.parent / "encoder"
    if not encoder.exists():
        save_encoder(create("tiny"), encoder)
    return build(
        str(archive), kb, encoder=load_encoder(encoder), encoder_name=str(encoder), text_encoder=None,
        reports=archive / "reports.csv", executor=executor, workers=2, shard_size=4, progress=progress,
    )  # fmt: skip


def content(kb: Path) -> tuple[object, ...]:
    """Everything a knowledge base holds."""
    store = DeltaCaseStore(kb)
    vectors = {int(i): v.tobytes() for ids, rows in store.vectors() for i, v in zip(ids, rows, strict=True)}
    return store.get(store.ids.tolist()), vectors, {(r.source, r.reason) for r in store.rejects()}


@pytest.mark.slow
@needs_ray
def test_a_build_on_ray_is_that_of_this_machine_also_after_an_actor_was_killed(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    write_archive(archive, 40, seed=3, formats=("wfdb", "muse"))
    built(archive, tmp_path / "local", "local")
    expected = content(tmp_path / "local")
    assert built(archive, tmp_path / "ray", "ray").n_added == len(DeltaCaseStore(tmp_path / "local"))
    assert content(tmp_path / "ray") == expected

    def killing(results: Iterator[Any], total: int) -> Iterator[Any]:
        yield next(results)
        actors = [
            p for p in psutil.Process().children(recursive=True) if "".join(p.cmdline()).startswith("ray::_Actor")
        ]
        assert len(actors) == 2
        actors[0].kill()
        yield from results

    with pytest.raises(PrecordiaError, match=r"the Ray actor on shard .* died"):
        built(archive, tmp_path / "killed", "ray", killing)
    kept = len(DeltaCaseStore(tmp_path / "killed"))
    assert 0 < kept < len(DeltaCaseStore(tmp_path / "local"))
    assert built(archive, tmp_path / "killed", "ray").n_added == len(DeltaCaseStore(tmp_path / "local")) - kept
    assert content(tmp_path / "killed") == expected
