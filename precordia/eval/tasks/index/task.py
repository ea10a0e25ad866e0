"""``precordia eval index``: what searching approximately costs and saves, against comparing with every vector."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.eval.archive_kb import archive_kb
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.index.made_up_vectors import Draw, between, clustered
from precordia.eval.tasks.index.systems import BUILDERS, FLAT, Ids, Searched, Vectors
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.vectors import import_faiss

K: Final = 10
QUERIES: Final = 500
BATCH: Final = 64
RESTRICTIONS: Final = (0.01, 0.1)
SIZES: Final = "10000,100000"
_CHUNK: Final = 50_000
_COPIES: Final = 30
"""Vectors under this many ids each, to see which ids come back; more than places."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Vectors to search, and queries that are not among them.

    Attributes:
        ids: ``(n,)`` random, as those of cases are.
        vectors: ``(n, dim)``.
        queries: ``(n_queries, dim)``.
        allowed: Share of the vectors to the ids that a search may give; None for all.
    """

    ids: Ids
    vectors: Vectors
    queries: Vectors
    allowed: dict[float, Ids | None]


CARD: Final = TaskCard(
    name="index",
    summary="recall of the vector indexes against exact search, whole and restricted, with their speed and size",
    protocol=(
        "Vectors: drawn between each vector of a knowledge base over PTB-XL's folds 1-8 and one of its ten nearest, with a "
        "little noise (--set vectors=archive), or Gaussian clusters that need no data (vectors=clusters); queries are 500 more "
        "of the same. --set size=N,... says how many. recall@10: ids among the first ten of exact search that the index gives "
        "too; restricted: only a random 1% or 10% of the ids may be given. Ties: vectors that stand under 30 ids each; right is "
        "who gives the ten smallest. Bytes: the saved index with its ids. One thread throughout. Intervals: bootstrap over "
        "queries. Times are medians of the clock. Systems: the knowledge base's exact and approximate indexes, and FAISS's HNSW "
        "(32 links, efConstruction 40, efSearch 64)."
    ),
    source="Vectors made up; Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0) for those they lie between",
    headline=("recall@10*", "bytes a vector*"),
    wants_kb=True,
    code=__name__,
)


class IndexTask:
    """Recall against exact search, speed, size."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option is not understood.
            InputError: the vectors of an archive are wanted, and PTB-XL is not there.
        """
        sizes = _sizes(settings.options.get("size", SIZES))
        kind = settings.options.get("vectors", "archive")
        if kind not in ("archive", "clusters"):
            raise UsageError(f"option vectors={kind!r} is not understood; give archive or clusters")
        faiss = import_faiss()
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            rows, samples, real = self._measure(settings, kind, sizes)
        finally:
            faiss.omp_set_num_threads(threads)
        return Result(
            self.card.name,
            tuple(rows),
            notes=(
                f"{_origin(real)}: how crowded an archive of this size really is, is not known; the recall of the index says "
                "nothing of how good its cases are as precedents",
                "the knowledge base uses the exact index below 200,000 cases, so the approximate one is measured here at sizes "
                "where nobody needs it, and at --set size=1000000 where it is needed",
                "the approximate index settles ties by id among the vectors that it fetches, up to a thousand more than wanted "
                "where the last of them tie",
            ),
            samples=samples,
            settings={"vectors": kind, "size": ",".join(map(str, sizes))},
            data={} if real is None else {"archive vectors": hashlib.sha256(real.tobytes()).hexdigest()},
        )

    def _measure(
        self, settings: Settings, kind: str, sizes: tuple[int, ...]
    ) -> tuple[list[Row], list[dict[str, object]], Vectors | None]:
        rng = np.random.default_rng(settings.seed)
        real = _real_vectors(settings) if kind == "archive" else None
        draw = clustered(256, rng) if real is None else between(real, rng)
        rows: list[Row] = []
        samples: list[dict[str, object]] = []
        for size in sizes:
            trial = _trial(size, draw, rng)
            exact: dict[float, Ids] = {}
            for name in settings.progress(list(BUILDERS), len(BUILDERS), f"{size:,} vectors", "index"):
                group = f"{size:,} vectors"
                started = time.perf_counter()
                index: Searched = BUILDERS[name](trial.ids, trial.vectors)
                seconds = time.perf_counter() - started
                found = {share: index.search(trial.queries, K, allowed)[0] for share, allowed in trial.allowed.items()}
                exact = exact or found
                for share in found:
                    recall = _recall(found[share], exact[share])
                    part = group if share == 1 else f"{group}, {share:.0%} of them allowed"
                    e = bootstrap.mean(recall, seed=settings.seed)
                    rows.append(Row(name, f"recall@{K}", e.value, e.low, e.high, e.n, part))
                    samples += [
                        {
                            "sample": f"query {i}",
                            "patient": f"query {i}",
                            "system": name,
                            "group": part,
                            "recall": float(r),
                        }
                        for i, r in enumerate(recall)
                    ]
                rows.append(
                    Row(name, "bytes a vector", _saved_bytes(index) / size, n=size, group=group, at_least=False)
                )
                rows += _speed(name, index, trial.queries, seconds, group)
        rows += _ties(draw, settings.seed)
        return rows, samples, real


def _origin(real: Vectors | None) -> str:
    return "made-up clusters" if real is None else f"made-up vectors between {len(real)} real ones"


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1000:
        raise UsageError(f"option size={text!r} is not understood; give whole numbers from 1000, as size=10000,100000")
    return sizes


def _real_vectors(settings: Settings) -> Vectors:
    if settings.kb or settings.out:
        return _vectors_of(settings.kb or archive_kb(settings, settings.out or Path()))
    with tempfile.TemporaryDirectory() as place:
        return _vectors_of(archive_kb(settings, Path(place)))


def _vectors_of(kb: Path) -> Vectors:
    """By id, so that the order of an archive's files does not matter."""
    parts = list(DeltaCaseStore(kb).vectors("signal"))
    ids, vectors = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    out: Vectors = vectors[np.argsort(ids)].astype(np.float32)
    return out


def _trial(size: int, draw: Draw, rng: np.random.Generator) -> Trial:
    ids = np.unique(rng.integers(1, 2**63 - 1, size=2 * size, dtype=np.int64))
    ids = rng.permutation(ids)[:size]
    allowed: dict[float, Ids | None] = {1.0: None}
    for share in RESTRICTIONS:
        allowed[share] = np.sort(rng.choice(ids, round(share * size), replace=False))
    parts = [draw(min(_CHUNK, size - start)) for start in range(0, size, _CHUNK)]
    return Trial(ids, np.concatenate(parts), draw(QUERIES), allowed)


def _recall(found: Ids, exact: Ids) -> NDArray[np.float64]:
    """``(n_queries,)`` share of the exact ids that were found; places that nothing can fill do not count."""
    pairs = zip(found, exact, strict=True)
    return np.array([np.isin(truth[truth >= 0], row).mean() for row, truth in pairs])


def _saved_bytes(index: Searched) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        return path.stat().st_size


def _speed(name: str, index: Searched, queries: Vectors, built_s: float, group: str) -> Iterator[Row]:
    """Rows that depend on the machine."""
    single = np.median([_seconds(lambda row=row: index.search(row[None], K)) for row in queries[:100]])  # type: ignore[misc]
    batch = np.median([_seconds(lambda: index.search(queries[:BATCH], K)) for _ in range(5)])
    for metric, value in (
        ("queries a second, one at a time", 1 / single),
        (f"queries a second, batches of {BATCH}", BATCH / batch),
        ("seconds to build", built_s),
    ):
        yield Row(name, metric, float(value), group=group, at_least="seconds" not in metric, machine=True)


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _ties(draw: Draw, seed: int) -> Iterator[Row]:
    """Which of many equal vectors come back."""
    rng = np.random.default_rng(seed)
    kinds = draw(200)
    vectors = np.repeat(kinds, _COPIES, axis=0)
    ids = rng.permutation(np.arange(1, len(vectors) + 1, dtype=np.int64))
    for name, build in BUILDERS.items():
        found = build(ids, vectors).search(kinds, K)[0]
        smallest = np.sort(ids.reshape(len(kinds), _COPIES), axis=1)[:, :K]
        e = bootstrap.rate((found == smallest).all(axis=1), seed=seed)
        yield Row(name, "the ten smallest ids of equal vectors, in order", e.value, e.low, e.high, e.n, "ties",
                  goal=1.0 if name == FLAT else None)  # fmt: skip


INDEX = IndexTask()
