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
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.arguments import encoder_of, in_words, language_model_of, names_file, recording_of, text_encoder_of
from precordia.core.case import Case
from precordia.core.drafts import Draft
from precordia.core.errors import MissingExtraError, UsageError
from precordia.core.protocols import Encoder, Executor, LanguageModel, TextEncoder, VectorIndex
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import HITS, PRECEDENTS, Hit, Mode, Query
from precordia.indexing.addresses import folder_of
from precordia.indexing.audit import Audit, Event, user_of_machine
from precordia.indexing.builder import BuildReport, Progress, build
from precordia.indexing.durable import make_folder
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.indexes import BY_SIZE, check_index, named_address, same_address
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.migrations import bring_up_to_date
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.reviews import Reviews
from precordia.indexing.store import DeltaCaseStore, VectorKind
from precordia.indexing.words import WordIndex
from precordia.retrieval.earlier import earlier_ecgs
from precordia.retrieval.retriever import Known, Retriever

if TYPE_CHECKING:
    from precordia.generation.written.writing import Watch, WritingSettings
    from precordia.indexing.integrity import CheckReport
    from precordia.judgement.evidence import Evidence
    from precordia.judgement.judge import Judgement
    from precordia.judgement.knowledge import Knowledge
    from precordia.judgement.models import FindingModels

ADOPT_WAIT_S = 30.0
"""How long a build waits for another writer before signed reviews count as reports."""
DRAWN_PRECEDENTS = 3
"""How many precedents are drawn on a page."""


class KnowledgeBase:
    """An archive that can be searched, reported from and asked.

    Made by :meth:`create`, :meth:`open` or :meth:`open_or_create`. Reads the newest state at each question, so that a
    process that serves sees what another has added.

    Attributes:
        path: The folder.
        manifest: What built it.
    """

    def __init__(
        self, path: Path, manifest: Manifest, store: DeltaCaseStore, encoder: Encoder, text_encoder: TextEncoder | None
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._store = store
        self._encoder = encoder
        self._text_encoder = text_encoder
        self._retriever: Retriever | None = None
        self._indexed_version = -1
        self._knowledge: Knowledge | None = None

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

    @property
    def store(self) -> DeltaCaseStore:
        """The cases, signals and rejects, for reading."""
        return self._store

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

    def search(
        self,
        query: Query | Recording | PathLike[str] | str,
        k: int = HITS,
        where: str | None = None,
        *,
        text: str | None = None,
        mode: Mode | None = None,
    ) -> list[Hit]:
        """The cases nearest to an ECG, or to words; the query's own patient and copies of its signal are left out.

        Args:
            query: A recording, the path of one (a string that names a file, or a WFDB record with or without its extension,
                is that file), words (any other string), or a :class:`~precordia.core.retrieval.Query` that says it all.
            k: Number of hits.
            where: SQL condition over the case columns.
            text: Words to go with a recording.
            mode: "signal", "words", "meaning" or "hybrid"; None chooses by what is given.

        Raises:
            UsageError: there is nothing to search for, it is none of these, or ``mode`` does not fit it.
            FilterError: ``where`` is not valid.
        """
        if isinstance(query, str) and not names_file(query):
            query = Query(text=query if text is None else f"{query} {text}", k=k, where=where, mode=mode)
        elif not isinstance(query, Query):
            query = Query(recording_of(query, "words or a Query"), text, k=k, where=where, mode=mode)
        return self._searcher(query).retrieve(query)

    def earlier(self, recording: Recording | PathLike[str] | str, k: int = 3) -> list[Hit]:
        """The patient's own ECGs from before a recording, most recent first: to compare with, never precedents.

        Args:
            recording: The ECG, or its file; without a patient's id and a time nothing is known to be earlier.
            k: Most of them.
        """
        recording = recording_of(recording)
        self._searcher(Query(recording))
        return earlier_ecgs(recording, self._store, self._signals, lambda: self._encoder.embed([recording])[0], k)

    def evidence(
        self, recording: Recording | PathLike[str] | str, *, k: int = PRECEDENTS, where: str | None = None
    ) -> Evidence:
        """All that is known of an ECG: what every report, answer and check rests on, made once.

        Args:
            recording: The ECG, or its file.
            k: Number of precedents.
            where: SQL condition that the precedents must meet.

        Raises:
            UnusableSignalError: the recording cannot be embedded.
            FilterError: ``where`` is not valid.
        """
        from precordia.judgement.evidence import Evidence
        from precordia.judgement.witnesses import with_witnesses

        recording = recording_of(recording)
        known = Known(_measure(recording), self._encoder.embed([recording])[0])
        query = Query(recording, k=k, where=where)
        searcher, knowledge = self._searcher(query), self.knowledge()
        nearest, models = float("nan"), knowledge.models
        if models is None:
            hits = searcher.retrieve(query, known)
        else:
            chances = models.chances(recording, known.measurements, known.vector)
            hits, nearest = searcher.alike(query, known, partial(models.likeness, chances))
        earlier = earlier_ecgs(recording, self._store, self._signals, lambda: known.vector)

        def stating(condition: str) -> Hit | None:
            narrower = replace(query, k=1, where=f"({where}) and ({condition})" if where else condition)
            return next(iter(searcher.retrieve(narrower, known)), None)

        gathered = Evidence(
            recording,
            known.measurements,
            _assess(recording),
            known.vector,
            tuple(hits),
            tuple(earlier),
            knowledge,
            nearest=nearest,
        )
        return with_witnesses(gathered, stating)

    def report(
        self,
        recording: Evidence | Recording | PathLike[str] | str,
        *,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
        settings: WritingSettings | None = None,
        watch: Watch | None = None,
    ) -> Draft:
        """A report in which every statement cites its precedents or measurements; abstains where evidence is thin.

        Where the archive holds earlier ECGs of the patient, what has changed since the last of them is said besides.

        Args:
            recording: The ECG, its file, or its evidence (``k`` and ``where`` are then those that it was gathered with).
            k: Number of precedents.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" writes the judgement down in canonical words.
            settings: What a language model is shown, and what happens to statements that do not stand up.
            watch: Told each statement that a language model writes as soon as it stands.

        Raises:
            UnusableSignalError: the recording cannot be embedded.
        """
        from precordia.generation.reports.report import write_report

        judgement = self._judge(recording, k, where)
        return write_report(judgement, language_model=language_model_of(llm), settings=settings, watch=watch)

    def ask(
        self,
        question: str,
        *recordings: Evidence | Recording | PathLike[str] | str,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
        abstain: bool = True,
        watch: Watch | None = None,
    ) -> Draft:
        """An answer about an ECG, or about two, from precedents and measurements.

        Args:
            question: In free words.
            recordings: One ECG, or two to compare; their files, or their evidence.
            k: Number of precedents of each.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" answers from precedents and measurements alone.
            abstain: Answer "not sure" where an answer is not sure enough; else the likeliest answer is given all the same.
            watch: Told each statement that a language model writes as soon as it stands.

        Raises:
            UsageError: no question, or not one or two recordings.
        """
        from precordia.generation.answers.answer import answer
        from precordia.generation.answers.fitted import shipped_for

        if not isinstance(question, str):
            raise UsageError(f"a question is words, not {in_words(question)}: ask(question, recording)")
        if not question.strip():
            raise UsageError("there is no question")
        if len(recordings) not in (1, 2):
            raise UsageError(f"a question is about one ECG or two, not {len(recordings)}")
        judgements = [self._judge(recording, k, where) for recording in recordings]
        fitted = shipped_for(self._encoder.fingerprint)
        model = language_model_of(llm)
        return answer(question, judgements, fitted=fitted, language_model=model, abstain=abstain, watch=watch)

    def _judge(
        self, ecg: Evidence | Recording | PathLike[str] | str, k: int = PRECEDENTS, where: str | None = None
    ) -> Judgement:
        from precordia.judgement.evidence import Evidence
        from precordia.judgement.judge import judge

        if isinstance(ecg, Evidence):
            return judge(ecg)
        return judge(self.evidence(recording_of(ecg, "its Evidence"), k=k, where=where))

    def knowledge(self) -> Knowledge:
        """What the archive's own cases have taught: how near is near, and the models of its findings.

        Raises:
            MismatchError: the models are damaged; says how to make them anew.
        """
        from precordia.judgement.taught import knowledge_of

        self._searcher(Query(text=" "))
        if self._knowledge is None:
            self._knowledge = knowledge_of(self._store, self._signals, self._encoder.fingerprint)
        return self._knowledge

    def refit(self) -> FindingModels | None:
        """Fit the models of the archive's findings anew, and keep them; None where its cases are too few.

        Raises:
            BusyError: another process is writing.
            MismatchError: another process has embedded it with another encoder meanwhile.
        """
        from precordia.judgement.taught import refit

        found = refit(self.path, self._store, self._encoder, self.manifest.encoder)
        self._knowledge = None
        return found

    def _refit_where_due(self) -> None:
        from precordia.judgement.taught import is_due

        self._store.refresh()
        if manifest_of(self.path, self._store.version).encoder_fingerprint != self._encoder.fingerprint:
            return  # embedded anew meanwhile: its models are for those to fit who open it with that encoder
        if is_due(self._store, self._encoder.fingerprint):
            self.refit()

    def page(self, draft: Draft, recording: Recording, question: str | None = None) -> str:
        """A draft as one self-contained HTML page: the ECG on paper, the statements, and the precedents beside them."""
        from precordia.generation.pages.page import render

        drawn = {hit.case.case_id: self._store.recording(hit.case.case_id) for hit in draft.hits[:DRAWN_PRECEDENTS]}
        return render(draft, recording, quality=_assess(recording), precedents=drawn, question=question)

    def _searcher(self, query: Query) -> Retriever:
        """The retriever over the newest state, with the text indexes when the query has words."""
        self._store.refresh()
        retriever = self._retriever
        if retriever is None or self._indexed_version != self._store.version:
            manifest_of(self.path, self._store.version).check(self._encoder, where=self.path)
            self._knowledge, self._indexed_version = None, self._store.version
            self._signals = self._index("signal", self.manifest.dim)
            retriever = Retriever(self._store, self._signals, lambda: self._encoder)
        if query.text and retriever.words is None:
            retriever = replace(retriever, words=self._words(), **self._meanings())
        self._retriever = retriever
        return retriever

    def _words(self) -> WordIndex | None:
        try:
            return open_word_index(self._store)
        except MissingExtraError:
            return None

    def _meanings(self) -> dict[str, Any]:
        encoder, dim = self._text_encoder, self.manifest.text_dim
        if encoder is None or dim is None:
            return {}
        return {"meanings": self._index("text", dim), "text_encoder": lambda: encoder}

    def _index(self, kind: VectorKind, dim: int) -> VectorIndex:
        address = self.manifest.index_address(kind)
        return open_vector_index(self._store, kind, dim, index=self.manifest.index, address=address)


def is_knowledge_base(path: str | PathLike[str]) -> bool:
    """Whether a folder holds a knowledge base."""
    return Manifest.exists(path)


def _measure(recording: Recording) -> Any:
    from precordia.measurements import measure

    return measure(recording)


def _assess(recording: Recording) -> Quality:
    from precordia.records.quality import assess

    return assess(recording)
