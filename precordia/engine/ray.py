"""Shards on a Ray cluster: the same order, bounds and errors as on one machine; what a lost worker held is done again."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from precordia.core.errors import MissingExtraError, PrecordiaError, UsageError
from precordia.engine.cluster import Cluster, NodeWork, untold
from precordia.engine.gathering import Gathering
from precordia.engine.local import shard_name
from precordia.engine.worker import Failure, failure_of

T = TypeVar("T")
R = TypeVar("R")

_ATTEMPTS: Final = 3
"""Workers that one shard may cost: it is then the shard that kills them."""

_START_S: Final = 300.0
"""How long the first worker may take to start, s: a cluster that scales by itself starts machines."""

_CALLERS: Final = 256
"""Workers that one GPU's actor listens to at once."""

_TOLD_EVERY_S: Final = 30.0
"""Between two lines about how far each node is."""


@dataclass(frozen=True)
class RayExecutor:
    """Maps a function over shards with Ray actors, results in the order of the shards.

    Shards must name data that every machine can reach. Without an address, Ray starts on this machine. A worker or a node
    that is lost costs the time of the shards that it held: others take them, and another worker starts where there is room.

    Attributes:
        workers: Number of actors; None for one a core of the cluster.
        address: The cluster ("auto", "ray://host:10001"), or None.
        initialize: Called once in each actor, or None.
        look_ahead: Shards an actor that may be taken ahead of the one whose result is due.
        cpus: Cores an actor.
        gpus: GPUs that :meth:`hosting` takes, for one actor each; a fraction shares one with others.
        told: Is given a line on each loss, and on what each node has done.
    """

    workers: int | None = 2
    address: str | None = None
    initialize: Callable[[], None] | None = None
    look_ahead: int = 2
    cpus: float = 1
    gpus: float = 0
    told: Callable[[str], None] = untold

    def __post_init__(self) -> None:
        if (self.workers is not None and self.workers < 1) or self.look_ahead < 1 or self.gpus < 0:
            raise UsageError(
                f"{self.workers} workers, look-ahead {self.look_ahead}, {self.gpus} GPUs: give at least 1, 1 and 0"
            )

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """Results in the order of ``shards``.

        Raises:
            MissingExtraError: Ray is not installed.
            PrecordiaError: no cluster answers, no worker starts, or a shard has killed its worker again and again; the
                message names it. Errors that ``function`` raises are raised here as they are, with a note that names the
                shard.
        """
        return self._map(_connected(self.address), function, shards)

    @contextmanager
    def hosting(self, make: Callable[[], Callable[[list[Any]], list[Any]]], most: int) -> Iterator[Hosted]:
        """Keep a function where the GPUs are, for all workers; see :class:`~precordia.core.protocols.Host`.

        A GPU's actor that is lost starts again, and what it held is asked once more.

        Raises:
            UsageError: the cluster has not as many GPUs.
        """
        ray = _connected(self.address)
        has = ray.cluster_resources().get("GPU", 0)
        if has < self.gpus:
            raise UsageError(f"the cluster has {has:g} GPUs, and {self.gpus:g} are asked for: ask for less")
        made = ray.remote(num_cpus=0, num_gpus=min(self.gpus, 1.0), max_restarts=-1, max_task_retries=_ATTEMPTS)(
            _Hosting
        )
        job = ray.put((make, most))
        actors = [made.options(max_concurrency=_CALLERS).remote(job) for _ in range(max(1, int(self.gpus)))]
        try:
            yield Hosted(tuple(actors))
        finally:
            for actor in actors:
                ray.kill(actor)

    def _map(self, ray: Any, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        pool = _Pool(ray, self, ray.put((function, self.initialize)))
        source = enumerate(shards)
        done: dict[int, Any] = {}
        names: dict[int, str] = {}
        due, taken, exhausted = 0, 0, False
        try:
            while True:
                while not exhausted and taken - due < pool.size * self.look_ahead:
                    entry = next(source, None)
                    if entry is None:
                        exhausted = True
                        break
                    taken += 1
                    names[entry[0]] = shard_name(entry[1])
                    pool.take(_Held(*entry))
                if due in done:
                    name, result = names.pop(due), done.pop(due)
                    if isinstance(result, Failure):
                        raise result.error(name)
                    due += 1
                    yield result
                elif due == taken:
                    return
                else:
                    done.update(pool.collect())
        finally:
            pool.end()


def start_ray(workers: int | None, n_shards: int) -> RayExecutor:
    """An executor on the cluster that ``RAY_ADDRESS`` names, else on a Ray of this machine.

    Args:
        workers: Number of actors; None for one a core of the cluster.
        n_shards: How many shards there will be; no more actors than that are started.

    Raises:
        MissingExtraError: Ray is not installed.
        PrecordiaError: no cluster answers.
    """
    _connected(None)
    return RayExecutor(workers)


def on_cluster(cluster: Cluster) -> RayExecutor:
    """An executor on a cluster that is named."""
    return RayExecutor(cluster.workers, cluster.address, gpus=cluster.gpus, told=cluster.told)


@dataclass
class _Held:
    """A shard on its way."""

    index: int
    shard: Any
    attempts: int = 0


@dataclass
class _Worker:
    """An actor, what it is at, and where."""

    actor: Any
    node: str = ""
    held: _Held | None = None


@dataclass
class _Pool:
    """Actors, started as shards come; each has one shard at a time."""

    ray: Any
    executor: RayExecutor
    job: Any
    waiting: deque[_Held] = field(default_factory=deque)
    busy: dict[Any, _Worker] = field(default_factory=dict)
    idle: list[_Worker] = field(default_factory=list)
    nodes: dict[str, NodeWork] = field(default_factory=dict)
    n_failed_starts: int = 0

    def __post_init__(self) -> None:
        self.size = self.executor.workers or self._room()
        self.began = self.told_at = time.monotonic()

    def take(self, held: _Held) -> None:
        self.waiting.append(held)

    def collect(self) -> dict[int, Any]:
        """Hand out what waits, then wait for at least one worker; shard index to result or :class:`Failure`."""
        while self.waiting and self.idle:
            self._give(self.idle.pop(), self.waiting.popleft())
        starting = sum(worker.held is None for worker in self.busy.values())
        for _ in range(min(len(self.waiting) - starting, self.size - len(self.busy) - len(self.idle))):
            self._start()
        ready, _ = self.ray.wait(list(self.busy), num_returns=1, timeout=_START_S)
        if not ready and not any(worker.held for worker in self.busy.values()):
            raise PrecordiaError(
                f"no worker has started in {_START_S:.0f} s: each wants {self.executor.cpus:g} cores; "
                "see what the cluster has free (ray status)"
            )
        results: dict[int, Any] = {}
        for future in ready:
            worker = self.busy.pop(future)
            try:
                reply = self.ray.get(future)
            except self.ray.exceptions.RayError as error:  # the actor, its node, or what it sent is lost
                self._lost(worker, error)
                continue
            if worker.held is None:
                worker.node, self.n_failed_starts = reply, 0
            else:
                result, seconds = reply
                results[worker.held.index] = result
                self.nodes.setdefault(worker.node, NodeWork()).add(result, seconds)
                worker.held = None
            self.idle.append(worker)
        if time.monotonic() - self.told_at > _TOLD_EVERY_S:
            self._tell()
        return results

    def end(self) -> None:
        self._tell()
        for worker in (*self.busy.values(), *self.idle):
            self.ray.kill(worker.actor)

    def _start(self) -> None:
        wanted = self.ray.remote(num_cpus=self.executor.cpus)(_Actor)
        actor = wanted.options(scheduling_strategy="SPREAD").remote(self.job)
        self.busy[actor.node.remote()] = _Worker(actor)

    def _give(self, worker: _Worker, held: _Held) -> None:
        worker.held = held
        self.busy[worker.actor.run.remote(held.shard)] = worker

    def _lost(self, worker: _Worker, error: Exception) -> None:
        """Put back what a worker held; another is started when the shard is handed out."""
        self.ray.kill(worker.actor)
        reason = " ".join(str(error).split())[:200]
        held = worker.held
        if held is None:
            self.n_failed_starts += 1
            if self.n_failed_starts >= _ATTEMPTS:
                raise PrecordiaError(f"no worker starts on the cluster: {reason}") from error
            return
        held.attempts += 1
        self.nodes.setdefault(worker.node, NodeWork()).n_lost += 1
        name = shard_name(held.shard)
        self.executor.told(f"{worker.node}: a worker was lost on shard {name} (loss {held.attempts})")
        if held.attempts >= _ATTEMPTS:
            raise PrecordiaError(
                f"the Ray actor on shard {name} died {held.attempts} times ({reason}); "
                "look at that shard alone with --engine local --workers 1"
            ) from error
        self.waiting.appendleft(held)

    def _tell(self) -> None:
        self.told_at = time.monotonic()
        for node, work in sorted(self.nodes.items()):
            self.executor.told(f"{node}: {work.line(self.told_at - self.began)}")

    def _room(self) -> int:
        """How many actors the cluster has room for."""
        has, wants = self.ray.cluster_resources(), self.executor
        rooms = [int(has.get("CPU", 1) / wants.cpus)] if wants.cpus else []
        room = min(rooms, default=1)
        if room < 1:
            raise UsageError(f"the cluster has {has.get('CPU', 0):g} cores: ask for less")
        return room


def _connected(address: str | None) -> Any:
    """The module, connected to a cluster."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "scale", "running on a Ray cluster") from error
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise PrecordiaError(
                f"no Ray cluster could be had ({' '.join(str(error).split())[:200]}): see its address, or run it locally"
            ) from error
    return ray


@dataclass
class Hosted:
    """A function kept in actors, as workers call it: each calls one after the other.

    Attributes:
        actors: Handles of the actors.
    """

    actors: tuple[Any, ...]
    _n_called: int = 0

    def __call__(self, item: Any) -> Any:
        """The function's result of one item."""
        import ray

        self._n_called += 1
        return ray.get(self.actors[(os.getpid() + self._n_called) % len(self.actors)].call.remote(item))


class _Hosting:
    """Holds the function, and gathers what comes from all workers."""

    def __init__(self, job: tuple[Callable[[], Callable[[list[Any]], list[Any]]], int]) -> None:
        make, most = job
        self._gathering: Gathering[Any, Any] = Gathering(make(), most)

    def call(self, item: Any) -> Any:
        """The function's result of one item."""
        return self._gathering(item)


class _Actor:
    """Holds the function, so that what it loads stays in the actor."""

    def __init__(self, job: tuple[Callable[[Any], Any], Callable[[], None] | None]) -> None:
        self._function, initialize = job
        if initialize is not None:
            initialize()

    def node(self) -> str:
        """The machine it runs on, by the first digits of its id and its address."""
        import ray

        context = ray.get_runtime_context()
        return f"node {context.get_node_id()[:6]} ({ray.util.get_node_ip_address()})"

    def run(self, shard: Any) -> tuple[Any, float]:
        """What came of a shard, and the seconds that it took."""
        started = time.perf_counter()
        try:
            result = self._function(shard)
        except Exception as error:  # sent as a value, since Ray cannot rebuild every exception
            result = failure_of(error)
        return result, time.perf_counter() - started
