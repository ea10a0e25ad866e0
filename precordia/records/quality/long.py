"""The verdict of a long recording: of stretches of it, since noise of minutes and a rhythm that changes say nothing of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from precordia.core.recording import STRETCH_S, Problem, Quality, Recording

LONG_S: Final = 120.0
"""Longest recording that is judged as one, s."""

STRETCHES: Final = 12
"""How many stretches of a longer one are judged, evenly from its first second to its last."""


def stretches_of(recording: Recording) -> list[Recording]:
    """The stretches that are judged; none of a recording that is judged as one."""
    if recording.duration_s <= LONG_S and not recording.seams:
        return []
    width = round(STRETCH_S * recording.fs)
    starts = np.linspace(0, recording.n_samples - width, STRETCHES).round().astype(int)
    return [replace(recording, signal=recording.signal[:, start : start + width], whole_s=None) for start in starts]


def over_all(verdicts: Sequence[Quality]) -> Quality:
    """One verdict of all stretches: their mean, acceptable where any of them is, the worst problem of each kind, and in how many.

    Args:
        verdicts: Of each stretch.
    """
    n = len(verdicts)
    leads = {
        lead: round(float(np.mean([one.lead_scores[lead] for one in verdicts])), 4) for lead in verdicts[0].lead_scores
    }
    problems = []
    for kind in dict.fromkeys(problem.kind for one in verdicts for problem in one.problems):
        told = [problem for one in verdicts for problem in one.problems if problem.kind == kind]
        worst = max(told, key=lambda problem: problem.severity)
        where = "" if len(told) == n else f" (in {len(told)} of {n} stretches of {STRETCH_S:g} s)"
        severity = sum(problem.severity for problem in told) / n
        problems.append(Problem(kind, worst.leads, severity, f"{worst.message}{where}"))
    problems.sort(key=lambda problem: (-problem.severity, problem.kind))
    score = round(float(np.mean([one.score for one in verdicts])), 9)
    return Quality(score, any(one.acceptable for one in verdicts), leads, tuple(problems))
