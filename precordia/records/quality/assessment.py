"""All checks together, as one verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precordia.core.given import expect_recording
from precordia.core.leads import LEADS, LIMB_LEADS
from precordia.core.recording import Problem, Quality, Recording
from precordia.records.quality.leads import LeadFacts, audible_noise, lead_facts
from precordia.records.quality.limbs import limb_problems
from precordia.records.quality.long import over_all, stretches_of
from precordia.records.quality.score import lead_scores, probability
from precordia.records.quality.smooth import smooth_problem
from precordia.records.quality.strips import parts_of, together
from precordia.records.quality.swap import swap_problems
from precordia.records.quality.units import units_problem
from precordia.records.quality.view import View, view_of
from precordia.records.standardize import LOWEST_FS

ACCEPTABLE = 0.02
"""Scores from here on are acceptable. None of the 385 CinC 2011 recordings that annotators accepted, of 1,732 of PTB-XL,
119 of CinC 2021 and 100 of LUDB falls short (``precordia eval quality``): what is rejected truly cannot be used."""

FEW_LEADS = 0.05
"""What dead leads leave of the score of the others, at least; above :data:`ACCEPTABLE` when the others are good."""

UNUSABLE = 0.9 * ACCEPTABLE
"""What wrong units, or no QRS complex, leave of a score: unacceptable, yet in the order of the waves' quality."""

NOISY = 0.2
"""Noise (see ``audible_noise``) from which a lead is called noisy: about one PTB-XL recording in a hundred has such a lead."""

ASTRAY = 0.35
"""Agreement with the other leads' beats below which a lead is called noisy, unless its own beats are alike: it shows something
else than this heart."""

ALIKE = 0.7
"""Likeness of a lead's own beats from which they are beats, though small or late beside the others'."""

SHORTEST_S = 2.5
"""Shortest recording that can serve, s: a beat and its neighbours at 50 beats a minute."""

RHYTHM_S = 9.5
"""Length from which a rhythm can be read, s: the usual ten seconds, less what carts trim."""


def assess(recording: Recording) -> Quality:
    """What is wrong with a recording, lead by lead and as a whole, with a score from 0 (unusable) to 1 (clean).

    The score is the probability that annotators who see the waves would accept the recording (see ``score``), times the
    share of samples that are there; below the threshold when the units are wrong, 0 when no lead has a signal. What does not
    spoil the waves (missing leads, broken laws between leads, swapped electrodes) is listed among the problems and leaves the
    score alone. Of leads recorded one after another, each strip is judged by itself; of a recording of more than two minutes
    stretches of it are, and it is acceptable where one of them is.

    Never raises for what a signal holds: empty, NaN and infinite signals are unacceptable, with the reason.
    """
    expect_recording(recording)
    recording = recording.measured
    rows = [i for i, lead in enumerate(recording.leads) if lead in LEADS]
    missing = _missing_problem(recording)
    if not rows:
        nothing = Problem("missing_lead", LEADS, 1.0, "none of the twelve standard leads is there; rename the channels")
        return Quality(0.0, False, {}, (nothing,))
    hopeless = _hopeless(recording)
    if hopeless is not None:
        return Quality(0.0, False, {recording.leads[row]: 0.0 for row in rows}, (hopeless, *missing))
    stretches = stretches_of(recording)
    if stretches:
        return over_all([assess(stretch) for stretch in stretches])
    parts = parts_of(recording, SHORTEST_S)
    if parts:
        return together(parts, [assess(part.recording) for part in parts], missing, ACCEPTABLE)
    view = view_of(recording, rows)
    units, factor = units_problem(view)
    if units is not None:
        view = view.rescaled(factor)
    facts = lead_facts(view, recording.signal[rows], recording.fs)
    scores_of_leads = lead_scores(facts)
    problems = [*missing, *_lead_problems(view, facts)]
    if units is not None:
        problems.append(units)
    smooth = smooth_problem(view)
    if smooth is not None:
        problems.append(smooth)
    if recording.duration_s < RHYTHM_S:
        text = f"lasts {recording.duration_s:.1f} s; rhythm is read from 10 s"
        problems.append(Problem("short", (), 0.2, text))
    whole = ((facts.flat == 0) | (facts.missing > 0)) & (facts.missing < 0.5) & (facts.railed < 0.01)
    laws = limb_problems(view, whole)
    problems += laws
    if whole.all() and not laws:
        problems += swap_problems(view, facts)
    score = _probability(view, recording, rows, facts)
    score *= 1 - float(facts.missing.mean())
    if units is not None or smooth is not None:
        score *= UNUSABLE
    if not (scores_of_leads > 0).any():
        score = 0.0
    problems.sort(key=lambda problem: (-problem.severity, problem.kind))
    by_lead = dict(zip(view.leads, (round(float(s), 4) for s in scores_of_leads), strict=True))
    return Quality(round(score, 9), score >= ACCEPTABLE, by_lead, tuple(problems))


def _probability(view: View, recording: Recording, rows: list[int], facts: LeadFacts) -> float:
    """The annotators' probability; where leads are dead, at least a little of what the others alone would have.

    A recording with a few dead leads is as good as one without those leads, which is acceptable; annotators say no.
    """
    score = probability(facts)
    alive = np.flatnonzero((facts.flat < 0.5) & (facts.missing < 0.5))
    if 0 < alive.size < len(view.leads):
        others = lead_facts(view.of(alive), recording.signal[rows][alive], recording.fs)
        score = max(score, FEW_LEADS * probability(others))
    return score


def _hopeless(recording: Recording) -> Problem | None:
    """What keeps a recording from being looked at at all."""
    if recording.duration_s + 1e-9 < SHORTEST_S:
        text = f"lasts {recording.duration_s:.2f} s; at least {SHORTEST_S} s are needed"
        return Problem("short", (), 1.0, text)
    if recording.fs < LOWEST_FS:
        text = f"sampled at {recording.fs:g} Hz; below {LOWEST_FS:g} Hz no QRS complex shows; check the file's rate"
        return Problem("units", (), 1.0, text)
    return None


def _missing_problem(recording: Recording) -> list[Problem]:
    """Standard leads that are neither there nor follow from two limb leads that are."""
    have = set(recording.leads)
    derivable = len(have & set(LIMB_LEADS)) >= 2
    gone = tuple(lead for lead in LEADS if lead not in have and not (derivable and lead in LIMB_LEADS))
    if not gone:
        return []
    severity = 0.1 + 0.4 * len(gone) / len(LEADS)
    return [Problem("missing_lead", gone, severity, f"{', '.join(gone)} not recorded")]


def _lead_problems(view: View, facts: LeadFacts) -> list[Problem]:
    problems = []
    for kind, values, least, text in (
        ("nan", facts.missing, 0.0, "samples missing"),
        ("flat", np.where(facts.flat > facts.missing + 0.1, facts.flat, 0), 0.0, "of the time without any signal"),
        ("saturated", facts.railed, 0.0, "of the samples at the amplifier's limit"),
    ):
        rows = np.flatnonzero(values > least)
        if rows.size:
            worst = float(values[rows].max())
            share = rows.size / len(view.leads)
            severity = min(1.0, (worst if kind != "saturated" else min(1.0, 10 * worst)) * (0.3 + 0.7 * share))
            leads = tuple(view.leads[row] for row in rows)
            problems.append(Problem(kind, leads, severity, f"{', '.join(leads)}: up to {worst:.1%} {text}"))
    rows = np.flatnonzero(_noisy(facts))
    if rows.size:
        leads = tuple(view.leads[row] for row in rows)
        severity = 0.3 + 0.5 * rows.size / len(view.leads)
        noise, agreement = audible_noise(facts)[rows].max(), facts.agreement[rows].min()
        text = f"{', '.join(leads)}: noise up to {noise:.0%} of the QRS; agreement with the other leads' beats from {agreement:.2f}"
        problems.append(Problem("noisy", leads, severity, text))
    return problems


def _noisy(facts: LeadFacts) -> NDArray[np.bool_]:
    alive = (facts.flat < 0.5) & (facts.missing < 0.5)
    astray = (facts.agreement < ASTRAY) & (facts.likeness < ALIKE)
    return alive & ((audible_noise(facts) > NOISY) | astray)
