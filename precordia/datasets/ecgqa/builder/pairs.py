"""Which two ECGs are compared: one patient's consecutive ones, or two patients'."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from precordia.datasets.ecgqa.builder.facts import Facts


def consecutive(ecgs: Sequence[Facts]) -> list[tuple[int, int]]:
    """Positions of each patient's neighbouring ECGs in time, the earlier first."""
    of: dict[str, list[int]] = defaultdict(list)
    for position, facts in enumerate(ecgs):
        of[facts.patient].append(position)
    ordered = [sorted(found, key=lambda i: (ecgs[i].taken, ecgs[i].ecg_id)) for found in of.values()]
    return [pair for found in ordered for pair in pairwise(found)]


def irrelevant(ecgs: Sequence[Facts], at_most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Positions of ECGs of two patients, drawn at random, none twice; the order is as drawn."""
    n = len(ecgs)
    if n < 2:
        return []
    drawn = rng.choice(n * n, min(n * n, 2 * at_most), replace=False).tolist()
    found = [divmod(cell, n) for cell in drawn]
    return [(a, b) for a, b in found if ecgs[a].patient != ecgs[b].patient][:at_most]
