"""A small real knowledge base grown to any size with made-up cases, to time queries in a large one.

The added vectors are clustered like those of real archives; the added rows are copies of real rows under new ids and
patients, without signals or all with the same. None is nearer to a query than the real cases are, so that signals are never
missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.eval.tasks.index.made_up_vectors import clustered
from precordia.indexing.schema import CASE_SCHEMA, SIGNAL_SCHEMA, signal_checksum
from precordia.indexing.store import DeltaCaseStore

CHUNK = 50_000


@dataclass(frozen=True, eq=False)
class Grown:
    """All vectors of the knowledge base with their ids and names, for an exact search beside it.

    Attributes:
        ids: ``(n,)`` int64.
        vectors: ``(n, dim)`` float32.
        names: Recording ids.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    names: list[str]


def grow(path: Path, n: int, seed: int = 0, signal: bytes = b"") -> Grown:
    """Add cases until there are ``n``, each with an encoded signal."""
    rng = np.random.default_rng(seed)
    store = DeltaCaseStore(path)
    parts = list(store.vectors("signal"))
    ids = [np.concatenate([part[0] for part in parts])]
    vectors = [np.concatenate([part[1] for part in parts])]
    draw = clustered(vectors[0].shape[1], rng)
    pattern = _rows(store)
    names = store.column("recording_id").to_pylist()
    with store.writing(60) as writer:
        while (missing := n - sum(len(i) for i in ids)) > 0:
            count = min(CHUNK, missing)
            rows = draw(count)
            new = np.unique(rng.integers(1, 2**63 - 1, size=count, dtype=np.int64))
            rows = rows[: new.size]
            labels = [f"made-up-{i}" for i in new]
            writer.append(_copies(pattern, new, labels, rows, rng), _signals(new, signal))
            ids.append(new)
            vectors.append(rows)
            names += labels
    return Grown(np.concatenate(ids), np.concatenate(vectors), names)


def _rows(store: DeltaCaseStore) -> pa.Table:
    return pa.table(
        {name: store.column(name) for name in CASE_SCHEMA.names if name not in ("embedding", "text_embedding")}
    )


def _signals(ids: NDArray[np.int64], signal: bytes) -> pa.Table:
    same, empty = (pa.array([blob] * ids.size, pa.binary()) for blob in (signal, b""))
    checksums = pa.array([signal_checksum(i, signal, b"") for i in ids.tolist()], pa.int64())
    return pa.table([pa.array(ids), same, empty, checksums], schema=SIGNAL_SCHEMA)


def _copies(
    pattern: pa.Table, ids: NDArray[np.int64], names: list[str], vectors: NDArray[np.float32], rng: np.random.Generator
) -> pa.Table:
    taken = pattern.take(pa.array(rng.integers(pattern.num_rows, size=ids.size))).combine_chunks()
    columns = {name: taken.column(name) for name in pattern.column_names}
    made_up = pa.array(names)
    columns |= {"case_id": pa.array(ids), "recording_id": made_up, "patient_key": made_up}
    columns |= {"content_hash": made_up, "source": made_up, "source_stamp": made_up}
    offsets = pa.array(np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32))
    columns["embedding"] = pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel()))
    columns["text_embedding"] = pa.nulls(ids.size, pa.list_(pa.float32()))
    return pa.table([columns[name] for name in CASE_SCHEMA.names], schema=CASE_SCHEMA)
