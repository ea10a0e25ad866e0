"""Features besides the one vector: along time and lead by lead, to point at a place or to feed as tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Features:
    """What an encoder says of parts of some recordings.

    A step lasts ``step_s`` but what it says draws on its surroundings: the convolutions see about a second to either side
    (of the ``base`` architecture), the attention layer the whole window. Vectors of ``leads`` compare with those of
    :meth:`SignalEncoder.embed <precordia.encoders.encoder.SignalEncoder.embed>` by inner product.

    Attributes:
        time: ``(n, n_steps, channels)`` float32, layer-normalised, zero where ``step_mask`` is False. A recording of several
            windows has the steps of one window after those of the other; the shorter ones are padded.
        step_s: Length of a step, s.
        step_start_s: ``(n, n_steps)`` float64, where each step begins, s from the recording's first sample; NaN where
            ``step_mask`` is False. Windows of a long recording may overlap, or leave gaps.
        step_mask: ``(n, n_steps)`` bool, which steps hold signal.
        leads: ``(n, n_leads, dim)`` float32 in the order of the signal spec: the embedding of each lead as if it were alone,
            of unit L2 norm; zero where ``lead_mask`` is False.
        lead_mask: ``(n, n_leads)`` bool, which leads are there.
    """

    time: NDArray[np.float32]
    step_s: float
    step_start_s: NDArray[np.float64]
    step_mask: NDArray[np.bool_]
    leads: NDArray[np.float32]
    lead_mask: NDArray[np.bool_]
