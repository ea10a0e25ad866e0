"""What else the electrodes pick up: baseline wander, muscle, mains, electrode motion; lost contact; the converter's steps.

Kinds and their spectra follow the MIT-BIH Noise Stress Test Database (Moody, Muldrow, Mark, Comput Cardiol 1984;11:
381-384: baseline wander, muscle artefact, electrode motion) and Friesen et al., IEEE TBME 1990;37:85-98. The noise of a
12-lead ECG arises at nine electrodes and is projected on the leads, so Einthoven's law still holds with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnknownNameError, UsageError
from precordia.core.leads import LEADS

ORDINARY_RMS_MV: Final = 0.2
"""Root mean square over the twelve leads of an ordinary ECG, mV (PTB-XL's normals: ``precordia.simulation.realism``)."""

KINDS: Final = ("wander", "muscle", "mains", "motion", "white")


def _leads_from_electrodes() -> NDArray[np.float64]:
    """``(12, 9)``: the leads from the potentials of RA, LA, LL, V1 to V6."""
    ra, la, ll = np.eye(9)[:3]
    limb = [la - ra, ll - ra, ll - la, ra - (la + ll) / 2, la - (ra + ll) / 2, ll - (ra + la) / 2]
    return np.array([*limb, *(np.eye(9)[3:] - (ra + la + ll) / 3)])


LEADS_FROM_ELECTRODES: Final = _leads_from_electrodes()


@dataclass(frozen=True)
class Noise:
    """How noisy recordings are.

    Attributes:
        name: For the truth.
        snr_db: Kind to the range of signal-to-noise ratios, dB, drawn uniformly for each recording; against an ordinary
            ECG of :data:`ORDINARY_RMS_MV`, so that a small ECG is drowned sooner.
        chance: Kind to the probability that a recording has it; 1 where a kind is not named.
        mains_hz: 50 or 60.
        step_mv: The converter's step, mV; 0 for none.
    """

    name: str = "typical"
    snr_db: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    mains_hz: float = 50.0
    step_mv: float = 0.0


LEVELS: Final = {
    "none": Noise("none"),
    "light": Noise("light", {"wander": (20, 32), "muscle": (28, 38), "mains": (38, 50)}, step_mv=0.0025),
    "typical": Noise(
        "typical",
        {"wander": (10, 26), "muscle": (20, 34), "mains": (30, 46), "motion": (14, 24)},
        {"motion": 0.12},
        step_mv=0.0025,
    ),
    "heavy": Noise(
        "heavy",
        {"wander": (0, 12), "muscle": (8, 18), "mains": (16, 30), "motion": (2, 12)},
        {"motion": 0.6},
        step_mv=0.005,
    ),
}


def noise_level(noise: str | Noise | None) -> Noise:
    """A level by name; None is "none".

    Raises:
        UnknownNameError: there is no such level.
    """
    if isinstance(noise, Noise):
        return noise
    name = noise or "none"
    if name not in LEVELS:
        raise UnknownNameError("noise level", name, LEVELS)
    return LEVELS[name]


def add_noise(
    signal: NDArray[np.floating],
    fs: float,
    kind: str,
    snr_db: float,
    rng: np.random.Generator,
    *,
    mains_hz: float | None = None,
) -> NDArray[np.float32]:
    """The signal with noise of one kind.

    Args:
        signal: ``(..., n_leads, n_samples)``, mV. Twelve leads are taken to be the standard ones in canonical order, and
            share nine electrodes; any other number gets noise lead by lead. NaN stays NaN.
        fs: Sampling rate, Hz.
        kind: "wander", "muscle", "mains", "motion" or "white".
        snr_db: Power of each recording's signal (all leads together, each about its mean) over that of its noise, dB.
        rng: Draws the noise.
        mains_hz: For "mains": 50 or 60; drawn when None.

    Returns:
        The same shape, float32, mV.

    Raises:
        UnknownNameError: there is no such kind.
        UsageError: "mains" at or above half the sampling rate.
    """
    if kind not in KINDS:
        raise UnknownNameError("noise", kind, KINDS)
    *batch, n_leads, n = signal.shape
    twelve = n_leads == len(LEADS)
    shape = (*batch, 9 if twelve else n_leads, n)
    raw = _mains(shape, fs, rng, mains_hz) if kind == "mains" else _MAKERS[kind](shape, fs, rng)
    made = LEADS_FROM_ELECTRODES @ raw if twelve else raw
    finite = bool(np.isfinite(signal).all())
    power = (signal.var(axis=-1) if finite else np.nan_to_num(np.nanvar(signal, axis=-1))).mean(axis=-1)
    own = made.var(axis=-1).mean(axis=-1)
    gain = np.sqrt(power / np.maximum(own, 1e-12) * 10.0 ** (-snr_db / 10.0))
    out: NDArray[np.float32] = (signal + gain[..., None, None] * made).astype(np.float32)
    return out


def add_noises(signal: NDArray[np.floating], fs: float, noise: Noise, rng: np.random.Generator) -> NDArray[np.float32]:
    """One recording, ``(n_leads, n_samples)`` mV, with all the noise of a level.

    Mains is left out at rates that cannot carry it: a real converter's filter removes it there.
    """
    out = signal.astype(np.float32)
    for kind, (low, high) in noise.snr_db.items():
        present, snr = rng.random() < noise.chance.get(kind, 1.0), float(rng.uniform(low, high))
        if present and not (kind == "mains" and noise.mains_hz >= 0.49 * fs):
            # Noise does not grow with the heart: the level's ratio is against an ordinary ECG, not against this one.
            out += add_noise(_ordinary(signal.shape), fs, kind, snr, rng, mains_hz=noise.mains_hz) - _ordinary(
                signal.shape
            )
    return quantised(out, noise.step_mv)


def _ordinary(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A square wave of an ordinary ECG's power."""
    out = np.full(shape, ORDINARY_RMS_MV, dtype=np.float32)
    out[..., ::2] *= -1.0
    return out


def quantised(signal: NDArray[np.float32], step_mv: float) -> NDArray[np.float32]:
    """The signal in whole steps of the converter; unchanged when the step is 0."""
    if step_mv <= 0:
        return signal
    stepped: NDArray[np.float32] = (np.rint(signal / step_mv) * step_mv).astype(np.float32)
    return stepped


def lose_contact(
    signal: NDArray[np.float32], fs: float, electrode: str, rng: np.random.Generator, *, whole: bool = False
) -> NDArray[np.float32]:
    """A 12-lead recording, ``(12, n)`` mV, with an electrode that comes off: for some seconds, or throughout.

    The amplifier's input floats: slow swings and mains of some millivolts on every lead that the electrode is part of.

    Raises:
        UnknownNameError: there is no such electrode.
    """
    names = ("RA", "LA", "LL", *LEADS[6:])
    if electrode not in names:
        raise UnknownNameError("electrode", electrode, names)
    n = signal.shape[1]
    begin, length = (0, n) if whole else (int(rng.uniform(0.1, 0.5) * n), int(rng.uniform(0.15, 0.4) * n))
    t = np.arange(length) / fs
    swing = np.cumsum(rng.normal(0.0, 0.25 / np.sqrt(fs), length)) * 4.0
    hum = 1.2 * np.sin(2 * np.pi * min(50.0, 0.31 * fs) * t + rng.uniform(0, 6))
    edge = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.05 * fs))
    out = signal.astype(np.float64)
    out[:, begin : begin + length] += np.outer(
        LEADS_FROM_ELECTRODES[:, names.index(electrode)], edge * (swing + hum + rng.normal(0.0, 0.3, length))
    )
    return np.clip(out, -5.0, 5.0).astype(np.float32)


def _shaped(
    shape: tuple[int, ...], fs: float, rng: np.random.Generator, amplitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gaussian noise whose spectrum is ``amplitude`` on the frequencies of :func:`_frequencies`."""
    kept = np.flatnonzero(amplitude > 1e-4 * amplitude.max())
    low, high = int(kept[0]), int(kept[-1]) + 1
    draws = rng.standard_normal((*shape[:-1], high - low, 2))
    spectrum = np.zeros((*shape[:-1], amplitude.size), dtype=np.complex128)
    spectrum[..., low:high] = draws.view(np.complex128)[..., 0] * amplitude[low:high]
    out: NDArray[np.float64] = np.fft.irfft(spectrum, axis=-1)[..., : shape[-1]]
    return out


def _frequencies(n: int, fs: float) -> NDArray[np.float64]:
    # Longer than the recording: what is kept then does not close on itself.
    return np.asarray(np.fft.rfftfreq(_even_fast(n + n // 3 + 2), 1.0 / fs), dtype=np.float64)


def _even_fast(n: int) -> int:
    from scipy.fft import next_fast_len

    return 2 * int(next_fast_len((n + 1) // 2, real=True))


def _envelope(
    shape: tuple[int, ...], fs: float, rng: np.random.Generator, depth: float, hz: float
) -> NDArray[np.float64]:
    """A positive slow modulation: log-normal, below ``hz``."""
    f = _frequencies(shape[-1], fs)
    slow = _shaped(shape, fs, rng, np.exp(-0.5 * (f / hz) ** 2))
    out: NDArray[np.float64] = np.exp(depth * slow / np.maximum(slow.std(axis=-1, keepdims=True), 1e-9))
    return out


def _wander(shape: tuple[int, ...], fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Below 0.7 Hz: skin potentials that drift as 1/f, and breathing."""
    f = _frequencies(shape[-1], fs)
    breath = float(rng.uniform(0.15, 0.35))
    drift = np.where(f > 0, 1.0 / np.maximum(f, 0.05), 0.0) * np.exp(-((f / 0.45) ** 4))
    return _shaped(shape, fs, rng, drift + 4.0 * np.exp(-0.5 * ((f - breath) / 0.04) ** 2))


def _muscle(shape: tuple[int, ...], fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """From some 10 Hz up, in swells."""
    f = _frequencies(shape[-1], fs)
    rise = (f / 20.0) ** 2 / (1.0 + (f / 20.0) ** 2)
    return _shaped(shape, fs, rng, rise * np.exp(-0.5 * (f / 110.0) ** 2)) * _envelope(shape, fs, rng, 0.5, 0.5)


def _motion(shape: tuple[int, ...], fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Jolts of 0.3 to 10 Hz at one electrode more than at the others."""
    f = _frequencies(shape[-1], fs)
    band = (f / 0.5) ** 2 / (1.0 + (f / 0.5) ** 2) / np.maximum(f, 0.3) * np.exp(-0.5 * (f / 10.0) ** 2)
    weight = np.exp(rng.normal(0.0, 1.0, (*shape[:-1], 1)))
    return _shaped(shape, fs, rng, band) * _envelope(shape, fs, rng, 1.1, 0.4) * weight


def _white(shape: tuple[int, ...], fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.standard_normal(shape)


def _mains(shape: tuple[int, ...], fs: float, rng: np.random.Generator, mains_hz: float | None) -> NDArray[np.float64]:
    """One frequency with its third harmonic, coupled differently to each electrode."""
    allowed = [hz for hz in (50.0, 60.0) if hz < 0.49 * fs]
    hz = mains_hz if mains_hz is not None else (float(rng.choice(allowed)) if allowed else 50.0)
    if hz >= 0.49 * fs:
        raise UsageError(f"mains noise of {hz:g} Hz cannot be carried at {fs:g} Hz; use a higher rate or another kind")
    t = np.arange(shape[-1]) / fs
    size = rng.uniform(0.2, 1.0, (*shape[:-1], 1))
    phase = rng.normal(0.0, 0.5, (*shape[:-1], 1)) + rng.uniform(0, 2 * np.pi)
    angle = 2 * np.pi * (hz + rng.normal(0.0, 0.03)) * t + phase
    third = 0.12 * np.sin(3 * angle) if 3 * hz < 0.49 * fs else 0.0
    out: NDArray[np.float64] = size * (np.sin(angle) + third)
    return out


_MAKERS: Final = {"wander": _wander, "muscle": _muscle, "motion": _motion, "white": _white}
