"""Recordings whose leads were recorded one after another, as their parts: each is judged by the samples that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from precordia.core.leads import LEADS
from precordia.core.recording import Problem, Quality, Recording
from precordia.records.standardize import longest_stretch

_FEW = 0.5
"""Leads with less than this share of their samples are strips, as in standardizing."""


@dataclass(frozen=True)
class Part:
    """A part of a recording.

    Attributes:
        recording: Its samples; beside the leads of its own those that are there throughout, to compare beats with.
        own: The leads that it stands for.
    """

    recording: Recording
    own: tuple[str, ...]


def parts_of(recording: Recording, shortest_s: float) -> list[Part]:
    """The strips of a recording; empty when its leads are whole or gone.

    Leads that are there throughout are a part of their own.

    Args:
        recording: Any recording.
        shortest_s: Shorter stretches are no strips, s.
    """
    standard = [row for row, lead in enumerate(recording.leads) if lead in LEADS]
    share = np.isfinite(recording.signal).mean(axis=1)
    spans: dict[tuple[int, int], list[int]] = {}
    for row in standard:
        if share[row] < _FEW:
            start, end = longest_stretch(recording.signal[row])
            if (end - start) / recording.fs + 1e-9 >= shortest_s:
                spans.setdefault((start, end), []).append(row)
    if not spans:
        return []
    whole = [row for row in standard if share[row] >= _FEW]

    def part(start: int, end: int, rows: list[int], own: list[int]) -> Part:
        leads = tuple(recording.leads[row] for row in rows)
        cut = replace(recording, signal=recording.signal[rows, start:end], leads=leads)
        return Part(cut, tuple(recording.leads[row] for row in own))

    parts = [part(start, end, sorted([*whole, *rows]), rows) for (start, end), rows in spans.items()]
    return [part(0, recording.n_samples, whole, whole), *parts] if whole else parts


def together(parts: Sequence[Part], verdicts: Sequence[Quality], missing: Sequence[Problem], least: float) -> Quality:
    """One verdict of several parts: their mean, weighed by leads, and their problems but for how short and few they are.

    Args:
        parts: The strips.
        verdicts: Of each.
        missing: What is said of leads that are in none.
        least: Score from which a recording is acceptable.
    """
    score = round(float(np.average([one.score for one in verdicts], weights=[len(part.own) for part in parts])), 9)
    of_each = list(zip(parts, verdicts, strict=True))
    lead_scores = {lead: verdict.lead_scores[lead] for part, verdict in of_each for lead in part.own}
    shortest = min(part.recording.duration_s for part in parts)
    strips = tuple(lead for part in parts if part.recording.duration_s == shortest for lead in part.own)
    told = Problem("short", strips, 0.3, f"{', '.join(strips)}: strips of {shortest:.1f} s, one after another")
    problems = [
        problem
        for part, verdict in of_each
        for problem in verdict.problems
        if problem.kind not in ("missing_lead", "short") and set(problem.leads) & set(part.own)
    ]
    problems = sorted((told, *missing, *problems), key=lambda problem: (-problem.severity, problem.kind))
    return Quality(score, score >= least, lead_scores, tuple(problems))
