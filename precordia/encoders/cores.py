"""Work that is many calls of numpy, over the cores that numpy may use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

P = TypeVar("P")
T = TypeVar("T")

_ALONE = threading.Lock()
"""How many threads a product of matrices takes is set for the whole process: one at a time may set it and put it back."""


def over_cores(function: Callable[[P], T], pieces: Sequence[P]) -> list[T]:
    """What a function gives of each piece, in their order.

    Small products of matrices gain little from several cores, which wait for each other between them. Here each core has pieces
    of its own: as many as numpy's library of linear algebra takes (``OMP_NUM_THREADS`` limits it).
    """
    if len(pieces) < 2:
        return [function(piece) for piece in pieces]
    controller = _controller()
    cores = max((int(library["num_threads"]) for library in controller.info()), default=1)
    if cores < 2:
        return [function(piece) for piece in pieces]
    with _ALONE, controller.limit(limits=1), ThreadPoolExecutor(min(cores, len(pieces))) as pool:
        return list(pool.map(function, pieces))


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # one ECG needs it not

    # Looking for the libraries takes a while; numpy's is there since this package was imported.
    return ThreadpoolController().select(user_api="blas")
