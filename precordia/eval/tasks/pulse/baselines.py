"""What needs no beats: the highest peak of a spectrum, and what is usual."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from precordia.signals.pulse.frames import FS, FrameTable

BAND_BPM: Final = (35.0, 200.0)


def spectral_rate(pulse: NDArray[np.float64], fs: float) -> float:
    """Rate of the highest peak of Welch's spectrum between 35 and 200 a minute."""
    n = min(pulse.size, round(20 * fs))
    frequency, power = signal.welch(pulse, fs, nperseg=n, nfft=16 * n, detrend="linear")
    bpm = frequency * 60.0
    inside = (bpm >= BAND_BPM[0]) & (bpm <= BAND_BPM[1])
    return float(bpm[inside][power[inside].argmax()])


def spectral_rate_of_video(table: FrameTable) -> float:
    """The same of the colour that varies most."""
    _, pulses = table.pulses()
    return spectral_rate(pulses[pulses.std(axis=1).argmax()], FS)
