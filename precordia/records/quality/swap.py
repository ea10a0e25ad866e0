"""Arm electrodes exchanged.

The chest leads see the same heart as the limb leads, so they foretell leads I and II beat by beat (Kors et al., Eur Heart J
1990;11:1083-1092, for the linear relation; Kors and van Herpen, J Electrocardiol 2001;34 Suppl:69-73, for exchanged
electrodes found by whether another arrangement fits better). With the arm electrodes exchanged, I is upside down and II is
III. When that arrangement fits the chest leads much better than the recorded one, the electrodes are probably exchanged;
true dextrocardia fools the test less, since its chest leads are mirrored too.

The coefficients (``swap.json``) are least squares over the median beats of PTB-XL 1.0.3, folds 1 to 8, each weighted by its
size, written by ``precordia train swaps --out precordia/records/quality/swap.json``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.core.recording import Problem
from precordia.records.order import median
from precordia.records.quality.leads import LeadFacts
from precordia.records.quality.view import View

BEFORE, AFTER = 22, 42
"""The beat's window around its R peak, samples at 100 Hz: P to the end of T at ordinary rates."""

RATIO = 2.0
"""How many times worse the recorded arrangement must fit (in squared error) before an exchange is reported: few false
alarms come before many detections (rates: ``precordia eval quality``)."""


def swap_problems(view: View, facts: LeadFacts) -> list[Problem]:
    """One problem when the arm electrodes seem exchanged; none where it cannot be told (leads or beats are missing)."""
    if not {"I", "II", *CHEST_LEADS} <= set(view.leads):
        return []
    beat = median_beat(view, facts)
    if beat is None:
        return []
    ratio = misfit_ratio(beat, stored_coefficients())
    if ratio < RATIO:
        return []
    text = (
        f"leads I and II fit the chest leads {ratio:.1f} times better with the arm electrodes exchanged; "
        "exchange them (I upside down, II with III, aVR with aVL) or rule out dextrocardia"
    )
    return [Problem("electrode_swap", ("I", "II", "III", "aVR", "aVL"), min(0.8, 0.3 + 0.1 * ratio), text)]


def median_beat(view: View, facts: LeadFacts) -> NDArray[np.float64] | None:
    """``(8, BEFORE + AFTER)`` mV: I, II, V1 ... V6 around the R peak, from the level before P; None with fewer than 3 beats."""
    peaks, n = facts.beats, view.wide.shape[1]
    peaks = peaks[(peaks >= BEFORE) & (peaks < n - AFTER)][:60]
    if peaks.size < 3:
        return None
    rows = [view.leads.index(lead) for lead in LEADS if lead in ("I", "II") or lead in CHEST_LEADS]
    wide = view.wide[rows] - view.drift[rows]
    pieces = wide[:, peaks[:, None] + np.arange(-BEFORE, AFTER)]
    beat: NDArray[np.float64] = median(pieces, axis=1).astype(np.float64)
    beat -= beat[:, :3].mean(axis=1, keepdims=True)
    return beat


def misfit_ratio(beat: NDArray[np.float64], coefficients: NDArray[np.float64]) -> float:
    """Squared error of leads I and II as recorded over that with the arm electrodes exchanged.

    Args:
        beat: As :func:`median_beat` returns it.
        coefficients: ``(2, 6)``: leads I and II from V1 ... V6.
    """
    i, ii, chest = beat[0], beat[1], beat[2:]
    foretold = coefficients @ chest
    recorded = np.square(foretold - np.stack([i, ii])).sum()
    exchanged = np.square(foretold - np.stack([-i, ii - i])).sum()
    return float(recorded / max(exchanged, 1e-12))


def fit(beats_of: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(2, 6)`` coefficients from median beats.

    Args:
        beats_of: ``(n, 8, samples)`` as :func:`median_beat` returns them, of recordings with the electrodes in place.
    """
    size = np.sqrt(np.square(beats_of).mean(axis=(1, 2), keepdims=True))
    scaled = beats_of / np.maximum(size, 0.02)
    chest = scaled[:, 2:].transpose(0, 2, 1).reshape(-1, 6)
    limb = scaled[:, :2].transpose(0, 2, 1).reshape(-1, 2)
    solution: NDArray[np.float64] = np.linalg.lstsq(chest, limb, rcond=None)[0].T
    return solution


@cache
def stored_coefficients() -> NDArray[np.float64]:
    """Those that came with the package, ``(2, 6)``."""
    text = resources.files("precordia.records.quality").joinpath("swap.json").read_text("utf-8")
    return np.array(json.loads(text)["weights"], dtype=np.float64)
