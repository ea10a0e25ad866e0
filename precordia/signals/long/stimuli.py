"""Beats that a pacemaker started: those behind a stimulus, at the recording's own rate.

Holters smear a stimulus of half a millisecond over some 10 ms: it is then no sharper than a narrow QRS complex, and
:mod:`precordia.measurements.pacing` does not take it for one. It still rises out of quiet, is half as wide as the narrowest R
wave, a complex as high as a good part of it follows, and two leads see it, where V1 alone has R waves so narrow. Paced beats start
in a ventricle and are no ectopic ones (ANSI/AAMI EC57 leaves such records out): they are counted as neither kind.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.pacing import LOWEST_FS

BEFORE_S: Final = 0.30
AFTER_S: Final = 0.28
SOUGHT_S: Final = (-0.20, 0.08)
"""Where around a beat the stimulus is looked for, s: of a wide complex the steepest part comes late."""
WIDEST_S: Final = 0.0125
"""Widest stimulus at half its height, s; the R waves of narrow complexes have some 20 ms."""
SHARP_S: Final = 0.006
"""... and one that a single lead may tell: nothing of the heart is so sharp."""
QUIET_S: Final = (-0.08, -0.02)
QUIET: Final = 0.12
"""What may move in :data:`QUIET_S` before it, as a share of its height."""
FOLLOWS_S: Final = (0.02, 0.16)
FOLLOWS: Final = 0.4
"""What must move in :data:`FOLLOWS_S` after it: the complex that it set off."""
LEAST_MV: Final = 0.1
LEAST_SHARE: Final = 0.15
"""Share of a recording's beats from which a pacemaker is believed, and of a shape's from which all of them are its: noise hides
many a stimulus, and makes few."""


def behind_stimuli(signal: NDArray[np.float32], fs: float, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``(n_beats,)`` whether a stimulus stands before each beat; False for all below 240 Hz.

    Args:
        signal: ``(n_leads, n)`` mV, unfiltered, missing samples NaN.
        fs: Hz.
        at: ``(n_beats,)`` sample of each beat.
    """
    if fs < LOWEST_FS or not at.size:
        return np.zeros(at.size, dtype=bool)
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    columns = np.clip(at[:, None] + np.arange(-before, after), 0, signal.shape[1] - 1)
    x = signal[:, columns].transpose(1, 0, 2)  # (n_beats, n_leads, width)
    first, last = (before + round(edge * fs) for edge in SOUGHT_S)
    sharp = np.abs(x[..., first + 1 : last + 1] - 2 * x[..., first:last] + x[..., first - 1 : last - 1])
    peak = first + sharp.argmax(axis=2)
    near = round(0.03 * fs)
    up = np.sign(2 * _at(x, peak, 0) - _at(x, peak, -near) - _at(x, peak, near))
    top = _span(x, peak, -2, 3) * up[..., None]
    peak = peak - 2 + top.argmax(axis=2)
    quiet = _span(x, peak, round(QUIET_S[0] * fs), round(QUIET_S[1] * fs))
    base = np.median(quiet, axis=2)
    height = up * (_at(x, peak, 0) - base)
    reach = round(0.02 * fs)
    above = (_span(x, peak, -reach, reach + 1) - base[..., None]) * up[..., None] > height[..., None] / 2
    width = above[..., reach:].cumprod(axis=2).sum(axis=2) + above[..., :reach][..., ::-1].cumprod(axis=2).sum(axis=2)
    follows = np.ptp(_span(x, peak, round(FOLLOWS_S[0] * fs), round(FOLLOWS_S[1] * fs)), axis=2)
    found = (height > LEAST_MV) & (width <= WIDEST_S * fs)
    found &= (np.ptp(quiet, axis=2) < QUIET * height) & (follows > FOLLOWS * height)
    paced: NDArray[np.bool_] = (found.sum(axis=1) >= min(2, signal.shape[0])) | (found & (width <= SHARP_S * fs)).any(
        axis=1
    )
    return paced


def paced_beats(behind: NDArray[np.bool_], of: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``(n_beats,)`` whether a pacemaker started each beat: those of every shape of which enough stand behind stimuli.

    Args:
        behind: ``(n_beats,)`` as :func:`behind_stimuli` found.
        of: ``(n_beats,)`` number of each beat's shape.
    """
    if not behind.size or behind.mean() < LEAST_SHARE:
        return np.zeros(behind.size, dtype=bool)
    share = np.bincount(of, weights=behind) / np.maximum(np.bincount(of), 1)
    paced: NDArray[np.bool_] = share[of] >= LEAST_SHARE
    return paced


def _at(x: NDArray[np.float32], peak: NDArray[np.int64], move: int) -> NDArray[np.float32]:
    return np.take_along_axis(x, peak[..., None] + move, axis=2)[..., 0]


def _span(x: NDArray[np.float32], peak: NDArray[np.int64], first: int, after: int) -> NDArray[np.float32]:
    return np.take_along_axis(x, peak[..., None] + np.arange(first, after), axis=2)
