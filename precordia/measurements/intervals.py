"""Durations of waves and intervals, and the QT interval corrected for rate.

An interval is taken in each lead of the commonest beat and its median over the leads is reported. The textbook
definition, earliest onset to latest offset in any lead, suits boundaries that were set on all leads together; for
boundaries set lead by lead its extremes grow with the number of leads (see docs/measurements.md).
"""

from __future__ import annotations

import math
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.analysis import Bounds
from precordia.measurements.working_rate import FS
from precordia.records.order import median, quantile


def interval_ms(start: NDArray[np.float64], stop: NDArray[np.float64]) -> float | None:
    """Median over leads of ``stop - start`` (samples at the working rate), ms; None where no lead has both."""
    length = (stop - start) * 1000 / FS
    length = length[np.isfinite(length) & (length > 0)]
    return float(median(length)) if length.size else None


def spread_ms(start: NDArray[np.float64], stop: NDArray[np.float64]) -> float:
    """Half the interquartile range over leads of an interval, ms; 0 for a single lead."""
    length = (stop - start) * 1000 / FS
    length = length[np.isfinite(length)]
    return (quantile(length, 0.75) - quantile(length, 0.25)) / 2 if length.size > 1 else 0.0


def intervals(bounds: Bounds) -> dict[str, float | None]:
    """``p_ms``, ``pr_ms``, ``qrs_ms`` and ``qt_ms`` of one family of beats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return {
            "p_ms": interval_ms(bounds.p_on, bounds.p_off),
            "pr_ms": interval_ms(bounds.p_on, bounds.qrs_on),
            "qrs_ms": interval_ms(bounds.qrs_on, bounds.qrs_off),
            "qt_ms": interval_ms(bounds.qrs_on, bounds.t_off),
        }


def bazett(qt_ms: float, rr_ms: float) -> float:
    """QT corrected by the square root of the RR interval in seconds, ms (Bazett, Heart 1920;7:353-370).

    >>> round(bazett(400, 640))
    500
    """
    return qt_ms / math.sqrt(rr_ms / 1000)


QRS_WIDE_MS: Final = 120.0
"""From here on QT is too long for the QRS complex alone."""

QRS_SHARE: Final = 0.485
"""Share of a wide QRS complex that is taken off QT (Bogossian et al., Heart Rhythm 2014;11:2273-2277, found in left bundle
branch block; other wide complexes are taken to be alike)."""


def bazett_wide(qt_ms: float, qrs_ms: float, rr_ms: float) -> float | None:
    """QT less what a wide QRS complex adds to it, corrected by Bazett, ms; None where the complex is not wide.

    >>> round(bazett_wide(460, 160, 1000)), bazett_wide(400, 100, 1000)
    (382, None)
    """
    return bazett(qt_ms - QRS_SHARE * qrs_ms, rr_ms) if qrs_ms >= QRS_WIDE_MS else None


def fridericia(qt_ms: float, rr_ms: float) -> float:
    """QT corrected by the cube root of the RR interval in seconds, ms (Fridericia, Acta Med Scand 1920;53:469-486).

    >>> round(fridericia(400, 512))
    500
    """
    return qt_ms / math.pow(rr_ms / 1000, 1 / 3)
