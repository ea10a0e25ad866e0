"""``precordia eval pulse-rhythm``: fibrillation against sinus rhythm by the ECGs that a pulse finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.datasets import ptbxl
from precordia.encoders import load_encoder
from precordia.encoders.sources import read_ptbxl
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.fitting.signals.pulse_pairs import HELD_BACK, Pairs, phantom_pairs, real_pairs
from precordia.signals.pulse.analysis import analyse_pulse
from precordia.signals.pulse.encoder import SHIPPED, load_pulse_encoder
from precordia.signals.pulse.windows import FS

CARD: Final = TaskCard(
    name="pulse-rhythm",
    summary="pulse: fibrillation against sinus rhythm by retrieved ECGs, beside rate and irregularity alone",
    protocol=(
        "A pulse of 9 s asks an archive of ECGs; the score is the share of fibrillation among the 15 nearest in sinus rhythm or "
        "fibrillation. Simulated: phantoms that nothing was trained on ask 800 of the training's. Real beats: the QRS "
        "complexes of PTB-XL's fold 9 turned to pulses ask the ECGs of folds 1-8. Beside it: a logistic regression of rate and "
        "irregularity (measured as precordia inspect does) fitted on the archive's own pulses, and the neighbours of the ECG "
        "itself. Setting: pulse=DIR, a pulse encoder's folder (what ships)."
    ),
    source=f"simulated; {ptbxl.CARD.citation} ({ptbxl.CARD.licence})",
    code=__name__,
    headline=("AUROC*",),
)

K: Final = 15
GALLERY, QUERIES = 800, 500
_FEWEST: Final = 5


class PulseRhythmTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        self.card.check_options(settings.options, "pulse")
        encoder = load_encoder(settings.encoder)
        pulses = load_pulse_encoder(encoder.fingerprint, settings.options.get("pulse", SHIPPED))
        rows: list[Row] = []
        samples: list[Mapping[str, Any]] = []
        for group, gallery, queries, goal in self._parts(settings, encoder):
            scores = {
                "retrieved rhythms": neighbours(pulses.embed_windows(queries.windows), gallery),
                "rate and irregularity": irregularity(gallery, queries),
                "neighbours of the ECG itself": neighbours(queries.vectors, gallery),
            }
            known = np.isin(queries.rhythms, ("sinus", "fibrillation"))
            truth = (queries.rhythms == "fibrillation")[known]
            if min(truth.sum(), (~truth).sum()) < _FEWEST:
                raise InputError(
                    f"{group}: {int(truth.sum())} in fibrillation of {truth.size} are too few; raise --limit"
                )
            for system, score in scores.items():
                e = bootstrap.auroc(truth, score[known], seed=settings.seed)
                wanted = goal if system == "retrieved rhythms" else None
                rows.append(
                    Row(system, "AUROC, fibrillation against sinus rhythm", e.value, e.low, e.high, e.n, group, wanted)
                )
                samples += [
                    {
                        "sample": f"{group} {n}",
                        "patient": f"{group} {n}",
                        "system": system,
                        "truth": bool(t),
                        "score": float(s),
                    }
                    for n, (t, s) in enumerate(zip(truth, score[known], strict=True))
                ]
            d = bootstrap.auroc_difference(
                truth, scores["retrieved rhythms"][known], scores["rate and irregularity"][known], seed=settings.seed
            )
            rows.append(
                Row("retrieved rhythms less rate and irregularity", "AUROC", d.value, d.low, d.high, d.n, group)
            )
        return Result(
            CARD.name,
            tuple(rows),
            (
                "Every pulse is simulated, from phantom or real beats: no figure here is of a sensor on a patient in fibrillation.",
                "Flutter, pacing, block and bigeminy are left out of the question.",
            ),
            samples,
            {"pulse": settings.options.get("pulse", "shipped"), "k": str(K)},
        )

    def _parts(self, settings: Settings, encoder: Any) -> list[tuple[str, Pairs, Pairs, float | None]]:
        watch = settings.progress
        n = settings.limit or QUERIES
        phantoms = (
            phantom_pairs(min(GALLERY, 2 * n), encoder, progress=watch),
            phantom_pairs(n, encoder, first=HELD_BACK, progress=watch),
        )
        found = _with_codes(settings.data / "ptbxl")
        archive = [r for r in found if r.metadata["strat_fold"] != "9"][: settings.limit and 3 * settings.limit]
        asking = [r for r in found if r.metadata["strat_fold"] == "9"][: settings.limit]
        real = (real_pairs(archive, encoder, progress=watch), real_pairs(asking, encoder, progress=watch))
        return [("simulated", *phantoms, 0.95), ("real beats of PTB-XL fold 9", *real, None)]


def _with_codes(folder: Path) -> list[Recording]:
    """PTB-XL's recordings with the codes of its table."""
    table, _ = ptbxl.read_table(folder)
    return [
        replace(r, codes=tuple(ptbxl.codes_of(table[int(r.recording_id.split(":")[1])]))) for r in read_ptbxl(folder)
    ]


PULSE_RHYTHM: Final = PulseRhythmTask()


def neighbours(vectors: NDArray[np.float32], gallery: Pairs, k: int = K) -> NDArray[np.float64]:
    """Share of fibrillation among the nearest ECGs in one of the two rhythms, the nearer ones weighing a little more, ``(n,)``."""
    known = np.isin(gallery.rhythms, ("sinus", "fibrillation"))
    cosines = vectors @ gallery.vectors[known].T
    fibrillating = (gallery.rhythms[known] == "fibrillation").astype(np.float64)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    # Ranks from 1 down to a half: ties between shares are few then.
    weights = np.linspace(1.0, 0.5, nearest.shape[1])
    return np.asarray(fibrillating[nearest] @ weights / weights.sum())


def irregularity(gallery: Pairs, queries: Pairs) -> NDArray[np.float64]:
    """A logistic regression of rate and irregularity, fitted on the gallery's pulses, ``(n,)``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = np.isin(gallery.rhythms, ("sinus", "fibrillation"))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(_features(gallery.windows[known]), gallery.rhythms[known] == "fibrillation")
    return np.asarray(model.predict_proba(_features(queries.windows))[:, 1])


def _features(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rate, coefficient of variation, RMSSD over the mean, and quality; a pulse without intervals gives the median of the rest."""
    rows = np.full((len(windows), 4), np.nan)
    for row, window in enumerate(windows):
        found = analyse_pulse(window.astype(np.float64), FS)
        _, rr = found.intervals
        rows[row, 3] = found.quality
        if rr.size >= 3:
            rows[row, :3] = (60000.0 / rr.mean(), rr.std() / rr.mean(), np.sqrt(np.mean(np.diff(rr) ** 2)) / rr.mean())
    usual = np.nanmedian(rows, axis=0) if np.isfinite(rows).any() else np.zeros(4)
    return np.where(np.isfinite(rows), rows, usual)
