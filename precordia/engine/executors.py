"""What runs shards. A new executor is one file here and one line in ``EXECUTORS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from precordia.core.errors import UsageError
from precordia.core.registry import Registry

if TYPE_CHECKING:
    from precordia.core.protocols import Executor
    from precordia.engine.cluster import Cluster

EXECUTORS: Final[Registry[Callable[[int | None, int], Executor]]] = Registry(
    "executor",
    {
        "local": "precordia.engine.local:start_local",
        "ray": "precordia.engine.ray:start_ray",
    },
)
"""Name to what makes one, given the number of workers (None for as many as there are cores) and that of the shards."""

CLUSTERS: Final[Registry[Callable[[Cluster], Executor]]] = Registry(
    "cluster engine", {"ray": "precordia.engine.ray:on_cluster"}
)
"""Name to what makes one on a cluster, of those that can run elsewhere than here."""


def executor_of(engine: str, cluster: Cluster) -> Executor | str:
    """What the command line calls an engine: ``NAME``, or ``NAME=ADDRESS``.

    Raises:
        UnknownNameError: there is no such engine.
        UsageError: it runs on this machine alone, and an address or GPUs are asked for.
    """
    name, _, address = engine.partition("=")
    if name in CLUSTERS:
        return CLUSTERS.get(name)(replace(cluster, address=address or None))
    EXECUTORS.get(name)
    if address or cluster.gpus:
        raise UsageError(f"engine {name!r} runs on this machine: an address and --gpus go with {', '.join(CLUSTERS)}")
    return name
