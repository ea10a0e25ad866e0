"""Signals as compressed blobs, lossless.

A lead whose samples are integer multiples of one step (as every file of integers is) is kept as those integers: the
cheapest of a few exact predictions (first or second difference; for limb leads Einthoven's and Goldberger's laws), zigzag,
bytes of equal weight together, zstd. What it decodes to is equal to what was given, sample by sample. A lead without a step
(filtered floats) is rounded to 0.1 µV; one too large for that is kept as raw float32. NaN and infinities are kept.

Layout, little-endian: ``b"PSG1"``, uint32 length of a JSON header, the header (rate, leads, shape, a code and a step a
lead), one zstd frame with the planes of all leads.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError

_MAGIC: Final = b"PSG1"
_LEVEL: Final = 3
"""zstd level: 9 saves 1% more at six times the time."""

_TENTH_UV: Final = 1e-4
"""The step, mV, for leads that have none of their own."""

_NICE_STEPS: Final = (1e-3, 5e-3, 2.5e-3, 4.88e-3, 1 / 204.8, 1.25e-3, 2e-3, 1e-2, 1e-4)
"""Steps, mV, that are common enough to be tried first (PTB-XL and CinC 1 µV, MUSE 4.88 µV, MIT-BIH 5 µV)."""

_LIMIT: Final = 2**28
"""Largest number of steps: second differences of twice as much stay within int32."""

_RAW, _DELTA, _DELTA2, _LIMB = "raw", "delta", "delta2", "limb"

_LIMB_RULES: Final[dict[str, tuple[tuple[str, str], tuple[int, int], int]]] = {
    "III": (("I", "II"), (-1, 1), 1),
    "aVR": (("I", "II"), (-1, -1), 2),
    "aVL": (("I", "II"), (2, -1), 2),
    "aVF": (("I", "II"), (-1, 2), 2),
}
"""Limb lead to ``(sources, weights, divisor)``, in whole steps."""

_LIMB_SOURCES: Final = ("I", "II")


def encode_signal(signal: NDArray[np.float32], fs: float, leads: tuple[str, ...]) -> bytes:
    """A signal as a blob.

    Args:
        signal: ``(n_leads, n_samples)`` float32, mV; NaN where a sample is missing.
        fs: Hz.
        leads: A name a row.
    """
    import zstandard

    wide = signal.astype(np.float64)
    finite = np.isfinite(wide)
    whole = bool(finite.all())
    filled = wide if whole else np.where(finite, wide, 0.0)
    exact = signal if whole else np.where(finite, signal, 0).astype(np.float32)
    integers: dict[str, tuple[NDArray[np.int32], float]] = {}
    header: list[list[Any]] = []
    planes: list[bytes] = []
    small = float(np.abs(filled).max(initial=0.0)) / _TENTH_UV < _LIMIT
    common = _NICE_STEPS[0] if small and _fits(filled, exact, _NICE_STEPS[0]) else None
    hint: float | None = None
    for row, name in enumerate(leads):
        x = filled[row]
        if not small and float(np.abs(x).max(initial=0.0)) / _TENTH_UV >= _LIMIT:
            header.append([_RAW, 0.0, 4])
            planes.append(_shuffled(signal[row].astype("<f4").view("<u4")))
            continue
        step = common or _step_of(x, exact[row], hint)
        hint = step or hint
        step = step or _TENTH_UV
        k = np.rint(x / step).astype(np.int32)
        code, residual = _cheapest(name, k, step, integers)
        integers[name] = (k, step)
        zigzag = ((residual << 1) ^ (residual >> 31)).view(np.uint32)
        width = _width(int(zigzag.max(initial=0)))
        header.append([code, step, width])
        planes.append(_shuffled(zigzag.astype(f"<u{width}")))
    holes = b""
    if not whole:
        where = np.flatnonzero(~finite.ravel()).astype("<u8")
        holes = np.diff(where, prepend=np.uint64(0)).tobytes() + signal.ravel()[where].astype("<f4").tobytes()
    head = json.dumps(
        {
            "fs": float(fs),
            "leads": list(leads),
            "shape": list(signal.shape),
            "codes": header,
            "holes": len(holes) // 12,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join(planes) + holes)
    return _MAGIC + struct.pack("<I", len(head)) + head + body


def decode_signal(
    blob: bytes, only: Collection[str] | None = None
) -> tuple[NDArray[np.float32], float, tuple[str, ...]]:
    """What :func:`encode_signal` was given: signal ``(n_leads, n_samples)`` float32 mV, rate in Hz, lead names.

    Args:
        blob: The signal.
        only: The leads to decode, where they are there; None for all.

    Raises:
        KnowledgeBaseError: the blob is damaged.
    """
    import zstandard

    try:
        if blob[:4] != _MAGIC:
            raise ValueError("it does not start with PSG1")
        (length,) = struct.unpack_from("<I", blob, 4)
        head = json.loads(blob[8 : 8 + length])
        body = zstandard.ZstdDecompressor().decompress(blob[8 + length :])
    except (ValueError, struct.error, zstandard.ZstdError) as error:
        raise KnowledgeBaseError(
            f"a stored signal is damaged ({error}): erase its case and add its file again"
        ) from None
    n_leads, n = head["shape"]
    signal = np.zeros((n_leads, n), dtype=np.float32)
    integers: dict[str, tuple[NDArray[np.int32], float]] = {}
    needed = set(head["leads"]) if only is None else {*only, *_LIMB_SOURCES}
    offset = 0
    for row, (name, (code, step, width)) in enumerate(zip(head["leads"], head["codes"], strict=True)):
        plane = np.frombuffer(body, np.uint8, n * width, offset).reshape(width, n)
        offset += n * width
        if name not in needed:
            continue
        words = np.ascontiguousarray(plane.T).reshape(-1).view(f"<u{width}")
        if code == _RAW:
            signal[row] = words.view("<f4")
            continue
        zigzag = words.astype(np.uint32)
        residual = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
        if code == _LIMB:
            k = residual + _limb(name, step, integers, n)
        else:
            k = np.cumsum(residual, dtype=np.int32)
            if code == _DELTA2:
                k = np.cumsum(k, dtype=np.int32)
        integers[name] = (k, step)
        signal[row] = (k * step).astype(np.float32)
    if head["holes"]:
        count = head["holes"]
        where = np.cumsum(np.frombuffer(body, "<u8", count, offset))
        signal.ravel()[where] = np.frombuffer(body, "<f4", count, offset + 8 * count)
    leads = tuple(head["leads"])
    if only is not None:
        kept = [row for row, name in enumerate(leads) if name in only]
        signal, leads = signal[kept], tuple(leads[row] for row in kept)
    return signal, float(head["fs"]), leads


def _step_of(x: NDArray[np.float64], exact: NDArray[np.float32], hint: float | None) -> float | None:
    """The largest step of which every sample is a whole multiple, to the last bit of its float32; None without one."""
    for candidate in _NICE_STEPS if hint is None else (hint,):
        if _fits(x, exact, candidate):
            return candidate
    differences = np.abs(np.diff(x))
    moves = differences[differences > 4e-7 * max(1.0, float(np.abs(x).max(initial=0.0)))]
    if not moves.size:
        value = abs(float(x[0])) if x.size else 0.0
        return value if value and _fits(x, exact, value) else None
    gap = float(moves.min())
    fitted = [_fitted(x, gap / part) for part in range(1, 9)]
    for candidate in (near for step in fitted for near in _snapped(step)):
        if _fits(x, exact, candidate):
            return candidate
    others = _NICE_STEPS if hint is not None else ()
    return next(
        (step for step in others if _fits(x, exact, step)),
        next((step for step in fitted if _fits(x, exact, step, neighbours=True)), None),
    )


def _fitted(x: NDArray[np.float64], rough: float) -> float:
    """A step made exact by least squares, over ever larger multiples: near ones first, whose count is not in doubt."""
    moved = x - x[0]
    for values, reach in ((moved, 200.0), (moved, 1e4), (x, 1e4), (x, np.inf)):
        near = values[np.abs(values) < reach * rough]
        k = np.rint(near / rough)
        if k.any():
            rough = float(near @ k / (k @ k))
    return rough


def _snapped(step: float) -> list[float]:
    """Steps near ``step`` whose reciprocal (the gain, in units a mV) or which themselves are round, roundest first."""
    gain = 1.0 / step
    places = int(np.clip(8 - np.floor(np.log10(gain)), 0, 8))
    gains = [1.0 / round(gain, d) for d in range(places) if round(gain, d) > 0]
    steps = [float(f"{step:.{d}g}") for d in range(1, 8)]
    return [*gains[:1], *steps, *gains[1:], step]


def _fits(x: NDArray[np.float64], exact: NDArray[np.float32], step: float, neighbours: bool = False) -> bool:
    """Whether the samples are whole multiples of a step.

    Args:
        x: The samples, mV, of one lead or of several.
        exact: The same, as they were given.
        step: mV.
        neighbours: Accept the float32 beside the sample, too, for steps that have no short name, as long as the
            recording's content hash stays the same.
    """
    probe = x[..., :64] / step
    if float(np.abs(probe - np.rint(probe)).max(initial=0.0)) > 0.01:
        return False
    k = np.rint(x / step)
    if float(np.abs(k).max(initial=0.0)) >= _LIMIT:
        return False
    made = (k * step).astype(np.float32)
    if not neighbours:
        return bool(np.array_equal(made, exact))
    close = np.abs(made.astype(np.float64) - x) <= 2.4e-7 * np.abs(x)
    return bool(close.all() and np.array_equal(_tenth_uv(made), _tenth_uv(exact)))


def _tenth_uv(signal: NDArray[np.float32]) -> NDArray[np.float64]:
    """What a recording's content hash sees of a signal."""
    return np.rint(signal.astype(np.float64) / _TENTH_UV)


def _cheapest(
    name: str, k: NDArray[np.int32], step: float, integers: dict[str, tuple[NDArray[np.int32], float]]
) -> tuple[str, NDArray[np.int32]]:
    """The prediction that leaves least, and what it leaves."""
    first = _difference(k)
    second = _difference(first)
    options = [(_DELTA, first), (_DELTA2, second)]
    if name in _LIMB_RULES and all(s in integers and integers[s][1] == step for s in _LIMB_RULES[name][0]):
        options.append((_LIMB, k - _limb(name, step, integers, k.size)))
    return min(options, key=lambda option: int(np.abs(option[1]).sum(dtype=np.int64)))


def _difference(k: NDArray[np.int32]) -> NDArray[np.int32]:
    out = k.copy()
    out[1:] -= k[:-1]
    return out


def _limb(name: str, step: float, integers: dict[str, tuple[NDArray[np.int32], float]], n: int) -> NDArray[np.int32]:
    (a, b), (wa, wb), divisor = _LIMB_RULES[name]
    total: NDArray[np.int32] = wa * integers[a][0] + wb * integers[b][0]
    return total // divisor


def _width(largest: int) -> int:
    return next(width for width in (1, 2, 4) if largest < 1 << (8 * width))


def _shuffled(words: NDArray[np.generic]) -> bytes:
    """All first bytes, then all second bytes, ..."""
    return np.ascontiguousarray(words.view(np.uint8).reshape(-1, words.itemsize).T).tobytes()
