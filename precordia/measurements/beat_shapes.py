"""Beats of the same shape, and their average: what the intervals are measured on.

Averaging beats of one shape lowers noise by the square root of their number, as carts do before they measure
(Kligfield et al., Circulation 2007;115:1306-1324). An ectopic beat forms a family of its own and spoils no average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import AFTER, BEFORE, FS
from precordia.records.order import median

SAME_SHAPE: Final = 0.80
"""Correlation over all leads above which two QRS complexes are of one shape."""

MAX_SHIFT: Final = round(0.032 * FS)
"""Largest correction of a beat's position when it is aligned with its family, samples."""

MAX_FAMILIES: Final = 4
"""More shapes than this in one stretch are artefact or rare; those beats join the family they fit best."""

MAX_AVERAGED: Final = 60
"""Beats that enter an average; more add time and no precision."""

FAINT: Final = 0.30
"""A family whose fastest change is below this share of the fastest is P or T waves: beside a wide QRS complex they reach a quarter
of it, while a small QRS complex beside a large ectopic one keeps more than a third."""

SLOW: Final = 0.50
T_LAG_S: Final = (0.20, 0.50)
T_LAG_SD_S: Final = 0.025
"""A family below this share of the fastest is T waves too where its members follow other beats by one and the same time, s: the
T waves of a bundle branch block are steep."""

COMMON: Final = (3, 0.15)
"""Members, and share of all beats, from which a family is no artefact that others are measured against."""

_QRS_BEFORE, _QRS_AFTER = round(0.08 * FS), round(0.12 * FS)


@dataclass(frozen=True, eq=False)
class Family:
    """Beats of one shape.

    Attributes:
        members: Indices into the stretch's beats, in order.
        average: ``(n_leads, BEFORE + AFTER)`` float64, mV; the R position at column ``BEFORE``.
        noise: ``(n_leads,)`` residual noise of the average, mV.
        likeness: Median correlation of the members' QRST with the average, -1 to 1.
    """

    members: NDArray[np.int64]
    average: NDArray[np.float64]
    noise: NDArray[np.float64]
    likeness: float


def group_beats(signal: NDArray[np.float64], beats: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Family]]:
    """The beats, aligned on their shape, and their families, largest first.

    Args:
        signal: ``(n_leads, n)``, mV, at the working rate.
        beats: Sample of each beat.
    """
    if not beats.size:
        return beats, []
    padded = np.pad(signal, ((0, 0), (BEFORE + MAX_SHIFT, AFTER + MAX_SHIFT)), mode="edge")
    aligned = beats.copy()
    rest = np.arange(beats.size)
    groups: list[NDArray[np.int64]] = []
    shapes: list[NDArray[np.float64]] = []
    while rest.size and len(groups) < MAX_FAMILIES:
        left = _Surroundings(padded, beats[rest])
        shape, _, like = left.fit(left.seed())
        shape, shift, like = left.fit(shape, keep=like >= SAME_SHAPE)
        fits = like >= SAME_SHAPE
        if not fits.any():
            fits[int(np.argmax(like))] = True
        aligned[rest[fits]] = beats[rest[fits]] + shift[fits]
        groups.append(rest[fits])
        shapes.append(shape)
        rest = rest[~fits]
    if rest.size:
        left = _Surroundings(padded, beats[rest])
        fitted = [left.fit(shape, refine=False) for shape in shapes]
        best = np.argmax([like for _, _, like in fitted], axis=0)
        for k, (_, shift, _) in enumerate(fitted):
            mine = best == k
            aligned[rest[mine]] = beats[rest[mine]] + shift[mine]
            groups[k] = np.sort(np.concatenate([groups[k], rest[mine]]))
    groups.sort(key=lambda g: (-g.size, int(g[0])))
    return aligned, [_family(padded, aligned, group, signal.shape[1]) for group in groups]


def without_faint(beats: NDArray[np.int64], families: list[Family]) -> tuple[NDArray[np.int64], list[Family]]:
    """Beats and families without those that are P or T waves: in block, and between wide complexes, they are taken for beats."""
    speeds = [_speed(family) for family in families]
    enough = max(COMMON[0], COMMON[1] * beats.size)
    fastest = max((v for v, f in zip(speeds, families, strict=True) if f.members.size >= enough), default=0.0)
    swift = [f for v, f in zip(speeds, families, strict=True) if v >= SLOW * fastest]
    led = np.sort(beats[np.concatenate([f.members for f in swift])]) if swift else beats[:0]
    kept = [
        f
        for v, f in zip(speeds, families, strict=True)
        if v >= SLOW * fastest or (v >= FAINT * fastest and not _follows(beats[f.members], led))
    ]
    if len(kept) == len(families):
        return beats, families
    members = np.sort(np.concatenate([f.members for f in kept]))
    return beats[members], [replace(f, members=np.searchsorted(members, f.members)) for f in kept]


def _follows(members: NDArray[np.int64], led: NDArray[np.int64]) -> bool:
    """Whether nearly every member comes at one and the same time after a beat, as T waves do."""
    before = np.searchsorted(led, members) - 1
    lag = (members - led[np.maximum(before, 0)])[before >= 0] / FS
    near = lag[(lag >= T_LAG_S[0]) & (lag <= T_LAG_S[1])]
    return bool(near.size >= max(2, 0.8 * members.size) and near.std() <= T_LAG_SD_S)


def _speed(family: Family) -> float:
    """The fastest change of all leads together within the QRS complex, mV a sample."""
    piece = smooth(family.average[:, BEFORE - _QRS_BEFORE : BEFORE + _QRS_AFTER], 12)
    return float(np.sqrt((np.diff(piece, axis=1) ** 2).sum(axis=0)).max())


def _cut(padded: NDArray[np.float64], beats: NDArray[np.int64], before: int, after: int) -> NDArray[np.float64]:
    """``(n_beats, n_leads, before + after)`` around each beat."""
    columns = beats[:, None] + BEFORE + MAX_SHIFT + np.arange(-before, after)
    return padded.take(columns, axis=1).transpose(1, 0, 2)


class _Surroundings:
    """What lies around some beats, as far as they may be shifted; shapes are laid over it.

    Args:
        padded: ``(n_leads, n)``, mV, with room at both ends.
        beats: Sample of each, before it was padded.
    """

    def __init__(self, padded: NDArray[np.float64], beats: NDArray[np.int64]) -> None:
        self._padded, self._beats = padded, beats
        self._wide = np.ascontiguousarray(_cut(padded, beats, _QRS_BEFORE + MAX_SHIFT, _QRS_AFTER + MAX_SHIFT))

    def seed(self) -> NDArray[np.float64]:
        """The median of the complexes as they lie."""
        shape: NDArray[np.float64] = median(self._wide[:, :, MAX_SHIFT:-MAX_SHIFT], axis=0)
        return shape

    @cached_property
    def _power(self) -> NDArray[np.float64]:
        """``(n_beats, shifts)`` of each beat under a shape, about its mean in each lead."""
        wide, width = self._wide, _QRS_BEFORE + _QRS_AFTER
        cumulative, squares = (np.zeros((*wide.shape[:2], wide.shape[2] + 1)) for _ in range(2))
        np.cumsum(wide, axis=2, out=cumulative[:, :, 1:])
        np.cumsum(wide**2, axis=2, out=squares[:, :, 1:])
        sums = cumulative[:, :, width:] - cumulative[:, :, :-width]
        power: NDArray[np.float64] = (squares[:, :, width:] - squares[:, :, :-width] - sums**2 / width).sum(axis=1)
        return power

    def fit(
        self, shape: NDArray[np.float64], *, keep: NDArray[np.bool_] | None = None, refine: bool = True
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Shape, and for each beat the shift and correlation at which it fits the shape best."""
        wide, n, width = self._wide, len(self._wide), shape.shape[1]
        centred = shape - shape.mean(axis=1, keepdims=True)
        # The shape at every shift, a column each: one product instead of a window for each shift.
        shifted = np.zeros((*wide.shape[1:], 2 * MAX_SHIFT + 1))
        for k in range(2 * MAX_SHIFT + 1):
            shifted[:, k : k + width, k] = centred
        dots = wide.reshape(n, -1) @ shifted.reshape(-1, 2 * MAX_SHIFT + 1)
        like = dots / np.sqrt(np.maximum(self._power * (centred**2).sum(), 1e-12))
        best = np.argmax(like, axis=1)
        likeness = like[np.arange(n), best]
        shift = (best - MAX_SHIFT).astype(np.int64)
        if refine:
            use = keep if keep is not None and keep.any() else likeness >= min(SAME_SHAPE, float(likeness.max()))
            shape = median(_cut(self._padded, self._beats[use] + shift[use], _QRS_BEFORE, _QRS_AFTER), axis=0)
        return shape, shift, likeness


def _family(padded: NDArray[np.float64], beats: NDArray[np.int64], members: NDArray[np.int64], n: int) -> Family:
    whole = members[(beats[members] >= BEFORE // 2) & (beats[members] + AFTER // 2 <= n)]
    used = whole if whole.size else members
    if used.size > MAX_AVERAGED:
        used = used[np.linspace(0, used.size - 1, MAX_AVERAGED).round().astype(int)]
    pieces = _cut(padded, beats[used], BEFORE, AFTER)
    average = median(pieces, axis=0) if used.size > 2 else pieces.mean(axis=0)
    qrst = slice(BEFORE - _QRS_BEFORE, BEFORE + round(0.4 * FS))
    residual = pieces[:, :, qrst] - average[:, qrst]
    spread = np.abs(residual).transpose(1, 0, 2).reshape(residual.shape[1], -1)
    noise = np.median(spread, axis=1) * 1.4826 / np.sqrt(used.size)
    a = average[:, qrst].ravel()
    flat = pieces[:, :, qrst].reshape(used.size, -1)
    like = flat @ a / np.sqrt(np.maximum((flat**2).sum(axis=1) * (a @ a), 1e-12))
    return Family(members, average, noise, float(median(like)))
