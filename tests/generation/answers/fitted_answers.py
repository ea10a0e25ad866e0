"""Fitted answers made by hand: probes that read one number each."""

from __future__ import annotations

import numpy as np

from precordia.core.leads import LEADS
from precordia.generation.answers.features import N_LEAD, N_NOISE, Features
from precordia.generation.answers.fitted import FittedAnswers, Probes, Scaling, Trust
from precordia.generation.answers.priors import AskedBefore
from precordia.judgement.calibration import Calibration
from precordia.measurements.feature_vector import MEASURED_FROM, N_MEASURED

DIM = 2
GROUPS = {
    "overall": ("NORM",),
    "diagnostic": ("LVH", "CLBBB", "IMI"),
    "form": ("INVT", "PVC"),
    "rhythm": ("SR", "AFIB"),
    "superclass": ("MI", "HYP"),
    "noise": ("SNOISE", "BDRIFT"),
    "stage": ("stage:old", "stage:none"),
    "beats": ("beats:PVC",),
    "axis": ("LAD", "NAXIS"),
}
RISK = {"verify": 0.1, "choose": 0.2, "query": 0.2}
WHOLE = (
    *(t for members in GROUPS.values() for t in members),
    "LVH!", "CLBBB!", "IMI!", "any:noise", "any:finding", "any:beats",
)  # fmt: skip


def plain(n: int) -> Scaling:
    """Numbers as they are; what is missing counts as zero."""
    return Scaling(np.zeros(n), np.zeros(n), np.ones(n), np.zeros(0, dtype=np.int64))


def fitted_answers(
    *,
    asked: AskedBefore | None = None,
    least: dict[str, float] | None = None,
    vote: float = 0.0,
    curves: dict[str, Calibration] | None = None,
) -> FittedAnswers:
    """Every target has prevalence 0.2 and odds of 1 to 4, but: LVH by the first number of the embedding, CLBBB by QRS
    duration in units of 100 ms, static noise in a lead by the lead's first disturbance."""
    n = DIM + N_MEASURED + N_NOISE
    weights = np.zeros((len(WHOLE), n))
    weights[WHOLE.index("LVH"), 0] = 1.0
    weights[WHOLE.index("LVH!"), 0] = 1.0
    weights[WHOLE.index("CLBBB"), DIM + MEASURED_FROM.index("qrs_ms")] = 1.0
    n_lead = N_LEAD + len(LEADS) + 1
    lead_weights = np.zeros((1, n_lead))
    lead_weights[0, 0] = 1.0
    prior = float(np.log(0.25))
    return FittedAnswers(
        "e1", "hand", GROUPS, dict.fromkeys((*WHOLE, *(f"SNOISE@{lead}" for lead in LEADS)), 0.2),
        {"LVH": "LVH", "LVH!": "LVH", "CLBBB": "CLBBB", "SR": "SR", "AFIB": "AFIB", "NORM": "NORM", "INVT": "INVT"},
        Probes(WHOLE, plain(n), weights, np.full(len(WHOLE), prior)),
        Probes(("SNOISE",), plain(n_lead), lead_weights, np.full(1, prior)),
        {"voted": Trust(vote=vote), "unvoted": Trust(), "lead": Trust()},
        asked or AskedBefore(), curves=curves or {}, least_confidence=least or {}, risk=RISK,
    )  # fmt: skip


def numbers(lvh: float = 0.0, qrs: float = 0.0, noisy: tuple[str, ...] = ()) -> Features:
    """An ECG for :func:`fitted_answers`; a noisy lead has its first disturbance at 4, others at -4."""
    measured = np.full(N_MEASURED, np.nan)
    measured[MEASURED_FROM.index("qrs_ms")] = qrs
    leads = np.zeros((len(LEADS), N_LEAD))
    leads[:, 0] = [4.0 if lead in noisy else -4.0 for lead in LEADS]
    return Features(np.array([lvh, 0.0]), measured, np.zeros(N_NOISE), leads)
