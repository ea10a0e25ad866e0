"""The vector and word indexes of a store: caches of its tables, made when missing, caught up when stale.

Each index lies in ``cache/`` with a small JSON that says which Parquet files of the case table it covers. Those files
never change, so an index is brought up to date by adding the cases of the files it has not seen and removing the ids
that are no longer there. The JSON holds the checksums of the index's files, compared before they are opened; an index that
does not fit them is made again. A crash costs time, never data; a folder that cannot be written to costs memory instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, StorageError
from precordia.core.protocols import VectorIndex
from precordia.indexing.durable import make_folder, remove, telling, write_synced
from precordia.indexing.id_order import is_among
from precordia.indexing.indexes import BY_SIZE, INDEXES, kind_for, maker_of
from precordia.indexing.locks import CACHE_LOCK, locked
from precordia.indexing.seals import digest_of_file, sealed, unsealed
from precordia.indexing.store import DeltaCaseStore, VectorKind
from precordia.indexing.words import WordIndex

T = TypeVar("T")

_FORMAT: Final = 2
_IDS: Final = "ids.npy"
_LINES: Final = 1000
"""Reports that are texts of Python's at a time."""
_NOT_KEPT: Final = ".lock"
"""Ends the files of a word index that come and go with its writer."""


@dataclass(frozen=True)
class _Pointer:
    """What a saved index covers.

    Attributes:
        file: Its name in the cache.
        kind: A name in :data:`~precordia.indexing.indexes.INDEXES`, or "words".
        files: The Parquet files it covers.
        digests: Its files, or itself under the name ``""``, to their checksums.
        format: Of the saved index.
    """

    file: str
    kind: str
    files: tuple[str, ...]
    digests: Mapping[str, str]
    format: int = _FORMAT


def _on_newest(store: DeltaCaseStore, make: Callable[[], T]) -> T:
    """What ``make`` makes; again at the newest version, when its files were erased or compacted meanwhile.

    Once, too, where the store is what it was: another process may have put a newer index in the place of the one begun from.
    """
    for attempt in range(3):
        try:
            return make()
        except FileNotFoundError:
            if not store.refresh() and attempt:
                raise
    return make()


def open_vector_index(
    store: DeltaCaseStore,
    kind: VectorKind,
    dim: int,
    *,
    index: str = BY_SIZE,
    address: str | None = None,
    approximate_from: int | None = None,
) -> VectorIndex:
    """The index over a store's vectors, at the store's version.

    Args:
        store: The cases.
        kind: Vectors of the signals or of the reports.
        dim: Their length, from the manifest.
        index: Which kind of index, from the manifest; see :func:`~precordia.indexing.indexes.kind_for`.
        address: Where it lies, of one on a server; see :meth:`~precordia.indexing.manifest.Manifest.index_address`.
        approximate_from: As ``index``.

    Raises:
        UnknownNameError: there is no such kind of index.
    """
    return _on_newest(store, lambda: _open_vectors(store, kind, dim, index, address, approximate_from))


def _open_vectors(
    store: DeltaCaseStore, kind: VectorKind, dim: int, wanted: str, address: str | None, approximate_from: int | None
) -> VectorIndex:
    name = f"{kind}-vectors"
    index, covered = _saved_vectors(store.path, name)
    # The number of vectors counts, not that of the cases; an index that covers all files knows it, and nothing else is read.
    current = index is not None and covered == store.files
    n = len(index) if index is not None and current else store.ids_with_vector(kind).size
    wanted = kind_for(wanted, n, approximate_from)
    if index is not None and not (index.kind == wanted and index.dim == dim and index.suits(n)):
        index, covered = None, ()
    if index is not None and current:
        return index
    if index is None or not _catch_up(index, store, kind, covered):
        index = maker_of(wanted, address).prepare(dim, n, lambda size: _sample(store, kind, dim, size))
        if len(index):  # on a server, where it outlives the cache
            _catch_up(index, store, kind, ())
        else:
            for ids, vectors in store.vectors(kind):
                index.add(ids, vectors)
    _save(store, name, index.kind, index.save)
    return index


def _saved_vectors(path: Path, name: str) -> tuple[VectorIndex | None, tuple[str, ...]]:
    """The saved index of a name, if it can be read, and the files it covers."""
    cache = path / "cache"
    pointer = _read_pointer(cache, name)
    if pointer is not None and pointer.kind in INDEXES:
        with contextlib.suppress(KnowledgeBaseError, OSError):  # what cannot be read is made again
            return INDEXES.get(pointer.kind).load(cache / pointer.file), pointer.files
    return None, ()


def caught_up(store: DeltaCaseStore) -> tuple[str, ...]:
    """Bring what is saved to a store's version; the files of the cache that hold nothing of what the store has no more.

    An index that cannot be read, or that would keep a trace, is not among them: it is made again when it is needed.
    """
    cache, stay = store.path / "cache", list[str]()
    for kind in get_args(VectorKind):
        name = f"{kind}-vectors"
        index, covered = _saved_vectors(store.path, name)
        if index is not None and _catch_up(index, store, kind, covered):
            place = _save(store, name, index.kind, index.save)
            stay += [] if place is None else [place.name, f"{name}.json"]
    words = _read_pointer(cache, "words")
    if words is not None and is_among(np.load(cache / words.file / _IDS), store.ids).all():
        stay += [words.file, "words.json"]
    return tuple(stay)


def open_word_index(store: DeltaCaseStore) -> WordIndex:
    """The index over the words of a store's reports, at the store's version.

    Raises:
        MissingExtraError: tantivy is not installed.
    """
    return _on_newest(store, lambda: _open_words(store))


def _open_words(store: DeltaCaseStore) -> WordIndex:
    cache, name = store.path / "cache", "words"
    pointer = _read_pointer(cache, name)
    before: Path | None = None
    there, covered = np.zeros(0, np.int64), frozenset[str]()
    if pointer is not None:
        with contextlib.suppress(StorageError, OSError, ValueError):  # what cannot be read is made again
            index = WordIndex(cache / pointer.file)
            if pointer.files == store.files:
                return index
            ids = np.sort(np.load(cache / pointer.file / _IDS))
            if is_among(ids, store.ids).all():
                before, there, covered = cache / pointer.file, ids, frozenset(pointer.files)
    # Touched before the cache is locked: reading may itself have to mend the cache.
    texts = [_Texts.of(rows, there) for rows in store.texts([f for f in store.files if f not in covered])]
    saved = _save(store, name, "words", lambda path: _write_words(there, texts, path, before))
    if saved is not None:
        return WordIndex(saved)
    index = WordIndex()
    for part in texts if before is None else [_Texts.of(rows, there[:0]) for rows in store.texts()]:
        index.add(part.lines())
    return index


@dataclass(frozen=True, eq=False)
class _Texts:
    """The reports of one file that an index has not.

    Attributes:
        table: The file's reports; mapped, so that it takes no memory.
        rows: Which rows of it.
        ids: Their cases.
    """

    table: pa.Table
    rows: NDArray[np.int64]
    ids: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table, there: NDArray[np.int64]) -> _Texts:
        """What of a file is not ``there``, ids in order."""
        import pyarrow.compute as pc

        ids = table.column("case_id").to_numpy()
        lengths = [
            pc.fill_null(pc.binary_length(table.column(name)), 0).to_numpy() for name in ("report", "statements")
        ]
        rows = np.flatnonzero((lengths[0] + lengths[1] > 0) & ~is_among(ids, there))
        return cls(table, rows, ids[rows])

    def lines(self) -> Iterator[tuple[int, str]]:
        """Case and what is written of it, a few at a time in memory."""
        for start in range(0, self.rows.size, _LINES):
            for row in self.table.take(pa.array(self.rows[start : start + _LINES])).to_pylist():
                yield row["case_id"], f"{row['report'] or ''}\n{row['statements'] or ''}"


def _write_words(there: NDArray[np.int64], texts: Sequence[_Texts], path: Path, before: Path | None) -> None:
    """A word index in a folder of its own, taking over the segments of an earlier one, which never change."""
    if before is not None:
        shutil.copytree(before, path, copy_function=os.link, ignore=shutil.ignore_patterns("*.lock", _IDS))
    WordIndex(path).add(line for part in texts for line in part.lines())
    np.save(path / _IDS, np.concatenate([there, *(part.ids for part in texts)]))


def _sample(store: DeltaCaseStore, kind: VectorKind, dim: int, size: int) -> NDArray[np.float32]:
    """``size`` vectors to train on: those with the smallest ids, which are hashes and so a fair sample."""
    there = store.ids_with_vector(kind)[:size]
    if not there.size:
        return np.zeros((0, dim), np.float32)
    out = np.zeros((there.size, dim), np.float32)
    for ids, vectors in store.vectors(kind):
        wanted = is_among(ids, there)
        out[np.searchsorted(there, ids[wanted])] = vectors[wanted]
    return out


def _catch_up(index: VectorIndex, store: DeltaCaseStore, kind: VectorKind, covered: tuple[str, ...]) -> bool:
    """Add what is new and remove what is gone; False when only building it again does that without a trace."""
    gone = index.ids[~is_among(index.ids, store.ids)]
    if gone.size and index.leaves_traces:
        return False
    if gone.size:
        index.remove(gone)
    there = np.sort(index.ids)
    for ids, vectors in store.vectors(kind, sorted(set(store.files) - set(covered))):
        new = ~is_among(ids, there)
        if new.any():
            index.add(ids[new], vectors[new])
    return True


def _read_pointer(cache: Path, name: str) -> _Pointer | None:
    """What a saved index covers; None where there is none, or where a byte of it is not what was written."""
    try:
        values = unsealed((cache / f"{name}.json").read_bytes())
        pointer = _Pointer(**{**values, "files": tuple(values["files"])})
        sound = pointer.format == _FORMAT and _digests(cache / pointer.file) == dict(pointer.digests)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pointer if sound else None


def _digests(place: Path) -> dict[str, str]:
    """Checksums of the files of a saved index."""
    if place.is_file():
        return {"": digest_of_file(place)}
    files = sorted(file for file in place.iterdir() if not file.name.endswith(_NOT_KEPT))
    return {file.name: digest_of_file(file) for file in files}


def check_derived(path: Path) -> dict[str, bool]:
    """The saved indexes of a knowledge base, and whether every byte of them is what was written."""
    cache = path / "cache"
    return {file.stem: _read_pointer(cache, file.stem) is not None for file in sorted(cache.glob("*.json"))}


def check_vectors(store: DeltaCaseStore, kind: VectorKind, dim: int) -> bool:
    """Whether the saved index over a store's vectors, if it is at the store's version, holds the vectors of the table."""
    cache = store.path / "cache"
    pointer = _read_pointer(cache, f"{kind}-vectors")
    if pointer is None or pointer.files != store.files or pointer.kind not in INDEXES:
        return True
    index = INDEXES.get(pointer.kind).load(cache / pointer.file)
    n = 0
    for ids, vectors in store.vectors(kind):
        n += ids.size
        try:
            kept = index.vectors(ids)
        except KeyError:
            return False
        if kept.shape != vectors.shape or not np.allclose(kept, vectors, atol=index.tolerance, rtol=0):
            return False
    return index.dim == dim and n == len(index)


def forget_index(path: Path, name: str) -> None:
    """Remove a saved index, which is made again when it is needed."""
    cache = path / "cache"
    with locked(path, CACHE_LOCK, -1, "clearing the cache"):
        for file in (cache / f"{name}.json", *cache.glob(f"{name}-*")):
            remove(file)


def _save(store: DeltaCaseStore, name: str, kind: str, write: Callable[[Path], None]) -> Path | None:
    """Put an index into the cache, unless the store has moved on meanwhile; where it lies, or None.

    The lock is held while it is written: an erasure either sees the file, or comes before it and is seen here.
    """
    cache = store.path / "cache"
    try:
        make_folder(cache)
        with locked(store.path, CACHE_LOCK, -1, "saving an index"):
            if any(not (store.path / "cases" / file).exists() for file in store.files):
                return None
            place = cache / f"{name}-{uuid.uuid4().hex[:12]}"
            try:
                with telling(place):
                    write(place)
                    pointer = _Pointer(place.name, kind, store.files, _digests(place))
                write_synced(cache / f"{name}.json", sealed(asdict(pointer)))
            except BaseException:
                remove(place)
                raise
            for other in cache.glob(f"{name}-*"):
                if other != place:
                    remove(other)
            return place
    except StorageError:  # a folder that cannot be written to, or a full disk: the index stays in memory
        return None
