"""What the finding models see of an ECG: its vector, its measurements, age and sex."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from precordia.core.findings import Measurements
from precordia.core.recording import Sex
from precordia.measurements.feature_vector import N_MEASURED, numbers_of

AGE_LIMIT: Final = 90.0
"""Years; archives hide what is above."""
N_BESIDE: Final = N_MEASURED + 2


def inputs_of(vector: ArrayLike, measurements: Measurements, age: float | None, sex: Sex | None) -> NDArray[np.float64]:
    """``(dim + 86,)``: the vector, the measurements' numbers, age (years) and sex (1 for men); NaN where not known.

    Args:
        vector: ``(dim,)`` the encoder's unit vector.
        measurements: Of the signal.
        age: Years, or None.
        sex: "F", "M" or None.
    """
    years = np.nan if age is None else min(float(age), AGE_LIMIT)
    return np.concatenate([
        np.asarray(vector, dtype=np.float64),
        numbers_of(measurements),
        [years, np.nan if sex is None else float(sex == "M")],
    ])  # fmt: skip


def recorder_of(device: str | None, fs: float) -> tuple[str, ...]:
    """What is known of the recorder: whose habits a report follows shows in the make of the cart and its rate.

    >>> recorder_of("CS-12   E", 500.0)
    ('device: CS-12 E', 'fs: 500 Hz')
    """
    rate = f"fs: {fs:.0f} Hz"
    return (f"device: {' '.join(device.split())}", rate) if device and device.strip() else (rate,)
