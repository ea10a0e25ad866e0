"""Which recordings a step sees: a permutation an epoch, drawn from the seed, with visits of a patient side by side if asked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Batches:
    """The batches of each epoch.

    Args:
        rows: ``(n,)`` int64, rows of the corpus to learn from.
        patients: Patient key of every row of the corpus.
        size: Recordings a batch.
        visits: Whether recordings of one patient go in pairs into a batch. Each recording still comes once an epoch.
    """

    def __init__(self, rows: Tensor, patients: Sequence[str], size: int, *, visits: bool = False) -> None:
        self.rows, self.size, self.visits = rows, size, visits
        names: dict[str, int] = {}
        self._patient = [names.setdefault(patients[row], len(names)) for row in rows.tolist()] if visits else []

    @property
    def per_epoch(self) -> int:
        """Batches an epoch; what does not fill one is left to the next epoch's permutation."""
        return max(len(self.rows) // self.size, 1)

    def epoch(self, seed: int) -> list[Tensor]:
        """The rows of each batch, decided by the seed."""
        order = torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(seed))
        if self.visits:
            order = torch.tensor(_paired(order.tolist(), self._patient, self.size), dtype=torch.int64)
        chosen = self.rows[order]
        return [chosen[start : start + self.size] for start in range(0, self.per_epoch * self.size, self.size)]


def _paired(order: Sequence[int], patient: Sequence[int], size: int) -> list[int]:
    """The order with each patient's places joined in pairs, none of which lies across the border of two batches.

    A pair takes the place of its first; where one place is left in a batch, the next recording without a partner fills it.

    >>> _paired([0, 1, 2, 3], [7, 8, 9, 7], 2)
    [0, 3, 1, 2]
    """
    waiting: dict[int, int] = {}
    partner: dict[int, int] = {}
    for place in order:
        first = waiting.pop(patient[place], None)
        if first is None:
            waiting[patient[place]] = place
        else:
            partner[first] = place
    seconds = set(partner.values())
    units = [(place, partner[place]) if place in partner else (place,) for place in order if place not in seconds]
    singles = iter([unit for unit in units if len(unit) == 1])
    out: list[int] = []
    used: set[int] = set()
    for unit in units:
        if unit[0] in used:
            continue
        if len(unit) == 2 and (len(out) + 1) % size == 0:
            filler = next((single for single in singles if single[0] not in used), None)
            if filler is not None:
                used.add(filler[0])
                out.extend(filler)
        used.update(unit)
        out.extend(unit)
    return out
