"""Log-spectra: what a signal shows without a heartbeat being found, as a simple system beside encoders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize, to_windows


def log_spectra(recordings: Sequence[Recording]) -> NDArray[np.float32]:
    """``(n, 480)``: log power of each lead of the first ten seconds in forty bands of 1 Hz.

    Raises:
        UnusableSignalError: a recording is too short or has no standard lead.
    """
    spec = SignalSpec()
    signal = np.stack([to_windows(standardize(r, spec), spec).signal[0] for r in recordings])
    power = np.abs(np.fft.rfft(signal, axis=2))[:, :, :400] ** 2
    bands = power.reshape(len(recordings), signal.shape[1], 40, 10).mean(axis=3)
    logs = np.log(bands + 1e-6).reshape(len(recordings), -1)
    out: NDArray[np.float32] = logs.astype(np.float32)
    return out
