"""What networks are made of, in numpy: for a question about one ECG or a few words, which torch takes longer to be imported for.

Everything is float32 and as torch does it, to about 1e-6 (tests/encoders/test_forward.py).
"""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def mapped_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file as they lie in it: what is not looked at is not read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file, or holds numbers of a kind that numpy does not have.
    """
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "?"}
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(content[:8], "little")
    if start > len(content):
        raise ValueError("it is cut short")
    described: dict[str, Any] = json.loads(content[8:start])
    described.pop("__metadata__", None)
    out: dict[str, NDArray[Any]] = {}
    for name, tensor in described.items():
        if tensor["dtype"] not in kinds:
            raise ValueError(f"{name} is of kind {tensor['dtype']}")
        first, last = tensor["data_offsets"]
        kind = np.dtype(kinds[tensor["dtype"]])
        flat = np.frombuffer(content, kind, (last - first) // kind.itemsize, start + first)
        out[name] = flat.reshape(tensor["shape"])
    return out


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """``(..., inputs)`` to ``(..., outputs)``; ``weight`` is ``(outputs, inputs)``."""
    # Weights first: as they lie in memory, they need not be turned for a few rows.
    turned = weight @ x.reshape(-1, x.shape[-1]).T
    turned += bias[:, None]
    return np.ascontiguousarray(turned.T).reshape(*x.shape[:-1], -1)


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    """Each row to mean 0 and deviation 1, then scaled and shifted."""
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(epsilon))
    out: Array = centred / spread * weight + bias
    return out


def gelu(x: Array) -> Array:
    """``x`` times the normal distribution function of it, to 2e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions,
    1964, 7.1.26)."""
    away = np.abs(x)
    size = away * np.float32(0.70710678)
    t = size * np.float32(0.3275911)
    t += 1
    np.reciprocal(t, out=t)
    half = t * np.float32(0.5 * 1.061405429)  # of the mass beyond |x|
    for c in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        half += np.float32(0.5 * c)
        half *= t
    np.square(size, out=size)
    half *= np.exp(np.negative(size, out=size), out=size)
    half *= away
    out: Array = np.maximum(x, 0, out=away)
    out -= half
    return out


def softmax(x: NDArray[np.float32], axis: int = -1) -> Array:
    """Weights that add up to 1 along an axis."""
    out: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    out /= out.sum(axis=axis, keepdims=True)
    return out


def attention(q: Array, k: Array, v: Array, present: NDArray[np.bool_] | None = None) -> Array:
    """Scaled dot products: ``(n, heads, length, width)`` of each; ``present`` ``(n, length)`` says what may be looked at."""
    likeness = q @ k.swapaxes(-1, -2) * np.float32(1 / np.sqrt(q.shape[-1]))
    if present is not None:
        likeness = np.where(present[:, None, None, :], likeness, np.float32(-np.inf))
    out: Array = softmax(likeness) @ v
    return out


def convolve(x: Array, weight: Array, stride: int) -> Array:
    """Convolution over time with zeros beyond the ends.

    Args:
        x: ``(n, length, inputs)``.
        weight: ``(kernel * inputs, outputs)``, the kernel's samples one after another.
        stride: Samples from one output to the next.
    """
    n, length, inputs = x.shape
    kernel = weight.shape[0] // inputs
    if kernel > 1:
        reach = kernel // 2
        padded = np.zeros((n, length + 2 * reach, inputs), np.float32)
        padded[:, reach : reach + length] = x
        # A window is one run of memory: time is the slower axis.
        flat = padded.reshape(n, -1)
        pieces = np.lib.stride_tricks.sliding_window_view(flat, kernel * inputs, axis=1)[:, :: stride * inputs]
    else:
        pieces = x[:, ::stride]
    out = np.ascontiguousarray(pieces).reshape(-1, kernel * inputs) @ weight
    return out.reshape(n, -1, weight.shape[1])
