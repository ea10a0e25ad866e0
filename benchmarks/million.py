"""A small real knowledge base grown to any size with made-up cases, to time queries in a large one.

The added vectors, of signals and of reports, are clustered like those of real archives; the added rows are copies of real
rows under new ids and patients, with a signal that is none. None is nearer to a query than the real cases are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.eval.tasks.index.made_up_vectors import clustered
from precordia.indexing.schema import CASE_SCHEMA, SIGNAL_SCHEMA, signal_checksum
from precordia.indexing.signals import encode_signal
from precordia.indexing.store import DeltaCaseStore

CHUNK = 50_000


@dataclass(frozen=True, eq=False)
class Grown:
    """All vectors of the knowledge base with their ids and names, for an exact search beside it.

    Attributes:
        ids: ``(n,)`` int64.
        vectors: ``(n, dim)`` float32.
        names: Recording ids, ``(n,)``.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    names: pa.ChunkedArray


def grow(path: Path, n: int, seed: int = 0, signal: bytes | None = None) -> Grown:
    """Add cases until there are ``n``, each with an encoded signal, saw teeth by default; what all of them are."""
    store = DeltaCaseStore(path)
    parts = list(store.vectors("signal"))
    names = store.column("recording_id").chunks
    added = list(growing(path, n, seed, signal))
    ids = np.concatenate([*(part[0] for part in parts), *(part[0] for part in added)])
    vectors = np.concatenate([*(part[1] for part in parts), *(part[1] for part in added)])
    return Grown(ids, vectors, pa.chunked_array([*names, *(part[2] for part in added)]))


def growing(
    path: Path, n: int, seed: int = 0, signal: bytes | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], pa.Array]]:
    """As :func:`grow`; ids, vectors and names as they are written, nothing of which is kept."""
    store = DeltaCaseStore(path)
    rng = np.random.default_rng([seed, len(store)])  # grown once more, it gets others
    pattern = _rows(store)
    draw = clustered(next(store.vectors("signal"))[1].shape[1], rng)
    spoken = next(store.vectors("text"), None)  # none where reports are not embedded
    draw_text = None if spoken is None else clustered(spoken[1].shape[1], rng)
    missing, blob = n - len(store), _teeth() if signal is None else signal
    with store.writing(60) as writer:
        while missing > 0:
            rows = draw(min(CHUNK, missing))
            new = np.unique(rng.integers(1, 2**63 - 1, size=len(rows), dtype=np.int64))
            rows = rows[: new.size]
            names = pc.binary_join_element_wise("made-up", pa.array(new).cast(pa.string()), "-")
            texts = None if draw_text is None else draw_text(new.size)
            writer.append(_copies(pattern, new, names, rows, texts, rng), _signals(new, blob))
            yield new, rows, names
            missing -= new.size


def _rows(store: DeltaCaseStore) -> pa.Table:
    """The real cases, without their vectors."""
    real = pc.invert(pc.starts_with(store.column("recording_id"), "made-up"))
    names = [name for name in CASE_SCHEMA.names if name not in ("embedding", "text_embedding")]
    return pa.table({name: store.column(name).filter(real) for name in names}).combine_chunks()


def _teeth() -> bytes:
    """An encoded signal of 400 bytes that is a copy of nothing that is asked about."""
    teeth = np.tile((np.arange(5000) % 200 / 200).astype(np.float32), (len(LEADS), 1))
    return encode_signal(teeth, 500.0, LEADS)


def _signals(ids: NDArray[np.int64], signal: bytes) -> pa.Table:
    same, empty = (pa.array([blob] * ids.size, pa.binary()) for blob in (signal, b""))
    checksums = pa.array([signal_checksum(i, signal, b"") for i in ids.tolist()], pa.int64())
    return pa.table([pa.array(ids), same, empty, checksums], schema=SIGNAL_SCHEMA)


def _copies(
    pattern: pa.Table,
    ids: NDArray[np.int64],
    made_up: pa.Array,
    vectors: NDArray[np.float32],
    texts: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> pa.Table:
    taken = pattern.take(pa.array(rng.integers(pattern.num_rows, size=ids.size))).combine_chunks()
    columns = {name: taken.column(name) for name in pattern.column_names}
    columns |= {"case_id": pa.array(ids), "recording_id": made_up, "patient_key": made_up}
    columns |= {"content_hash": made_up, "source": made_up, "source_stamp": made_up}
    columns["embedding"] = _lists(vectors)
    columns["text_embedding"] = pa.nulls(ids.size, pa.list_(pa.float32()))
    if texts is not None:
        said = pc.fill_null(pc.greater(pc.binary_length(taken.column("statements").combine_chunks()), 0), False)
        columns["text_embedding"] = pc.if_else(said, _lists(texts), pa.scalar(None, pa.list_(pa.float32())))
    return pa.table([columns[name] for name in CASE_SCHEMA.names], schema=CASE_SCHEMA)


def _lists(vectors: NDArray[np.float32]) -> pa.Array:
    offsets = pa.array(np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel()))
