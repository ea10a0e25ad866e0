"""``precordia eval report-consensus``: what the consensus of precedents says on held-back PTB-XL, against what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.core.case import patient_key_of
from precordia.core.drafts import Draft
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.encoders import load_encoder
from precordia.eval import bootstrap
from precordia.eval.task import Result, Row, Settings
from precordia.eval.tasks.reports_archive import VectorArchive, embed
from precordia.eval.tasks.reports_data import of_folds, read_ptbxl_here
from precordia.generation.reports.consensus import ConsensusSettings, compose
from precordia.judgement.calibration import Calibration, fit, save
from precordia.judgement.reconcile import said_of
from precordia.measurements import measure


class ReportConsensus:
    """Finding-level agreement of composed reports with the cardiologist's."""

    name = "report-consensus"
    summary = "reports composed from precedents, against what was written (PTB-XL fold 9)"
    protocol = (
        "PTB-XL 1.0.3, the 100 Hz records that are there. Archive: folds 1-8. Queries: fold 9 (no patient crosses folds). "
        "Findings are read from reports by precordia.concepts and closed under implication; artefacts and history left out. "
        "Micro precision, recall and F1 over queries, 95% bootstrap interval by patient; abstentions count as saying nothing. "
        "Settings were chosen and confidence was fitted on fold 8 against folds 1-7 (the encoder is not trained on fold 8). "
        "--set fit=FILE fits the curve of confidence anew and writes it; --set key=value changes a field of ConsensusSettings. "
        "Brier score and calibration error (10 bins of equal size) of the confidence of voted statements; share of them kept and "
        "share of those kept that are not in the report (risk) at rising confidence."
    )
    source = "Wagner et al., PTB-XL, Scientific Data 2020;7:154; CC BY 4.0"

    def run(self, settings: Settings) -> Result:
        """Compose a report for each query and compare."""
        recordings = read_ptbxl_here(settings.data)
        options = dict(settings.options)
        path = options.pop("fit", None)
        encoder = load_encoder(settings.encoder)
        vectors = embed(encoder, recordings, settings.progress)
        if path is not None:
            save(fit_confidence(recordings, vectors, encoder.fingerprint), Path(path))
        known = of_folds(recordings, range(1, 9))
        asked = of_folds(recordings, (9,))[: settings.limit]
        archive = VectorArchive(known, vectors)
        chosen = _consensus_settings(options, archive)
        commonest = _commonest(archive)
        rows: list[dict[str, Any]] = []
        trusted: list[tuple[float, bool, str]] = []
        for recording in settings.progress(asked, len(asked), "composing", "ECG"):
            hits = archive.hits(recording)
            truth = said_of(label_report(recording.report or ""))
            draft = compose(recording, hits, measure(recording), settings=chosen)
            votes_only = compose(recording, hits, Measurements(), settings=chosen)
            trusted += [
                (c, right, patient_key_of(recording)) for _, c, right in _outcomes(draft, truth) if c is not None
            ]
            answers = {
                "consensus": _concepts(draft),
                "consensus, votes only": _concepts(votes_only),
                "nearest report": said_of(hits[0].case.findings),
                "commonest findings": commonest,
            }
            for system, said in answers.items():
                rows.append(
                    {
                        "sample": recording.recording_id,
                        "system": system,
                        "patient": patient_key_of(recording),
                        "right": len(said & truth),
                        "said": len(said),
                        "true": len(truth),
                        "abstained": system.startswith("consensus") and draft.abstained,
                    }
                )
        return Result(
            self.name,
            tuple(row for system in dict.fromkeys(r["system"] for r in rows) for row in _figures(system, rows))
            + tuple(_trust(trusted)),
            notes=(
                f"archive {len(known)} recordings, queries {len(asked)}",
                "Support is agreement among precedents; a report that leaves a finding out does not deny it.",
            ),
            samples=rows,
            settings={"encoder": encoder.fingerprint, "consensus": repr(chosen)},
        )


def fit_confidence(
    recordings: Sequence[Recording], vectors: Mapping[str, NDArray[np.float32]], fingerprint: str
) -> Calibration:
    """The curve from support to confidence, from fold 8 against the reports of folds 1-7."""
    archive = VectorArchive(of_folds(recordings, range(1, 8)), vectors)
    asked = of_folds(recordings, (8,))
    every = ConsensusSettings(min_similarity=-1.0, min_support=0.05, min_agreeing=1, calibration=None)
    outcomes: list[tuple[float, float | None, bool]] = []
    for recording in asked:
        draft = compose(recording, archive.hits(recording), measure(recording), settings=every)
        outcomes += _outcomes(draft, said_of(label_report(recording.report or "")))
    voted = [(support, right) for support, _, right in outcomes if support < 1.0]
    source = f"PTB-XL fold 8 against folds 1-7, {len(asked)} recordings, encoder {fingerprint}"
    return fit([s for s, _ in voted], [r for _, r in voted], source)


def _outcomes(draft: Draft, truth: frozenset[str]) -> list[tuple[float, float | None, bool]]:
    """Support, confidence and truth of each statement that makes one finding."""
    return [(s.support, s.confidence, s.findings[0].concept in truth) for s in draft.statements if len(s.findings) == 1]


def _trust(trusted: Sequence[tuple[float, bool, str]]) -> list[Row]:
    """How good the confidence is, and what is gained by keeping only the more confident statements."""
    if not trusted:
        return []
    confidence = np.array([t[0] for t in trusted])
    right = np.array([t[1] for t in trusted], dtype=float)
    patients = [t[2] for t in trusted]
    brier = bootstrap.mean((confidence - right) ** 2, patients)
    bins = np.array_split(np.argsort(confidence, kind="stable"), 10)
    error = sum(abs(confidence[b].mean() - right[b].mean()) * b.size for b in bins if b.size) / confidence.size
    rows = [
        Row("consensus", "Brier score of confidence", brier.value, brier.low, brier.high, brier.n, at_least=False),
        Row("consensus", "calibration error of confidence", float(error), n=int(confidence.size), at_least=False),
    ]
    for least in (0.0, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = confidence >= least
        if kept.any():
            risk = bootstrap.rate(1 - right[kept], [p for p, k in zip(patients, kept, strict=True) if k])
            group = f"confidence at least {least:.1f}"
            rows.append(Row("consensus", "statements kept", float(kept.mean()), n=int(kept.size), group=group))
            rows.append(Row("consensus", "risk", risk.value, risk.low, risk.high, risk.n, group=group, at_least=False))
    return rows


def _consensus_settings(options: Mapping[str, str], archive: VectorArchive) -> ConsensusSettings:
    defaults = ConsensusSettings()
    changed: dict[str, Any] = {key: type(getattr(defaults, key))(value) for key, value in options.items()}
    return ConsensusSettings(**{"min_similarity": archive.floor, **changed})


def _commonest(archive: VectorArchive) -> frozenset[str]:
    """What more than half of the archive's reports state."""
    counts = Counter(concept for case in archive.cases for concept in said_of(case.findings))
    return frozenset(concept for concept, count in counts.items() if count > len(archive.cases) / 2)


def _concepts(draft: Draft) -> frozenset[str]:
    return said_of([finding for statement in draft.statements for finding in statement.findings])


def _figures(system: str, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    mine = [row for row in rows if row["system"] == system]
    patients = [row["patient"] for row in mine]
    right, said, true = (np.array([row[key] for row in mine], dtype=float) for key in ("right", "said", "true"))
    figures = [
        ("micro F1 of findings", bootstrap.ratio(2 * right, said + true, patients)),
        ("micro precision of findings", bootstrap.ratio(right, said, patients)),
        ("micro recall of findings", bootstrap.ratio(right, true, patients)),
        ("abstained", bootstrap.rate([row["abstained"] for row in mine], patients)),
    ]
    return [Row(system, metric, e.value, e.low, e.high, e.n) for metric, e in figures]


REPORT_CONSENSUS = ReportConsensus()
