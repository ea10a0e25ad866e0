from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from precordia.core.errors import MissingExtraError, UnknownNameError, UsageError
from precordia.encoders import create, load_encoder, save_encoder
from precordia.engine.cluster import Cluster
from precordia.engine.executors import EXECUTORS, executor_of
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


def test_the_command_line_names_a_cluster_by_its_address() -> None:
    cluster = Cluster(workers=8, gpus=0.5)
    executor = executor_of("ray=ray://head:10001", cluster)
    assert isinstance(executor, RayExecutor)
    assert (executor.address, executor.workers, executor.gpus) == ("ray://head:10001", 8, 0.5)
    assert executor_of("local", Cluster()) == "local"
    with pytest.raises(UsageError, match="go with ray"):
        executor_of("local", cluster)
    with pytest.raises(UsageError, match="go with ray"):
        executor_of("local=host", Cluster())
    with pytest.raises(UnknownNameError, match="rya"):
        executor_of("rya=host", Cluster())


needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'precordia[scale]'"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes on this machine, with a core each; the second can be taken away."""
    import ray
    from ray.cluster_utils import Cluster as LocalCluster

    made = LocalCluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
@needs_ray
@pytest.mark.usefixtures("cluster")
class TestRayExecutor(ExecutorContract):
    def make(self, workers: int) -> RayExecutor:
        return RayExecutor(workers)


def built(archive: Path, kb: Path, executor: Any, progress: Any = None) -> BuildReport:
    """A build in shards of four, with an untrained encoder."""
    encoder = archive.parent / "encoder"
    if not encoder.exists():
        save_encoder(create("tiny"), encoder)
    return build(
        str(archive), kb, encoder=load_encoder(encoder), encoder_name=str(encoder), text_encoder=None,
        reports=archive / "reports.csv", executor=executor, workers=2, shard_size=4, progress=progress,
    )  # fmt: skip


def content(kb: Path) -> tuple[Any, ...]:
    """Everything a knowledge base holds."""
    store = DeltaCaseStore(kb)
    vectors = {int(i): v.tobytes() for ids, rows in store.vectors() for i, v in zip(ids, rows, strict=True)}
    signals = [store.recording(i).content_hash for i in store.ids.tolist()]
    return store.get(store.ids.tolist()), vectors, signals, {(r.source, r.reason) for r in store.rejects()}


@pytest.mark.slow
@needs_ray
def test_a_build_on_two_nodes_is_that_of_this_machine_whatever_is_lost(tmp_path: Path, cluster: Any) -> None:
    """An actor is killed, then a whole node: each costs the time of what it held, and nothing else."""
    archive = tmp_path / "archive"
    write_archive(archive, 40, seed=3, formats=("wfdb", "muse"))
    built(archive, tmp_path / "local", "local")
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    told: list[str] = []

    def losing(results: Iterator[Any], total: int) -> Iterator[Any]:
        yield next(results)
        actors = [
            p for p in psutil.Process().children(recursive=True) if "".join(p.cmdline()).startswith("ray::_Actor")
        ]
        actors[0].kill()
        yield next(results)
        cluster.remove_node(node, allow_graceful=False)
        yield from results

    report = built(archive, tmp_path / "ray", RayExecutor(4, told=told.append), losing)
    assert report.n_added == len(DeltaCaseStore(tmp_path / "local"))
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    assert any("a worker was lost on shard" in line for line in told)  # two, if both had a shard at hand
    assert any("worker lost" in line or "workers lost" in line for line in told)
    assert sum("recordings (" in line for line in told) >= 2  # a line a node


@pytest.mark.slow
@needs_ray
def test_one_actor_encodes_for_all_readers(tmp_path: Path, cluster: Any) -> None:
    """The GPU is Ray's word for it: what runs there is the processor, in float32, as where there is no device."""
    archive = tmp_path / "archive"
    write_archive(archive, 16, seed=3, formats=("wfdb",))
    built(archive, tmp_path / "local", "local")
    with pytest.raises(UsageError, match="the cluster has 0 GPUs, and 1 are asked for"):
        built(archive, tmp_path / "none", RayExecutor(2, gpus=1))
    cluster.add_node(num_cpus=1, num_gpus=1)
    cluster.wait_for_nodes()
    built(archive, tmp_path / "ray", RayExecutor(2, gpus=1))
    (_, vectors, *rest), (_, expected, *others) = content(tmp_path / "ray"), content(tmp_path / "local")
    assert rest == others
    for case_id, vector in expected.items():
        assert np.allclose(np.frombuffer(vectors[case_id], "f4"), np.frombuffer(vector, "f4"), atol=1e-5)
