"""Where the QRS complexes are: one detector over all leads together.

Each lead gives the envelope of its 8-25 Hz band (where the QRS complex has most of its energy and P and T waves little:
Thakor et al., IEEE Trans Biomed Eng 1984;31:702-706), scaled to that lead's own beats. The leads are averaged with
weights by how far their beats stand out, so that a noisy or loose electrode does not outvote the others. Peaks of the
sum are accepted against an adaptive threshold with search-back, as in Pan and Tompkins (IEEE Trans Biomed Eng
1985;32:230-236).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.restless import restless_beats
from precordia.measurements.working_rate import FS
from precordia.records.filtering import butterworth, zero_phase
from precordia.records.order import gradient, median
from precordia.records.peaks import moving_mean, peaks_of

REFRACTORY_S: Final = 0.20
"""No two ventricular complexes follow closer (Pan and Tompkins 1985)."""

THRESHOLD: Final = 0.35
"""Share of the typical beat's envelope that a beat must reach."""

SEARCH_BACK: Final = 0.18
"""Share of the typical beat's envelope accepted where a beat is overdue."""

OVERDUE: Final = 1.66
"""A gap this many times the usual RR interval is searched again (Pan and Tompkins 1985)."""

MIN_PROMINENCE: Final = 3.0
"""A typical beat's envelope over its quiet level (lower quartile); white noise stays below in 99% of leads."""

T_WAVE_S: Final = 0.42
"""How long after a beat its T wave may be taken for another beat."""

T_WAVE_STEEPNESS: Final = 0.5
"""A peak so soon after a beat and less than this share as steep is its T wave (Pan and Tompkins 1985)."""


def find_beats(signal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sample of each QRS complex, in order; empty where there is none.

    Args:
        signal: ``(n_leads, n)``, mV, at the working rate.
    """
    weights = _lead_weights(signal)
    if weights is None:
        return restless_beats(signal)
    envelope = _fused(weights.envelope, weights)
    peaks = peaks_of(envelope, SEARCH_BACK, round(REFRACTORY_S * FS))
    if not peaks.size:
        return np.empty(0, dtype=np.int64)
    heights = envelope[peaks]
    kept = _not_t_waves(peaks, heights, _steepness(signal, weights, peaks))
    peaks, heights = peaks[kept], heights[kept]
    strong = heights >= THRESHOLD
    if not strong.any():
        return np.empty(0, dtype=np.int64)
    found: NDArray[np.int64] = peaks[_search_back(peaks, strong)].astype(np.int64)
    return found


@dataclass(frozen=True, eq=False)
class _Weights:
    """Each lead's envelope, its typical beat, and how much the lead counts."""

    envelope: NDArray[np.float64]
    typical: NDArray[np.float64]
    share: NDArray[np.float64]


def _lead_weights(signal: NDArray[np.float64]) -> _Weights | None:
    band = zero_phase(_qrs_band(), signal, min(signal.shape[1] - 1, round(FS)), odd=True)
    envelope = moving_mean(np.abs(band), round(0.10 * FS), "constant")
    typical = _typical(envelope)
    quiet = np.quantile(envelope[:, :: max(1, envelope.shape[1] // 5000)], 0.25, axis=1)
    prominence = typical / np.maximum(quiet, 1e-6)
    weight = np.clip(prominence - MIN_PROMINENCE, 0.0, 10.0) * (typical > 0.003)
    if weight.sum() <= 0:
        return None
    return _Weights(envelope, typical, weight / weight.sum())


def _typical(envelope: NDArray[np.float64]) -> NDArray[np.float64]:
    """The typical beat's height: the median over pieces of 1.5 s of each piece's maximum."""
    pieces = np.array_split(envelope, max(1, envelope.shape[-1] // round(1.5 * FS)), axis=-1)
    heights: NDArray[np.float64] = median(np.array([piece.max(axis=-1) for piece in pieces]), axis=0)
    return heights


def _fused(envelope: NDArray[np.float64], weights: _Weights) -> NDArray[np.float64]:
    """Weighted mean over leads, each scaled to its typical beat; the typical beat of the mean is 1."""
    scaled = np.clip(envelope / np.maximum(weights.typical, 1e-6)[:, None], 0.0, 2.0)
    fused: NDArray[np.float64] = weights.share @ scaled
    return fused / max(float(_typical(fused)), 1e-9)


def _steepness(signal: NDArray[np.float64], weights: _Weights, peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Steepest slope near each peak, leads weighted as for the envelope; no unit."""
    reach, spare = round(0.06 * FS), 4  # what is smoothed and differentiated needs a few samples beside it
    near = np.clip(peaks[:, None] + np.arange(-reach - spare, reach + spare + 1), 0, signal.shape[1] - 1)
    slope = np.abs(gradient(smooth(signal[:, near], 12))[..., spare:-spare])
    steep: NDArray[np.float64] = weights.share @ (slope.max(axis=2) / np.maximum(weights.typical, 1e-6)[:, None])
    return steep


def _not_t_waves(
    peaks: NDArray[np.int64], heights: NDArray[np.float64], steepness: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """False for a peak that soon follows a much larger or steeper one."""
    keep = np.ones(peaks.size, dtype=bool)
    last = 0
    for i in range(1, peaks.size):
        gap = peaks[i] - peaks[last]
        low = gap < 0.36 * FS and heights[i] < 0.5 * heights[last]
        blunt = gap < T_WAVE_S * FS and steepness[i] < T_WAVE_STEEPNESS * steepness[last]
        keep[i] = not (low or blunt)
        last = i if keep[i] else last
    return keep


def _search_back(peaks: NDArray[np.int64], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = strong.copy()
    for _ in range(2):
        sure = peaks[kept]
        if sure.size < 3:
            return kept
        usual = float(median(np.diff(sure)))
        for left, right in pairwise(sure):
            if right - left > OVERDUE * usual:
                margin = max(0.36 * FS, 0.4 * usual)
                kept |= (peaks > left + margin) & (peaks < right - margin)
    return kept


@lru_cache(maxsize=1)
def _qrs_band() -> NDArray[np.float64]:
    return butterworth(2, (8.0, 25.0), "bandpass", FS)
