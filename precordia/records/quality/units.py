"""Amplitudes that no surface ECG has: microvolts taken for millivolts, or the reverse."""

from __future__ import annotations

import numpy as np

from precordia.core.recording import Problem
from precordia.records.quality.view import View

LARGEST_MV = 40.0
"""Largest believable median peak-to-peak QRS amplitude over the leads, mV. Real ones stay below 10 (giant hypertrophy);
a thousandfold error starts near 100 (a tenth of a millivolt)."""

SMALLEST_MV = 0.02
"""Smallest believable one, mV. Low voltage is below 0.5 mV; a thousandfold error ends near 0.01."""


def units_problem(view: View) -> tuple[Problem | None, float]:
    """What is wrong with the units, if anything, and the factor that brings the amplitudes to millivolts."""
    peak = np.ptp(view.qrs, axis=1)
    alive = peak[(peak > 1e-7) & (np.ptp(view.wide, axis=1) > 0)]
    if alive.size == 0:
        return None, 1.0
    middle = float(np.median(alive))
    if middle > LARGEST_MV:
        text = f"QRS amplitudes near {middle:.0f} mV: microvolts or raw counts taken for millivolts; divide by the gain"
        return Problem("units", view.leads, 1.0, text), 1e-3
    if middle < SMALLEST_MV:
        text = (
            f"QRS amplitudes near {middle:.2g} mV: millivolts or volts taken for a smaller unit; multiply by the gain"
        )
        return Problem("units", view.leads, 1.0, text), 1e3
    return None, 1.0
