"""The shapes of a recording's beats: which look alike, and which of them a ventricle started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from precordia.signals.long.rhythm import EARLY_S, EARLY_V, FOLLOWED, RUN, stretches, usual_intervals

BEFORE_S: Final = 0.10
AFTER_S: Final = 0.16
SHIFT: Final = 3
"""Samples by which a beat may be moved to fit a shape."""
SAME: Final = 0.85
"""Correlation over the leads from which two QRS complexes are of one shape."""
MOST_SHAPES: Final = 16
SAMPLED: Final = 240
"""Beats among which the next shape is looked for."""
CHUNK: Final = 4096
P_FROM_S: Final = 0.26
P_TO_S: Final = 0.07
"""What stands before a beat is looked at from here to there, s before it."""
OTHER: Final = 0.80
"""Correlation with the commonest shape below which a shape is another."""
NARROW: Final = 0.8
"""A shape narrower than this share of the commonest is no ventricular beat."""
WIDER: Final = 1.2
"""How much wider than the commonest a shape must be to count as ventricular without coming early."""
LATE: Final = 1.08
"""... and how late, as a share of the usual interval, it may come: what waits longer is an escape or a pacemaker's."""
LESS_THAN: Final = 0.35
"""... and of how few of the beats it may be the shape."""
UNLIKE: Final = 0.6
"""... and how little alike."""
NOISY: Final = 0.2
"""Level between beats, as a share of the typical beat's, from which neither time nor shape of one beat says that it is ectopic."""
SQUEEZED: Final = 1.25
"""What lies between two beats less than this many usual intervals apart came at an impossible time, but for interpolated beats."""
RESTLESS: Final = 0.15
"""Level from which what comes at an impossible time is an artefact whatever its shape."""
STRAY: Final = 0.6
"""A beat that is less like every shape than this is an artefact where it comes too early."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Beats by shape.

    Attributes:
        of: ``(n,)`` number of the shape that each beat is most like, 0 the commonest.
        likeness: ``(n,)`` correlation with that shape.
        templates: ``(k, n_leads, width)`` mV.
        width: ``(k,)`` how long the leads change fast in each, samples.
    """

    of: NDArray[np.int64]
    likeness: NDArray[np.float32]
    templates: NDArray[np.float32]
    width: NDArray[np.float32]

    def without(self, gone: NDArray[np.bool_]) -> Shapes:
        """The same of the other beats."""
        return replace(self, of=self.of[~gone], likeness=self.likeness[~gone])


def group(cuts: NDArray[np.float32]) -> Shapes:
    """Shapes of beats.

    Args:
        cuts: ``(n_beats, n_leads, width + 2 * SHIFT)`` float32, mV, around each QRS complex.
    """
    n, n_leads, wide = cuts.shape
    width = wide - 2 * SHIFT
    of = np.zeros(n, dtype=np.int64)
    likeness = np.full(n, -1.0, dtype=np.float32)
    templates: list[NDArray[np.float32]] = []
    rest = np.arange(n)
    while rest.size and len(templates) < MOST_SHAPES:
        sample = rest[np.linspace(0, rest.size - 1, min(SAMPLED, rest.size)).round().astype(int)]
        middle = _normal(cuts[sample, :, SHIFT : SHIFT + width])
        alike = middle @ middle.T >= SAME
        seed = sample[int(np.argmax(alike.sum(axis=1)))]
        shape = cuts[seed, :, SHIFT : SHIFT + width]
        for _ in range(2):
            like, shift = fit(cuts, rest, shape)
            near = np.flatnonzero(like >= SAME)
            if not near.size:
                near = np.array([int(np.argmax(like))])
            used = near[np.linspace(0, near.size - 1, min(near.size, SAMPLED)).round().astype(int)]
            columns = SHIFT + shift[used][:, None] + np.arange(width)
            shape = np.median(
                cuts[rest[used][:, None, None], np.arange(n_leads)[None, :, None], columns[:, None, :]], axis=0
            )
        like, _ = fit(cuts, rest, shape)
        mine = like >= SAME
        if not mine.any():
            mine[int(np.argmax(like))] = True
        of[rest[mine]], likeness[rest[mine]] = len(templates), like[mine]
        templates.append(shape.astype(np.float32))
        rest = rest[~mine]
    for number, shape in enumerate(templates):
        if rest.size:
            like, _ = fit(cuts, rest, shape)
            better = like > likeness[rest]
            of[rest[better]], likeness[rest[better]] = number, like[better]
    order = np.argsort(-np.bincount(of, minlength=len(templates)), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    of = place[of] if n else of
    stacked = np.stack([templates[i] for i in order]) if templates else np.zeros((0, n_leads, width), np.float32)
    return Shapes(of, likeness, stacked, _widths(stacked))


def fit(
    cuts: NDArray[np.float32], rows: NDArray[np.int64], shape: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Correlation of some beats with a shape at the shift that fits best, and that shift."""
    width = shape.shape[1]
    template = _normal(shape[None])[0]
    best = np.full(rows.size, -1.0, dtype=np.float32)
    shift = np.zeros(rows.size, dtype=np.int64)
    for begin in range(0, rows.size, CHUNK):
        part = cuts[rows[begin : begin + CHUNK]]
        here = slice(begin, begin + part.shape[0])
        for move in range(-SHIFT, SHIFT + 1):
            like = _normal(part[:, :, SHIFT + move : SHIFT + move + width]) @ template
            better = like > best[here]
            best[here] = np.where(better, like, best[here])
            shift[here] = np.where(better, move, shift[here])
    return best, shift


def _normal(cuts: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, n_leads * width)``: each lead's mean removed, the whole of length one."""
    flat = (cuts - cuts.mean(axis=2, keepdims=True)).reshape(cuts.shape[0], -1)
    out: NDArray[np.float32] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return out


def _widths(templates: NDArray[np.float32]) -> NDArray[np.float32]:
    if not templates.size:
        return np.zeros(0, np.float32)
    speed = np.sqrt((np.diff(templates, axis=2) ** 2).sum(axis=1))
    out: NDArray[np.float32] = (speed > 0.25 * speed.max(axis=1, keepdims=True)).sum(axis=1).astype(np.float32)
    return out


def strays(time_s: NDArray[np.float64], shapes: Shapes, noise: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Artefacts: in noise, or like none of the shapes that recur, and between two beats that follow each other in time."""
    if time_s.size < 5:
        return np.zeros(time_s.size, dtype=bool)
    counts = np.bincount(shapes.of, minlength=shapes.templates.shape[0])
    rare = (counts[shapes.of] < max(3, 0.0005 * time_s.size)) | (shapes.likeness < STRAY)
    rr = np.diff(time_s, prepend=time_s[0] - 1.0)
    usual = usual_intervals(rr)
    after = np.append(rr[1:], np.inf)
    squeezed = (rr + after < SQUEEZED * usual) | ((rr < 0.55 * usual) & (after < 0.8 * usual))
    # Of beats side by side the one goes that looks least like a beat: what is squeezed by an artefact is not one itself.
    around = np.pad(shapes.likeness, 1, constant_values=2.0)
    least = (shapes.likeness < around[:-2]) & (shapes.likeness < around[2:])
    out: NDArray[np.bool_] = (rare | (noise > RESTLESS)) & squeezed & least
    return out


def calmed(noise: NDArray[np.float32], shapes: Shapes) -> NDArray[np.float32]:
    """The level between beats, 0 within runs of beats of one other shape: fast and wide ones leave no room between them, and
    noise does not repeat itself from beat to beat."""
    alike = (shapes.likeness >= SAME) & (shapes.of != 0)
    joined = alike[1:] & alike[:-1] & (shapes.of[1:] == shapes.of[:-1])
    inside = np.r_[False, joined] | np.r_[joined, False]
    long = np.zeros(noise.size, dtype=bool)
    for first, after in stretches(inside):
        long[first:after] = after - first >= RUN
    out: NDArray[np.float32] = np.where(long, np.float32(0), noise)
    return out


def kinds(
    time_s: NDArray[np.float64], shapes: Shapes, noise: NDArray[np.float32], paced: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """ "N", "S", "V", or "P" (a pacemaker's) for each beat; of those that are ``paced`` neither time nor shape says more."""
    n = time_s.size
    out = np.full(n, "N", dtype="<U1")
    if n < 5:
        return out
    rr = np.diff(time_s, prepend=time_s[0])
    rr[0] = rr[1]
    own, _ = _own_interval(rr, shapes.of == 0)
    early = rr / np.where(own > 0, own, usual_intervals(rr))
    quiet = noise <= NOISY
    ventricular = np.zeros(shapes.templates.shape[0], dtype=bool)
    for number in range(1, shapes.templates.shape[0]):
        mine = (shapes.of == number) & quiet
        if mine.any():
            comes_early = float(np.median(early[mine])) < EARLY_V
            comes_late = float(np.median(early[mine])) > LATE
            ventricular[number] = not comes_late and _is_ventricular(shapes, number, comes_early, float(mine.mean()))
    of_v = ventricular[shapes.of]
    out[of_v & quiet] = "V"
    local, usual_change = _own_interval(rr, ~of_v & quiet)
    alike = shapes.likeness >= SAME
    soon = rr < (1 - np.maximum(EARLY_S, 3 * usual_change)) * local
    # The next beat is not drawn forward with it, unless it is premature itself: else the rate changes.
    followed = np.append((rr[1:] >= FOLLOWED * local[1:]) | soon[1:], True)
    out[~of_v & alike & (noise <= RESTLESS) & soon & followed] = "S"
    out[paced] = "P"
    return out


def _is_ventricular(shapes: Shapes, number: int, comes_early: bool, share: float) -> bool:
    padded = np.pad(shapes.templates[number], ((0, 0), (SHIFT, SHIFT)), mode="edge")[None]
    like = float(fit(padded, np.array([0]), shapes.templates[0])[0][0])
    width = float(shapes.width[number] / shapes.width[0])
    if like >= OTHER or width < NARROW:
        return False
    return comes_early or (width >= WIDER and like < UNLIKE and share < LESS_THAN)


def _own_interval(rr: NDArray[np.float64], own: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Around each beat the median interval between beats of their own, s, and by what share they usually differ from it."""
    kept = np.flatnonzero(own & np.r_[False, own[:-1]])
    if kept.size < 5:
        return np.zeros(rr.size), np.zeros(rr.size)
    local = median_filter(rr[kept], size=11, mode="nearest")
    change = median_filter(np.abs(rr[kept] - local) / local, size=31, mode="nearest")
    place = np.clip(np.searchsorted(kept, np.arange(rr.size)), 0, kept.size - 1)
    return local[place], change[place]
