"""Is a knowledge base what was written? Every byte compared with its checksum; what is derived rebuilt, what is lost named.

The truth is the manifest and three tables; each file of a table has a checksum in the table's ledger, and the ledger its
own. Cases and signals tell of each other: a case whose row is lost is known by its signal, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from precordia.core.errors import DamageError, KnowledgeBaseError, KnowledgeBaseNotFoundError
from precordia.indexing import deltalog
from precordia.indexing.addresses import folder_of
from precordia.indexing.audit import AUDIT, Audit
from precordia.indexing.blocks import BlockDamage, Blocks
from precordia.indexing.durable import remove
from precordia.indexing.erasure import JOURNAL, Journal
from precordia.indexing.holes import fill
from precordia.indexing.index_cache import (
    check_derived,
    check_vectors,
    forget_index,
    open_vector_index,
    open_word_index,
)
from precordia.indexing.ledger import LEDGER, Ledger
from precordia.indexing.locks import CACHE_LOCK, WRITE_LOCK, locked
from precordia.indexing.manifest import MANIFEST, MANIFEST_COPY, Manifest, mend_manifest
from precordia.indexing.mapped_rows import mirror_of
from precordia.indexing.migrations import bring_up_to_date
from precordia.indexing.reembedding import JOURNAL as REEMBEDDING
from precordia.indexing.reviews import REVIEWS
from precordia.indexing.schema import LIGHT_SCHEMA
from precordia.indexing.seals import digest_of_file
from precordia.indexing.store import DeltaCaseStore, VectorKind
from precordia.indexing.tables import DeltaFolder, open_table, open_tables

Verifier = Callable[[Path], Sequence[str]]
"""Given a folder of derived things, the names of those files in it that are not what was written."""

_TABLES: Final = ("cases", "signals", "rejects")
OWN_TABLES: Final = (AUDIT, REVIEWS)
"""Tables that are made when something is first written to them."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not what was written.

    Attributes:
        what: The file, within the knowledge base.
        kind: "damaged", "missing" or "unfinished".
        derived: It can be made again from what is sound.
        n_lost: Rows that cannot be had back from it.
        repaired: It has been mended, made again or, where it is lost, taken out.
        message: For people, one line, no patient's data.
    """

    what: str
    kind: str
    derived: bool
    n_lost: int = 0
    repaired: bool = False
    message: str = ""


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
        n_files: Files compared with their checksums.
        n_bytes: Their size.
        problems: What is not what was written.
        lost_cases: Ids of the cases that are lost, as far as they are known; the archive they were read from gives them back.
    """

    n_files: int
    n_bytes: int
    problems: tuple[Problem, ...]
    lost_cases: tuple[int, ...]

    @property
    def n_lost(self) -> int:
        """Rows that are lost."""
        return sum(problem.n_lost for problem in self.problems)

    @property
    def sound(self) -> bool:
        """Nothing is lost, and nothing stands that would keep the knowledge base from being opened."""
        return not self.n_lost and all(problem.repaired or problem.derived for problem in self.problems)

    def document(self) -> dict[str, Any]:
        """As plain values; ids as texts, which exceed 2^53."""
        return {
            "sound": self.sound,
            "n_files": self.n_files,
            "n_bytes": self.n_bytes,
            "n_lost": self.n_lost,
            "lost_cases": [str(case_id) for case_id in self.lost_cases],
            "problems": [asdict(problem) for problem in self.problems],
        }


def check(
    path: str | Path, repair: bool = False, *, wait_s: float = 30.0, verifiers: Mapping[str, Verifier] | None = None
) -> CheckReport:
    """Compare everything that a knowledge base holds with its checksums.

    Args:
        path: The knowledge base.
        repair: Mend what can be mended, rebuild what is derived, and take out what is lost, so that the rest can be used
            and a build reads the lost recordings again.
        wait_s: How long a repair waits for another writer, s.
        verifiers: Names of other folders of derived things to what tells which of their files are damaged.

    Raises:
        KnowledgeBaseNotFoundError: there is none.
        MismatchError: it is of another format; a repair brings an earlier one up to date.
        BusyError: another process is writing, and ``repair`` was asked for.
    """
    folder = folder_of(path)
    if not (
        Manifest.exists(folder) or (folder / "cases" / LEDGER).exists() or (folder / "cases" / deltalog.LOG).exists()
    ):
        raise KnowledgeBaseNotFoundError(
            f"no knowledge base at {path}: build one with: precordia build ARCHIVE --kb {path}"
        )
    if repair:
        bring_up_to_date(folder, wait_s)
    run = _Check(folder, repair)
    with locked(folder, WRITE_LOCK, wait_s, "the repair") if repair else nullcontext():
        run.manifest()
        for name in _TABLES:
            run.table(name)
        for name in OWN_TABLES:
            if (folder / name).is_dir():
                run.table(name)
        run.audit()
        run.journal()
        run.each_other()
        run.mirrors()
    run.indexes()
    for name, verifier in (verifiers or {}).items():
        run.other(name, verifier)
    return CheckReport(run.n_files, run.n_bytes, tuple(run.problems), tuple(sorted(run.lost)))


class _Check:
    """The steps of a check, and what they have found so far."""

    def __init__(self, path: Path, repair: bool) -> None:
        self.path = path
        self.repair = repair
        self.problems: list[Problem] = []
        self.lost: set[int] = set()
        self._sound: dict[str, Any] = {}
        """Damaged files of cases and signals to the ids of the rows in them that are sound."""
        self.n_files = 0
        self.n_bytes = 0

    def manifest(self) -> None:
        """The manifest and its copy."""
        for name in (MANIFEST, MANIFEST_COPY):
            try:
                Manifest.load(self.path, name)
                self._count(self.path / name)
            except DamageError as error:
                self._found(self.path / name, message=str(error), derived=name == MANIFEST_COPY)
            except KnowledgeBaseNotFoundError:
                self._found(self.path / name, message="neither the manifest nor its copy is there: restore one of them")
        if self.repair and self.problems:
            try:
                mend_manifest(self.path)
            except (DamageError, KnowledgeBaseNotFoundError):
                self.problems[-1:] = [_lost(self.problems[-1])]
            else:
                self._all_repaired(0)

    def table(self, name: str) -> None:
        """A table's ledger, log and files."""
        place, first = self.path / name, len(self.problems)
        ledger = self._ledger(place)
        if ledger is None:
            return
        log = place / deltalog.LOG
        while True:
            entries = [n for n, digest in sorted(ledger.log.items()) if not self._is_sound(log / n, digest)]
            files = [n for n, file in sorted(ledger.files.items()) if not self._is_sound(place / n, file.digest)]
            if not (entries or files) or self.repair or (newer := Ledger.load(place)) == ledger:
                break
            ledger = newer  # written meanwhile: what is gone may rightly be gone
        for entry in entries:
            self._found(log / entry, derived=True, message="an entry of the log that other engines read")
        if not (entries or files):
            return
        table = open_table(self.path, name, complete=False)
        if self.repair and entries:
            table.checkpoint()
        for file in files:
            rows, kept = ledger.files[file].rows, table.sound_rows(file)
            n_kept = kept.num_rows if kept is not None else 0
            if kept is not None and "case_id" in kept.column_names:
                self._sound[file] = kept.column("case_id").to_numpy()
            self._found(place / file, n_lost=rows - n_kept, message=f"{n_kept} of its {rows} rows are what was written")
            if self.repair:
                table.put_right(file, kept)
        if self.repair:
            self._all_repaired(first)

    def _ledger(self, place: Path) -> Ledger | None:
        """A table's ledger, or what its log says where that is lost; None where both are."""
        try:
            ledger = Ledger.load(place)
            self._count(place / LEDGER)
            return ledger
        except DamageError as error:
            self._found(place / LEDGER, message=str(error))
        try:
            ledger = deltalog.ledger_of(place)
        except (ValueError, OSError):
            self.problems[-1] = _lost(self.problems[-1])
            return None
        if not self.repair:
            return None
        ledger.save(place)
        self._all_repaired(len(self.problems) - 1)
        return ledger

    def journal(self) -> None:
        """An erasure that has begun."""
        try:
            if Journal.load(self.path) is None:
                return
            self._found(self.path / JOURNAL, kind="unfinished", message="an erasure has begun and is not finished")
        except DamageError as error:
            self._found(self.path / JOURNAL, n_lost=1, message=str(error))
            if self.repair:
                Journal.clear(self.path)
                self._all_repaired(len(self.problems) - 1)

    def audit(self) -> None:
        """The chain of the audit; never mended, for who mends it could do anything with it."""
        if (self.path / AUDIT).is_dir() and not any(p.what.startswith(f"{AUDIT}/") for p in self.problems):
            chain = Audit(self.path).verify()
            if not chain.whole:
                self._found(self.path / AUDIT, n_lost=1, message=f"the audit's chain is broken: {chain.problem}")

    def each_other(self) -> None:
        """Every case has a signal."""
        try:
            cases, signals = (open_table(self.path, name, complete=False) for name in ("cases", "signals"))
            ids = [self._ids(table) for table in (cases, signals)]
        except KnowledgeBaseError:
            return  # told already
        alone = np.setdiff1d(ids[0], ids[1])
        if any(problem.what.startswith("cases/part") for problem in self.problems):
            self.lost.update(np.setdiff1d(ids[1], ids[0]).tolist())
        self.lost.update(alone.tolist())
        if alone.size:
            told = any(problem.what.startswith("signals/part") for problem in self.problems)
            message = f"{alone.size} cases have no signal"
            self._found(
                self.path / "signals",
                kind="missing",
                n_lost=0 if told else alone.size,
                message=message,
            )
            if self.repair:
                cases.delete(alone.tolist())
                cases.purge()
                self._all_repaired(len(self.problems) - 1)

    def mirrors(self) -> None:
        """The mapped rows."""
        try:
            tables = open_tables(self.path)[:2]
        except KnowledgeBaseError:
            return  # told already
        schemas = (LIGHT_SCHEMA, LIGHT_SCHEMA.empty_table().select(["case_id"]).schema)
        for table, schema in zip(tables, schemas, strict=True):
            for name, file in table.ledger.files.items():
                mirror = mirror_of(self.path / "cache" / "rows", name)
                if not mirror.exists():
                    continue
                self._count(mirror)
                try:
                    blocks = Blocks.mapped(mirror, schema)
                    blocks.verify()
                    sound = blocks.num_rows == file.rows
                except (BlockDamage, OSError):
                    sound = False
                if not sound:
                    self._found(mirror, derived=True, message="made again when it is needed")
                    if self.repair:
                        with locked(self.path, CACHE_LOCK, -1, "clearing the cache"):
                            remove(mirror)
                        self._all_repaired(len(self.problems) - 1)

    def indexes(self) -> None:
        """The saved indexes, byte by byte and against the table's vectors; made again by a repair."""
        if not self.repair and ((self.path / JOURNAL).exists() or (self.path / REEMBEDDING).exists()):
            return  # opening the store would finish what has begun, and a check writes nothing
        try:
            manifest, store = Manifest.load(self.path), DeltaCaseStore(self.path)
        except KnowledgeBaseError:
            return  # told already
        if self.repair:  # opening it has finished what had begun
            self._all_repaired(0, kind="unfinished")
        dims = {"signal-vectors": manifest.dim, "text-vectors": manifest.text_dim or 0}
        for name, sound in check_derived(self.path).items():
            self.n_files += 1
            if sound and name in dims and not self._stands("cases"):
                sound = check_vectors(store, "signal" if name == "signal-vectors" else "text", dims[name])
            if sound:
                continue
            self._found(self.path / "cache" / name, derived=True, message="made again when it is needed")
            if self.repair:
                forget_index(self.path, name)
                if name in dims:
                    vectors: VectorKind = "signal" if name == "signal-vectors" else "text"
                    open_vector_index(
                        store, vectors, dims[name], index=manifest.index, address=manifest.index_address(vectors)
                    )
                elif name == "words":
                    open_word_index(store)
                self._all_repaired(len(self.problems) - 1)

    def other(self, name: str, verifier: Verifier) -> None:
        """A folder of other derived things."""
        folder = self.path / name
        if not folder.is_dir():
            return
        for damaged in verifier(folder):
            self._found(folder / damaged, derived=True, message="made again by: precordia build --refit")
            if self.repair:
                remove(folder / damaged)
                self._all_repaired(len(self.problems) - 1)

    def _ids(self, table: DeltaFolder) -> Any:
        """Ids of the rows of a table that are sound."""
        empty = np.zeros(0, np.int64)
        damaged = {Path(problem.what).name for problem in self.problems if not problem.repaired}
        parts = [
            self._sound.get(name, empty) if name in damaged else table.ids(name).column(0).to_numpy()
            for name in table.files
        ]
        return np.concatenate([empty, *parts])

    def _stands(self, table: str) -> bool:
        """Whether damage of a table has been found and not been repaired."""
        return any(p.what.startswith(f"{table}/part") and not p.repaired for p in self.problems)

    def _is_sound(self, file: Path, digest: str) -> bool:
        try:
            self._count(file)
            fill(file)
            return digest_of_file(file) == digest
        except OSError:
            return False

    def _count(self, file: Path) -> None:
        self.n_files += 1
        self.n_bytes += file.stat().st_size if file.exists() else 0

    def _found(self, file: Path, kind: str = "", derived: bool = False, n_lost: int = 0, message: str = "") -> None:
        kind = kind or ("damaged" if file.exists() else "missing")
        what = file.relative_to(self.path).as_posix()
        self.problems.append(Problem(what, kind, derived, n_lost, message=" ".join(message.split())))

    def _all_repaired(self, first: int, kind: str = "") -> None:
        for at, problem in enumerate(self.problems):
            if at >= first and kind in ("", problem.kind):
                self.problems[at] = Problem(**{**asdict(problem), "repaired": True})


def _lost(problem: Problem) -> Problem:
    return Problem(**{**asdict(problem), "n_lost": 1})
