"""Whether an adapted encoder is better than it was, asked of patients of the archive whom it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.bootstrap import Estimate
from precordia.encoders.training.probe import ridge_scores
from precordia.fitting.adaptation.material import FEWEST, Material


@dataclass(frozen=True)
class Check:
    """Macro AUROC of a linear probe on frozen vectors: fitted on the training part, scored on held-back patients.

    Attributes:
        before: By the encoder as it was.
        after: By the adapted one.
        gain: After less before on the same draws of patients, with its interval.
        n_findings: How many are asked.
        n_patients: How many are held back.
    """

    before: Estimate
    after: Estimate
    gain: Estimate
    n_findings: int
    n_patients: int

    @property
    def better(self) -> bool:
        """Whether the interval of the difference lies above zero."""
        return self.gain.low > 0

    def verdict(self) -> str:
        """In words."""
        if self.better:
            return "better on this archive's held-back patients"
        if self.gain.high < 0:
            return "WORSE on this archive's held-back patients: do not use it"
        lean = "higher" if self.gain.value > 0 else "not higher"
        return f"not shown to be better on this archive's held-back patients ({lean}, but the interval holds zero)"

    def lines(self) -> list[str]:
        """For people."""
        asked = (
            f"macro AUROC of {self.n_findings} findings, {self.before.n} ECGs of {self.n_patients} held-back patients"
        )
        return [
            f"{asked}: before {_figure(self.before)}, after {_figure(self.after)}",
            f"difference {self.gain.value:+.3f} ({self.gain.low:+.3f} to {self.gain.high:+.3f})",
        ]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            **{name: _plain(getattr(self, name)) for name in ("before", "after", "gain")},
            "n_findings": self.n_findings,
            "n_patients": self.n_patients,
            "n_ecgs": self.before.n,
            "better": self.better,
        }


def check_vectors(
    material: Material, before: tuple[NDArray[np.float32], ...], after: tuple[NDArray[np.float32], ...], seed: int
) -> Check | None:
    """The check; None where no finding has enough held-back ECGs of both kinds.

    Args:
        material: What was trained on and held back.
        before: Vectors ``(n, dim)`` of the training part and ``(m, dim)`` of the one held back, by the encoder as it was.
        after: The same by the adapted one.
        seed: Of the draws.
    """
    positive = material.held_back_labels.sum(axis=0)
    asked = (positive >= FEWEST) & (positive <= len(material.held_back) - FEWEST)
    if not asked.any():
        return None
    truth = material.held_back_labels[:, asked]
    scores = [ridge_scores(fit, material.labels[:, asked], held) for fit, held in (before, after)]
    patients = material.patients
    return Check(
        bootstrap.macro_auroc(truth, scores[0], patients, seed=seed),
        bootstrap.macro_auroc(truth, scores[1], patients, seed=seed),
        bootstrap.macro_auroc(truth, scores[1], patients, less=scores[0], seed=seed),
        int(asked.sum()),
        len(set(patients)),
    )


def _figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _plain(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
