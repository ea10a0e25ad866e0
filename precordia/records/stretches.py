"""Unbroken stretches of samples in leads that are there for a part of a recording only (strips of a 3 x 4 printout, gaps)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def longest_stretch(row: NDArray[np.floating]) -> tuple[int, int]:
    """First sample and end of the longest run of finite samples in ``row``, ``(n_samples,)``; (0, 0) when there is none.

    >>> longest_stretch(np.array([np.nan, 1.0, 2.0, np.nan, 3.0]))
    (1, 3)
    """
    edges = np.diff(np.concatenate(([0], np.isfinite(row).astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not starts.size:
        return 0, 0
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])
