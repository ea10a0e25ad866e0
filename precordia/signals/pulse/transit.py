"""Pulse transit time between two sites.

The time a wave takes from one site to another is read from the phase between the two pulses at the heart rate, as in video of
face and hand (Jeong and Finkelstein, J Med Syst 2016;40:93). What it says of pressure is in
:mod:`precordia.signals.pulse.pressure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from precordia.core.errors import UsageError
from precordia.signals.pulse.analysis import analyse_pulse

COHERENT: Final = 0.7
"""Coherence of the two sites at the heart rate below which no transit time is told: Jeong's signals below it gave none."""

LONGEST_S: Final = 0.4
"""Between any two sites of one body."""


@dataclass(frozen=True)
class Transit:
    """What two sites tell.

    Attributes:
        transit_s: How much later the wave arrives at the second site, s; None where it was not measured.
        coherence: Of the two at the heart rate, 0 to 1.
        reason: Why it was not measured, else empty.
    """

    transit_s: float | None
    coherence: float
    reason: str = ""

    @property
    def transit_ms(self) -> float | None:
        """The same, ms."""
        return None if self.transit_s is None else self.transit_s * 1000.0

    def document(self) -> dict[str, Any]:
        """For JSON; a transit time that was not measured is null, and says why."""
        found = {
            "transit_ms": None if self.transit_ms is None else round(self.transit_ms, 1),
            "coherence": round(self.coherence, 2),
        }
        return {**found, "not_measured": self.reason} if self.reason else found


def transit_time(first: NDArray[np.float64], second: NDArray[np.float64], fs: float) -> Transit:
    """How much later a pulse arrives at the second of two sites, by the phase of the first two harmonics of the heart rate.

    Args:
        first: ``(n,)``, more blood upwards.
        second: ``(n,)``, sample by sample beside it, by the same clock.
        fs: Hz.

    Raises:
        UsageError: the two are not of one length.
    """
    if first.shape != second.shape:
        raise UsageError(f"{first.size} and {second.size} samples: two sites need one clock and one length")
    rate = analyse_pulse(np.stack([first, second]), fs, ("first", "second")).rate_bpm
    if rate is None:
        return Transit(None, 0.0, "no pulse was measured at either site; hold still, and measure again")
    n = min(first.size, round(8.0 * fs))
    frequency, cross = signal.csd(first, second, fs, nperseg=n, detrend="linear")
    powers = [signal.welch(one, fs, nperseg=n, detrend="linear")[1] for one in (first, second)]
    coherence = np.abs(cross) ** 2 / np.maximum(powers[0] * powers[1], 1e-30)
    near = np.abs(frequency - rate / 60.0) <= max(0.15, fs / n)
    own = float(np.average(coherence[near], weights=np.abs(cross[near])))
    if own < COHERENT:
        return Transit(None, own, f"the two sites agree too little (coherence {own:.2f}, {COHERENT:g} is needed)")
    # csd conjugates the first: a later second site has a negative phase.
    delays = -np.angle(cross[near]) / (2.0 * np.pi * frequency[near])
    delay = float(np.average(delays, weights=np.abs(cross[near])))
    if abs(delay) > LONGEST_S:
        return Transit(None, own, f"{delay * 1000:.0f} ms is no way within one body; see that both have one clock")
    return Transit(delay, own)
