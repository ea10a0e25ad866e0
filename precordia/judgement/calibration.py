"""From support to confidence: how often a finding with so much support was what the recording's own report said.

Fitted by isotonic regression (pool adjacent violators; Barlow et al., Statistical Inference under Order Restrictions,
1972) on recordings that the encoder was not trained on, each against the reports of other patients. A confidence is as
good as the likeness of an archive to the one it was fitted on: it says what share of such statements stood in the report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """A rising curve from support to probability.

    Attributes:
        supports: Where the curve bends, ascending, 0 to 1.
        probabilities: Its values there; straight between, level beyond.
        source: On what it was fitted.
        n: Number of statements it rests on.
    """

    supports: tuple[float, ...]
    probabilities: tuple[float, ...]
    source: str = ""
    n: int = 0

    def confidence(self, support: float) -> float:
        """Probability that a statement with this support holds.

        >>> Calibration((0.2, 0.6), (0.1, 0.5)).confidence(0.4)
        0.3
        """
        place = bisect_right(self.supports, support)
        if place == 0:
            return self.probabilities[0]
        if place == len(self.supports):
            return self.probabilities[-1]
        (x0, x1), (y0, y1) = self.supports[place - 1 : place + 1], self.probabilities[place - 1 : place + 1]
        return round(y0 + (y1 - y0) * (support - x0) / (x1 - x0), 4)


def fit(support: Sequence[float], truth: Sequence[bool], source: str = "", least: int = 30) -> Calibration:
    """The rising curve nearest to the outcomes, in blocks of at least ``least`` statements.

    Args:
        support: Of each statement, 0 to 1.
        truth: Whether it held.
        source: On what; kept with the curve.
        least: Fewest statements a bend rests on.
    """
    order = np.argsort(np.asarray(support, dtype=float), kind="stable")
    x, y = np.asarray(support, dtype=float)[order], np.asarray(truth, dtype=float)[order]
    blocks: list[tuple[float, float, int]] = []  # mean support, mean truth, size
    for start in range(0, x.size, least):
        piece = slice(start, x.size if x.size - start < 2 * least else start + least)
        blocks.append((float(x[piece].mean()), float(y[piece].mean()), int(y[piece].size)))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (xa, ya, na), (xb, yb, nb) = blocks[-2:]
            n = na + nb
            blocks[-2:] = [((xa * na + xb * nb) / n, (ya * na + yb * nb) / n, n)]
        if piece.stop == x.size:
            break
    return Calibration(
        tuple(round(b[0], 4) for b in blocks), tuple(round(b[1], 4) for b in blocks), source, int(x.size)
    )
