"""What runs shards. A new executor is one file here and one line in ``EXECUTORS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from precordia.core.registry import Registry

if TYPE_CHECKING:
    from precordia.core.protocols import Executor

EXECUTORS: Final[Registry[Callable[[int | None, int], Executor]]] = Registry(
    "executor",
    {
        "local": "precordia.engine.local:start_local",
        "ray": "precordia.engine.ray:start_ray",
    },
)
"""Name to what makes one, given the number of workers (None for as many as there are cores) and that of the shards."""
