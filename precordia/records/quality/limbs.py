"""Limb leads that contradict each other: Einthoven's and Goldberger's laws.

Einthoven: ``I + III = II``. Goldberger: ``aVR = -(I + II) / 2``, ``aVL = I - II / 2``, ``aVF = II - I / 2``. They hold
sample by sample whatever the heart does, so a breach means that leads were scaled, filtered or ordered differently, or
are not what they are called.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LIMB_FROM_I_II, LIMB_LEADS
from precordia.core.recording import Problem
from precordia.records.quality.view import FS, View

TOLERANCE = 0.05
"""Largest residual, as a share of the amplitude of the leads involved, that rounding and filters may leave. Real recordings
in true millivolts leave at most 0.01 (PTB-XL, LUDB, CinC 2021); LUDB's stored gains at least 0.09."""

FLOOR_MV = 0.005
"""Residual that is never a breach, mV root mean square in the QRS band; rounding to 5 µV leaves 0.001."""


def limb_problems(view: View, usable: NDArray[np.bool_]) -> list[Problem]:
    """Breaches of the two laws among the limb leads.

    Args:
        view: The recording.
        usable: ``(n_leads,)`` leads with a signal throughout; others are left out, since they break the laws trivially.
            Gaps in the usable ones are left out in time; less than a second in common is too little to judge.
    """
    wanted = [i for i, lead in enumerate(view.leads) if usable[i] and lead in LIMB_LEADS]
    known = slice(None) if view.known is None else view.known[wanted].all(axis=0)
    rows = {view.leads[i]: view.qrs[i][known] for i in wanted}
    if not rows or next(iter(rows.values())).size < FS:
        return []
    problems = []
    if all(lead in rows for lead in ("I", "II", "III")):
        found = _breach(rows, ("I", "II", "III"), np.array([[1.0, -1.0, 1.0]]))
        if found:
            text = f"I + III differs from II by {found:.0%} of their amplitude (Einthoven); the leads are scaled differently"
            problems.append(Problem("einthoven", ("I", "II", "III"), _severity(found), text))
    augmented = [lead for lead in ("aVR", "aVL", "aVF") if lead in rows]
    basis = [lead for lead in ("I", "II", "III") if lead in rows][:2]
    if len(basis) == 2 and augmented:
        to_i_ii = np.linalg.inv(np.array([LIMB_FROM_I_II[lead] for lead in basis]))
        breaches = []
        for lead in augmented:
            weights = np.array(LIMB_FROM_I_II[lead]) @ to_i_ii
            found = _breach(rows, (*basis, lead), np.array([[*weights, -1.0]]))
            if found:
                breaches.append((lead, found))
        if breaches:
            worst = max(breach for _, breach in breaches)
            text = (
                f"{', '.join(lead for lead, _ in breaches)} differ from what {basis[0]} and {basis[1]} give by up to {worst:.0%} "
                f"of their amplitude (Goldberger); {_guess(rows, [lead for lead, _ in breaches], basis, to_i_ii)}"
            )
            problems.append(Problem("goldberger", tuple(lead for lead, _ in breaches), _severity(worst), text))
    elif len(augmented) == 3:
        found = _breach(rows, ("aVR", "aVL", "aVF"), np.array([[1.0, 1.0, 1.0]]))
        if found:
            text = f"aVR + aVL + aVF is {found:.0%} of their amplitude instead of zero (Goldberger)"
            problems.append(Problem("goldberger", ("aVR", "aVL", "aVF"), _severity(found), text))
    return problems


def _breach(rows: dict[str, NDArray[np.float32]], leads: tuple[str, ...], law: NDArray[np.float64]) -> float | None:
    """Residual of a law as a share of the largest lead's amplitude, when it is a breach."""
    stack = np.stack([rows[lead] for lead in leads])
    residual = float(np.sqrt(np.square(law @ stack).mean()))
    amplitude = float(np.sqrt(np.square(stack).mean(axis=1).max()))
    if residual < FLOOR_MV or residual < TOLERANCE * amplitude:
        return None
    return residual / amplitude


def _guess(
    rows: dict[str, NDArray[np.float32]], leads: Sequence[str], basis: Sequence[str], to_i_ii: NDArray[np.float64]
) -> str:
    """What the leads in breach look like instead: another limb lead, one upside down, or nothing known."""
    i_ii = to_i_ii @ np.stack([rows[lead] for lead in basis])
    found = []
    for lead in leads:
        for other, weights in LIMB_FROM_I_II.items():
            for sign, prefix in ((1, ""), (-1, "-")):
                residual = np.sqrt(np.square(rows[lead] - sign * (np.array(weights) @ i_ii)).mean())
                if residual < max(FLOOR_MV, TOLERANCE * float(np.sqrt(np.square(rows[lead]).mean()))):
                    found.append(f"{lead} looks like {prefix}{other}")
    return ", ".join(found) or "the leads are scaled differently or misnamed"


def _severity(breach: float) -> float:
    return float(np.clip(0.3 + breach / 2, 0, 0.8))
