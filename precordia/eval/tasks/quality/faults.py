"""Faults put into good recordings on purpose, to count which are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS, LIMB_FROM_I_II, LIMB_LEADS
from precordia.core.recording import Quality, Recording

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Fault:
    """One way to spoil a recording.

    Attributes:
        name: As in the results, with its size.
        kinds: The problems of which any counts as found.
        spoil: The spoilt recording and the leads concerned (empty when it is the whole recording).
    """

    name: str
    kinds: frozenset[str]
    spoil: Callable[[Recording, np.random.Generator], tuple[Recording, tuple[str, ...]]]

    def found(self, quality: Quality, leads: tuple[str, ...]) -> bool:
        """Whether an assessment says so, of one of the leads concerned at least."""
        return any(p.kind in self.kinds and (not leads or set(leads) & set(p.leads)) for p in quality.problems)


def exchange_arms(recording: Recording) -> Recording:
    """What would have been recorded with the arm electrodes exchanged."""
    signal = recording.signal.copy()
    at = recording.leads.index
    signal[at("I")] = -recording.lead("I")
    for one, other in (("II", "III"), ("aVR", "aVL")):
        signal[at(one)], signal[at(other)] = recording.lead(other), recording.lead(one)
    return replace(recording, signal=signal)


def _one_lead(
    change: Callable[[Signal, np.random.Generator], Signal],
) -> Callable[..., tuple[Recording, tuple[str, ...]]]:
    """A spoiler of one chest lead, drawn."""

    def spoil(recording: Recording, rng: np.random.Generator) -> tuple[Recording, tuple[str, ...]]:
        lead = str(rng.choice(CHEST_LEADS))
        row = recording.leads.index(lead)
        signal = recording.signal.copy()
        signal[row] = change(signal[row], rng)
        return replace(recording, signal=signal), (lead,)

    return spoil


def _whole(change: Callable[[Recording], Recording]) -> Callable[..., tuple[Recording, tuple[str, ...]]]:
    return lambda recording, rng: (change(recording), ())


def _clipped(x: Signal, rng: np.random.Generator) -> Signal:
    middle = np.median(x)
    limit = 0.4 * np.abs(x - middle).max()
    return np.clip(x, middle - limit, middle + limit)


def _with_gap(x: Signal, rng: np.random.Generator) -> Signal:
    start = rng.integers(0, x.size - x.size // 5)
    out = x.copy()
    out[start : start + x.size // 5] = np.nan
    return out


def _noisy(ratio: float) -> Callable[[Signal, np.random.Generator], Signal]:
    return lambda x, rng: x + rng.normal(0, ratio * x.std(), x.size).astype(np.float32)


def _noisy_throughout(recording: Recording, rng: np.random.Generator) -> tuple[Recording, tuple[str, ...]]:
    """White noise at every electrode, so that the limb leads still obey their laws."""
    signal = recording.signal.copy()
    noise = rng.normal(0, 2 * signal.std(axis=1).mean(), signal.shape).astype(np.float32)
    i, ii = noise[0], noise[1]
    for row, lead in enumerate(recording.leads):
        a, b = LIMB_FROM_I_II.get(lead, (0.0, 0.0))
        signal[row] += a * i + b * ii if lead in LIMB_LEADS else noise[row]
    return replace(recording, signal=signal), ()


def _rescaled_lead(recording: Recording, rng: np.random.Generator) -> tuple[Recording, tuple[str, ...]]:
    lead = str(rng.choice(LIMB_LEADS[:3]))
    signal = recording.signal.copy()
    signal[recording.leads.index(lead)] *= 1.5
    return replace(recording, signal=signal), ()


def _without_lead(recording: Recording, rng: np.random.Generator) -> tuple[Recording, tuple[str, ...]]:
    lead = str(rng.choice(CHEST_LEADS))
    kept = [row for row, name in enumerate(recording.leads) if name != lead]
    leads = tuple(recording.leads[row] for row in kept)
    return replace(recording, signal=recording.signal[kept], leads=leads), (lead,)


def _scaled(factor: float) -> Callable[[Recording], Recording]:
    return lambda recording: replace(recording, signal=recording.signal * np.float32(factor))


FAULTS = (
    Fault("flat: one chest lead", frozenset({"flat"}), _one_lead(lambda x, rng: np.full_like(x, x[0]))),
    Fault("saturated: one chest lead clipped to 40%", frozenset({"saturated"}), _one_lead(_clipped)),
    Fault("NaN: 2 s of one chest lead", frozenset({"nan"}), _one_lead(_with_gap)),
    Fault("noise: one chest lead, 0 dB", frozenset({"noisy"}), _one_lead(_noisy(1.0))),
    Fault("noise: one chest lead, -6 dB", frozenset({"noisy"}), _one_lead(_noisy(2.0))),
    Fault("noise: every electrode, -6 dB", frozenset({"noisy"}), _noisy_throughout),
    Fault("missing: one chest lead", frozenset({"missing_lead"}), _without_lead),
    Fault("units: microvolts as millivolts", frozenset({"units"}), _whole(_scaled(1000.0))),
    Fault("units: millivolts as microvolts", frozenset({"units"}), _whole(_scaled(0.001))),
    Fault("gain: I, II or III times 1.5", frozenset({"einthoven"}), _rescaled_lead),
    Fault("arm electrodes exchanged", frozenset({"electrode_swap"}), _whole(exchange_arms)),
    Fault("short: 2 s", frozenset({"short"}), _whole(lambda r: replace(r, signal=r.signal[:, : round(2 * r.fs)]))),
)
"""What is tried. Noise is white up to half the sampling rate; 0 dB has the lead's own power, -6 dB four times it."""
