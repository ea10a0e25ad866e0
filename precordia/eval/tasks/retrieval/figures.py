"""The figures of a ranking: over all queries, by finding, and by who was recorded with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.recording import Recording
from precordia.eval.harness.task import Row
from precordia.eval.metrics import ranking as metrics
from precordia.eval.tasks.retrieval.data import Asked

DEPTHS: Final = (1, 5, 10, 20)
RARE: Final = 0.01
"""A finding of fewer than this share of the archive's cases is rare."""

LEAST_QUERIES: Final = 5
"""Findings with fewer queries have no row of their own: an interval over so few says nothing."""

Floats = NDArray[np.float64]
Rankings = Sequence[Sequence[int]]


def per_query(asked: Asked, rankings: Rankings, relevance: Floats) -> dict[str, Floats]:
    """Metric to one figure a query.

    Args:
        asked: Queries and cases.
        rankings: Case ids, best first.
        relevance: ``(n_queries, n_cases)``; of all that may be ranked here.
    """
    ranked = relevance_of(asked, rankings, relevance)
    out = {f"precision@{k}": metrics.precision_at(ranked, k) for k in DEPTHS}
    return out | {f"nDCG@{k}": metrics.ndcg_at(ranked, relevance, k) for k in DEPTHS}


def by_chance(asked: Asked, relevance: Floats) -> dict[str, Floats]:
    """What a random order is expected to reach."""
    precision = metrics.chance_precision(relevance, asked.n_allowed)
    out = {f"precision@{k}": precision for k in DEPTHS}
    return out | {f"nDCG@{k}": metrics.chance_ndcg(relevance, asked.n_allowed, k) for k in DEPTHS}


def best_possible(asked: Asked, relevance: Floats) -> dict[str, Floats]:
    """What a ranking by the truth itself reaches; nDCG is 1."""
    order = np.argsort(-relevance, axis=1, kind="stable")[:, : DEPTHS[-1]]
    ranked = np.take_along_axis(relevance, order, axis=1)
    return {f"precision@{k}": metrics.precision_at(ranked, k) for k in DEPTHS}


def mean_rows(
    system: str, figures: Mapping[str, Floats], patients: Sequence[str], seed: int, group: str = ""
) -> Iterator[Row]:
    """The mean of each metric; queries where it is not defined are left out."""
    for metric, each in figures.items():
        kept = np.isfinite(each)
        owners = [p for p, k in zip(patients, kept, strict=True) if k]
        found = bootstrap.mean(each[kept], owners, seed=seed)
        yield Row(system, metric, found.value, found.low, found.high, found.n, group)


def finding_rows(systems: Mapping[str, Rankings], asked: Asked, seed: int) -> Iterator[Row]:
    """Recall of single findings, of all findings alike, and of the rare ones; beside chance."""
    count = asked.case_findings.sum(axis=0)
    rare = (count > 0) & (count < RARE * len(asked.cases))
    there = count > 0
    reached = {name: _recalls(asked, rankings) for name, rankings in systems.items()}
    possible = asked.allowed.astype(np.int64) @ asked.case_findings.astype(np.int64)
    reached["chance"] = {
        k: np.stack(
            [metrics.chance_recall(possible[:, f], asked.n_allowed, k) for f in range(len(asked.names))], axis=1
        )
        for k in DEPTHS[1:]
    }
    for chosen, group in ((there, "every finding of every query"), (rare, f"findings below {RARE:.0%} of the archive")):
        pairs = asked.query_findings & chosen
        owners = [p for p, row in zip(asked.patients, pairs, strict=True) for _ in range(int(row.sum()))]
        for name, by_depth in reached.items():
            for k, each in by_depth.items():
                figures = {f"recall@{k}": each[pairs]}
                yield from mean_rows(name, figures, owners, seed, group)
    order = [f for f in np.argsort(-count, kind="stable") if asked.query_findings[:, f].sum() >= LEAST_QUERIES]
    for f in order:
        rows = asked.query_findings[:, f]
        owners = [p for p, r in zip(asked.patients, rows, strict=True) if r]
        for name, by_depth in reached.items():
            figures = {"recall@10": by_depth[10][rows, f]}
            yield from mean_rows(name, figures, owners, seed, f"{asked.names[f]}, {int(count[f])} cases")


def group_rows(system: str, figures: Mapping[str, Floats], asked: Asked, seed: int) -> Iterator[Row]:
    """The figures at ten places by age, sex and device of the query."""
    for title, name_of in GROUPS.items():
        names = [name_of(query) for query in asked.queries]
        for name in sorted(set(names)):
            mine = np.array([n == name for n in names])
            owners = [p for p, m in zip(asked.patients, mine, strict=True) if m]
            chosen = {metric: figures[metric][mine] for metric in ("precision@10", "nDCG@10")}
            yield from mean_rows(system, chosen, owners, seed, f"{title} {name}")


def relevance_of(asked: Asked, rankings: Rankings, relevance: Floats) -> Floats:
    """``(n_queries, depth)`` relevance of what was ranked; a short ranking is filled up with zeros."""
    place = {case.case_id: column for column, case in enumerate(asked.cases)}
    out = np.zeros((len(rankings), DEPTHS[-1]))
    for row, ranking in enumerate(rankings):
        for rank, case_id in enumerate(ranking[: DEPTHS[-1]]):
            out[row, rank] = relevance[row, place[case_id]]
    return out


def _recalls(asked: Asked, rankings: Rankings) -> dict[int, Floats]:
    """Depth to ``(n_queries, n_findings)`` recall."""
    allowed = asked.allowed.astype(np.int64)
    out = {}
    for k in DEPTHS[1:]:
        each = []
        for f in range(len(asked.names)):
            has = np.broadcast_to(asked.case_findings[:, f], asked.allowed.shape).astype(np.float64)
            found = relevance_of(asked, rankings, has) > 0
            each.append(metrics.recall_at(found, allowed @ asked.case_findings[:, f].astype(np.int64), k))
        out[k] = np.stack(each, axis=1)
    return out


def _age(query: Recording) -> str:
    if query.age is None:
        return "not known"
    return next((name for limit, name in ((50, "0 to 49"), (65, "50 to 64"), (80, "65 to 79")) if query.age < limit),
                "80 and above")  # fmt: skip


def _sex(query: Recording) -> str:
    return query.sex or "not known"


def _device(query: Recording) -> str:
    """Make and model without the software's version."""
    return " ".join(word for word in (query.device or "not known").split() if "." not in word)


GROUPS: Final[Mapping[str, Callable[[Recording], str]]] = {"age": _age, "sex": _sex, "device": _device}
