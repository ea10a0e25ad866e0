"""Shards on a Ray cluster: the same order, bounds and errors as on one machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from precordia.core.errors import MissingExtraError, PrecordiaError, UsageError
from precordia.engine.local import shard_name
from precordia.engine.worker import Failure, failure_of

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class RayExecutor:
    """Maps a function over shards with Ray actors, results in the order of the shards.

    Shards must name data that every machine can reach. Without an address, Ray starts on this machine.

    Attributes:
        workers: Number of actors.
        address: The cluster ("auto", "ray://host:10001"), or None.
        initialize: Called once in each actor, or None.
        look_ahead: Shards an actor that may be taken ahead of the one whose result is due.
        cpus: Cores an actor.
        gpus: GPUs an actor; fractions share one.
    """

    workers: int = 2
    address: str | None = None
    initialize: Callable[[], None] | None = None
    look_ahead: int = 2
    cpus: float = 1
    gpus: float = 0

    def __post_init__(self) -> None:
        if self.workers < 1 or self.look_ahead < 1:
            raise UsageError(f"{self.workers} workers, look-ahead {self.look_ahead}: give at least 1 of each")

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """Results in the order of ``shards``.

        Raises:
            MissingExtraError: Ray is not installed.
            PrecordiaError: an actor died; the message names its shard. Errors that ``function`` raises are raised here
                as they are, with a note that names the shard.
        """
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "scale", "running on a Ray cluster") from error
        return self._map(ray, function, shards)

    def _map(self, ray: Any, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        if not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False, include_dashboard=False)
        remote = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus)(_Actor)
        job = ray.put((function, self.initialize))
        actors = [remote.remote(job) for _ in range(self.workers)]
        pending: deque[tuple[str, Any]] = deque()
        source = iter(enumerate(shards))
        exhausted = False
        try:
            while True:
                while not exhausted and len(pending) < self.workers * self.look_ahead:
                    entry = next(source, None)
                    if entry is None:
                        exhausted = True
                        break
                    index, shard = entry
                    pending.append((shard_name(shard), actors[index % self.workers].run.remote(shard)))
                if not pending:
                    return
                name, future = pending.popleft()
                yield self._result(ray, name, future)
        finally:
            for actor in actors:
                ray.kill(actor)

    @staticmethod
    def _result(ray: Any, name: str, future: Any) -> Any:
        try:
            result = ray.get(future)
        except ray.exceptions.RayActorError as error:
            raise PrecordiaError(
                f"the Ray actor on shard {name} died ({' '.join(str(error).split())[:200]}); "
                "look at that shard alone with workers=1"
            ) from error
        if isinstance(result, Failure):
            raise result.error(name)
        return result


def start_ray(workers: int | None, n_shards: int) -> RayExecutor:
    """An executor on the cluster that ``RAY_ADDRESS`` names, else on a Ray of this machine.

    Args:
        workers: Number of actors; None for one a core of the cluster.
        n_shards: How many shards there will be; no more actors than that are started.

    Raises:
        MissingExtraError: Ray is not installed.
        PrecordiaError: no cluster answers.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "scale", "running on a Ray cluster") from error
    if not ray.is_initialized():
        try:
            ray.init(log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise PrecordiaError(
                f"no Ray cluster could be had ({' '.join(str(error).split())[:200]}): see RAY_ADDRESS, or run it locally"
            ) from error
    return RayExecutor(min(workers or max(1, int(ray.cluster_resources().get("CPU", 1))), max(n_shards, 1)))


class _Actor:
    """Holds the function, so that what it loads stays in the actor."""

    def __init__(self, job: tuple[Callable[[Any], Any], Callable[[], None] | None]) -> None:
        self._function, initialize = job
        if initialize is not None:
            initialize()

    def run(self, shard: Any) -> Any:
        try:
            return self._function(shard)
        except Exception as error:  # sent as a value, since Ray cannot rebuild every exception
            return failure_of(error)
