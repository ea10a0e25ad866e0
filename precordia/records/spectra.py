"""Lengths at which a Fourier transform is fast."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def fast_length(n: int) -> int:
    """The smallest length of at least ``n`` without prime factors beyond 5, as ``scipy.fft.next_fast_len(n, real=True)``."""
    best = 1 << max(n - 1, 0).bit_length()
    fives = 1
    while fives < best:
        threes = fives
        while threes < best:
            twos = -(-n // threes)
            best = min(best, threes << max(twos - 1, 0).bit_length())
            threes *= 3
        fives *= 5
    return best
