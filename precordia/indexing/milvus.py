"""Vectors in a Milvus server, shared by many machines: each asks it, and none holds the vectors in its own memory.

What is saved in a knowledge base's cache is where the collection lies and which ids it holds for this version of the case
table. Rows that another machine has added since are not found until that version is read, and rows of an older version
are taken out when the table is caught up. Names are never in Milvus: a row is an id and a vector.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, MissingExtraError, UsageError
from precordia.indexing.id_order import IdOrder
from precordia.indexing.vectors import checked, first_line, ordered, padded

TOKEN: Final = "PRECORDIA_INDEX_TOKEN"
"""Environment variable with what the server wants to be shown, ``user:password`` or a key; never kept anywhere."""

_ONE_BY_ONE: Final = 200_000
"""Vectors up to which the server compares them all (FLAT), so that its answers are exact."""
_OVERFETCH: Final = 16
MOST: Final = 16_384
"""Neighbours, ids or rows that a server gives or takes at most in one call (Milvus's own limit of neighbours)."""
ASKED: Final = 4096
"""Allowed ids up to which they are sent along; of more, neighbours are fetched and those not allowed dropped."""
ADDED: Final = 4096
"""Rows a call that adds: 4 MB at 256 numbers, far from the limit of 64 MB."""


@dataclass(frozen=True)
class MilvusPlace:
    """Where vectors lie; makes and opens the index there.

    Attributes:
        uri: Of the server (``http://host:19530``), or a file ending in ``.db`` for Milvus Lite, which one process may use.
        collection: Holds vectors of one kind and one encoder.
        partition: The part of it that is this archive's, where several with no recording in common share a collection;
            None for all of it.
    """

    uri: str
    collection: str
    partition: str | None = None

    @classmethod
    def at(cls, address: str) -> MilvusPlace:
        """From ``URI#collection`` or ``URI#collection/partition``.

        Raises:
            UsageError: it is none, or holds a password.
        """
        uri, _, name = address.partition("#")
        parts = urlsplit(uri)
        if parts.username or parts.password or parts.query:
            raise UsageError(f"the address of an index holds no credentials: put them into ${TOKEN}")
        if not (parts.scheme in ("http", "https", "tcp") and parts.hostname) and not uri.endswith(".db"):
            raise UsageError(
                f"index address {uri!r}: give http://HOST:PORT of a Milvus server, or a file ending in .db"
            )
        collection, _, partition = name.partition("/")
        for part in filter(None, (collection, partition)):
            if not re.fullmatch(r"[A-Za-z_]\w{0,200}", part, re.ASCII):
                raise UsageError(f"index address {address!r}: names are letters, digits and _, and begin with no digit")
        if not collection:
            raise UsageError(f"index address {address!r}: name the collection after a #")
        return cls(uri, collection, partition or None)

    def prepare(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> MilvusIndex:
        """The collection, made where there is none; what it holds already counts as added."""
        client = connected(self.uri)
        with _telling(self.uri):
            self._forget_former(client)
            if not client.has_collection(self.collection):
                self._create(client, dim)
            if self.partition and not client.has_partition(self.collection, self.partition):
                client.create_partition(self.collection, self.partition)
            index = MilvusIndex(self, dim, n >= _ONE_BY_ONE)
            index.become_suited()
            index.take_over()
        return index

    def _create(self, client: Any, dim: int) -> None:
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
        client.create_collection(self.collection, schema=schema, consistency_level="Strong")

    def _forget_former(self, client: Any) -> None:
        """Drop what an earlier encoder's vectors lay in: the same name with another fingerprint."""
        stem = self.collection.rpartition("_")[0]
        for other in client.list_collections():
            if other == self.collection or other.rpartition("_")[0] != stem:
                continue
            if self.partition is None:
                client.drop_collection(other)
            elif client.has_partition(other, self.partition):
                client.release_partitions(other, self.partition)
                client.drop_partition(other, self.partition)


class MilvusIndex:
    """A :class:`~precordia.core.protocols.VectorIndex` over a collection; made by :class:`MilvusPlace`.

    An erasure deletes rows and asks the server to compact; when the bytes go is the server's to say.
    """

    kind: Final = "milvus"
    leaves_traces: Final = False
    tolerance: Final = 0.0

    def __init__(self, place: MilvusPlace, dim: int, approximate: bool) -> None:
        self.place = place
        self.dim = dim
        self.approximate = approximate
        self._client = connected(place.uri)
        self._become(np.zeros(0, np.int64))

    @classmethod
    def prepare(cls, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> MilvusIndex:
        """Not without a place: see :meth:`MilvusPlace.prepare`.

        Raises:
            UsageError: always.
        """
        raise UsageError("an index in Milvus lies on a server: say where by --index-uri")

    def suits(self, n: int) -> bool:
        """Whether the server's kind of index fits so many vectors."""
        return self.approximate == (n >= _ONE_BY_ONE)

    def __len__(self) -> int:
        return int(self._ids.size)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids there are, in the order they were added."""
        return self._ids

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add ``(n, dim)`` unit vectors; one that another machine has added under the same id meanwhile is replaced.

        Raises:
            UsageError: an id is there already or comes twice, or the shapes do not fit.
            KnowledgeBaseError: the server does not answer.
        """
        ids, vectors = checked(ids, vectors, self.dim, self._order)
        for start in range(0, ids.size, ADDED):
            part = slice(start, start + ADDED)
            rows = [{"id": int(i), "vector": v} for i, v in zip(ids[part], vectors[part], strict=True)]
            with _telling(self.place.uri):
                # No upsert: that would take the same id out of other archives' parts.
                self._client.delete(self.place.collection, ids=ids[part].tolist(), **self._part)
                self._client.insert(self.place.collection, rows, **self._part)
        self._become(np.concatenate([self._ids, ids]))

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove ids; the number that were there."""
        gone = np.isin(self._ids, np.asarray(ids, dtype=np.int64))
        for some in _pieces(self._ids[gone]):
            with _telling(self.place.uri):
                self._client.delete(self.place.collection, ids=some, **self._part)
        if gone.any():
            with _telling(self.place.uri):
                self._client.flush(self.place.collection)
                self._client.compact(self.place.collection)
            self._become(self._ids[~gone])
        return int(gone.sum())

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(ids), dim)``: the vectors of ids.

        Raises:
            KeyError: an id is not there.
        """
        wanted = np.asarray(ids, dtype=np.int64).reshape(-1)
        self._order.rows(wanted)
        found: dict[int, Any] = {}
        for some in _pieces(wanted):
            with _telling(self.place.uri):
                rows = self._client.get(
                    self.place.collection, ids=some, output_fields=["vector"], partition_names=self._partitions
                )
            found.update((row["id"], row["vector"]) for row in rows)
        out = [found[int(i)] for i in wanted]
        return np.array(out, dtype=np.float32).reshape(wanted.size, self.dim)

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and cosine similarities, each ``(n_queries, k)``, best first, ties by id; -1 and -inf pad short rows."""
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        may = self._sorted if allowed is None else np.intersect1d(self._sorted, allowed)
        if may.size == 0 or k == 0 or not queries.size:
            return padded(queries.shape[0], k)
        if may.size <= ASKED:
            return self._nearest(queries, k, may, may.tolist() if may.size < self._ids.size else None)
        found = self._nearest(queries, k, may, None)
        if (found[0][:, min(k, may.size) - 1] >= 0).all():
            return found
        # What is allowed lies far from what is near: ask for it by name.
        parts = [self._nearest(queries, k, may, some) for some in _pieces(may)]
        return ordered(np.hstack([ids for ids, _ in parts]), np.hstack([scores for _, scores in parts]), k)

    def save(self, path: Path) -> None:
        """Write where it lies, and which ids are this version's."""
        head = {**asdict(self.place), "dim": self.dim, "approximate": self.approximate}
        with path.open("wb") as stream:
            stream.write(json.dumps(head).encode() + b"\n")
            np.save(stream, self._ids)

    @classmethod
    def load(cls, path: Path) -> MilvusIndex:
        """Read what :meth:`save` wrote.

        Raises:
            KnowledgeBaseError: the file is damaged, the server does not answer, or the collection is gone.
        """
        try:
            with path.open("rb") as stream:
                head, ids = json.loads(stream.readline()), np.load(stream)
            place = MilvusPlace(head["uri"], head["collection"], head["partition"])
            index = cls(place, head["dim"], head["approximate"])
        except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
            raise KnowledgeBaseError(f"vector index {path} cannot be read ({first_line(error)}): delete it") from None
        with _telling(place.uri):
            if not index._client.has_collection(place.collection):
                raise KnowledgeBaseError(f"vector index {path}: {place.uri} has no collection {place.collection}")
            index._client.load_collection(place.collection)
        index._become(ids.astype(np.int64))
        return index

    def become_suited(self) -> None:
        """Have the server index the collection for its size."""
        name, kind = self.place.collection, "AUTOINDEX" if self.approximate else "FLAT"
        there = self._client.list_indexes(name)
        if there and self._client.describe_index(name, there[0]).get("index_type") != kind:
            self._client.release_collection(name)
            self._client.drop_index(name, there[0])
            there = []
        if not there:
            wanted = self._client.prepare_index_params()
            wanted.add_index("vector", index_name="vector", index_type=kind, metric_type="IP")
            self._client.create_index(name, wanted)
        self._client.load_collection(name)

    def take_over(self) -> None:
        """Count as added what the collection holds."""
        rows = self._client.query_iterator(
            self.place.collection, batch_size=MOST, output_fields=["id"], partition_names=self._partitions
        )
        found: list[int] = []
        while batch := rows.next():
            found.extend(row["id"] for row in batch)
        rows.close()
        self._become(np.array(sorted(found), dtype=np.int64))

    def _nearest(
        self, queries: NDArray[np.float32], k: int, may: NDArray[np.int64], named: Sequence[int] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best ``k`` of ``may``; with ``named``, the server is told which ids to look at."""
        limit = min(k + _OVERFETCH, MOST)
        while True:
            with _telling(self.place.uri):
                hits = self._client.search(
                    self.place.collection,
                    data=list(queries),
                    anns_field="vector",
                    limit=limit,
                    filter=f"id in {list(named)}" if named is not None else "",
                    search_params={"metric_type": "IP"},
                    partition_names=self._partitions,
                    consistency_level="Strong",
                )
            ids, scores = padded(queries.shape[0], limit)
            for row, found in enumerate(hits):
                ids[row, : len(found)] = [hit["id"] for hit in found]
                scores[row, : len(found)] = [hit["distance"] for hit in found]
            last = scores[:, -1]
            ids[~_among(ids, may)] = -1
            best_ids, best = ordered(ids, scores, k)
            # More may be allowed, or as good with a smaller id, beyond what was fetched.
            more = np.isfinite(last) & ((best_ids[:, k - 1] < 0) | (last >= best[:, k - 1]))
            if not more.any() or limit == MOST:
                return best_ids, best
            limit = min(limit * 8, MOST)

    def _become(self, ids: NDArray[np.int64]) -> None:
        self._ids, self._sorted, self._order = ids, np.sort(ids), IdOrder(ids)

    @property
    def _part(self) -> dict[str, str]:
        return {"partition_name": self.place.partition} if self.place.partition else {}

    @property
    def _partitions(self) -> list[str] | None:
        return [self.place.partition] if self.place.partition else None


PATIENCE_S: Final = 10.0
"""How long a server may take to answer the first call, s."""


@cache
def connected(uri: str) -> Any:
    """A client, one a server and process.

    Raises:
        MissingExtraError: pymilvus is not installed.
        KnowledgeBaseError: the server does not answer.
    """
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise MissingExtraError("pymilvus", "milvus", "an index in Milvus") from None
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs what was asked; errors are told by us
    with _telling(uri):
        return MilvusClient(uri, token=os.environ.get(TOKEN, ""), timeout=PATIENCE_S)


@contextmanager
def _telling(uri: str) -> Iterator[None]:
    """Raise what the server or the client refuses as an error of ours."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        raise KnowledgeBaseError(
            f"the vector index at {uri} cannot be used (code {error.code}): see that the server runs and that ${TOKEN} is right"
        ) from None


def _pieces(ids: NDArray[np.int64]) -> Iterator[list[int]]:
    for start in range(0, ids.size, ASKED):
        yield ids[start : start + ASKED].tolist()


def _among(ids: NDArray[np.int64], there: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``ids`` are in ``there``, which is sorted."""
    at = np.minimum(np.searchsorted(there, ids), there.size - 1)
    return np.asarray(there[at] == ids, dtype=np.bool_)
