"""Filters without scipy: Butterworth sections, zero-phase filtering and resampling, each a few matrix products.

A recursive filter goes from sample to sample, and so does the usual code. Here a signal is cut into blocks: what a block's
own samples and the filter's state at its beginning make of it is a product with a small matrix, and the states follow from
each other in as many steps as the number of blocks has binary digits. The results are scipy's to the last digits
(tests/records/test_filtering.py), in a third of the time, and importing scipy.signal, which takes longer than to answer a
question, is not needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 32
"""Samples of a block: matrices of this size are multiplied at full speed, and cost little more than the filter itself."""

_RESAMPLED: Final = 32
"""Samples, about, that one product of resampling gives."""

_WIDEST: Final = 2048
"""Largest matrix of resampling, rows or columns; rates without a common divisor are resampled sample by sample."""


def butterworth(order: int, corners: float | tuple[float, float], kind: str, fs: float) -> NDArray[np.float64]:
    """``(n, 6)`` second-order sections, as ``scipy.signal.butter(..., output="sos")`` but for their order.

    Args:
        order: Of the prototype.
        corners: Hz, two of them for a band-pass.
        kind: "lowpass", "highpass" or "bandpass".
        fs: Hz.
    """
    prototype = np.exp(1j * np.pi * (2 * np.arange(1, order + 1) + order - 1) / (2 * order))
    warped = 2 * fs * np.tan(np.pi * np.atleast_1d(np.asarray(corners, dtype=np.float64)) / fs)
    if kind == "lowpass":
        poles, n_zeros, gain = prototype * warped[0], 0, warped[0] ** order
    elif kind == "highpass":
        poles, n_zeros, gain = warped[0] / prototype, order, 1.0 / np.prod(-prototype).real
    else:
        half, centre = prototype * (warped[1] - warped[0]) / 2, warped[0] * warped[1]
        apart = np.sqrt(half**2 - centre)
        poles, n_zeros = np.concatenate([half + apart, half - apart]), order
        gain = (warped[1] - warped[0]) ** order
    digital = (2 * fs + poles) / (2 * fs - poles)
    gain *= (2 * fs) ** n_zeros / np.prod(2 * fs - poles).real
    zeros = np.concatenate([np.ones(n_zeros), -np.ones(poles.size - n_zeros)])
    return _sections(digital, zeros, gain)


def _sections(poles: NDArray[np.complex128], zeros: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """Poles in conjugate pairs, or two real ones, with two real zeros each; a single one makes a section of its own."""
    real = np.sort(poles[np.abs(poles.imag) < 1e-12].real)
    pairs = [(-2 * p.real, abs(p) ** 2) for p in poles if p.imag >= 1e-12]
    pairs += [(-(a + b), a * b) for a, b in zip(real[::2], real[1::2], strict=False)]
    pairs += [(-real[-1], 0.0)] if real.size % 2 else []
    # One zero at 0 Hz and one at half the rate in each section of a band-pass, so that none of them grows large.
    left = [*np.sort(zeros)[_from_both_ends(zeros.size)]]
    out = []
    for a1, a2 in pairs:
        z = [left.pop(0)] if a2 == 0.0 else [left.pop(0), left.pop(0)]
        numerator = (1.0, -z[0], 0.0) if len(z) == 1 else (1.0, -(z[0] + z[1]), z[0] * z[1])
        out.append((*numerator, 1.0, a1, a2))
    sections = np.array(out, dtype=np.float64)
    sections[0, :3] *= gain
    return sections


def _from_both_ends(n: int) -> NDArray[np.intp]:
    """First, last, second, last but one, ..."""
    return np.array([i // 2 if i % 2 == 0 else n - 1 - i // 2 for i in range(n)], dtype=np.intp)


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
    rows = np.asarray(signal, dtype=np.float64).reshape(-1, signal.shape[-1])
    n = rows.shape[1]
    length = n + 2 * padlen
    padded = np.zeros((rows.shape[0], -(-length // _BLOCK) * _BLOCK))
    padded[:, padlen : padlen + n] = rows
    head, tail = rows[:, padlen:0:-1], rows[:, ::-1][:, 1 : padlen + 1]
    padded[:, :padlen] = 2 * rows[:, :1] - head if odd else head
    padded[:, padlen + n : length] = 2 * rows[:, -1:] - tail if odd else tail
    blocks = _blocks_of(np.ascontiguousarray(sections, dtype=np.float64).tobytes())
    once = blocks.filtered(padded)
    padded[:, :length] = once[:, :length][:, ::-1]
    padded[:, length:] = 0.0
    twice = blocks.filtered(padded)
    out: NDArray[np.float64] = twice[:, padlen : padlen + n][:, ::-1]
    return out.reshape(signal.shape)


class _Blocks:
    """A cascade of sections as matrices that act on blocks of samples (rows) and on the filter's state.

    Args:
        sections: ``(n, 6)``.
    """

    def __init__(self, sections: NDArray[np.float64]) -> None:
        size = 2 * len(sections)
        # What one sample, or one number of the state, makes of the output and of the next state.
        answers = [_step(sections, 0.0, state) for state in np.eye(size)]
        direct, into = _step(sections, 1.0, np.zeros(size))
        step = np.array([state for _, state in answers])  # a state as a row, times this, is the next one
        seen = np.array([out for out, _ in answers])
        powers = [np.eye(size)]
        for _ in range(_BLOCK):
            powers.append(powers[-1] @ step)
        response = np.array([direct, *(into @ powers[k] @ seen for k in range(_BLOCK - 1))])
        lag = np.arange(_BLOCK)[None, :] - np.arange(_BLOCK)[:, None]
        self._own = np.where(lag >= 0, response[np.maximum(lag, 0)], 0.0)
        self._left = np.stack([powers[k] @ seen for k in range(_BLOCK)], axis=1)
        self._into = np.stack([into @ powers[_BLOCK - 1 - k] for k in range(_BLOCK)])
        self._over = powers[_BLOCK]
        self.rest = np.linalg.solve((np.eye(size) - step).T, into)

    def filtered(self, padded: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(n_rows, n)`` filtered, as if each row's first value had been there for ever; ``n`` is whole blocks."""
        n_rows, n = padded.shape
        blocks = padded.reshape(-1, _BLOCK)
        n_blocks, size = n // _BLOCK, self.rest.size
        states = np.empty((n_rows, n_blocks, size))
        states[:, 0] = padded[:, :1] * self.rest
        states[:, 1:] = (blocks @ self._into).reshape(n_rows, n_blocks, size)[:, :-1]
        over, apart = self._over, 1
        while apart < n_blocks:
            states[:, apart:] += (states[:, :-apart].reshape(-1, size) @ over).reshape(n_rows, -1, size)
            over, apart = over @ over, 2 * apart
        out: NDArray[np.float64] = blocks @ self._own
        out += states.reshape(-1, size) @ self._left
        return out.reshape(n_rows, n)


def _step(
    sections: NDArray[np.float64], sample: float, state: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The output and the next state (direct form II transposed, two numbers a section)."""
    after = np.empty_like(state)
    for k, (b0, b1, b2, _, a1, a2) in enumerate(sections):
        out = b0 * sample + state[2 * k]
        after[2 * k] = b1 * sample - a1 * out + state[2 * k + 1]
        after[2 * k + 1] = b2 * sample - a2 * out
        sample = out
    return float(sample), after


@lru_cache(maxsize=64)
def _blocks_of(sections: bytes) -> _Blocks:
    return _Blocks(np.frombuffer(sections).reshape(-1, 6))


@lru_cache(maxsize=32)
def antialias(up: int, down: int, crossings: int = 10, beta: float = 5.0) -> NDArray[np.float64]:
    """The low-pass at the lower of two Nyquist rates that ``scipy.signal.resample_poly`` designs by default.

    Args:
        up: By how much the rate is raised.
        down: And lowered.
        crossings: Zero crossings on each side: how steep it is.
        beta: Of the Kaiser window.
    """
    widest = max(up, down)
    at = np.arange(-crossings * widest, crossings * widest + 1)
    taps: NDArray[np.float64] = np.sinc(at / widest) / widest * np.kaiser(at.size, beta)
    out: NDArray[np.float64] = taps / taps.sum()
    return out


def resampled(
    signal: NDArray[np.floating], up: int, down: int, taps: NDArray[np.floating] | None = None, *, level: bool = False
) -> NDArray[Any]:
    """A signal at ``up / down`` times its rate along its last axis.

    Equal to ``scipy.signal.resample_poly(signal, up, down, axis=-1, window=taps, padtype="line")``.

    Args:
        signal: ``(..., n_samples)``, float32 or float64, which stays.
        up: Without a common divisor with ``down``.
        down: Likewise.
        taps: An odd number, by default those of :func:`antialias`.
        level: Beyond its ends the signal is its mean, rather than the line through its first and last sample.
    """
    rows = signal.reshape(-1, signal.shape[-1])
    taps = antialias(up, down) if taps is None else taps
    half, n = taps.size // 2, rows.shape[1]
    before, after = -(-half // up), half // up + 1
    every = max(1, round(_RESAMPLED / up))
    gives, takes = up * every, down * every
    wide = takes + before + after
    n_out = -(-n * up // down)
    if max(gives, wide) > _WIDEST:
        from scipy.signal import resample_poly

        slow: NDArray[Any] = resample_poly(
            signal, up, down, axis=-1, window=taps.astype(rows.dtype), padtype="mean" if level else "line"
        )
        return slow
    n_blocks = -(-n_out // gives)
    padded = np.zeros((rows.shape[0], n_blocks * takes + before + after), dtype=rows.dtype)
    base = rows.mean(axis=1, keepdims=True) if level else rows[:, :1]
    padded[:, before : before + n] = rows - base if level else rows
    if not level:
        slope = (rows[:, -1:] - base) / max(n - 1, 1)
        padded[:, :before] = base + np.arange(-before, 0) * slope
        beyond = np.arange(1, padded.shape[1] - before - n + 1)
        padded[:, before + n :] = rows[:, -1:] + beyond * slope
    windows = np.lib.stride_tricks.sliding_window_view(padded, wide, axis=1)[:, ::takes][:, :n_blocks]
    matrix = _polyphase(up, down, every, taps.astype(np.float64).tobytes()).astype(rows.dtype, copy=False)
    out = (np.ascontiguousarray(windows).reshape(-1, wide) @ matrix).reshape(rows.shape[0], -1)[:, :n_out]
    if level:
        out = out + base
    return out.reshape(*signal.shape[:-1], n_out)


@lru_cache(maxsize=32)
def _polyphase(up: int, down: int, every: int, taps: bytes) -> NDArray[np.float64]:
    """``(samples taken, samples given)``: what one block of output is made of."""
    h = np.frombuffer(taps) * up
    half = h.size // 2
    before, after = -(-half // up), half // up + 1
    taken = np.arange(-before, down * every + after)
    at = np.arange(up * every)[None, :] * down + half - taken[:, None] * up
    inside = (at >= 0) & (at < h.size)
    matrix: NDArray[np.float64] = np.where(inside, h[np.clip(at, 0, h.size - 1)], 0.0)
    return matrix
