"""A lead without QRS complexes: a pulse, or breathing, under the name of a lead."""

from __future__ import annotations

from typing import Final

import numpy as np

from precordia.core.recording import Problem
from precordia.records.quality.view import View

SMOOTH: Final = 0.17
"""What is left between 5 and 25 Hz of a wave without its drift, root mean square, below which no QRS complex is in it. Pulses leave
0.14 (BIDMC 01, simulated vessels) and breathing less; leads of PTB-XL's folds 1 to 7 (every third record, five leads each) 0.27 and
more, wide complexes of simulated hyperkalaemia 0.20."""


def smooth_problem(view: View) -> Problem | None:
    """Whether the only lead is as smooth as a pulse.

    Of several leads none says so: a heart whose complexes have become one wave is seen by all of them, a pulse by none.
    """
    if len(view.leads) != 1:
        return None
    wave = view.wide[0] - view.drift[0]
    whole = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))
    sharp = float(np.sqrt(np.mean(view.qrs[0].astype(np.float64) ** 2)))
    if not whole > 0 or sharp >= SMOOTH * whole:
        return None
    text = (
        "no QRS complex is in it: waves as smooth as a pulse's; name a pulse PLETH or PPG, and look at what is an ECG"
    )
    return Problem("smooth", view.leads, 1.0, text)
