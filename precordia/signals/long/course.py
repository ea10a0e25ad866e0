"""How a long recording went: its rate and its ectopic beats through time, in steps that a page can draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.signals.long.rhythm import Beats

MOST_STEPS: Final = 240
"""As many as are told apart on a screen."""
SHORTEST_STEP_S: Final = 10.0


@dataclass(frozen=True, eq=False)
class Course:
    """A recording in steps of one length, from its beginning; the last one may be cut short.

    Attributes:
        step_s: Length of a step, s.
        rate_bpm: ``(n,)`` mean rate of each, a minute; NaN where no beat follows another without a gap or noise between.
        n_v: ``(n,)`` ventricular ectopic beats in each.
        n_s: ``(n,)`` supraventricular ones.
    """

    step_s: float
    rate_bpm: NDArray[np.float64]
    n_v: NDArray[np.int64]
    n_s: NDArray[np.int64]

    def document(self) -> dict[str, Any]:
        """For JSON; a rate that is not known is null."""
        rates = [round(float(rate), 1) if np.isfinite(rate) else None for rate in self.rate_bpm]
        return {"step_s": self.step_s, "rate_bpm": rates, "V": self.n_v.tolist(), "S": self.n_s.tolist()}


def course_of(beats: Beats, duration_s: float) -> Course:
    """The course of a recording.

    Args:
        beats: Its beats.
        duration_s: Its length, s.

    >>> minutes = np.arange(0.5, 120.0)
    >>> beats = Beats(minutes, np.full(120, "N"), np.zeros(120, np.float32), np.ones(120, bool))
    >>> course_of(beats, 120.0).rate_bpm.tolist()[:2]
    [60.0, 60.0]
    """
    step_s = max(SHORTEST_STEP_S, float(np.ceil(duration_s / MOST_STEPS)))
    n = max(1, int(np.ceil(duration_s / step_s)))
    step = np.clip((beats.time_s / step_s).astype(np.int64), 0, n - 1)
    rr = np.diff(beats.time_s, prepend=beats.time_s[:1])
    known = beats.usable & (rr > 0)
    count = np.bincount(step[known], minlength=n)
    took_s = np.bincount(step[known], weights=rr[known], minlength=n)
    rate = np.full(n, np.nan)
    rate[count > 0] = 60.0 * count[count > 0] / took_s[count > 0]
    of = {kind: np.bincount(step[beats.kind == kind], minlength=n) for kind in ("V", "S")}
    return Course(step_s, rate, of["V"], of["S"])
