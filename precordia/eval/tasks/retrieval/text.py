"""Words to cases: does a finding's name find the ECGs that have it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from precordia.concepts import vocabulary
from precordia.core import bootstrap
from precordia.core.case import Case
from precordia.core.retrieval import Mode, Query
from precordia.eval.harness.task import Row, Settings
from precordia.eval.tasks.retrieval.data import findings_of
from precordia.knowledge_base import KnowledgeBase

K: Final = 10
FREQUENT: Final = 20
"""Findings with at least this many cases are asked for: twice as many as places, so that all places can be right."""

MODES: Final[tuple[Mode, ...]] = ("words", "meaning", "hybrid")


def text_rows(kb: KnowledgeBase, cases: Sequence[Case], settings: Settings) -> Iterator[Row]:
    """Precision at ten places by each way to search, over frequent findings and for each; beside chance.

    The name is the vocabulary's; a case is right when the archive's codes say the finding or one that implies it.
    """
    terms = vocabulary()
    implied = {case.case_id: terms.implied(findings_of(case.codes, None, "codes")) for case in cases}
    count = {f: sum(f in said for said in implied.values()) for f in sorted({f for s in implied.values() for f in s})}
    asked = [f for f, n in sorted(count.items(), key=lambda item: (-item[1], item[0])) if FREQUENT <= n < len(cases)]
    group = "by a finding's name"
    chance = [count[f] / len(cases) for f in asked]
    every: dict[str, list[float]] = {"chance": chance}
    for mode in MODES:
        every[f"text, {mode}"] = [
            sum(f in implied[hit.case.case_id] for hit in kb.search(Query(text=terms.concept(f).name, k=K, mode=mode)))
            / K
            for f in settings.progress(asked, len(asked), f"text, {mode}", "finding")
        ]
    for system, each in every.items():
        found = bootstrap.mean(each, asked, seed=settings.seed)
        yield Row(system, "precision@10", found.value, found.low, found.high, found.n, group)
    for row, f in enumerate(asked):
        for system, each in every.items():
            yield Row(
                system, "precision@10", float(np.asarray(each)[row]), n=K, group=f"by name: {terms.concept(f).name}"
            )
