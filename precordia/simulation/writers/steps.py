"""Millivolts as whole steps of a 16-bit converter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def as_steps(signal: NDArray[np.float32], step_mv: float) -> NDArray[np.int16]:
    """The samples divided by ``step_mv`` and rounded; NaN becomes -32768, WFDB's mark for a missing sample."""
    steps = np.clip(np.rint(signal.astype(np.float64) / step_mv), -32767, 32767)
    return np.where(np.isfinite(signal), steps, -32768).astype(np.int16)
