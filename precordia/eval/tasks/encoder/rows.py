"""The figures of the encoder task, one function a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core import bootstrap
from precordia.core.recording import Recording
from precordia.encoders.encoder import unit_rows
from precordia.eval.harness.task import Row, Settings
from precordia.eval.metrics.probe import macro_auroc, precision_at
from precordia.eval.metrics.ranking import chance_ndcg, ndcg_at, shared_share
from precordia.eval.tasks.encoder.ptbxl import LabelledRecordings
from precordia.eval.tasks.encoder.systems import OURS, Learner, TrainedResNet

SUPERCLASS_GOAL: Final = 0.925
NETWORK_DRAWS: Final = 3
K: Final = 10
"""Neighbours looked at."""
_PRECISION: Final = "precision@10, shared superclass"
_NDCG: Final = "nDCG@10, overlap of codes"


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
    found = macro_estimate(split.data.superclasses[split.test], scores, split.test_patients, seed)
    return Row(system, metric, found.value, found.low, found.high, found.n, group, goal)


def macro_estimate(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], patients: Sequence[str], seed: int
) -> bootstrap.Estimate:
    """Macro AUROC with its interval."""
    return bootstrap.macro_auroc(labels, scores, patients, seed=seed)


def superclass_rows(split: Split, scores: Mapping[str, NDArray[np.float64]], seed: int) -> Iterator[Row]:
    """Every system with all labels, ours superclass by superclass, and how far ours is ahead of each."""
    labels = split.data.superclasses[split.test]
    for name, table in scores.items():
        goal = SUPERCLASS_GOAL if name == OURS else None
        yield macro_row(name, "macro AUROC, superclasses", split, table, seed, goal=goal)
    for column, superclass in enumerate(SUPERCLASSES):
        found = bootstrap.auroc(labels[:, column], scores[OURS][:, column], split.test_patients, seed=seed)
        yield Row(OURS, "AUROC", found.value, found.low, found.high, found.n, superclass)
    yield from ahead_rows(split, labels, scores, "superclasses", seed)


def code_rows(split: Split, scores: Mapping[str, NDArray[np.float64]], seed: int) -> Iterator[Row]:
    """Every system on the most frequent codes, and how far ours is ahead of each.

    Args:
        split: What was learned and scored.
        scores: ``(n_test, 20)`` by system, columns as :func:`frequent_codes` has them.
        seed: Of the draws.
    """
    labels = frequent_codes(split)[split.test]
    for name, table in scores.items():
        found = macro_estimate(labels, table, split.test_patients, seed)
        yield Row(name, "macro AUROC, 20 most frequent codes", found.value, found.low, found.high, found.n)
    yield from ahead_rows(split, labels, scores, "20 most frequent codes", seed)


def ahead_rows(
    split: Split, labels: NDArray[np.bool_], scores: Mapping[str, NDArray[np.float64]], what: str, seed: int
) -> Iterator[Row]:
    """Macro AUROC of ours less that of each other system on the same draws of patients."""
    ours = scores[OURS]
    for name, other in scores.items():
        if name == OURS:
            continue
        found = bootstrap.macro_auroc(labels, ours, split.test_patients, less=other, seed=seed)
        yield Row(OURS, f"macro AUROC, {what}: ahead of", found.value, found.low, found.high, found.n, name)


def frequent_codes(split: Split) -> NDArray[np.bool_]:
    """``(n, 20)``: the codes that are most frequent in the fitting part."""
    top = np.sort(np.argsort(-split.data.codes[split.fit].sum(axis=0), kind="stable")[:20])
    return split.data.codes[:, top]


def few_label_rows(split: Split, systems: Mapping[str, Learner], settings: Settings) -> Iterator[Row]:
    """Systems on a random part of the labels, with fixed settings: there is nothing to choose them on.

    A network is trained on the first :data:`NETWORK_DRAWS` of the draws only, since each takes a minute.
    """
    fit, test = np.flatnonzero(split.fit), np.flatnonzero(split.test)
    for share in (0.01, 0.1):
        draws = [
            np.random.default_rng([settings.seed, i]).choice(fit, max(round(share * len(fit)), 5), replace=False)
            for i in range(10)
        ]
        for name, system in settings.progress(systems.items(), len(systems), f"{share:.0%} of labels", "system"):
            some = draws[:NETWORK_DRAWS] if isinstance(system, TrainedResNet) else draws
            each = [system.learn(split.data.superclasses, rows, None, test) for rows in some]
            values = [macro_auroc(split.data.superclasses[split.test], scores) for scores in each]
            metric = f"macro AUROC, superclasses, {share:.0%} of labels"
            group = f"mean, lowest and highest of {len(some)} draws"
            low, high = float(np.min(values)), float(np.max(values))
            yield Row(name, metric, float(np.mean(values)), low, high, len(test), group)


def fall_row(
    split: Split, whole: NDArray[np.float64], changed: NDArray[np.float64], group: str, goal: float, seed: int
) -> Row:
    """How much macro AUROC ours loses when the ECGs are changed."""
    labels = split.data.superclasses[split.test]
    found = bootstrap.macro_auroc(labels, whole, split.test_patients, less=changed, seed=seed)
    metric = "fall of macro AUROC, superclasses"
    return Row(OURS, metric, found.value, found.low, found.high, found.n, group, goal, at_least=False)


def samples(split: Split, scores: Mapping[str, NDArray[np.float64]]) -> list[dict[str, object]]:
    """One mapping a system and test recording: scores and truth by superclass."""
    labels, out = split.data.superclasses[split.test], []
    recordings = split.recordings(split.test)
    for system, table in scores.items():
        for i, (recording, patient) in enumerate(zip(recordings, split.test_patients, strict=True)):
            sample: dict[str, object] = {"system": system, "sample": recording.recording_id, "patient": patient}
            for j, superclass in enumerate(SUPERCLASSES):
                sample[f"score_{superclass}"] = float(table[i, j])
                sample[f"truth_{superclass}"] = bool(labels[i, j])
            out.append(sample)
    return out


def retrieval_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Neighbours of the test part in the fitting part, with what neighbours drawn at random would share.

    An ECG without a code that any other has counts as a query for which nothing was found.
    """
    labels = split.data.superclasses
    relevance = shared_share(split.data.codes[split.test], split.data.codes[split.fit])
    for name, v in vectors.items():
        unit = unit_rows(v)
        shares = precision_at(unit[split.test], unit[split.fit], labels[split.test], labels[split.fit], K)
        nearest = np.argsort(-(unit[split.test] @ unit[split.fit].T), axis=1, kind="stable")[:, :K]
        gains = np.nan_to_num(ndcg_at(np.take_along_axis(relevance, nearest, axis=1), relevance, K))
        for metric, each in ((_PRECISION, shares), (_NDCG, gains)):
            found = bootstrap.mean(each, split.test_patients, seed=seed)
            yield Row(name, metric, found.value, found.low, found.high, found.n)
    n = int(split.test.sum())
    shared = (labels[split.test][:, None, :] & labels[split.fit][None]).any(axis=2)
    yield Row("chance", _PRECISION, float(shared.mean()), n=n)
    expected = np.nan_to_num(chance_ndcg(relevance, np.full(n, relevance.shape[1]), K))
    yield Row("chance", _NDCG, float(expected.mean()), n=n)
