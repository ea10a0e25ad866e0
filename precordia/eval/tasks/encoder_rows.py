"""The figures of the encoder task, one function a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError
from precordia.core.recording import Recording
from precordia.encoders.encoder import SignalEncoder, unit_rows
from precordia.eval import bootstrap
from precordia.eval.task import Row
from precordia.eval.tasks.encoder_probe import Probe, fit_probe, macro_auroc, precision_at, reciprocal_ranks
from precordia.eval.tasks.encoder_ptbxl import SUPERCLASSES, LabelledRecordings

PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "NORM": ("normal ECG", "sinus rhythm. normal ECG", "within normal limits"),
    "MI": ("myocardial infarction", "old inferior myocardial infarction", "anteroseptal myocardial infarction"),
    "STTC": ("ST-T changes", "T wave inversion", "ST depression, ischaemia", "non-specific T wave changes"),
    "CD": ("conduction disturbance", "left bundle branch block", "right bundle branch block", "left anterior fascicular block",
           "first degree AV block"),
    "HYP": ("left ventricular hypertrophy", "right ventricular hypertrophy", "atrial enlargement"),
}  # fmt: skip
"""Texts that stand for a superclass in the zero-shot row; written before any result was seen, never tuned."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which recordings probes are fitted on, have their penalty chosen on (a part of those), and are scored on."""

    data: LabelledRecordings
    fit: NDArray[np.bool_]
    choose: NDArray[np.bool_]
    test: NDArray[np.bool_]

    @property
    def test_patients(self) -> list[str]:
        """The patient of each test recording."""
        return [p for p, wanted in zip(self.data.patients, self.test, strict=True) if wanted]

    def recordings(self, rows: NDArray[np.bool_]) -> list[Recording]:
        """The recordings of a mask."""
        return [r for r, wanted in zip(self.data.recordings, rows, strict=True) if wanted]


def macro_row(
    system: str,
    metric: str,
    split: Split,
    scores: NDArray[np.float64],
    seed: int,
    *,
    group: str = "",
    goal: float | None = None,
) -> Row:
    """Macro AUROC over the superclasses on the test part."""
    found = _macro_estimate(split.data.superclasses[split.test], scores, split, seed)
    return Row(system, metric, found.value, found.low, found.high, found.n, group, goal)


def _macro_estimate(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], split: Split, seed: int
) -> bootstrap.Estimate:
    return bootstrap.statistic(
        lambda rows: macro_auroc(labels[rows], scores[rows]), len(labels), split.test_patients, seed=seed
    )


def probe_rows(
    split: Split, vectors: Mapping[str, NDArray[np.float32]], probes: Mapping[str, Probe], seed: int
) -> Iterator[Row]:
    """Every system with all labels, and ours superclass by superclass."""
    for name, probe in probes.items():
        scores = probe.scores(vectors[name][split.test])
        yield macro_row(
            name, "macro AUROC, superclasses", split, scores, seed, goal=0.86 if name == "precordia" else None
        )
    scores = probes["precordia"].scores(vectors["precordia"][split.test])
    for column, superclass in enumerate(SUPERCLASSES):
        truth = split.data.superclasses[split.test][:, column]
        found = bootstrap.auroc(truth, scores[:, column], split.test_patients, seed=seed)
        yield Row("precordia", "AUROC", found.value, found.low, found.high, found.n, superclass)


def code_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Every system on the codes that are most frequent in the fitting part."""
    top = np.sort(np.argsort(-split.data.codes[split.fit].sum(axis=0), kind="stable")[:20])
    labels = split.data.codes[:, top]
    for name, v in vectors.items():
        probe = fit_probe(v[split.fit], labels[split.fit], split.choose[split.fit])
        found = _macro_estimate(labels[split.test], probe.scores(v[split.test]), split, seed)
        yield Row(name, "macro AUROC, 20 most frequent codes", found.value, found.low, found.high, found.n)


def few_label_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Probes on a random part of the labels, with one penalty for all (C = 0.01: there is nothing to choose it on)."""
    fit = np.flatnonzero(split.fit)
    for share in (0.01, 0.1):
        draws = [
            np.random.default_rng([seed, i]).choice(fit, max(round(share * len(fit)), 5), replace=False)
            for i in range(10)
        ]
        for name, v in vectors.items():
            each = [
                fit_probe(v[rows], split.data.superclasses[rows], None, 1e-2).scores(v[split.test]) for rows in draws
            ]
            values = [macro_auroc(split.data.superclasses[split.test], scores) for scores in each]
            metric = f"macro AUROC, superclasses, {share:.0%} of labels"
            group = "mean, lowest and highest of 10 draws"
            low, high = float(np.min(values)), float(np.max(values))
            yield Row(name, metric, float(np.mean(values)), low, high, int(split.test.sum()), group)


def retrieval_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Neighbours of the test part in the fitting part."""
    labels = split.data.superclasses
    for name, v in vectors.items():
        unit = unit_rows(v)
        shares = precision_at(unit[split.test], unit[split.fit], labels[split.test], labels[split.fit])
        found = bootstrap.mean(shares, split.test_patients, seed=seed)
        yield Row(name, "precision@10, shared superclass", found.value, found.low, found.high, found.n)
    chance = (labels[split.test][:, None, :] & labels[split.fit][None]).any(axis=2).mean()
    yield Row("chance", "precision@10, shared superclass", float(chance), n=int(split.test.sum()))


def text_rows(split: Split, encoder: SignalEncoder, vectors: NDArray[np.float32], seed: int) -> Iterator[Row]:
    """Zero-shot by prompts, and retrieval between ECGs and their reports within the test part."""
    from precordia.concepts import canonical_text
    from precordia.encoders.text import load_text_encoder

    text_encoder = load_text_encoder()
    if text_encoder.fingerprint != encoder.text_fingerprint:
        raise CheckpointError(
            f"encoder {encoder.fingerprint} was aligned with text encoder {encoder.text_fingerprint}, but the default one is "
            f"{text_encoder.fingerprint}: leave out the part text (--set parts=...) or train again"
        )
    space = encoder.to_text_space(vectors)
    scores = np.stack(
        [(space @ text_encoder.embed(list(PROMPTS[name])).T).mean(axis=1) for name in SUPERCLASSES], axis=1
    ).astype(np.float64)
    yield macro_row("precordia, zero-shot", "macro AUROC, superclasses", split, scores, seed, goal=0.85)
    texts = [canonical_text(r.report or "") for r in split.recordings(split.test)]
    kept = [i for i, text in enumerate(texts) if text]
    words = [texts[i] for i in kept]
    patients = [split.test_patients[i] for i in kept]
    similarity = (space[kept] @ text_encoder.embed(words).T).astype(np.float32)
    for metric, table in (("ECG to its report", similarity), ("report to its ECG", similarity.T)):
        found = bootstrap.mean(reciprocal_ranks(table, words), patients, seed=seed)
        yield Row("precordia", f"mean reciprocal rank, {metric}", found.value, found.low, found.high, found.n)


def samples(split: Split, scores: NDArray[np.float64]) -> list[dict[str, object]]:
    """One mapping a test recording: scores and truth by superclass."""
    labels, out = split.data.superclasses[split.test], []
    for i, (recording, patient) in enumerate(zip(split.recordings(split.test), split.test_patients, strict=True)):
        sample: dict[str, object] = {"recording_id": recording.recording_id, "patient": patient}
        for j, superclass in enumerate(SUPERCLASSES):
            sample[f"score_{superclass}"] = float(scores[i, j])
            sample[f"truth_{superclass}"] = bool(labels[i, j])
        out.append(sample)
    return out
