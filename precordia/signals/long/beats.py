"""Where the QRS complexes of a piece are: the envelopes of all leads together, each weighed by how quiet it is at that moment.

The same idea as in ``precordia.measurements.beats`` (Pan and Tompkins, IEEE Trans Biomed Eng 1985;32:230-236), made for hours: a
lower rate, filters in the frequency domain, and weights that change from second to second, since in a day each electrode is bad
at some time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks, resample_poly

from precordia.records.filtering import antialias

WORKING_HZ: Final = 125.0
"""The rate that pieces are brought near to, by a whole number: QRS complexes have little above 40 Hz (Thakor et al. 1984)."""
WIDE_HZ: Final = (0.5, 40.0)
QRS_HZ: Final = (8.0, 25.0)
REFRACTORY_S: Final = 0.20
THRESHOLD: Final = 0.35
"""Share of the typical beat's envelope that a beat must reach."""
SEARCH_BACK: Final = 0.18
"""Share accepted where a beat is overdue."""
OVERDUE: Final = 1.66
T_WAVE_S: Final = 0.42
STEEP: Final = 0.5
"""A peak so soon after a beat and less than this share as steep is its T wave (Pan and Tompkins 1985)."""
LIMIT_MV: Final = 20.0
LEAST_MV: Final = 0.003
"""An envelope below this in the typical beat is no lead, mV."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of the leads that are looked at, at the working rate.

    Attributes:
        fs: Hz.
        wide: ``(n_leads, n)`` float32, mV, :data:`WIDE_HZ`.
        band: ``(n_leads, n)`` float32, mV, :data:`QRS_HZ`.
        missing: Share of samples that were missing.
    """

    fs: float
    wide: NDArray[np.float32]
    band: NDArray[np.float32]
    missing: float


def working_step(fs: float) -> int:
    """How many samples of a recording become one."""
    return max(1, round(fs / WORKING_HZ))


def piece_of(signal: NDArray[np.float32], fs: float) -> Piece:
    """A stretch brought to the working rate and its two bands.

    Args:
        signal: ``(n_leads, n)``, mV; missing samples NaN.
        fs: Hz.
    """
    good = np.isfinite(signal)
    x = signal
    if not good.all():
        index = np.arange(signal.shape[1])
        x = np.stack([_bridged(row, ok, index) for row, ok in zip(signal, good, strict=True)])
    step = working_step(fs)
    if step > 1:
        x = resample_poly(np.asarray(x, np.float32), 1, step, axis=1, window=_taps(step), padtype="mean")
    x = np.clip(x - np.median(x, axis=1, keepdims=True), -LIMIT_MV, LIMIT_MV).astype(np.float32)
    n, rate = x.shape[1], fs / step
    pad = min(n - 1, round(rate))
    padded = np.pad(x, ((0, 0), (pad, pad)), mode="reflect", reflect_type="odd")
    size = next_fast_len(padded.shape[1], real=True)
    spectrum = rfft(padded, size, axis=1)
    wide, band = (
        irfft(spectrum * response, size, axis=1)[:, pad : pad + n].astype(np.float32) for response in _bands(size, rate)
    )
    return Piece(rate, wide, band, float(1 - good.mean()))


def _bridged(row: NDArray[np.float32], good: NDArray[np.bool_], index: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.interp(index, index[good], row[good]) if good.any() else np.zeros(row.size)


def find_beats(piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Sample of each QRS complex of a piece, at its own rate, and how noisy it is there; empty where there is none.

    Noise is the level between beats as a share of the typical beat's, 0 to 1, of the leads as they are weighed.
    """
    fs = piece.fs
    envelope = uniform_filter1d(np.abs(piece.band), round(0.10 * fs), axis=1, mode="constant")
    typical = _typical(envelope, fs)
    alive = typical > LEAST_MV
    if not alive.any():
        return _NONE
    envelope, typical = envelope[alive], typical[alive]
    weights, quiet = _weights(envelope, typical, fs)
    scaled = np.clip(envelope / typical[:, None], 0.0, 2.0)
    fused = (weights * scaled).sum(axis=0)
    fused /= max(float(_typical(fused[None], fs)[0]), 1e-9)
    peaks, found = find_peaks(fused, height=SEARCH_BACK, distance=round(REFRACTORY_S * fs))
    if not peaks.size:
        return _NONE
    slope = np.abs(np.gradient(uniform_filter1d(piece.wide[alive], 3, axis=1), axis=1)) / typical[:, None]
    reach = round(0.06 * fs)
    near = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, fused.size - 1)
    steep = (weights[:, peaks] * slope[:, near].max(axis=2)).sum(axis=0)
    heights = found["peak_heights"]
    kept = _not_t_waves(peaks, heights, steep, fs)
    peaks, heights = peaks[kept], heights[kept]
    strong = heights >= THRESHOLD
    at = peaks[_search_back(peaks, strong, fs)].astype(np.int64)
    noise = (weights[:, at] * np.clip(quiet[:, at] / typical[:, None], 0.0, 1.0)).sum(axis=0)
    return at, noise.astype(np.float32)


_NONE: Final = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def _typical(envelope: NDArray[np.float32], fs: float) -> NDArray[np.float32]:
    """The typical beat's height: the median over pieces of 1.5 s of each piece's maximum."""
    width = round(1.5 * fs)
    n = max(1, envelope.shape[1] // width)
    blocks = envelope[:, : n * width].reshape(envelope.shape[0], n, -1)
    heights: NDArray[np.float32] = np.median(blocks.max(axis=2), axis=1)
    return heights


def _weights(
    envelope: NDArray[np.float32], typical: NDArray[np.float32], fs: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """``(n_leads, n)``: each lead's share, by how far its typical beat stands above its level between beats, and that level,
    second by second."""
    width, n = round(fs), envelope.shape[1]
    count = max(1, n // width)
    blocks = envelope[:, : count * width].reshape(envelope.shape[0], count, -1)
    quiet = np.median(blocks, axis=2)
    # A burst of noise begins before the second in which it fills more than half.
    around = np.pad(quiet, ((0, 0), (1, 1)), mode="edge")
    quiet = np.maximum(np.maximum(around[:, :-2], around[:, 2:]), quiet)
    stands = np.clip(typical[:, None] / np.maximum(quiet, 1e-6) - 1.0, 0.05, 10.0) ** 2
    share = stands / stands.sum(axis=0)
    second = np.minimum(np.arange(n) // width, count - 1)
    return share[:, second].astype(np.float32), quiet[:, second]


def _not_t_waves(
    peaks: NDArray[np.int64], heights: NDArray[np.float64], steep: NDArray[np.float64], fs: float
) -> NDArray[np.bool_]:
    """False for a peak that soon follows a much larger or steeper one."""
    keep = np.ones(peaks.size, dtype=bool)
    last = 0
    for i in range(1, peaks.size):
        gap = peaks[i] - peaks[last]
        low = gap < 0.36 * fs and heights[i] < 0.5 * heights[last]
        blunt = gap < T_WAVE_S * fs and steep[i] < STEEP * steep[last]
        keep[i] = not (low or blunt)
        last = i if keep[i] else last
    return keep


def _search_back(peaks: NDArray[np.int64], strong: NDArray[np.bool_], fs: float) -> NDArray[np.bool_]:
    kept = strong.copy()
    for _ in range(2):
        sure = peaks[kept]
        if sure.size < 3:
            return kept
        usual = float(np.median(np.diff(sure)))
        for left, right in pairwise(sure):
            if right - left > OVERDUE * usual:
                margin = max(0.36 * fs, 0.4 * usual)
                kept |= (peaks > left + margin) & (peaks < right - margin)
    return kept


@lru_cache(maxsize=8)
def _taps(step: int) -> NDArray[np.float32]:
    return np.asarray(antialias(1, step), np.float32)


@lru_cache(maxsize=8)
def _bands(size: int, fs: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Squared magnitudes of Butterworth filters, as of filtering forwards and backwards."""
    f = rfftfreq(size, 1 / fs)
    f[0] = 1e-9
    wide = 1 / (1 + (WIDE_HZ[0] / f) ** 2) / (1 + (f / WIDE_HZ[1]) ** 4)
    band = 1 / (1 + (QRS_HZ[0] / f) ** 4) / (1 + (f / QRS_HZ[1]) ** 4)
    return wide.astype(np.float32), band.astype(np.float32)
