"""``precordia eval retrieval``: are the cases that come back like the ECG that was asked about?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.case import Case, patient_key_of
from precordia.core.errors import UsageError
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.eval.archive_kb import archive_kb
from precordia.eval.baselines.spectra import log_spectra
from precordia.eval.harness.results import hash_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.retrieval import figures as figures
from precordia.eval.tasks.retrieval import rankings as rankings
from precordia.eval.tasks.retrieval.data import Asked, ask, read_queries
from precordia.eval.tasks.retrieval.leak import leak_rows
from precordia.eval.tasks.retrieval.text import text_rows
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase

PARTS: Final = ("codes", "reports", "findings", "groups", "leak", "text")
OURS: Final = "precordia"


CARD: Final = TaskCard(
    name="retrieval",
    summary="similar cases of PTB-XL's folds 1-8 for the ECGs of fold 9, found by the knowledge base with its guards",
    protocol=(
        "PTB-XL 1.0.3, the recordings that are here. Archive: a knowledge base over folds 1-8 at 100 Hz (--kb, or built). "
        "Queries: fold 9 at 100 Hz; no patient crosses folds. The first 20 cases by KnowledgeBase.search by signal, with every "
        "guard on. Relevance: the share of findings that two ECGs have in common of those that either has (Jaccard), by the "
        "archive's SCP codes whatever their likelihood, sinus rhythm left out; ECGs with nothing else are not asked about. "
        "precision@k: places with at least one finding in common. nDCG@k: gains as the relevance, discounts log2(rank + 1), "
        "ideal order over the whole archive. recall@k of a finding: cases with it among the first k, of those that k places "
        "can hold. The same again with findings as the report labeller reads them. Untrained encoder and log-spectra are "
        "centred and scaled by the archive and searched exactly; chance is a random order's expectation; popular shows everybody "
        "the cases that have most in common with the archive. Asked again: ECGs of the archive as queries, with the guards "
        "switched off in turn. By name: the vocabulary's name of a finding as text. 95% intervals: bootstrap by patient (by "
        "finding for texts)."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0)",
    headline=(
        "precision@1",
        "precision@5",
        "precision@10",
        "nDCG@10",
        "*difference from log-spectra",
        "*difference from untrained encoder",
        "same ten*",
        "recall@10 @ every finding*",
        "recall@10 @ findings below*",
        "recall@20 @ findings below*",
        "precision@10 @ age*",
        "precision@10 @ sex*",
        "precision@10 @ device*",
        "precision@10 @ by a finding's name",
        "precision@1 @ asked again*",
        "first case* @ *",
        "another ECG* @ *",
        "the patient* @ *",
    ),
    wants_kb=True,
    code=__name__,
)


class RetrievalTask:
    """Fold 9 asked of a knowledge base over folds 1-8."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            InputError: PTB-XL is not there.
            UsageError: an option is not understood.
        """
        parts = tuple(settings.options.get("parts", ",".join(PARTS)).split(","))
        unknown = sorted(set(parts) - set(PARTS))
        if unknown:
            raise UsageError(f"parts: unknown {', '.join(unknown)} (choices: {', '.join(PARTS)})")
        queries = read_queries(settings.data / "ptbxl", (9,))[: settings.limit]
        with tempfile.TemporaryDirectory() as place:
            path = settings.kb or archive_kb(settings, settings.out or Path(place))
            return self._measure(KnowledgeBase.open(path), queries, parts, settings)

    def _measure(
        self, kb: KnowledgeBase, queries: Sequence[Recording], parts: Sequence[str], settings: Settings
    ) -> Result:
        store = DeltaCaseStore(kb.path)
        cases = store.get([int(i) for i in np.sort(store.ids)])
        asked = ask(queries, cases, "codes")
        found, vectors = _systems(kb, store, asked, settings)
        rows: list[Row] = []
        samples: list[dict[str, object]] = []
        if "codes" in parts:
            each = _figures(asked, found)
            rows += _rows(each, asked, settings.seed)
            rows.append(_agreement(found[OURS], vectors, asked))
            samples = _samples(each, asked)
        if "reports" in parts:
            read = _with_truth(asked, queries, cases)
            kept = {q.recording_id for q in read.queries}
            mine = [i for i, q in enumerate(asked.queries) if q.recording_id in kept]
            same = {name: [ranking[i] for i in mine] for name, ranking in found.items()}
            rows += _rows(_figures(read, same), read, settings.seed, "findings read from reports", only=("@1", "@10"))
        if "findings" in parts:
            rows += figures.finding_rows(found, asked, settings.seed)
        if "groups" in parts:
            own = figures.per_query(asked, found[OURS], asked.relevance)
            for system, by_metric in ((OURS, own), ("chance", figures.by_chance(asked, asked.relevance))):
                rows += figures.group_rows(system, by_metric, asked, settings.seed)
        if "leak" in parts:
            rows += leak_rows(kb, cases, settings, "codes")
        if "text" in parts:
            rows += text_rows(kb, cases, settings)
        patients = {patient_key_of(q) for q in asked.queries}
        return Result(
            self.card.name,
            tuple(rows),
            notes=(
                f"{len(asked.queries)} queries of {len(patients)} patients; {len(queries) - len(asked.queries)} more have no "
                f"finding but sinus rhythm and are not asked about; {len(cases)} cases of "
                f"{len({c.patient_key for c in cases})} patients in the archive",
                f"{_normal(asked):.0%} of the archive's cases are normal, so that a normal ECG finds its like by chance: precision "
                "is to be read beside chance and popular, nDCG weighs how much is shared",
                "a precedent with other findings may still be a good one, and codes are one cardiologist's: the best possible "
                "ranking is a ceiling for these figures, not for retrieval",
                "the groups are small and differ in what their ECGs show (old patients have more findings): a difference between "
                "groups does not say that the encoder treats them differently; one archive with few devices of one maker says "
                "nothing of other devices",
                "asked again: the encoder was trained on these very ECGs, so the figures with all guards on are no estimate for "
                "unseen ones either; what they show is how much finding oneself flatters",
            ),
            samples=samples,
            settings={"encoder": kb.manifest.encoder_fingerprint, "parts": ",".join(parts)},
            data={"ptbxl": hash_of([settings.data / "ptbxl"], settings.data)},
        )


def _systems(
    kb: KnowledgeBase, store: DeltaCaseStore, asked: Asked, settings: Settings
) -> tuple[dict[str, list[list[int]]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Rankings by system, and our vectors of queries and cases."""
    from precordia.encoders.checkpoint import load_encoder, untrained

    encoder = load_encoder(kb.manifest.encoder)
    ids = [case.case_id for case in asked.cases]
    there = [store.recording(i) for i in settings.progress(ids, len(ids), "reading the archive", "ECG")]
    found = {OURS: rankings.search(kb, asked.queries, settings.progress, "searching")}
    random: Encoder = untrained(encoder.architecture, settings.seed)
    for name, embed in (
        ("untrained encoder", lambda ecgs: rankings.embed(random, ecgs, settings.progress, "untrained encoder")),
        ("log-spectra", log_spectra),
    ):
        known, new = embed(there), embed(asked.queries)
        mean, scale = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6)
        found[name] = rankings.nearest((new - mean) / scale, (known - mean) / scale, asked)
    found["popular"] = rankings.popular(asked)
    own = {int(i): vector for part, vectors in store.vectors("signal") for i, vector in zip(part, vectors, strict=True)}
    vectors = (rankings.embed(encoder, asked.queries, settings.progress, "embedding"), np.stack([own[i] for i in ids]))
    return found, vectors


def _figures(asked: Asked, found: Mapping[str, list[list[int]]]) -> dict[str, dict[str, NDArray[np.float64]]]:
    relevance = asked.relevance
    out = {name: figures.per_query(asked, ranking, relevance) for name, ranking in found.items()}
    out["chance"] = figures.by_chance(asked, relevance)
    out["best possible"] = figures.best_possible(asked, relevance)
    return out


def _rows(
    each: Mapping[str, Mapping[str, NDArray[np.float64]]],
    asked: Asked,
    seed: int,
    group: str = "",
    only: tuple[str, ...] = ("@1", "@5", "@10", "@20"),
) -> Iterator[Row]:
    for name, by_metric in each.items():
        chosen = {metric: values for metric, values in by_metric.items() if f"@{metric.split('@')[1]}" in only}
        yield from figures.mean_rows(name, chosen, asked.patients, seed, group)
    for metric in ("precision@10", "nDCG@10"):
        for other in ("untrained encoder", "log-spectra"):
            a, b = each[OURS][metric], each[other][metric]
            kept = np.isfinite(a) & np.isfinite(b)
            owners = [p for p, k in zip(asked.patients, kept, strict=True) if k]
            gap = bootstrap.difference(a[kept], b[kept], owners, seed=seed)
            yield Row(OURS, f"{metric}, difference from {other}", gap.value, gap.low, gap.high, gap.n, group)


def _agreement(found: list[list[int]], vectors: tuple[NDArray[np.float32], NDArray[np.float32]], asked: Asked) -> Row:
    """Whether the knowledge base gives what its vectors say: the whole way against one matrix product."""
    exact = rankings.nearest(*vectors, asked)
    same = [a[:10] == b[:10] for a, b in zip(found, exact, strict=True)]
    rate = bootstrap.rate(same, asked.patients)
    return Row(
        OURS,
        "same ten cases in the same order as an exact product of the vectors",
        rate.value,
        rate.low,
        rate.high,
        rate.n,
    )


def _with_truth(asked: Asked, queries: Sequence[Recording], cases: Sequence[Case]) -> Asked:
    """The same queries and cases, related by what the labeller reads in their reports."""
    kept = {q.recording_id for q in asked.queries}
    return ask([q for q in queries if q.recording_id in kept], cases, "reports")


def _normal(asked: Asked) -> float:
    return float(asked.case_findings[:, asked.names.index("NORM")].mean()) if "NORM" in asked.names else 0.0


def _samples(each: Mapping[str, Mapping[str, NDArray[np.float64]]], asked: Asked) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for name, by_metric in each.items():
        if name in ("chance", "best possible"):
            continue
        for i, (query, patient) in enumerate(zip(asked.queries, asked.patients, strict=True)):
            found = {metric.replace("@", "_at_").lower(): float(values[i]) for metric, values in by_metric.items()}
            out.append({"sample": query.recording_id, "patient": patient, "system": name, **found})
    return out


RETRIEVAL = RetrievalTask()
