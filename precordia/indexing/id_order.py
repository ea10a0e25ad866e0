"""Many ids in order, so that a few are found among them without going through all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class IdOrder:
    """Which row each id stands in.

    Args:
        ids: By row; negative ones are nobody's.
    """

    def __init__(self, ids: NDArray[np.int64]) -> None:
        rows = np.argsort(ids, kind="stable")
        self._rows = rows[np.searchsorted(ids, 0, sorter=rows) :]
        self._ids = ids[self._rows]

    def extend(self, ids: NDArray[np.int64], first_row: int) -> None:
        """Take in ids that are not there yet, which stand in the rows from ``first_row``."""
        order = np.argsort(ids, kind="stable")
        at = np.searchsorted(self._ids, ids[order])
        self._ids, self._rows = np.insert(self._ids, at, ids[order]), np.insert(self._rows, at, first_row + order)

    def has(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each id is there."""
        return is_among(ids, self._ids)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each id.

        Raises:
            KeyError: an id is not there.
        """
        wanted = np.asarray(ids, dtype=np.int64).reshape(-1)
        there = self.has(wanted)
        if not there.all():
            raise KeyError(int(wanted[~there][0]))
        return np.asarray(self._rows[np.searchsorted(self._ids, wanted)], dtype=np.int64)


def is_among(ids: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of some ids is one of many that are in order.

    >>> is_among(np.array([3, 4]), np.array([1, 3, 5])).tolist()
    [True, False]
    """
    if not ascending.size:
        return np.zeros(ids.size, np.bool_)
    at = np.minimum(np.searchsorted(ascending, ids), ascending.size - 1)
    return np.asarray(ascending[at] == ids, dtype=np.bool_)
