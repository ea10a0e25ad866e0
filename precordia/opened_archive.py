"""An archive opened to be asked: its encoders and indexes, what it has taught, and what is found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from precordia.arguments import names_file, recording_of
from precordia.core.errors import MissingExtraError, UsageError
from precordia.core.leads import LEADS
from precordia.core.protocols import Encoder, TextEncoder, VectorIndex
from precordia.core.recording import Recording
from precordia.core.retrieval import HITS, PRECEDENTS, Hit, Mode, Query
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.manifest import Manifest
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.store import DeltaCaseStore, VectorKind
from precordia.indexing.words import WordIndex
from precordia.retrieval.earlier import earlier_ecgs
from precordia.retrieval.retriever import Retriever
from precordia.signals.door import admit

if TYPE_CHECKING:
    from precordia.generation.reports.found_events import FoundEvents
    from precordia.generation.reports.long_report import Shown
    from precordia.judgement.evidence import Evidence
    from precordia.judgement.knowledge import Knowledge
    from precordia.judgement.models import FindingModels
    from precordia.signals.long.reading import LongReading
    from precordia.signals.long.source import LongSignal
    from precordia.signals.opening import Asked


class OpenedArchive:
    """What of an archive answers a question; each part is opened when a question first needs it.

    Reads the newest state at each question, so that a process that serves sees what another has added.

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

    @property
    def store(self) -> DeltaCaseStore:
        """The cases, signals and rejects, for reading."""
        return self._store

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
            query: A recording, the path of one or of a pulse (a string that names a file, or a WFDB record with or without
                its extension, is that file), words (any other string), or a :class:`~precordia.core.retrieval.Query` that says
                it all.
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
        elif isinstance(query, (str, PathLike)):
            query = self.question(query).put_into(Query(text=text, k=k, where=where, mode=mode))
        elif not isinstance(query, Query):
            query = Query(recording_of(query, "words or a Query"), text, k=k, where=where, mode=mode)
        if query.recording is not None:
            query = replace(query, recording=admit(query.recording).recording)
        return self._opened(words=bool(query.text)).retrieve(query)

    def search_pairs(
        self, values: Mapping[str, float], space: PathLike[str] | str, k: int = HITS, where: str | None = None
    ) -> list[Hit]:
        """The cases whose second modality (echo, magnetic resonance, laboratory values) looked like this, as far as ECGs tell.

        Args:
            values: Column to number; a column left out counts as the usual.
            space: The folder that ``precordia train pairs`` wrote.
            k: Number of hits.
            where: SQL condition over the case columns.

        Raises:
            UsageError: no value, or a column that the pairs did not have.
            CheckpointError, MismatchError: the folder cannot be read, or is of another encoder.
            FilterError: ``where`` is not valid.
        """
        from precordia.retrieval.paired import cases_like
        from precordia.signals.paired.space import load_space

        self._store.refresh()
        return cases_like(self._store, load_space(Path(space), self._encoder.fingerprint), values, k, where)

    def question(self, path: PathLike[str] | str) -> Asked:
        """The signal in a file, ready to search this archive with: an ECG of any leads, or a pulse.

        Args:
            path: The file.

        Raises:
            UnusableSignalError: it holds neither.
            InputError: it cannot be read.
        """
        from precordia.signals.opening import open_question

        return open_question(path, self._encoder.fingerprint)

    def earlier(self, recording: Recording | PathLike[str] | str, k: int = 3) -> list[Hit]:
        """The patient's own ECGs from before a recording, most recent first: to compare with, never precedents.

        Args:
            recording: The ECG, or its file; without a patient's id and a time nothing is known to be earlier.
            k: Most of them.
        """
        recording = admit(recording_of(recording)).recording
        signals = self._opened().signals
        return earlier_ecgs(recording, self._store, signals, lambda: self._encoder.embed([recording])[0], k)

    def evidence(
        self, recording: Recording | PathLike[str] | str, *, k: int = PRECEDENTS, where: str | None = None
    ) -> Evidence:
        """All that is known of an ECG: what every report, answer and check rests on, made once.

        Args:
            recording: The ECG, or its file.
            k: Number of precedents.
            where: SQL condition that the precedents must meet.

        Raises:
            UnusableSignalError: the recording cannot be embedded, or is no ECG.
            FilterError: ``where`` is not valid.
        """
        from precordia.judgement.gathering import gather

        return gather(admit(recording_of(recording)), self._opened(), self._store, self.knowledge(), k, where)

    def moments(
        self,
        recording: Recording | LongSignal | PathLike[str] | str,
        *,
        kind: str | None = None,
        k: int = HITS,
        where: str | None = None,
    ) -> list[Shown]:
        """The events of a long recording, each as a strip of ten seconds with the cases most like it.

        Args:
            recording: The recording, or its file.
            kind: Of events; None for every kind.
            k: Number of cases of each.
            where: SQL condition that the cases must meet.

        Raises:
            UsageError: it is no long recording.
            FilterError: ``where`` is not valid.
        """
        from precordia.signals.long.reading import read_long

        return self._shown(read_long(_must_be_long(recording)), Query(k=k, where=where), kind)

    def events(
        self,
        recording: Recording | LongSignal | PathLike[str] | str,
        event: str = "all",
        *,
        k: int = HITS,
        where: str | None = None,
    ) -> FoundEvents:
        """The events of a long recording with the cases most like each, or its windows most like a place in it.

        Args:
            recording: The recording, or its file.
            event: A kind of event ("AF", "VT", "SVT", "pause", "brady", "tachy", "V", "S"), "all", or START-END (s or h:mm:ss).
            k: Number of cases of each event, or of windows.
            where: SQL condition that the cases must meet.

        Raises:
            UsageError: it is no long recording, or the place is not in it.
            UnknownNameError: there is no such kind of event.
            FilterError: ``where`` is not valid.
        """
        from precordia.generation.reports.found_events import FoundEvents
        from precordia.signals.long.reading import read_long
        from precordia.signals.long.sought import sought_of

        sought = sought_of(event)
        if sought.place is not None:
            windows = self.alike_within(recording, *sought.place, k=k)
            return FoundEvents(sought, k, where, windows=tuple(windows))
        reading = read_long(_must_be_long(recording))
        shown = self._shown(reading, Query(k=k, where=where), sought.kind)
        return FoundEvents(sought, k, where, reading, tuple(shown))

    def alike_within(
        self, recording: Recording | LongSignal | PathLike[str] | str, start_s: float, end_s: float, *, k: int = HITS
    ) -> list[tuple[float, float, float]]:
        """The windows of a long recording most like a place in it: start and end, s, and cosine similarity, best first.

        Args:
            recording: The recording, or its file.
            start_s: The place begins here, s.
            end_s: ... and ends here; from 2.5 s later.
            k: Number of windows, none of them the place itself.

        Raises:
            UsageError: it is no long recording, or the place is not in it.
        """
        from precordia.signals.long.windows import SHORTEST_S, windows_of

        signal = _must_be_long(recording)
        if not (start_s >= 0 and start_s + SHORTEST_S <= end_s <= signal.duration_s):
            raise UsageError(
                f"{start_s:g} to {end_s:g} s is no place of at least {SHORTEST_S} s in a recording of {signal.duration_s:g} s"
            )
        window_s = min(end_s - start_s, 10.0)
        windows = windows_of(signal, self._encoder.embed, window_s=window_s, stride_s=window_s / 2)
        asked = self._encoder.embed([admit(signal.strip(start_s, end_s)).recording])[0]
        found = windows.nearest(asked, k + int((end_s - start_s) / window_s) + 2, window_s)
        apart = [
            (float(windows.start_s[i]), float(windows.end_s[i]), score)
            for i, score in found
            if windows.end_s[i] <= start_s or windows.start_s[i] >= end_s
        ]
        return apart[:k]

    def knowledge(self) -> Knowledge:
        """What the archive's own cases have taught: how near is near, and the models of its findings.

        Raises:
            MismatchError: the models are damaged; says how to make them anew.
        """
        from precordia.judgement.taught import knowledge_of

        retriever = self._opened()
        if self._knowledge is None:
            self._knowledge = knowledge_of(self._store, retriever.signals, self._encoder.fingerprint)
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

    def make_ready(self) -> None:
        """Make what the first question would have to make: whoever writes leaves the indexes ready."""
        self._store.make_ready()
        self._opened(words=True)

    def _shown(self, reading: LongReading, query: Query, kind: str | None = None) -> list[Shown]:
        """The events of a long recording, or those of a kind, with what a query finds of each."""
        from precordia.generation.reports.long_report import Shown
        from precordia.signals.long.strips import strips

        shown = []
        for strip in strips(reading):
            if kind is not None and strip.event.kind != kind:
                continue
            named = set(strip.recording.leads) & set(LEADS)
            hits = self.search(replace(query, recording=strip.recording)) if named else []
            shown.append(Shown(strip, tuple(hits)))
        return shown

    def _refit_where_due(self) -> None:
        from precordia.judgement.taught import is_due

        self._store.refresh()
        if manifest_of(self.path, self._store.version).encoder_fingerprint != self._encoder.fingerprint:
            return  # embedded anew meanwhile: its models are for those to fit who open it with that encoder
        if is_due(self._store, self._encoder.fingerprint):
            self.refit()

    def _opened(self, words: bool = False) -> Retriever:
        """The retriever over the newest state, with the text indexes where words are asked for."""
        self._store.refresh()
        retriever = self._retriever
        if retriever is None or self._indexed_version != self._store.version:
            manifest_of(self.path, self._store.version).check(self._encoder, where=self.path)
            self._knowledge, self._indexed_version = None, self._store.version
            signals = self._index("signal", self.manifest.dim)
            retriever = Retriever(self._store, signals, lambda: self._encoder)
        if words and retriever.words is None:
            retriever = replace(retriever, words=self._words(), **self._meanings())
        self._retriever = retriever
        return retriever

    def _words(self) -> WordIndex | None:
        try:
            return open_word_index(self._store)
        except MissingExtraError:
            return None

    def _meanings(self) -> _Meanings:
        encoder, dim = self._text_encoder, self.manifest.text_dim
        if encoder is None or dim is None:
            return {}
        return {"meanings": self._index("text", dim), "text_encoder": lambda: encoder}

    def _index(self, kind: VectorKind, dim: int) -> VectorIndex:
        address = self.manifest.index_address(kind)
        return open_vector_index(self._store, kind, dim, index=self.manifest.index, address=address)


class _Meanings(TypedDict, total=False):
    """What a retriever needs to search by meaning."""

    meanings: VectorIndex
    text_encoder: Callable[[], TextEncoder]


def _must_be_long(recording: Recording | LongSignal | PathLike[str] | str) -> LongSignal:
    from precordia.signals.opening import as_long, open_signal

    long = as_long(recording)
    if long is None:
        place = ""
        if isinstance(recording, str | PathLike):
            open_signal(recording)  # refuses what is no ECG, and says what it is
            place = f"{recording}: "
        raise UsageError(
            f"{place}events are looked for in recordings of more than two minutes; search with this one as it is"
        )
    return long
