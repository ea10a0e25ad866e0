"""P waves that no QRS complex answers: the conducted P wave is looked for again between the beats.

The atrial rate (``atrial_rhythm``) needs several cycles; a ventricle of 25 a minute gives five. Here one lone P wave is seen
as soon as it looks like those before the QRS complexes and comes where the atria's time asks for it: it divides the time from
one conducted P wave to the next evenly. A blocked premature beat does not.

Where every second P wave is blocked it may lie on every T wave, and no beat shows T without it. There it is looked for in the
average beat, whose noise is lower, as what a smooth curve does not explain of the T wave.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS
from precordia.measurements.analysis import Analysis, Bounds
from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median, median, quantile

INDEPENDENT: Final = ("I", "II", *CHEST_LEADS)
"""The leads that are not sums of others."""

STEP: Final = 2
"""Every second sample is enough for P waves (125 Hz)."""

ALIKE: Final = 0.80
"""Correlation, over all leads together in units of their noise, from which a wave is the same as the conducted P wave."""

BESIDE_S: Final = 0.028

SIZE: Final = (0.5, 1.8)
"""Its size as a share of the conducted P wave's."""

PP_S: Final = (0.46, 1.6)
"""PP intervals, s: 130 to 38 a minute. What comes faster is flutter, or an atrial tachycardia that the node may well block."""

OFF_TIME: Final = 0.12
"""How far it may lie from its place, as a share of PP."""

UNDER_IT: Final = (3, 4)
"""Degrees of the polynomials that stand for the T wave beneath a P wave. A cubic leaves a part of T, a quartic takes a part of
P: what is like P in the mean of both is neither's fault."""

ALIKE_ON_T: Final = 0.75
OFF_TIME_ON_T: Final = 0.04
REGULAR_ON_T: Final = 0.06
"""Likeness and place as above, on T; and the share of their median within which nine in ten RR intervals lie: 2:1 conduction is
regular. Of 523 ECGs of PTB-XL's folds 1 to 8 below 66 a minute none reaches 0.72."""


def lone_p_waves(one: Analysis) -> int | None:
    """Number of P waves without a QRS complex; None where no P wave precedes the QRS complexes.

    Only between two beats of the commonest shape: what follows a premature beat is its pause.
    """
    bounds, family = one.bounds[0], one.families[0]
    if not np.isfinite(bounds.p_on).any():
        return None
    p_on, p_off = (round(finite_median(b)) for b in (bounds.p_on, bounds.p_off))
    # A little of what lies beside it, so that a parabola leaves the wave.
    beside = max(0, min(round(BESIDE_S * FS), round(finite_median(bounds.qrs_on)) - p_off - 2))
    p_on, p_off = p_on - beside, p_off + beside
    rows = [k for k, lead in enumerate(one.stretch.leads) if lead in INDEPENDENT] or list(range(len(one.stretch.leads)))
    weight = 1.0 / np.maximum(family.noise[rows], 1e-3)[:, None]
    average = family.average[rows] * weight
    template = average[:, max(0, BEFORE + p_on) : BEFORE + p_off : STEP]
    usual = np.zeros(one.beats.size, dtype=bool)
    usual[family.members] = True
    both = usual[:-1] & usual[1:]
    roomy = np.flatnonzero(both & (one.rr >= 2 * PP_S[0] * FS))
    count = 0
    if roomy.size:
        likeness, size = _match(smooth(one.stretch.signal[rows], 16)[:, ::STEP] * weight, template, 2)
        ended = _t_end(bounds)
        for a, b in zip(one.beats[roomy], one.beats[roomy + 1], strict=True):
            first, last = (int((beat + p_on) // STEP) for beat in (a, b))
            count += _evenly(likeness, size, first, last, int((a + ended) // STEP))
    if not count and _on_every_t(one, smooth(average, 16)[:, ::STEP], template, p_on):
        return int(np.count_nonzero(both))
    return count


def _on_every_t(one: Analysis, average: NDArray[np.float64], template: NDArray[np.float64], p_on: int) -> bool:
    """Whether the average beat holds a second P wave halfway between two conducted ones."""
    if not one.rr.size:
        return False
    rr = float(median(one.rr))
    if not 2 * PP_S[0] * FS <= rr <= 2 * PP_S[1] * FS or quantile(np.abs(one.rr - rr), 0.9) > REGULAR_ON_T * rr:
        return False
    place, room = (BEFORE + p_on + rr / 2) / STEP, OFF_TIME_ON_T * rr / 2 / STEP
    likeness, size = np.mean([_match(average, template, degree) for degree in UNDER_IT], axis=0)
    return _there(likeness, size, place, room, ALIKE_ON_T)


def _t_end(bounds: Bounds) -> float:
    """Where the T wave is past its steep part, samples from the R position."""
    if np.isfinite(bounds.t_peak).any():
        return finite_median(bounds.t_peak) + 0.04 * FS
    return finite_median(bounds.qrs_off) + 0.16 * FS


def _evenly(likeness: NDArray[np.float64], size: NDArray[np.float64], first: int, last: int, quiet: int) -> int:
    """The number of lone P waves in the best even division of the time between two conducted ones (samples at FS / STEP)."""
    rate = FS / STEP
    best = 0
    for parts in range(2, 7):
        pp = (last - first) / parts
        if not PP_S[0] * rate <= pp <= PP_S[1] * rate:
            continue
        places = [first + k * pp for k in range(1, parts)]
        seen = [p for p in places if p >= quiet]
        found = [_there(likeness, size, p, OFF_TIME * pp, ALIKE) for p in seen]
        if seen and all(found):
            best = max(best, len(found))
    return best


def _there(likeness: NDArray[np.float64], size: NDArray[np.float64], at: float, room: float, least: float) -> bool:
    a, b = max(0, round(at - room)), round(at + room) + 1
    near = likeness[a:b]
    if not near.size:
        return False
    top = int(near.argmax())
    return bool(near[top] >= least and SIZE[0] <= size[a + top] <= SIZE[1])


def _match(
    signal: NDArray[np.float64], template: NDArray[np.float64], degree: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlation with the template at each sample of a signal, and the size against it, less a polynomial of this degree.

    Both ``(n_leads, n)`` at FS / STEP, in units of each lead's noise. The limb of a T wave is a parabola.
    """
    basis = _polynomials(template.shape[1], degree)
    shape = template - (template @ basis) @ basis.T
    if signal.shape[1] < shape.shape[1] or shape.shape[1] < 4:
        return np.zeros(signal.shape[1]), np.zeros(signal.shape[1])
    # A piece without its polynomial is never made: the template has none, and the polynomial's power is known from its
    # coefficients.
    pieces = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(signal, shape.shape[1], axis=1))
    every = np.broadcast_to(basis, (signal.shape[0], *basis.shape))
    found = pieces @ np.concatenate([shape[:, :, None], every], axis=2)
    dots = found[:, :, 0].sum(axis=0)
    squares = np.zeros((signal.shape[0], signal.shape[1] + 1))
    np.cumsum(signal**2, axis=1, out=squares[:, 1:])
    power = (squares[:, shape.shape[1] :] - squares[:, : -shape.shape[1]]).sum(axis=0)
    power = np.maximum(power - (found[:, :, 1:] ** 2).sum(axis=(0, 2)), 0.0)
    own = float((shape**2).sum())
    return dots / np.sqrt(np.maximum(power * own, 1e-12)), dots / max(own, 1e-12)


@lru_cache(maxsize=64)
def _polynomials(n: int, degree: int) -> NDArray[np.float64]:
    """``(n, degree + 1)`` orthonormal: what every polynomial of ``n`` samples is made of."""
    x = np.linspace(-1.0, 1.0, n)
    basis: NDArray[np.float64] = np.linalg.qr(np.stack([x**k for k in range(degree + 1)], axis=1))[0]
    return basis
