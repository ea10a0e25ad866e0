"""What retrieval looks like when a query may find itself: ECGs of the archive asked again, with and without guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from precordia.core import bootstrap
from precordia.core.case import Case, patient_key_of
from precordia.core.recording import Recording
from precordia.eval.harness.task import Row, Settings
from precordia.eval.tasks.retrieval import figures as figures
from precordia.eval.tasks.retrieval.data import as_bare, ask, read_queries
from precordia.eval.tasks.retrieval.rankings import GUARDED, OPEN, Exclusions, search
from precordia.knowledge_base import KnowledgeBase

QUERIES: Final = 100
"""ECGs of the archive that are asked again, drawn by seed."""

GUARDS: Final[Mapping[str, Exclusions]] = {
    "precordia": GUARDED,
    "precordia, patient not left out": Exclusions(patient=False),
    "precordia, nothing left out": OPEN,
}


def leak_rows(kb: KnowledgeBase, cases: Sequence[Case], settings: Settings, truth: str) -> Iterator[Row]:
    """Queries that are in the archive, alone, with their patient's others, and as another file of the same ECG."""
    archive = read_queries(settings.data / "ptbxl", range(1, 9))
    yield from _same(kb, cases, _drawn(archive, settings), settings, truth)
    of_patient = Counter(case.patient_key for case in cases)
    with_others = [r for r in archive if of_patient[patient_key_of(r)] > 1]
    yield from _others(kb, cases, _drawn(with_others, settings), settings)
    twins = read_queries(settings.data / "ptbxl", range(1, 9), "filename_hr")
    yield from _twins(kb, cases, _drawn(twins, settings), settings)


def _same(
    kb: KnowledgeBase, cases: Sequence[Case], queries: list[Recording], settings: Settings, truth: str
) -> Iterator[Row]:
    """The ECG itself is in the archive: what leaving nothing out makes of the figures."""
    asked = ask(queries, cases, truth)
    known = {case.case_id: case for case in cases}
    everything = replace(asked, allowed=np.ones_like(asked.allowed))
    group = "asked again: ECGs of the archive"
    for system, exclusions in GUARDS.items():
        rankings = search(kb, asked.queries, settings.progress, f"asked again, {system}", exclusions)
        counted = asked if exclusions.patient else everything
        found = figures.per_query(counted, rankings, counted.relevance)
        chosen = {metric: found[metric] for metric in ("precision@1", "precision@10", "nDCG@1", "nDCG@10")}
        yield from figures.mean_rows(system, chosen, asked.patients, settings.seed, group)
        pairs = zip(rankings, asked.queries, strict=True)
        first = [any(known[i].content_hash == query.content_hash for i in ranking[:1]) for ranking, query in pairs]
        yield _rate(system, "first case is the query itself", first, asked.patients, settings.seed, group)


def _others(kb: KnowledgeBase, cases: Sequence[Case], queries: list[Recording], settings: Settings) -> Iterator[Row]:
    """The patient has other ECGs in the archive."""
    known = {case.case_id: case for case in cases}
    group = "asked again: patients with several ECGs"
    for system, exclusions in GUARDS.items():
        rankings = search(kb, queries, settings.progress, f"patient's others, {system}", exclusions, depth=10)
        own = [
            any(known[i].patient_key == patient_key_of(q) and known[i].content_hash != q.content_hash for i in ranking)
            for ranking, q in zip(rankings, queries, strict=True)
        ]
        owners = [patient_key_of(query) for query in queries]
        yield _rate(system, "another ECG of the patient among the first 10", own, owners, settings.seed, group)


def _twins(kb: KnowledgeBase, cases: Sequence[Case], queries: list[Recording], settings: Settings) -> Iterator[Row]:
    """The archive holds the ECG at 100 Hz; it is asked about at 500 Hz, by a file that does not say whose it is."""
    known = {case.case_id: case for case in cases}
    bare = [as_bare(query, f"{query.recording_id} without names") for query in queries]
    group = "asked again: the 500 Hz file, nameless"
    owners = [patient_key_of(query) for query in queries]
    for system, exclusions in GUARDS.items():
        rankings = search(kb, bare, settings.progress, f"500 Hz, {system}", exclusions, depth=10)
        pairs = list(zip(rankings, queries, strict=True))
        first = [
            any(_stem(known[i].recording_id) == _stem(query.recording_id) for i in ranking[:1])
            for ranking, query in pairs
        ]
        yield _rate(system, "first case is the ECG at 100 Hz", first, owners, settings.seed, group)
        ten = [any(known[i].patient_key == patient_key_of(query) for i in ranking) for ranking, query in pairs]
        yield _rate(system, "the patient among the first 10", ten, owners, settings.seed, group)


def _rate(system: str, metric: str, hits: Sequence[bool], patients: Sequence[str], seed: int, group: str) -> Row:
    found = bootstrap.rate(hits, patients, seed=seed)
    return Row(system, metric, found.value, found.low, found.high, found.n, group, at_least=False)


def _drawn(recordings: Sequence[Recording], settings: Settings) -> list[Recording]:
    size = min(len(recordings), QUERIES, settings.limit or QUERIES)
    rows = np.sort(np.random.default_rng(settings.seed).choice(len(recordings), size, replace=False))
    return [recordings[i] for i in rows]


def _stem(recording_id: str) -> str:
    """PTB-XL's number: its names end in the rate ("00009_lr", "00009_hr")."""
    return recording_id.rsplit("_", 1)[0]
