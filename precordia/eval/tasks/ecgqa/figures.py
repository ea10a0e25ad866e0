"""Figures over outcomes: exact match by type and attribute, their macro mean, and the two tests of reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.datasets.ecgqa.questions import ATTRIBUTE_TYPES, QUESTION_TYPES
from precordia.eval.harness.task import Row
from precordia.eval.tasks.ecgqa.outcomes import Outcome

EXACT_MATCH = "exact match"


def rows_of(outcomes: Sequence[Outcome], seed: int) -> list[Row]:
    """Every figure of one system; by type, a scorer other than the corrected one only where it judges differently."""
    if not outcomes:
        return []
    rows = [_macro(outcomes, metric, hits, seed) for metric, hits in _scored(outcomes)]
    for kind in QUESTION_TYPES:
        mine = [o for o in outcomes if o.question.type == kind]
        plain = [o.corrected for o in mine]
        for metric, hits in _scored(mine):
            if metric == EXACT_MATCH or list(hits) != plain:
                rows += _rate(mine, metric, hits, seed, kind)
    for kind in ATTRIBUTE_TYPES:
        mine = [o for o in outcomes if o.question.attribute == kind]
        rows += _rate(mine, EXACT_MATCH, [o.corrected for o in mine], seed, f"attribute {kind}")
    for kind in QUESTION_TYPES:
        mine = [o for o in outcomes if o.fold_9 and o.question.type == kind]
        rows += _rate(mine, EXACT_MATCH, [o.corrected for o in mine], seed, f"{kind}, fold 9")
    return rows + _reading(outcomes, seed) + cost(outcomes)


def _scored(outcomes: Sequence[Outcome]) -> list[tuple[str, list[bool]]]:
    """Each metric with who was right by it; the classifier protocol where the system gives scores."""
    out = [
        (EXACT_MATCH, [o.corrected for o in outcomes]),
        (f"{EXACT_MATCH}, paper-exact", [o.paper_exact for o in outcomes]),
    ]
    judged = [o.classifier for o in outcomes if o.classifier is not None]
    if len(judged) == len(outcomes):
        out.append((f"{EXACT_MATCH}, classifier", judged))
    return out


def _reading(outcomes: Sequence[Outcome], seed: int) -> list[Row]:
    rows = []
    for kind in QUESTION_TYPES:
        mine = [o for o in outcomes if o.question.type == kind and o.other_ecg_same is not None]
        rows += _rate(mine, "exact match, another's ECG", [bool(o.other_ecg_right) for o in mine], seed, kind)
        rows += _rate(mine, "same answer, another's ECG", [bool(o.other_ecg_same) for o in mine], seed, kind)
        mine = [o for o in outcomes if o.question.type == kind and o.other_words_same is not None]
        rows += _rate(mine, "exact match, other wording", [bool(o.other_words_right) for o in mine], seed, kind)
        rows += _rate(mine, "same answer, other wording", [bool(o.other_words_same) for o in mine], seed, kind)
    return rows


def cost(outcomes: Sequence[Outcome]) -> list[Row]:
    """What a language model's replies took, on average, where that was counted."""
    rows = []
    for metric, counts in (
        ("tokens of a prompt", [o.tokens_in for o in outcomes if o.tokens_in is not None]),
        ("tokens of a reply", [o.tokens_out for o in outcomes if o.tokens_out is not None]),
    ):
        if counts:
            rows.append(Row(outcomes[0].system, metric, float(np.mean(counts)), n=len(counts), at_least=False))
    waits = [o.latency_s for o in outcomes if o.latency_s is not None]
    if waits:
        mean = float(np.mean(waits))
        rows.append(Row(outcomes[0].system, "time of a reply, s", mean, n=len(waits), at_least=False, machine=True))
    return rows


def _rate(outcomes: Sequence[Outcome], metric: str, hits: Sequence[bool], seed: int, group: str) -> list[Row]:
    if not outcomes:
        return []
    e = bootstrap.rate(np.asarray(hits, dtype=float), [o.patient for o in outcomes], seed=seed)
    return [Row(outcomes[0].system, metric, e.value, e.low, e.high, e.n, group)]


def _macro(outcomes: Sequence[Outcome], metric: str, hits: Sequence[bool], seed: int) -> Row:
    """The mean over question types of the exact match within each; only types that were asked count."""
    right = np.array(hits, dtype=float)
    kinds = [kind for kind in QUESTION_TYPES if any(o.question.type == kind for o in outcomes)]
    codes = np.array([kinds.index(o.question.type) for o in outcomes])

    def macro(chosen: NDArray[np.intp]) -> float:
        counts = np.bincount(codes[chosen], minlength=len(kinds))
        found = np.bincount(codes[chosen], right[chosen], minlength=len(kinds))
        asked = counts > 0
        return float((found[asked] / counts[asked]).mean()) if asked.any() else float("nan")

    patients = [o.patient for o in outcomes]
    e = bootstrap.statistic(macro, len(outcomes), patients, seed=seed)
    return Row(outcomes[0].system, metric, e.value, e.low, e.high, e.n, f"macro over {len(kinds)} of 7 types")
