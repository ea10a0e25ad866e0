"""Precordia beside what else one would use, in one run: ``python -m benchmarks.peers [--vectors 200000] [--ecgs 100]``.

One thread, processor time. Everything is simulated and made on the spot. A peer that is not installed is left out and named
(``pip install hnswlib usearch mne neurokit2``). What Precordia does besides (checks, quality, measurements, transactions, guards
against leakage) is in its figures and not in theirs.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy and faiss are imported

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks import naive
from benchmarks.machine import description, table
from precordia import KnowledgeBase, Query, load_encoder, measure, read_recording
from precordia.indexing.approximate import ApproximateIndex
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS

Vectors = NDArray[np.float32]
T = TypeVar("T")

K = 10
DIM = 256


@dataclass(frozen=True)
class Line:
    """One comparison.

    Attributes:
        what: What was done.
        ours: Milliseconds of processor time.
        peer: Who else did it, with version.
        theirs: Milliseconds of processor time.
        told: What must be known besides.
    """

    what: str
    ours: float
    peer: str
    theirs: float
    told: str = ""

    def cells(self) -> tuple[str, ...]:
        """As a row; the ratio is how many times as long the peer takes."""
        return (
            self.what,
            f"{self.ours:.3g}",
            self.peer,
            f"{self.theirs:.3g}",
            f"{self.theirs / self.ours:.2g}",
            self.told,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--ecgs", type=int, default=100)
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    print(description(), end="\n\n")
    missing = [name for name in ("hnswlib", "usearch", "mne", "neurokit2", "wfdb") if find_spec(name) is None]
    with tempfile.TemporaryDirectory() as place:
        lines = [*indexes(args.vectors), *reading(Path(place), args.ecgs), *archives(Path(place), args.ecgs)]
    head = ("what, ms of one core", "Precordia", "peer", "its ms", "ratio", "")
    print(table([head, *(line.cells() for line in lines)]))
    if missing:
        print(f"\nnot installed, left out: {', '.join(missing)}", file=sys.stderr)


def indexes(n: int, n_queries: int = 200) -> Iterator[Line]:
    """A query among many vectors, and adding one, with the recall of each."""
    vectors, queries = clustered(n, n_queries)
    exact = faiss.IndexFlatIP(DIM)
    exact.add(vectors)
    _, truth = exact.search(queries, K)
    flat = timed(lambda: exact.search(queries, K)) / n_queries
    numbers = np.arange(n, dtype=np.int64)

    def ours() -> ApproximateIndex:
        index = ApproximateIndex.train(vectors[: ApproximateIndex.training_size(n)], n)
        index.add(numbers, vectors)
        return index

    made = timed_with(ours)
    ms, recall = searched(lambda: made[1].search(queries, K)[0], truth)
    told = f"recall@10 {recall:.3f}"
    yield Line(f"search {n:,} vectors", ms, named("faiss-cpu", "flat"), flat, f"{told} and 1")
    for name, build in PEERS.items():
        if find_spec(name) is not None:
            index = timed_with(lambda build=build: build(vectors))  # type: ignore[misc]
            theirs, reached = searched(lambda index=index: index[1](queries), truth)  # type: ignore[misc]
            yield Line(f"search {n:,} vectors", ms, named(name), theirs, f"{told} and {reached:.3f}")
            yield Line(f"add {n:,} vectors", made[0], named(name), index[0])


def reading(folder: Path, n: int) -> Iterator[Line]:
    """A file to a signal, and a signal to measurements."""
    ecgs = [simulate("NORM", seed=seed).recording for seed in range(n)]
    for kind, package, read in (("wfdb", "wfdb", _wfdb), ("edf", "mne", _mne)):
        if find_spec(package) is not None:
            (folder / kind).mkdir()
            files = [Path(WRITERS.get(kind)(folder / kind / f"ecg{i}", ecg)) for i, ecg in enumerate(ecgs)]
            read(files[0])
            read_recording(files[0])
            ours = timed(lambda files=files: [read_recording(file) for file in files]) / n  # type: ignore[misc]
            theirs = timed(lambda files=files, read=read: [read(file) for file in files]) / n  # type: ignore[misc]
            yield Line(
                f"read {kind.upper()}, 500 Hz, 12 leads, 10 s",
                ours,
                named(package),
                theirs,
                "ours with metadata and limits",
            )
    if find_spec("neurokit2") is not None:
        from precordia.eval.baselines.neurokit import delineate_leads

        few = ecgs[: max(1, n // 20)]
        measure(few[0])
        ours = timed(lambda: [measure(ecg) for ecg in few]) / len(few)
        theirs = timed(lambda: [delineate_leads(ecg, ("dwt",)) for ecg in few]) / len(few)
        yield Line(
            "measure 12 leads", ours, named("neurokit2", "dwt"), theirs, "theirs without axes, ST levels, rhythm"
        )


def archives(folder: Path, n: int) -> Iterator[Line]:
    """A folder of files to something that can be asked, and a file to its ten nearest."""
    if find_spec("wfdb") is None:
        return
    import pandas as pd

    encoder = load_encoder()
    archive = write_archive(folder / "archive", n, seed=1, formats=("wfdb",), poor=0.0)
    headers, unseen = [ecg.path for ecg in archive.ecgs], archive.ecgs[0].path
    naive.read(headers[0])
    encoder.embed([read_recording(header) for header in headers[:8]])
    kb = KnowledgeBase.create(folder / "kb")
    ours = timed(lambda: kb.add(archive.folder, reports=archive.reports, workers=1)) / n
    (folder / "plain").mkdir()
    theirs = timed(lambda: naive.build(headers, folder / "plain", encoder)) / n
    yield Line("build, a record", ours, named("wfdb", "flat FAISS, CSV"), theirs, "theirs reads and embeds, no more")
    rows = timed(lambda: arrays(headers, folder / "arrays", encoder)) / n
    yield Line("build, a record", ours, "arrays, index and metadata by row", rows, "clip-retrieval's layout")
    kb.search(Query(read_recording(unseen)))
    asked = timed(lambda: [kb.search(Query(read_recording(header))) for header in headers[:20]]) / 20
    index, cases = faiss.read_index(str(folder / "plain" / "index.faiss")), pd.read_csv(folder / "plain" / "cases.csv")
    plain = timed(lambda: [naive.query(header, index, cases, encoder) for header in headers[:20]]) / 20
    yield Line(
        "query, file to ten cases",
        asked,
        named("wfdb", "flat FAISS, CSV"),
        plain,
        "theirs finds the query's own patient",
    )


def arrays(headers: Sequence[Path], folder: Path, encoder: Any) -> None:
    """Embeddings as one array, an index over it, metadata in a table of the same order."""
    folder.mkdir()
    recordings = [naive.read(header) for header in headers]
    vectors = encoder.embed(recordings)
    np.save(folder / "embeddings.npy", vectors)
    index = faiss.IndexHNSWFlat(DIM, 15, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    faiss.write_index(index, str(folder / "index.faiss"))
    with (folder / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([recording.recording_id, recording.fs] for recording in recordings)


def clustered(n: int, n_queries: int) -> tuple[Vectors, Vectors]:
    """Unit vectors around a thousand centres, as embeddings of ECGs lie; queries drawn alike."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(1000, DIM)).astype(np.float32)
    every = centres[rng.integers(1000, size=n + n_queries)] + rng.normal(size=(n + n_queries, DIM)).astype(np.float32)
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    return every[:n], every[n:]


def _hnswlib(vectors: Vectors) -> Callable[[Vectors], NDArray[np.int64]]:
    import hnswlib

    index = hnswlib.Index("ip", DIM)
    index.init_index(len(vectors), M=16, ef_construction=100)
    index.set_num_threads(1)
    index.add_items(vectors)
    index.set_ef(128)
    return lambda queries: index.knn_query(queries, K)[0].astype(np.int64)


def _usearch(vectors: Vectors) -> Callable[[Vectors], NDArray[np.int64]]:
    from usearch.index import Index

    index = Index(ndim=DIM, metric="ip", dtype="f32", connectivity=16, expansion_add=100, expansion_search=128)
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda queries: index.search(queries, K, threads=1).keys.astype(np.int64)


PEERS = {"hnswlib": _hnswlib, "usearch": _usearch}


def _wfdb(path: Path) -> object:
    import wfdb

    return wfdb.rdrecord(str(path.with_suffix("")))


def _mne(path: Path) -> object:
    import mne

    return mne.io.read_raw_edf(path, preload=True, verbose="error")


def searched(search: Callable[[], NDArray[np.int64]], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Milliseconds a query, and recall@10."""
    ms, found = timed_with(search)
    recall = float(np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]))
    return ms / len(truth), recall


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    return timed_with(action)[0]


def timed_with(action: Callable[[], T]) -> tuple[float, T]:
    """The same, and what came of it."""
    started = time.process_time()
    result = action()
    return 1000 * (time.process_time() - started), result


def named(package: str, how: str = "") -> str:
    """A peer with its version."""
    try:
        found = f"{package} {version(package)}"
    except PackageNotFoundError:
        found = package
    return f"{found}, {how}" if how else found


if __name__ == "__main__":
    main()
