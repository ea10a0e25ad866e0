"""What is measured of a pulse, and when nothing is: rate, intervals, their variability, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.signals.pulse.beats import PulseBeats, find_beats
from precordia.signals.pulse.frames import FS, FrameTable

LIKE: Final = 0.8
"""Correlation with the median upstroke from which a beat counts as seen; chosen on Welltory's odd subjects."""

ENOUGH: Final = 0.6
"""Share of beats seen below which nothing is measured; chosen on Welltory's odd subjects."""

FEWEST: Final = 5
"""Intervals between seen beats below which nothing is measured."""

SHORTEST_MS, LONGEST_MS = 300.0, 2200.0
ECTOPIC: Final = 0.2
"""An interval this far from the median of the five around it is left out of variability (Malik et al., Eur Heart J
1989;10:1060)."""

MOSTLY_EVEN: Final = 0.7
"""Share of even intervals from which a rhythm is taken to be even; fewer are so in fibrillation."""

FEWEST_FOR_VARIABILITY: Final = 30
"""Intervals: SDNN and RMSSD of fewer say little (Munoz et al., PLoS One 2015;10:e0138921: from 30 s)."""


@dataclass(frozen=True, eq=False)
class PulseAnalysis:
    """One pulse, measured; a figure is None where it was not.

    Attributes:
        rate_bpm: Pulse rate, a minute: from the mean interval; uneven ones, which may be a beat missed or counted twice,
            are left out where most are even.
        rr_ms: Median interval between beats, ms.
        sdnn_ms: Standard deviation of intervals, premature ones left out, ms.
        rmssd_ms: Root mean square of successive differences of the same, ms.
        quality: Share of beats seen, 0 to 1.
        channel: Which channel was used.
        duration_s: Length, s.
        beats: All that were found.
        reason: Why nothing was measured; empty where something was.
    """

    rate_bpm: float | None
    rr_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    quality: float
    channel: str
    duration_s: float
    beats: PulseBeats
    reason: str = ""

    @property
    def measured(self) -> bool:
        """Whether the pulse was good enough."""
        return self.rate_bpm is not None

    @property
    def intervals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends, s, and lengths, ms, of the intervals between beats seen, ``(n,)`` each."""
        return seen_intervals(self.beats)

    def document(self) -> dict[str, Any]:
        """For JSON: what was not measured says so."""
        told = {
            "rate_bpm": self.rate_bpm, "rr_ms": self.rr_ms, "sdnn_ms": self.sdnn_ms, "rmssd_ms": self.rmssd_ms,
        }  # fmt: skip
        return {
            **{name: "not measured" if value is None else round(value, 1) for name, value in told.items()},
            "quality": round(self.quality, 3),
            "channel": self.channel,
            "duration_s": round(self.duration_s, 1),
            "n_beats": int(self.beats.time_s.size),
            "reason": self.reason,
        }


def analyse_pulse(
    pulses: NDArray[np.float64], fs: float, channels: tuple[str, ...] = ("pulse",), *, start_s: float = 0.0
) -> PulseAnalysis:
    """Measure a pulse on whichever of its channels shows most beats alike and most even intervals between them.

    All channels see one heart, whose own unevenness is in each: what differs between them is noise.

    Args:
        pulses: ``(n_channels, n)`` or ``(n,)``, any unit, more blood upwards; missing samples are NaN.
        fs: Hz, from 20.
        channels: A name for each.
        start_s: Time of the first sample, s; beats are told from the same zero.
    """
    rows = np.atleast_2d(np.asarray(pulses, dtype=np.float64))
    found = [(_beats(row, fs), name) for row, name in zip(rows, channels, strict=True)]
    beats, name = max(found, key=lambda one: _clarity(one[0]))
    shifted = PulseBeats(beats.time_s + start_s, beats.likeness, beats.amplitude)
    return _measured(shifted, name, rows.shape[1] / fs)


def analyse_frames(table: FrameTable) -> PulseAnalysis:
    """Measure the pulse of a video."""
    names, pulses = table.pulses()
    return analyse_pulse(pulses, FS, names, start_s=float(table.time_s[0]))


def seen_intervals(beats: PulseBeats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends, s, and lengths, ms, of the intervals between neighbours that were both seen and whose distance a heart can have."""
    seen = beats.likeness >= LIKE
    rr = np.diff(beats.time_s) * 1000.0
    kept = seen[:-1] & seen[1:] & (rr >= SHORTEST_MS) & (rr <= LONGEST_MS)
    return beats.time_s[1:][kept], rr[kept]


def _beats(row: NDArray[np.float64], fs: float) -> PulseBeats:
    known = np.isfinite(row)
    if known.sum() < 5.0 * fs or not np.ptp(row[known]) > 0.0:
        none = np.zeros(0)
        return PulseBeats(none, none, none)
    at = np.arange(row.size)
    return find_beats(np.interp(at, at[known], row[known]), fs)


def _quality(beats: PulseBeats) -> float:
    return float((beats.likeness >= LIKE).mean()) if beats.time_s.size else 0.0


def _clarity(beats: PulseBeats) -> tuple[float, float]:
    """Share of intervals between beats that are seen and even; then how like the beats are."""
    _, rr = seen_intervals(beats)
    even = float(normal_intervals(rr).sum()) / max(beats.time_s.size - 1, 1)
    return even, float(beats.likeness.sum())


def _measured(beats: PulseBeats, channel: str, duration_s: float) -> PulseAnalysis:
    quality = _quality(beats)
    _, rr = seen_intervals(beats)
    reason = ""
    if quality < ENOUGH:
        reason = (
            f"poor signal: {quality:.0%} of beats look alike, {ENOUGH:.0%} are needed; hold still, and measure again"
        )
    elif rr.size < FEWEST:
        reason = f"{rr.size} intervals between beats, {FEWEST} are needed; measure longer"
    if reason:
        return PulseAnalysis(None, None, None, None, quality, channel, duration_s, beats, reason)
    sdnn, rmssd = variability(beats)
    even = normal_intervals(rr)
    usual = rr[even] if even.mean() >= MOSTLY_EVEN else rr
    return PulseAnalysis(
        60000.0 / float(usual.mean()), float(np.median(rr)), sdnn, rmssd, quality, channel, duration_s, beats
    )


def variability(beats: PulseBeats) -> tuple[float | None, float | None]:
    """SDNN and RMSSD, ms, of intervals between seen beats without premature ones; None of each where too few are left."""
    ends, rr = seen_intervals(beats)
    normal = normal_intervals(rr)
    if normal.sum() < FEWEST_FOR_VARIABILITY:
        return None, None
    # Successive: the second interval begins where the first ends.
    follows = np.isclose(ends[1:] - rr[1:] / 1000.0, ends[:-1]) & normal[1:] & normal[:-1]
    steps = np.diff(rr)[follows]
    rmssd = float(np.sqrt(np.mean(steps**2))) if steps.size >= FEWEST_FOR_VARIABILITY // 2 else None
    return float(rr[normal].std(ddof=1)), rmssd


def normal_intervals(rr_ms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which intervals are within :data:`ECTOPIC` of the median of the five around them, ``(n,)``."""
    if rr_ms.size < 3:
        return np.ones(rr_ms.size, dtype=np.bool_)
    padded = np.pad(rr_ms, 2, mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    near: NDArray[np.bool_] = np.abs(rr_ms - around) <= ECTOPIC * around
    return near
