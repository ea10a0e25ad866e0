"""The ECG that the tests write into files of every format."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
FS = 250.0


def counts(n_samples: int = 100, seed: int = 0) -> NDArray[np.int64]:
    """``(12, n_samples)`` in units of 5 µV: smooth, of ECG size, with exact limb leads (I and II even)."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_samples) / FS
    rows = [
        np.rint(60 * np.sin(2 * np.pi * (k + 1) * time + k) + rng.normal(0, 3, n_samples)).astype(int) for k in range(8)
    ]
    one, two = 2 * rows[0], 2 * rows[1]
    limb = [one, two, two - one, -(one + two) // 2, one - two // 2, two - one // 2]
    return np.stack([*limb, *rows[2:]]).astype(np.int64)


def millivolts(values: NDArray[np.int64]) -> NDArray[np.float32]:
    return (values * 0.005).astype(np.float32)
