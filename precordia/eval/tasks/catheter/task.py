"""``precordia eval catheter``: hidden stretches of simulated electrograms, and fibrillation told from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.catheter.baselines import FILLS, cycles_tell
from precordia.fitting.signals.catheter import HELD_BACK, SIMULATED, Ward, simulated_ward
from precordia.signals.catheter.model import CatheterModel, load_catheter_model
from precordia.signals.catheter.tokens import FS, SAMPLES
from precordia.simulation.electrogram import ANOTHER

PATIENTS: Final = 600
KNOWN: Final = 1500
"""Patients of the training, on whom the baseline of cycles is fitted."""

SPANS_MS: Final = (50, 100, 200)
SCATTERED: Final = 0.75
PER_ROW: Final = 3
"""Spans hidden in one electrogram."""

MODEL: Final = "masked model"
_FEWEST: Final = 5

CARD: Final = TaskCard(
    name="catheter",
    summary="simulated electrograms: hidden stretches said, fibrillation told",
    protocol=(
        "SIMULATED electrograms (2 s at 200 Hz) of patients that nothing was trained on. Hidden: three stretches of 50, 100 or "
        "200 ms, or three of four single samples as in the seed; root mean square error over what is hidden, as a share of the "
        "electrogram's range, beside a line, a natural cubic spline, and what was one cycle away. Fibrillation against sinus "
        "rhythm, and against sinus rhythm and flutter: AUROC of the rhythm's word, beside boosted trees on cycle length, its "
        "irregularity, dominant frequency and regularity, fitted on 1,500 patients of the training. Another laboratory: 30 Hz "
        "high-pass and more noise, unseen in training (trees fitted on the usual one). 95% intervals by patient."
    ),
    source="simulated (precordia.simulation.electrogram); after Han et al., Text-EGM, CHIL 2024, arXiv 2402.01115",
    code=__name__,
    headline=("AUROC*", "error*"),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        against: Name of what fibrillation is told from.
        others: Rhythms.
    """

    against: str
    others: tuple[str, ...]


ASKED: Final = (Asked("sinus rhythm", ("sinus",)), Asked("sinus rhythm and flutter", ("sinus", "flutter")))


class CatheterTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        if unknown := set(settings.options) - {"model"}:
            raise UsageError(f"task catheter has no setting {', '.join(sorted(unknown))}")
        model = load_catheter_model(*([settings.options["model"]] if "model" in settings.options else []))
        n = settings.limit or PATIENTS
        known = simulated_ward(min(KNOWN, 4 * n), progress=settings.progress)
        rows: list[Row] = []
        samples: list[dict[str, Any]] = []
        for laboratory, ward in (
            ("simulated", simulated_ward(n, first=HELD_BACK, progress=settings.progress)),
            ("simulated, another laboratory", simulated_ward(n, first=HELD_BACK, laboratory=ANOTHER)),
        ):
            said = _fibrillation(model, known, ward)
            for question in ASKED:
                rows += _told(said, ward, question, laboratory, settings.seed)
            samples += [
                {"sample": f"{laboratory} {i}", "patient": str(i), "system": system, "fibrillation": bool(truth), "score": float(s)}
                for system, scores in said.items()
                for i, (s, truth) in enumerate(zip(scores, ward.rhythms == "fibrillation", strict=True))
            ]  # fmt: skip
            for name, hidden in _hidings(len(ward), settings.seed).items():
                rows += _interpolated(model, ward, hidden, name, laboratory, settings.seed)
        return Result(
            CARD.name,
            tuple(rows),
            (f"{SIMULATED}.", f"{n} patients that nothing was trained on, one electrogram each."),
            samples,
            {"model": settings.options.get("model", "shipped")},
        )


CATHETER: Final = CatheterTask()


def _fibrillation(model: CatheterModel, known: Ward, ward: Ward) -> dict[str, NDArray[np.float64]]:
    return {
        MODEL: model.rhythms(ward.rows, ward.sites.tolist())[:, -1].astype(np.float64),
        "cycles measured": cycles_tell(known.rows, known.rhythms == "fibrillation", ward.rows),
    }


def _told(
    said: Mapping[str, NDArray[np.float64]], ward: Ward, question: Asked, laboratory: str, seed: int
) -> list[Row]:
    kept = np.isin(ward.rhythms, (*question.others, "fibrillation"))
    truth = (ward.rhythms == "fibrillation")[kept]
    if min(truth.sum(), (~truth).sum()) < _FEWEST:
        raise UsageError(f"{laboratory}: too few patients in fibrillation or out of it; raise --limit")
    metric, rows = f"AUROC, fibrillation against {question.against}", []
    for system, scores in said.items():
        e = bootstrap.auroc(truth, scores[kept], seed=seed)
        rows.append(Row(system, metric, e.value, e.low, e.high, e.n, laboratory))
    first, second = (said[name][kept] for name in (MODEL, "cycles measured"))
    d = bootstrap.auroc_difference(truth, first, second, seed=seed)
    return [*rows, Row(f"{MODEL} less cycles measured", metric, d.value, d.low, d.high, d.n, laboratory)]


def _hidings(n: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """What is hidden, by name: stretches one behind the other, each somewhere in its third of the electrogram."""
    rng = np.random.default_rng(seed)
    out = {}
    for span in SPANS_MS:
        length, room = round(span / 1000 * FS), SAMPLES // PER_ROW
        hidden = np.zeros((n, SAMPLES), dtype=np.bool_)
        for row in hidden:
            for part in range(PER_ROW):
                start = part * room + int(rng.integers(1, room - length))
                row[start : start + length] = True
        out[f"stretches of {span} ms"] = hidden
    out["three of four samples"] = rng.random((n, SAMPLES)).argsort(axis=1) < SCATTERED * SAMPLES
    return out


def _interpolated(
    model: CatheterModel, ward: Ward, hidden: NDArray[np.bool_], name: str, laboratory: str, seed: int
) -> list[Row]:
    said = {MODEL: model.interpolate(ward.rows, hidden, ward.sites.tolist())}
    said |= {
        system: np.stack([fill(*one) for one in zip(ward.rows, hidden, strict=True)]) for system, fill in FILLS.items()
    }
    spread = np.ptp(ward.rows, axis=1)
    errors = {system: _rms(found - ward.rows, hidden) / spread for system, found in said.items()}
    rows = []
    for rhythm in ("every rhythm", *np.unique(ward.rhythms)):
        kept = np.ones(len(ward), dtype=np.bool_) if rhythm == "every rhythm" else ward.rhythms == rhythm
        group = f"{laboratory}, {name}, {rhythm}"
        for system, own in errors.items():
            e = bootstrap.mean(own[kept], seed=seed)
            rows.append(Row(system, "error, share of range", e.value, e.low, e.high, e.n, group, at_least=False))
        best = min(FILLS, key=lambda system: float(errors[system][kept].mean()))
        d = bootstrap.difference(errors[MODEL][kept], errors[best][kept], seed=seed)
        rows.append(
            Row(f"{MODEL} less {best}", "error, share of range", d.value, d.low, d.high, d.n, group, at_least=False)
        )
    return rows


def _rms(error: NDArray[np.float32], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt((np.where(hidden, error, 0.0) ** 2).sum(axis=1) / hidden.sum(axis=1)), dtype=np.float64)
