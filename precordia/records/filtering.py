"""Filtering as scipy does it, without designing the same filters anew for every recording."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, sosfilt, sosfilt_zi


def zero_phase(
    sections: NDArray[np.float64], signal: NDArray[np.floating], padlen: int, *, odd: bool = False
) -> NDArray[np.float64]:
    """A signal filtered forwards and backwards along its last axis, mirrored at both ends.

    Equal to ``scipy.signal.sosfiltfilt(sections, signal, padtype="odd" if odd else "even", padlen=padlen)``.

    Args:
        sections: ``(n, 6)`` second-order sections.
        signal: ``(..., n_samples)``.
        padlen: Samples mirrored at each end, fewer than there are.
        odd: Mirror through the end points rather than at them.
    """
    n = signal.shape[-1]
    head, tail = signal[..., padlen:0:-1], signal[..., ::-1][..., 1 : padlen + 1]
    if odd:
        head, tail = 2 * signal[..., :1] - head, 2 * signal[..., -1:] - tail
    padded = np.concatenate([head, signal, tail], axis=-1)
    rest = _steady_state(sections.tobytes()).reshape((len(sections),) + (1,) * (signal.ndim - 1) + (2,))
    once, _ = sosfilt(sections, padded, axis=-1, zi=rest * padded[..., :1])
    twice, _ = sosfilt(sections, once[..., ::-1], axis=-1, zi=rest * once[..., -1:])
    out: NDArray[np.float64] = twice[..., ::-1][..., padlen : padlen + n]
    return out


@lru_cache(maxsize=32)
def antialias(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass that ``resample_poly`` would design each time: Kaiser, beta 5, ten zero crossings a side."""
    widest = max(up, down)
    taps: NDArray[np.float64] = firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0))
    return taps


@lru_cache(maxsize=64)
def _steady_state(sections: bytes) -> NDArray[np.float64]:
    """``(n, 2)``: the state of each section that has seen a constant 1 for ever."""
    state: NDArray[np.float64] = sosfilt_zi(np.frombuffer(sections).reshape(-1, 6).copy())
    return state
