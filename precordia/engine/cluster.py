"""A cluster as the command line names it, and what each of its nodes has done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def untold(line: str) -> None:
    """Where nobody wants to know."""


@dataclass(frozen=True)
class Cluster:
    """Where shards are to run.

    Attributes:
        address: Of the cluster; None for the one that the environment names, else one on this machine.
        workers: How many; None for as many as there is room for.
        gpus: GPUs that encode for all workers, an actor each; a fraction shares one with others.
        told: Is given lines about how it goes.
    """

    address: str | None = None
    workers: int | None = None
    gpus: float = 0
    told: Callable[[str], None] = untold


@dataclass
class NodeWork:
    """What a node has done.

    Attributes:
        n_shards: Shards that were finished there.
        n_records: Recordings in them, where shards say how many.
        n_lost: Workers that were lost there.
        seconds: Time of its workers, s, added.
    """

    n_shards: int = 0
    n_records: int = 0
    n_lost: int = 0
    seconds: float = 0.0

    def add(self, result: object, seconds: float) -> None:
        """Count a shard."""
        self.n_shards += 1
        self.n_records += int(getattr(result, "n_records", 0))
        self.seconds += seconds

    def line(self, wall_s: float) -> str:
        """For people.

        >>> NodeWork(3, 384, 1, 20.0).line(10.0)
        '3 shards, 384 recordings (38 a second), 1 worker lost'
        """
        lost = f", {self.n_lost} worker{'s' * (self.n_lost != 1)} lost" if self.n_lost else ""
        rate = self.n_records / wall_s if wall_s > 0 else 0.0
        return f"{self.n_shards} shards, {self.n_records} recordings ({rate:.0f} a second){lost}"
