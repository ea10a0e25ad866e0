"""The knowledge base: one object over storage, retrieval and generation.

kb = KnowledgeBase.open_or_create("precordia.kb")
kb.add("archive/", reports="reports.csv")
hits = kb.search(read_recording("new_ecg"), k=10, where="age > 60")
draft = kb.report(read_recording("new_ecg"))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.arguments import encoder_of, text_encoder_of
from precordia.consulted_archive import ConsultedArchive
from precordia.core.case import Case
from precordia.core.errors import CheckpointError, MismatchError, UnknownNameError, UsageError
from precordia.core.given import expect
from precordia.core.progress import Progress as Watched
from precordia.core.progress import silent
from precordia.core.protocols import Encoder, Executor, TextEncoder
from precordia.core.recording import Recording
from precordia.indexing.addresses import folder_of
from precordia.indexing.audit import Audit, Event, user_of_machine
from precordia.indexing.durable import make_folder
from precordia.indexing.id_order import is_among
from precordia.indexing.index_cache import caught_up
from precordia.indexing.indexes import BY_SIZE, check_index, named_address, same_address
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.migrations import bring_up_to_date
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.reviews import Reviews
from precordia.indexing.standing import counts_of, n_different
from precordia.indexing.store import DeltaCaseStore
from precordia.signals.door import STRIDE_S

if TYPE_CHECKING:
    from precordia.indexing.builder import BuildReport, Progress
    from precordia.indexing.integrity import CheckReport

_IDS = "a case is named by a whole number, a hit's case.case_id (in JSON a text: int(...) of it)"

ADOPT_WAIT_S = 30.0
"""How long a build waits for another writer before signed reviews count as reports."""


class KnowledgeBase(ConsultedArchive):
    """An archive that can be searched, reported from and asked.

    Made by :meth:`create`, :meth:`open` or :meth:`open_or_create`. Its searches are
    :class:`~precordia.opened_archive.OpenedArchive`'s, its reports and answers
    :class:`~precordia.consulted_archive.ConsultedArchive`'s; here it is made, filled, emptied and listed.
    """

    # --- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Encoder | str = "default",
        text_encoder: TextEncoder | str | None = "default",
        index: str = BY_SIZE,
        index_uri: str | None = None,
    ) -> KnowledgeBase:
        """Make an empty knowledge base.

        Args:
            path: A folder that holds none yet.
            encoder: Of signals: an object, or a name or folder to load it by.
            text_encoder: Of reports, for search by meaning; None to do without. The default is left out where the
                extra ``text`` is not installed.
            index: The kind of vector index, a name in :data:`~precordia.indexing.indexes.INDEXES`; by default the number of
                vectors chooses.
            index_uri: Where it lies, of one on a server (``http://host:19530``), without credentials; after a ``#`` the
                name that its collections begin with, and after a ``/`` the archive's part of them.

        Raises:
            UsageError: there is a knowledge base already, or ``index_uri`` is not valid.
            UnknownNameError: there is no such kind of index.
        """
        folder = folder_of(path)
        if is_knowledge_base(folder):
            raise UsageError(f"there is a knowledge base at {folder} already: open it, or choose another folder")
        index_at = named_address(index_uri)
        check_index(index, index_at)
        signal_encoder, name = encoder_of(encoder)
        words, text_name = text_encoder_of(text_encoder)
        make_folder(folder)
        manifest = Manifest.of(signal_encoder, name, words, text_name, index, index_at)
        with locked(folder, WRITE_LOCK, 0, "creating it"):
            store = DeltaCaseStore.create(folder)
            manifest.save(folder)
        return cls(folder, manifest, store, signal_encoder, words)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Encoder | str | None = None,
        text_encoder: TextEncoder | str | None = None,
    ) -> KnowledgeBase:
        """Open a knowledge base; one of an earlier format is brought up to date first.

        Args:
            path: Its folder.
            encoder: Of signals; by default the one it was built with, by name.
            text_encoder: Of reports; by default likewise.

        Raises:
            KnowledgeBaseNotFoundError: there is none.
            MismatchError: it was built with another encoder, or written by a later version; says what to do.
            DamageError: something of it is missing, or is not what was written.
            UnfinishedErasureError: an erasure was interrupted and cannot be finished here.
            StorageError: it cannot be read.
        """
        folder = folder_of(path)
        bring_up_to_date(folder)
        Manifest.load(folder)  # one that cannot be read is told before the tables
        store = DeltaCaseStore(folder)
        manifest = manifest_of(folder, store.version)
        signal_encoder = encoder_of(encoder)[0] if encoder is not None else _its_encoder(manifest, folder)
        words = text_encoder_of(text_encoder if text_encoder is not None else manifest.text_encoder)[0]
        manifest.check(signal_encoder, words, folder)
        return cls(folder, manifest, store, signal_encoder, words)

    @classmethod
    def reembed(
        cls, path: str | PathLike[str], *, encoder: Encoder | str = "default", progress: Watched = silent
    ) -> KnowledgeBase:
        """Open a knowledge base with another encoder than it was built with: its signals are embedded anew.

        For archives whose encoder is no more, or has other weights since. Reports keep their vectors, and reviews stay. An
        interruption leaves it as it was or finished; one that is of this encoder already is left alone.

        Args:
            path: Its folder.
            encoder: Of signals, from now on.
            progress: Shows how far it is.

        Raises:
            KnowledgeBaseNotFoundError: there is none.
            BusyError: another process is writing.
        """
        folder = folder_of(path)
        bring_up_to_date(folder)
        Manifest.load(folder)
        store = DeltaCaseStore(folder)
        there = manifest_of(folder, store.version)
        signal_encoder, name = encoder_of(encoder)
        if there.encoder_fingerprint != signal_encoder.fingerprint:
            store.reembed(there.with_encoder(signal_encoder, name), signal_encoder, progress=progress)
        kb = cls.open(folder, encoder=signal_encoder)
        kb._refit_where_due()
        kb.make_ready()
        return kb

    @classmethod
    def open_or_create(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Encoder | str = "default",
        index: str | None = None,
        index_uri: str | None = None,
    ) -> KnowledgeBase:
        """Open the knowledge base at ``path`` with ``encoder``, or make one. Raises as both do.

        Args:
            path: Its folder.
            encoder: Of signals.
            index: As :meth:`create` takes it; one that is there must have it, where it is said.
            index_uri: Likewise.
        """
        if not is_knowledge_base(path):
            return cls.create(path, encoder=encoder, index=index or BY_SIZE, index_uri=index_uri)
        kb = cls.open(path, encoder=encoder)
        there = kb.manifest
        if (index or there.index) != there.index or not same_address(index_uri, there.index_at):
            raise UsageError(f"{path}: its vectors are in index {there.index!r}: another is chosen when it is made")
        return kb

    # --- content ------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"KnowledgeBase({str(self.path)!r}, {len(self)} cases)"

    def __len__(self) -> int:
        """Number of cases."""
        self._store.refresh()
        return len(self._store)

    def add(
        self,
        source: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        reports: str | PathLike[str] | None = None,
        mapping: str | PathLike[str] | None = None,
        where: str | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
        arrays: Mapping[str, Any] | None = None,
        executor: Executor | str = "local",
        stride_s: float = STRIDE_S,
    ) -> BuildReport:
        """Add an archive's recordings; what is there already is passed over.

        Args:
            source: A folder, file or glob, or a list of these.
            reports: A CSV, XLSX or Parquet table with reports; a known one beside the archive is found by itself.
            mapping: A JSON file that says which column of ``reports`` is what.
            where: Take only the rows of the table for which this SQL condition is true.
            workers: Processes; None for one a core.
            progress: Wraps the shards, to show progress.
            arrays: What is known of arrays (NPY, CSV, HDF5, ...) that do not say it themselves: ``fs``, ``units``, ``leads``.
            executor: What runs the shards: "local" for processes of this machine, "ray" for a Ray cluster, which must reach
                the archive and the encoder under the same names; or any other.
            stride_s: Of long recordings, from one stretch that is kept as a case of its own to the next, s, beside those
                that show events; 0 keeps those alone.

        Raises:
            UnreadableRecordingError: there is no such source.
            UsageError: ``reports`` joins nothing, or has neither reports nor codes.
            FilterError: ``where`` is not valid.
            BusyError: another process is writing.
            UnknownNameError: there is no such executor.
            MissingExtraError: Ray is asked for and not installed.
        """
        from precordia.indexing.builder import build

        report = build(
            source,
            self.path,
            encoder=self.manifest.encoder if self.manifest.encoder != "custom" else self._encoder,
            encoder_name=self.manifest.encoder,
            text_encoder=self._text_encoder,
            text_encoder_name=self.manifest.text_encoder,
            reports=reports,
            mapping=mapping,
            where=where,
            workers=workers,
            progress=progress,
            arrays=arrays,
            executor=executor,
            stride_s=stride_s,
        )
        # What was read anew has lost the report that a review gave it.
        self.adopt_reviews(wait_s=ADOPT_WAIT_S)
        self._store.refresh()
        if report.n_added or report.n_updated:
            self._refit_where_due()
            self.make_ready()
        return report

    def adopt_reviews(self, wait_s: float = 0.0) -> int:
        """Let signed reviews count as the report of cases that have none (marked by ``report_by``); how many changed.

        Args:
            wait_s: How long to wait for another writer, s.

        Raises:
            BusyError: another process is writing.
        """
        from precordia.indexing.reviewed import adopt

        n = adopt(self.path, self._text_encoder, wait_s)
        self._store.refresh()
        return n

    @property
    def audit(self) -> Audit:
        """Who asked what about whom, and what was shown: of the service, and every erasure."""
        return Audit(self.path)

    def erase(self, *, patient: str, by: str | None = None) -> int:
        """Remove a patient: rows, signals, texts and vectors are physically gone; that it was done stands in the audit.

        Args:
            patient: The patient, as the archive names them (a hit's ``patient_key``).
            by: Who asks for it; by default this machine's user.

        Returns:
            The number of recordings removed.

        Raises:
            UsageError: the knowledge base holds nothing of that patient.
            BusyError: another process is writing.
            UnfinishedErasureError: it has begun and is not finished; the next opening goes on with it.
        """
        expect(patient, str, "a patient is named by text, as the archive does")
        erasure = self._store.erase(patient, catch_up=caught_up)
        n_reviews = Reviews(self.path).erase(erasure.case_ids, patient)
        self._retriever = None
        if erasure.case_ids:
            # What was fitted rested on the patient's cases as well, and went with them.
            self._knowledge = None
            self._refit_where_due()
        if not erasure.case_ids and not erasure.n_rejects and not n_reviews:
            raise UsageError("the knowledge base holds nothing of that patient: give the id as the archive names them")
        self.audit.record([Event(by or user_of_machine(), "erase", cases=erasure.case_ids, patients=(patient,))])
        if self.manifest.index_at is not None:  # what lies on a server has no file that could go with the rows
            self._store.refresh()
            self._index("signal", self.manifest.dim)
            if self.manifest.text_dim is not None:
                self._index("text", self.manifest.text_dim)
        return len(erasure.case_ids) + erasure.n_rejects

    def check(self, repair: bool = False) -> CheckReport:
        """Whether everything stored is what was written; see :func:`precordia.indexing.integrity.check`.

        Args:
            repair: Rebuild what is derived, and take out what is lost, so that the rest can be used.

        Raises:
            BusyError: another process is writing, and ``repair`` was asked for.
        """
        from precordia.indexing.integrity import check
        from precordia.judgement import models

        report = check(self.path, repair, verifiers={models.FOLDER: models.damaged})
        self._retriever = None
        self._store.refresh()
        return report

    def ids(self) -> list[int]:
        """The ids of all cases."""
        self._store.refresh()
        ids: list[int] = self._store.ids.tolist()
        return ids

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """The cases with these ids, in their order; ids that are not there are passed over."""
        expect(ids, Iterable, _IDS)
        for one in ids:
            expect(one, Integral, _IDS)
        self._store.refresh()
        there = is_among(np.array(ids, dtype=np.int64), self._store.ids)
        return self._store.get([case_id for case_id, is_there in zip(ids, there, strict=True) if is_there])

    def recording(self, case_id: int) -> Recording:
        """A case's recording with its signal.

        Raises:
            UsageError: there is no such case.
        """
        expect(case_id, Integral, _IDS)
        try:
            return self._store.recording(case_id)
        except KeyError:
            raise UsageError(f"there is no case {case_id} in {self.path}") from None

    def summary(self) -> dict[str, Any]:
        """Counts and provenance, as plain values; no patient's data."""
        self._store.refresh()
        findings = counts_of(self._store.column("findings"))
        return {
            "kb": str(self.path),
            "n_cases": len(self._store),
            "n_windows": len(self._store) - self._store.column("start_s").null_count,
            "n_patients": n_different(self._store.column("patient_key")),
            "n_rejects": len(self._store.rejects()),
            "version": self._store.version,
            "columns": self._store.columns(),
            "findings": findings,
            "taught": self.knowledge().document(),
            **asdict(self.manifest),
        }

    def rejects(self) -> list[dict[str, Any]]:
        """What was seen and not kept, and why, as plain values."""
        return [asdict(reject) for reject in self._store.rejects()]


def is_knowledge_base(path: str | PathLike[str]) -> bool:
    """Whether a folder holds a knowledge base."""
    return Manifest.exists(path)


def _its_encoder(manifest: Manifest, folder: Path) -> Encoder:
    try:
        return encoder_of(manifest.encoder)[0]
    except (UnknownNameError, CheckpointError) as error:
        raise MismatchError(
            f"knowledge base {folder}: its encoder {manifest.encoder!r} cannot be loaded ({error}): bring it back, or embed "
            f"the signals anew with the shipped one: precordia build --reembed --kb {folder}"
        ) from error
