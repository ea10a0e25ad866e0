"""The confidence below which a statement is withheld, so that few of those that are not are wrong.

Thresholds are tried from the strictest down, and the last is taken before one at which the upper confidence bound of the
risk, by patients drawn anew, exceeds what is allowed (fixed-sequence testing: Angelopoulos et al., Learn then test,
arXiv:2110.01052, 2021; selective risk: Geifman and El-Yaniv, NeurIPS 2017). Drawing anew knows only the patients that there were,
and of few that never were wrong it says that none will be. So the next patient counts among them, as conformal risk control has it
(Angelopoulos et al., arXiv:2208.02814, 2022): with as much to be told as the others, on average, and all of it wrong. The promise
holds for ECGs and questions like those it was chosen on, which must be held back from whatever gives the confidences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

NEVER = 1.01
"""A threshold that nothing reaches: no threshold keeps to the risk."""


def risk_threshold(
    confidence: ArrayLike,
    right: ArrayLike,
    patients: Sequence[object],
    *,
    risk: float,
    weights: ArrayLike | None = None,
    level: float = 0.9,
    least: int = 50,
    resamples: int = 500,
    seed: int = 42,
) -> float:
    """The lowest confidence at which the share of wrong statements among those kept stays within ``risk``.

    Args:
        confidence: ``(n,)`` of each statement, 0 to 1.
        right: ``(n,)`` whether it was.
        patients: ``(n,)`` whose ECG it is about; statements of one patient are not independent.
        risk: Share of wrong statements allowed among those kept.
        weights: ``(n,)`` what each counts, or None for all alike.
        level: How sure the bound is.
        least: Thresholds that keep fewer statements are not tried.
        resamples: Draws of patients.
        seed: Of the draws.

    Returns:
        A threshold for ``confidence >= threshold``; :data:`NEVER` where none keeps to the risk.

    >>> risk_threshold([0.9] * 60 + [0.2] * 60, [True] * 60 + [False] * 60, range(120), risk=0.1)
    0.9
    """
    p, wrong = np.asarray(confidence, dtype=float), 1.0 - np.asarray(right, dtype=float)
    w = np.ones(p.size) if weights is None else np.asarray(weights, dtype=float)
    _, code = np.unique([str(patient) for patient in patients], return_inverse=True)
    n = int(code.max()) + 1 if code.size else 0
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples) if n else np.zeros((0, 0))
    kept_to = NEVER
    for threshold in sorted({float(np.floor(q * 100) / 100) for q in p.tolist()}, reverse=True):
        kept = p >= threshold
        if int(kept.sum()) < least:
            continue
        tops = np.bincount(code[kept], (w * wrong)[kept], n)
        bottoms = np.bincount(code[kept], w[kept], n)
        ahead = float(bottoms[bottoms > 0].mean())
        risks = (draws @ tops + ahead) / (draws @ bottoms + ahead)
        if float(np.quantile(risks, level)) > risk:
            break
        kept_to = threshold
    return kept_to


def calibrate_similarity(nearest: ArrayLike, share: float = 0.02) -> float:
    """The similarity below which a recording counts as having no near precedent.

    Conformal: of recordings drawn like those given, at most ``share`` fall below (Vovk, Gammerman & Shafer, Algorithmic
    Learning in a Random World, 2005, ch. 2).

    Args:
        nearest: Similarity of each calibration recording to its nearest case of another patient.
        share: Share of ordinary recordings that may be refused, 0 to 1.

    >>> calibrate_similarity([0.9, 0.8, 0.7, 0.6], share=0.25)
    0.6
    """
    ordered = np.sort(np.asarray(nearest, dtype=np.float64))
    rank = int(np.floor(share * (ordered.size + 1)))
    return float(ordered[rank - 1]) if 1 <= rank <= ordered.size else -1.0
