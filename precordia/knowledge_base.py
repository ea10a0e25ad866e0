"""The knowledge base: one object over storage, retrieval and generation.

kb = KnowledgeBase.open_or_create("precordia.kb")
kb.add("archive/", reports="reports.csv")
hits = kb.search(read_recording("new_ecg"), k=10, where="age > 60")
draft = kb.report(read_recording("new_ecg"))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from precordia.arguments import encoder_of, in_words, language_model_of, recording_of, text_encoder_of
from precordia.core.case import Case
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.protocols import Encoder, Executor, LanguageModel, TextEncoder
from precordia.core.recording import Recording
from precordia.core.retrieval import PRECEDENTS, Query
from precordia.indexing.addresses import folder_of
from precordia.indexing.audit import Audit, Event, user_of_machine
from precordia.indexing.builder import BuildReport, Progress, build
from precordia.indexing.durable import make_folder
from precordia.indexing.indexes import BY_SIZE, check_index, named_address, same_address
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.migrations import bring_up_to_date
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.reviews import Reviews
from precordia.indexing.store import DeltaCaseStore
from precordia.opened_archive import OpenedArchive
from precordia.signals.door import STRIDE_S, TAKEN_FOR_I

if TYPE_CHECKING:
    from precordia.generation.written.writing import Watch, WritingSettings
    from precordia.indexing.integrity import CheckReport
    from precordia.judgement.evidence import Evidence
    from precordia.judgement.judge import Judgement
    from precordia.signals.long.source import LongSignal

ADOPT_WAIT_S = 30.0
"""How long a build waits for another writer before signed reviews count as reports."""
DRAWN_PRECEDENTS = 3
"""How many precedents are drawn on a page."""


class KnowledgeBase(OpenedArchive):
    """An archive that can be searched, reported from and asked.

    Made by :meth:`create`, :meth:`open` or :meth:`open_or_create`. What it answers from, its searches among them, is
    :class:`~precordia.opened_archive.OpenedArchive`.
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
        signal_encoder, _ = encoder_of(encoder if encoder is not None else manifest.encoder)
        words = text_encoder_of(text_encoder if text_encoder is not None else manifest.text_encoder)[0]
        manifest.check(signal_encoder, words, folder)
        return cls(folder, manifest, store, signal_encoder, words)

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
        erasure = self._store.erase(patient)
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
        return [int(case_id) for case_id in self._store.ids]

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """The cases with these ids, in their order; ids that are not there are passed over."""
        self._store.refresh()
        there = {int(i) for i in self._store.ids}
        return self._store.get([case_id for case_id in ids if case_id in there])

    def recording(self, case_id: int) -> Recording:
        """A case's recording with its signal.

        Raises:
            UsageError: there is no such case.
        """
        try:
            return self._store.recording(case_id)
        except KeyError:
            raise UsageError(f"there is no case {case_id} in {self.path}") from None

    def summary(self) -> dict[str, Any]:
        """Counts and provenance, as plain values; no patient's data."""
        self._store.refresh()
        findings: Counter[str] = Counter()
        for concepts in self._store.column("findings").to_pylist():
            findings.update(concepts or ())
        return {
            "kb": str(self.path),
            "n_cases": len(self._store),
            "n_windows": len(self._store) - self._store.column("start_s").null_count,
            "n_patients": len(set(self._store.column("patient_key").to_pylist())),
            "n_rejects": len(self._store.rejects()),
            "version": self._store.version,
            "columns": self._store.columns(),
            "findings": dict(findings.most_common()),
            "taught": self.knowledge().document(),
            **asdict(self.manifest),
        }

    def rejects(self) -> list[dict[str, Any]]:
        """What was seen and not kept, and why, as plain values."""
        return [asdict(reject) for reject in self._store.rejects()]

    # --- questions ----------------------------------------------------------------------------------------------

    def report(
        self,
        recording: Evidence | Recording | LongSignal | PathLike[str] | str,
        *,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
        settings: WritingSettings | None = None,
        watch: Watch | None = None,
        earlier: Sequence[Evidence | Recording | LongSignal | PathLike[str] | str] = (),
    ) -> Draft:
        """A report in which every statement cites its precedents or measurements; abstains where evidence is thin.

        Where the archive holds earlier ECGs of the patient, what has changed since the last of them is said besides. A
        recording of more than two minutes is read beat by beat: rates, pauses, ectopy and episodes, each with its place, in
        canonical words.

        Args:
            recording: The ECG, its file, a long recording, or its evidence (``k`` and ``where`` are then those that it was
                gathered with).
            k: Number of precedents.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" writes the judgement down in canonical words.
            settings: What a language model is shown, and what happens to statements that do not stand up.
            watch: Told each statement that a language model writes as soon as it stands.
            earlier: The patient's ECGs from before, the earliest first, beside those that the archive holds: what changed
                from each to the next is said after the report's own statements.

        Raises:
            UsageError: a long recording is compared.
            UnusableSignalError: the recording cannot be embedded.
        """
        from precordia.generation.reports.report import write_report
        from precordia.judgement.evidence import Evidence

        long = None if isinstance(recording, Evidence) else _as_long(recording)
        if long is not None:
            if earlier:
                raise UsageError("a recording of more than two minutes is reported alone: compare strips of it")
            return self._report_long(long, k, where)
        judgement = self._judge(recording, k, where)
        draft = write_report(judgement, language_model=language_model_of(llm), settings=settings, watch=watch)
        if earlier:
            from precordia.generation.answers.series import with_series

            draft = with_series(draft, [*(self._judge(one, k, where) for one in earlier), judgement])
        return _with_signal(draft, [judgement])

    def ask(
        self,
        question: str,
        *recordings: Evidence | Recording | LongSignal | PathLike[str] | str,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
        abstain: bool = True,
        watch: Watch | None = None,
    ) -> Draft:
        """An answer about an ECG, or about several, from precedents and measurements.

        Args:
            question: In free words.
            recordings: One ECG, or several to compare, the earliest first; their files, or their evidence; or one long
                recording, of which is told
                what happened from when to when.
            k: Number of precedents of each.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" answers from precedents and measurements alone.
            abstain: Answer "not sure" where an answer is not sure enough; else the likeliest answer is given all the same.
            watch: Told each statement that a language model writes as soon as it stands.

        Raises:
            UsageError: no question, or no recording.
        """
        from precordia.generation.answers.answer import answer
        from precordia.generation.answers.fitted import shipped_for
        from precordia.generation.answers.long_answer import long_answer
        from precordia.judgement.evidence import Evidence

        if not isinstance(question, str):
            raise UsageError(f"a question is words, not {in_words(question)}: ask(question, recording)")
        if not question.strip():
            raise UsageError("there is no question")
        if not recordings:
            raise UsageError("a question is about one ECG or several, not none")
        first = recordings[0]
        long = _as_long(first) if len(recordings) == 1 and not isinstance(first, Evidence) else None
        if long is not None:
            return long_answer(question, self._report_long(long, k, where))
        judgements = [self._judge(recording, k, where) for recording in recordings]
        fitted = shipped_for(self._encoder.fingerprint)
        model = language_model_of(llm)
        draft = answer(question, judgements, fitted=fitted, language_model=model, abstain=abstain, watch=watch)
        return _with_signal(draft, judgements)

    def _report_long(self, signal: LongSignal, k: int, where: str | None) -> Draft:
        from precordia.generation.reports.long_report import long_report
        from precordia.signals.long.reading import read_long

        reading = read_long(signal)
        return long_report(reading, self._shown(reading, Query(k=k, where=where, stretches=False)))

    def _judge(
        self,
        ecg: Evidence | Recording | LongSignal | PathLike[str] | str,
        k: int = PRECEDENTS,
        where: str | None = None,
    ) -> Judgement:
        from precordia.judgement.evidence import Evidence
        from precordia.judgement.judge import judge
        from precordia.signals.long.source import LongSignal

        if isinstance(ecg, Evidence):
            return judge(ecg)
        if isinstance(ecg, LongSignal):
            raise UsageError("a recording of more than two minutes is asked about alone: compare strips of it")
        return judge(self.evidence(recording_of(ecg, "its Evidence"), k=k, where=where))

    def page(self, draft: Draft, recording: Recording | LongSignal, question: str | None = None) -> str:
        """A draft as one self-contained HTML page: the ECG on paper, the statements, and the precedents beside them.

        Of a long recording the strips are drawn that its statements point at.
        """
        from precordia.generation.pages.page import render
        from precordia.records.quality import assess

        long = _as_long(recording)
        if long is not None:
            from precordia.signals.long.strips import shown_by

            seen = shown_by(long, draft)
            return render(draft, seen[0], strips=seen[1:], question=question)
        if not isinstance(recording, Recording):
            raise UsageError("a page is made of a recording: give the one that the draft is about")
        drawn = {hit.case.case_id: self._store.recording(hit.case.case_id) for hit in draft.hits[:DRAWN_PRECEDENTS]}
        return render(draft, recording, quality=assess(recording), precedents=drawn, question=question)


def is_knowledge_base(path: str | PathLike[str]) -> bool:
    """Whether a folder holds a knowledge base."""
    return Manifest.exists(path)


def _as_long(recording: Recording | LongSignal | PathLike[str] | str) -> LongSignal | None:
    from precordia.signals.opening import as_long

    return as_long(recording)


def _with_signal(draft: Draft, judgements: Sequence[Judgement]) -> Draft:
    """The draft, with what the least telling of its signals can and cannot show where it is about no resting ECG."""
    partial = [j.evidence for j in judgements if not j.evidence.kind.is_whole]
    if not partial:
        return draft
    told = max(partial, key=lambda evidence: len(evidence.kind.withheld))
    notes = [note for note in told.recording.notes if note == TAKEN_FOR_I]
    return replace(
        draft, signal=told.kind.document(notes), warnings=(told.kind.limits, *notes, *draft.warnings)
    )  # fmt: skip
