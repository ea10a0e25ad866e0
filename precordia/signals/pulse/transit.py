"""Pulse transit time between two sites, and blood pressure where a calibration is given: never without one.

The time a wave takes from one site to another is read from the phase between the two pulses at the heart rate, as in video of
face and hand (Jeong and Finkelstein, J Med Syst 2016;40:93). Stiffer vessels under more pressure carry it faster; how much is
each person's own, so that pressure needs readings of a cuff beside transit times (Mukkamala et al., IEEE Trans Biomed Eng
2015;62:1879): systolic pressure is a line in the inverse of the transit time, through that person's readings.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from precordia.core.errors import InputError, UsageError
from precordia.signals.pulse.analysis import analyse_pulse

COHERENT: Final = 0.7
"""Coherence of the two sites at the heart rate below which no transit time is told: Jeong's signals below it gave none."""

LONGEST_S: Final = 0.4
"""Between any two sites of one body."""

FEWEST_READINGS: Final = 2
REACH: Final = 0.25
"""How far beyond the calibration's transit times, as a share of their range, a pressure is still told."""


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


@dataclass(frozen=True)
class Reading:
    """One reading of a cuff beside a transit time of the same person at the same two sites.

    Attributes:
        transit_s: s.
        systolic_mmhg: mmHg.
    """

    transit_s: float
    systolic_mmhg: float


def read_calibration(path: Path | str) -> tuple[Reading, ...]:
    """Readings of one person's cuff: a CSV file with the columns transit_ms and systolic_mmhg.

    Raises:
        InputError: there is no such file or column, or something else than a number in it.
    """
    place = Path(path)
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return tuple(Reading(float(row["transit_ms"]) / 1000.0, float(row["systolic_mmhg"])) for row in rows)
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}); give a CSV file of readings") from None
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{place}: needs the columns transit_ms and systolic_mmhg, a number in each line") from None


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


def systolic_mmhg(transit: Transit, calibration: Sequence[Reading]) -> float | None:
    """Systolic pressure, mmHg, by a person's own calibration; None, which is "not measured", without one.

    None also where the transit time was not measured, or lies beyond what the calibration covers.

    Args:
        transit: Of now.
        calibration: Readings of a cuff at transit times that differ.

    Raises:
        UsageError: a reading no cuff gives.
    """
    for reading in calibration:
        if not (0.0 < abs(reading.transit_s) <= LONGEST_S and 50.0 <= reading.systolic_mmhg <= 260.0):
            raise UsageError(
                f"calibration: {reading.transit_s:g} s at {reading.systolic_mmhg:g} mmHg is no reading of a cuff"
            )
    times = np.array([abs(reading.transit_s) for reading in calibration])
    if transit.transit_s is None or times.size < FEWEST_READINGS or np.ptp(times) < 0.005:
        return None
    now, room = abs(transit.transit_s), REACH * float(np.ptp(times))
    if not times.min() - room <= now <= times.max() + room:
        return None
    slope, level = np.polyfit(1.0 / times, [reading.systolic_mmhg for reading in calibration], 1)
    return float(slope / now + level)
