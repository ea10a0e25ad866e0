"""The one writer of a store: appends shards, brings changed sources up to date, erases patients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow as pa

from precordia.core.errors import KnowledgeBaseError, UnfinishedErasureError
from precordia.indexing.durable import PARTIAL, remove, sync_folder
from precordia.indexing.erasure import LEARNED, Erasure, Journal, digest_of_reject
from precordia.indexing.locks import CACHE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.mapped_rows import RowCache, drop_unused
from precordia.indexing.reembedding import Embed, Reembedding, finish_reembedding, with_vectors
from precordia.indexing.reviews import Reviews
from precordia.indexing.schema import LIGHT_SCHEMA, Reject, reject_table
from precordia.indexing.standing import Standing
from precordia.indexing.tables import DeltaFolder

CatchUp: TypeAlias = Callable[[], Collection[str]]
"""Brings what is derived to the version of the tables; the files of the cache that hold nothing of what is gone from these."""

PRESENT: Final = "present"
"""Stage of the rows of the reject table that note a second copy of a recording that is kept."""

_COPY: Final = "the same recording is in the knowledge base already"
_COMPACT_FILES: Final = 32
_COMPACT_EVERY: Final = 256
"""Shards after which small files are gathered during a build, so that readers beside it never meet thousands."""

_COMPACT_BYTES: Final = 64 * 2**20
_COMPARED: Final = [name for name in LIGHT_SCHEMA.names if name != "source_stamp"]


@dataclass(frozen=True)
class Appended:
    """What became of a shard's rows.

    Attributes:
        n_added: New cases.
        n_updated: Cases whose file or row in the report table had changed.
        n_present: Cases that were there, unchanged.
        n_windows: Stretches of long recordings among the rows taken; the other numbers are of whole recordings.
    """

    n_added: int
    n_updated: int
    n_present: int
    n_windows: int = 0


class StoreWriter:
    """Given out by :meth:`~precordia.indexing.store.DeltaCaseStore.writing`, which holds the lock.

    Args:
        path: The knowledge base.
        cases: Its case table, at the newest version.
        signals: Its signal table.
        rejects: Its reject table.
        rows: The cases there are.
        known_rejects: The rows of the reject table.
    """

    def __init__(
        self,
        path: Path,
        cases: DeltaFolder,
        signals: DeltaFolder,
        rejects: DeltaFolder,
        rows: RowCache,
        known_rejects: Sequence[Reject],
    ) -> None:
        self._path = path
        self._cases, self._signals, self._rejects = cases, signals, rejects
        self._rows = rows
        self._standing = Standing(rows)
        self._known_rejects = set(known_rejects)
        self._n_appended = 0

    def append(self, cases: pa.Table, signals: pa.Table, rejects: Sequence[Reject] = ()) -> Appended:
        """Add a shard; cases that are there already, unchanged, are passed over.

        A row whose source is known takes the place of what was read from that source before, a stretch of a long recording
        that of the one which began at the same second; what of a source does not come again goes.

        Args:
            cases: By :func:`~precordia.indexing.schema.case_table`.
            signals: Of the same cases, in the same order.
            rejects: What the shard did not keep.
        """
        take, outdated, copies, n_updated = self._sort_out(cases)
        noted = [r for r in dict.fromkeys([*rejects, *copies]) if r not in self._known_rejects]
        taken = cases.filter(pa.array(take, pa.bool_()))
        ids = taken.column("case_id").to_pylist()
        # An update that keeps its id keeps its signal, whose hash is part of the id.
        known = self._standing.knows(_ids(cases))
        unheard = [wanted and not heard for wanted, heard in zip(take, known, strict=True)]
        self._signals.append(signals.filter(pa.array(unheard, pa.bool_())))
        self._rejects.append(reject_table(noted))
        if outdated:
            self._cases.delete(outdated, taken)
        else:
            self._cases.append(taken)
        gone = sorted(set(outdated) - set(ids))
        if gone:
            self._signals.delete(gone)
        sources, starts = (taken.column(name).to_pylist() for name in ("source", "start_s"))
        self._standing.change(sources, starts, ids, gone)
        self._n_appended += 1
        if self._n_appended % _COMPACT_EVERY == 0:
            self._gather()
        self._known_rejects.update(noted)
        n_whole = taken.column("start_s").null_count
        n_present = cases.column("start_s").null_count - n_whole
        return Appended(n_whole - n_updated, n_updated, n_present, len(ids) - n_whole)

    def were_read(self, sources: Sequence[str], stamps: Sequence[str]) -> list[bool]:
        """Whether each source was read, kept or not, when it had that stamp."""
        rejected = {(r.source, r.source_stamp) for r in self._known_rejects}
        kept = self._standing.had(sources, stamps)
        return [a or pair in rejected for a, pair in zip(kept, zip(sources, stamps, strict=True), strict=True)]

    def forget_rejects(self) -> None:
        """Empty the reject table, so that everything in it is read again."""
        self._rejects.replace(reject_table([]))
        self._known_rejects.clear()

    def tidy_rejects(self, stamps: Mapping[str, str]) -> None:
        """Drop rejects of files that have changed since and were read again.

        Args:
            stamps: Source to its stamp now.
        """
        unstamped = [r.source for r in self._known_rejects if not r.source_stamp]
        # They are tried again each time, and may have become cases.
        kept_since = {
            s for s, case in zip(unstamped, self._standing.cases_of(unstamped), strict=True) if case is not None
        }
        kept = {r for r in self._known_rejects if not _outdates(r, stamps, kept_since)}
        if len(kept) < len(self._known_rejects):
            self._rejects.replace(reject_table(sorted(kept, key=lambda r: (r.source, r.stage, r.reason))))
            self._known_rejects = kept

    def erase(self, patient_key: str, catch_up: CatchUp = tuple) -> Erasure:
        """Remove a patient's rows, and the bytes of every older version of the files that held them.

        Args:
            patient_key: The patient.
            catch_up: See :meth:`finish_erasure`.

        Raises:
            UnfinishedErasureError: it has begun, and could not be finished.
        """
        import pyarrow.compute as pc

        mine = pc.fill_null(pc.equal(self._rows.column("patient_key"), patient_key), False)
        gone: list[int] = sorted(self._rows.column("case_id").filter(mine).to_pylist())
        names = {row["recording_id"] for row in self._rows.read(gone, ["recording_id"])}
        rejects = [r for r in self._known_rejects if r.patient_key == patient_key or r.recording_id in names]
        if not gone and not rejects:
            return Erasure((), 0)
        journal = Journal.of(patient_key, gone, rejects)
        journal.save(self._path)
        return self.finish_erasure(journal, catch_up)

    def finish_erasure(self, journal: Journal, catch_up: CatchUp = tuple) -> Erasure:
        """Remove all that a journal names and that is still there, and then the journal.

        Args:
            journal: What is to go.
            catch_up: Takes it out of what is derived, where that costs less than making it again.

        Raises:
            UnfinishedErasureError: something could not be removed; the journal stays.
        """
        rejected = set(journal.rejects)
        kept = [r for r in self._known_rejects if digest_of_reject(r) not in rejected]
        try:
            self._cases.delete(journal.case_ids)
            self._signals.delete(journal.case_ids)
            Reviews(self._path).erase(journal.case_ids)
            if len(kept) < len(self._known_rejects):
                self._rejects.replace(reject_table(sorted(kept, key=lambda r: (r.source, r.stage, r.reason))))
                self._known_rejects = set(kept)
            self.purge(catch_up())
            if journal.case_ids:
                for file in sorted((self._path / LEARNED).glob("*")):
                    remove(file)
            Journal.clear(self._path)
        except KnowledgeBaseError as error:
            raise UnfinishedErasureError(
                f"knowledge base {self._path}: an erasure is not finished, bytes of the patient may be left: {error}; "
                "whatever opens the knowledge base next goes on with it"
            ) from error
        return Erasure(journal.case_ids, len(journal.rejects))

    def reembed(self, manifest: Manifest, embed: Embed) -> None:
        """Give every case another vector of its signal, and the knowledge base the manifest that says whose they are.

        Args:
            manifest: Of the encoder that makes them.
            embed: Makes them.
        """
        Reembedding(self._cases.version + 1, manifest).save(self._path)
        self._cases.rewrite(lambda rows: with_vectors(rows, embed))
        finish_reembedding(self._path, self._cases.version)
        self.purge()

    def delete_orphans(self, case_ids: Sequence[int]) -> None:
        """Remove signals that have no case."""
        self._signals.delete(case_ids)
        self.purge()

    def has_strays(self) -> bool:
        """Whether a crash or a change has left files that no table names."""
        return bool(self._partial()) or any(table.strays() for table in self._tables)

    def finish(self) -> None:
        """Gather many small files into few, and drop what is outdated."""
        self._gather()
        if self.has_strays():
            self.purge()
        with locked(self._path, CACHE_LOCK, -1, "clearing the cache"):
            drop_unused(self._path / "cache" / "rows", [self._cases, self._signals])

    def _gather(self) -> None:
        for table in self._tables:
            if len(table.files) > _COMPACT_FILES:
                table.compact(_COMPACT_BYTES)

    def purge(self, stay: Collection[str] = ()) -> None:
        """Remove every byte that the newest version does not need, and every derived file that may hold more.

        Args:
            stay: Files of the cache that are known to hold nothing more.
        """
        cache = self._path / "cache"
        with locked(self._path, CACHE_LOCK, -1, "clearing the cache"):
            for table in self._tables:
                table.purge()
            drop_unused(cache / "rows", [self._cases, self._signals])
            for derived in [*(f for f in cache.glob("*") if f.name not in {"rows", *stay}), *self._partial()]:
                remove(derived)
            for folder in (cache / "rows", cache, self._path):
                if folder.is_dir():
                    sync_folder(folder)

    @property
    def _tables(self) -> tuple[DeltaFolder, DeltaFolder, DeltaFolder]:
        return self._cases, self._signals, self._rejects

    def _partial(self) -> list[Path]:
        """What a crash has left beside the tables."""
        return list(self._path.glob(f"*{PARTIAL}"))

    def _sort_out(self, cases: pa.Table) -> tuple[list[bool], list[int], list[Reject], int]:
        """Which rows to take, which ids they outdate, what to note of the others, and how many are updates."""
        take: list[bool] = []
        outdated: list[int] = []
        copies: list[Reject] = []
        seen: set[int] = set()
        n_updated = 0
        ids, sources, starts = (cases.column(name).to_pylist() for name in ("case_id", "source", "start_s"))
        left, whole = self._standing.stretches_of(sources), self._standing.cases_of(sources)
        befores = [
            before if start is None else left.get(source, {}).pop(start, None)
            for before, source, start in zip(whole, sources, starts, strict=True)
        ]
        there = self._standing.knows(ids)
        before_there = self._standing.knows([before or 0 for before in befores])
        for at, (case_id, before, start) in enumerate(zip(ids, befores, starts, strict=True)):
            known = there[at] or case_id in seen
            changed = (
                before is not None
                and before_there[at]
                and (before != case_id or self._differs(case_id, cases.slice(at, 1)))
            )
            if changed and before is not None:
                outdated.append(before)
            take.append((changed and (before == case_id or not known)) or not known)
            n_updated += changed and take[-1] and start is None
            if not take[-1] and start is None:  # of a second copy of a long recording one note is enough
                copies.append(_copy_of(cases.slice(at, 1).select(_COPY_COLUMNS).to_pylist()[0]))
            seen.add(case_id)
        rest = [case_id for stretches in left.values() for case_id in stretches.values() if case_id not in seen]
        outdated += [case_id for case_id, known in zip(rest, self._standing.knows(rest), strict=True) if known]
        return take, outdated, copies, n_updated

    def _differs(self, case_id: int, row: pa.Table) -> bool:
        """Whether a row says something else than the one there is."""
        return bool(self._rows.read([case_id], _COMPARED) != row.select(_COMPARED).to_pylist())


def _outdates(reject: Reject, stamps: Mapping[str, str], kept_since: Collection[str]) -> bool:
    if not reject.source_stamp:
        return reject.source in kept_since
    return stamps.get(reject.source, reject.source_stamp) != reject.source_stamp


_COPY_COLUMNS: Final = ["source", "source_stamp", "recording_id", "patient_key"]


def _copy_of(row: Mapping[str, Any]) -> Reject:
    return Reject(**row, reason=_COPY, stage=PRESENT, error="Duplicate")


def _ids(cases: pa.Table) -> list[int]:
    ids: list[int] = cases.column("case_id").to_pylist()
    return ids
