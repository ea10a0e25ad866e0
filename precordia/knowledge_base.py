"""The knowledge base: one object over storage, retrieval and generation.

kb = KnowledgeBase.open_or_create("precordia.kb")
kb.add("archive/", reports="reports.csv")
hits = kb.search(read_recording("new_ecg"), k=10, where="age > 60")
draft = kb.report(read_recording("new_ecg"))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.case import Case
from precordia.core.drafts import Draft
from precordia.core.errors import MissingExtraError, UsageError
from precordia.core.protocols import Encoder, LanguageModel, TextEncoder
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Mode, Query
from precordia.indexing.builder import BuildReport, Progress, build
from precordia.indexing.derived import open_vector_index, open_word_index
from precordia.indexing.manifest import Manifest
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.words import WordIndex
from precordia.retrieval.earlier import earlier_ecgs
from precordia.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from precordia.generation.reports.consensus import ConsensusSettings

PRECEDENTS = 20
"""How many precedents a report or an answer rests on by default."""

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
        self._similarity_floor: float | None = None

    # --- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Encoder | str = "default",
        text_encoder: TextEncoder | str | None = "default",
    ) -> KnowledgeBase:
        """Make an empty knowledge base.

        Args:
            path: A folder that holds none yet.
            encoder: Of signals: an object, or a name or folder to load it by.
            text_encoder: Of reports, for search by meaning; None to do without. The default is left out where the
                extra ``text`` is not installed.

        Raises:
            UsageError: there is a knowledge base already.
        """
        folder = Path(path)
        if is_knowledge_base(folder):
            raise UsageError(f"there is a knowledge base at {folder} already: open it, or choose another folder")
        signal_encoder, name = _load_encoder(encoder)
        words, text_name = _load_text_encoder(text_encoder)
        folder.mkdir(parents=True, exist_ok=True)
        store = DeltaCaseStore.create(folder)
        manifest = Manifest.of(signal_encoder, name, words, text_name)
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
        """Open a knowledge base.

        Args:
            path: Its folder.
            encoder: Of signals; by default the one it was built with, by name.
            text_encoder: Of reports; by default likewise.

        Raises:
            KnowledgeBaseNotFoundError: there is none.
            MismatchError: it was built with another encoder, or written by another version; says what to do.
        """
        folder = Path(path)
        manifest = Manifest.load(folder)
        signal_encoder, _ = _load_encoder(encoder if encoder is not None else manifest.encoder)
        words = _load_text_encoder(text_encoder if text_encoder is not None else manifest.text_encoder)[0]
        manifest.check(signal_encoder, words, folder)
        return cls(folder, manifest, DeltaCaseStore(folder), signal_encoder, words)

    @classmethod
    def open_or_create(cls, path: str | PathLike[str], *, encoder: Encoder | str = "default") -> KnowledgeBase:
        """Open the knowledge base at ``path`` with ``encoder``, or make one. Raises as both do."""
        if is_knowledge_base(path):
            return cls.open(path, encoder=encoder)
        return cls.create(path, encoder=encoder)

    # --- content ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of cases."""
        self._store.refresh()
        return len(self._store)

    def add(
        self,
        source: str | PathLike[str],
        *,
        reports: str | PathLike[str] | None = None,
        mapping: str | PathLike[str] | None = None,
        where: str | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> BuildReport:
        """Add an archive's recordings; what is there already is passed over.

        Args:
            source: A folder, file or glob.
            reports: A CSV or Parquet table with reports; a known one beside the archive is found by itself.
            mapping: A JSON file that says which column of ``reports`` is what.
            where: Take only the rows of the table for which this SQL condition is true.
            workers: Processes; None for one a core.
            progress: Wraps the shards, to show progress.

        Raises:
            UnreadableRecordingError: there is no such source.
            FilterError: ``where`` is not valid.
            BusyError: another process is writing.
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
        )
        self._store.refresh()
        return report

    def erase(self, *, patient: str) -> int:
        """Remove a patient: rows, signals, texts and vectors are physically gone.

        Args:
            patient: The patient, as the archive names them (a hit's ``patient_key``).

        Returns:
            The number of recordings removed.

        Raises:
            UsageError: the knowledge base holds nothing of that patient.
            BusyError: another process is writing.
        """
        erasure = self._store.erase(patient)
        self._retriever = None
        if not erasure.case_ids and not erasure.n_rejects:
            raise UsageError("the knowledge base holds nothing of that patient: give the id as the archive names them")
        return len(erasure.case_ids) + erasure.n_rejects

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
            **asdict(self.manifest),
        }

    def rejects(self) -> list[dict[str, Any]]:
        """What was seen and not kept, and why, as plain values."""
        return [asdict(reject) for reject in self._store.rejects()]

    # --- questions ----------------------------------------------------------------------------------------------

    def search(
        self,
        query: Query | Recording | PathLike[str] | str,
        k: int = 10,
        where: str | None = None,
        *,
        text: str | None = None,
        mode: Mode | None = None,
    ) -> list[Hit]:
        """The cases nearest to an ECG, or to words; the query's own patient and copies of its signal are left out.

        Args:
            query: A recording, the :class:`~pathlib.Path` of one, words (any plain string), or a
                :class:`~precordia.core.retrieval.Query` that says it all.
            k: Number of hits.
            where: SQL condition over the case columns.
            text: Words to go with a recording.
            mode: "signal", "words", "meaning" or "hybrid"; None chooses by what is given.

        Raises:
            UsageError: there is nothing to search for, or ``mode`` does not fit it.
            FilterError: ``where`` is not valid.
        """
        if isinstance(query, str):
            query = Query(text=query, k=k, where=where, mode=mode)
        elif not isinstance(query, Query):
            query = Query(_recording(query), text, k=k, where=where, mode=mode)
        return self._searcher(query).retrieve(query)

    def earlier(self, recording: Recording | PathLike[str] | str, k: int = 3) -> list[Hit]:
        """The patient's own ECGs from before a recording, most recent first: to compare with, never precedents.

        Args:
            recording: The ECG, or its file; without a patient's id and a time nothing is known to be earlier.
            k: Most of them.
        """
        recording = _recording(recording)
        self._searcher(Query(recording))
        return earlier_ecgs(recording, self._store, self._signals, self._encoder, k)

    def report(
        self,
        recording: Recording | PathLike[str] | str,
        *,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
    ) -> Draft:
        """A report in which every statement cites its precedents or measurements; abstains where evidence is thin.

        Where the archive holds earlier ECGs of the patient, what has changed since the last of them is said besides.

        Args:
            recording: The ECG, or its file.
            k: Number of precedents.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" lets the precedents' consensus speak.

        Raises:
            UnusableSignalError: the recording cannot be embedded.
        """
        from precordia.generation.reports.report import write_report
        from precordia.generation.written.writing import WritingSettings

        recording = _recording(recording)
        hits = self.search(Query(recording, k=k, where=where))
        return write_report(
            recording,
            hits,
            _measure(recording),
            quality=_assess(recording),
            language_model=_model(llm),
            earlier=self.earlier(recording),
            settings=WritingSettings(consensus=self._consensus()),
        )

    def ask(
        self,
        question: str,
        *recordings: Recording | PathLike[str] | str,
        k: int = PRECEDENTS,
        where: str | None = None,
        llm: LanguageModel | str = "none",
        abstain: bool = True,
    ) -> Draft:
        """An answer about an ECG, or about two, from precedents and measurements.

        Args:
            question: In free words.
            recordings: One ECG, or two to compare, or their files.
            k: Number of precedents of each.
            where: SQL condition that the precedents must meet.
            llm: A language model or its spec; "none" answers from precedents and measurements alone.
            abstain: Answer "not sure" where an answer is not sure enough; else the likeliest answer is given all the same.

        Raises:
            UsageError: no question, or not one or two recordings.
        """
        from precordia.generation.answers.answer import answer
        from precordia.generation.answers.features import features_of
        from precordia.generation.answers.fitted import shipped_for
        from precordia.generation.written.writing import WritingSettings

        if not question.strip():
            raise UsageError("there is no question")
        if len(recordings) not in (1, 2):
            raise UsageError(f"a question is about one ECG or two, not {len(recordings)}")
        ecgs = [_recording(recording) for recording in recordings]
        hits = [self.search(Query(ecg, k=k, where=where)) for ecg in ecgs]
        measured = [_measure(ecg) for ecg in ecgs]
        fitted = shipped_for(self._encoder.fingerprint) if len(ecgs) == 1 else None
        seen = zip(ecgs, measured, self._encoder.embed(ecgs), strict=True) if fitted is not None else ()
        return answer(
            question,
            ecgs,
            hits,
            measured,
            qualities=[_assess(ecg) for ecg in ecgs],
            language_model=_model(llm),
            settings=WritingSettings(consensus=self._consensus()),
            features=[features_of(*one) for one in seen],
            fitted=fitted,
            abstain=abstain,
            or_consensus=True,
        )

    def page(self, draft: Draft, recording: Recording, question: str | None = None) -> str:
        """A draft as one self-contained HTML page: the ECG on paper, the statements, and the precedents beside them."""
        from precordia.generation.pages.page import render

        drawn = {hit.case.case_id: self._store.recording(hit.case.case_id) for hit in draft.hits[:DRAWN_PRECEDENTS]}
        return render(draft, recording, quality=_assess(recording), precedents=drawn, question=question)

    def _consensus(self) -> ConsensusSettings:
        """How near a precedent must be, by what the archive's own cases reach; kept until the archive changes."""
        from precordia.generation.reports.consensus import ConsensusSettings, calibrate_similarity
        from precordia.retrieval.nearness import nearest_similarities

        if self._similarity_floor is None:
            columns = (self._store.column("case_id").to_pylist(), self._store.column("patient_key").to_pylist())
            nearest = nearest_similarities(self._signals, dict(zip(*columns, strict=True)))
            # Too few cases tell no quantile: the default then stands.
            floor = calibrate_similarity(nearest)
            self._similarity_floor = floor if floor > -1.0 else ConsensusSettings().min_similarity
        return ConsensusSettings(min_similarity=self._similarity_floor)

    def _searcher(self, query: Query) -> Retriever:
        """The retriever over the newest state, with the text indexes when the query has words."""
        self._store.refresh()
        retriever = self._retriever
        if retriever is None or self._indexed_version != self._store.version:
            self._similarity_floor, self._indexed_version = None, self._store.version
            self._signals = open_vector_index(self._store, "signal", self.manifest.dim)
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
        return {"meanings": open_vector_index(self._store, "text", dim), "text_encoder": lambda: encoder}


def is_knowledge_base(path: str | PathLike[str]) -> bool:
    """Whether a folder holds a knowledge base."""
    return Manifest.exists(Path(path))


def _load_encoder(encoder: Encoder | str) -> tuple[Encoder, str]:
    if not isinstance(encoder, str):
        return encoder, "custom"
    from precordia.encoders import load_encoder

    return load_encoder(encoder), str(Path(encoder).resolve()) if Path(encoder).is_dir() else encoder


def _load_text_encoder(encoder: TextEncoder | str | None) -> tuple[TextEncoder | None, str | None]:
    if encoder is None:
        return None, None
    if not isinstance(encoder, str):
        return encoder, "custom"
    from precordia.encoders.text import load_text_encoder

    try:
        return load_text_encoder(encoder), encoder
    except MissingExtraError:
        if encoder != "default":
            raise
        return None, None


def _recording(ecg: Recording | PathLike[str] | str) -> Recording:
    if isinstance(ecg, Recording):
        return ecg
    from precordia.records.read import read_recording

    return read_recording(ecg)


def _measure(recording: Recording) -> Any:
    from precordia.measurements import measure

    return measure(recording)


def _assess(recording: Recording) -> Quality:
    from precordia.records.quality import assess

    return assess(recording)


def _model(llm: LanguageModel | str) -> LanguageModel | None:
    if not isinstance(llm, str):
        return llm
    if llm == "none":
        return None
    from precordia.generation.language_models import load_language_model

    return load_language_model(llm)
