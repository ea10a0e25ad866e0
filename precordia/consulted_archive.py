"""An archive that is consulted: what it reports of an ECG, what it answers, and how a page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from precordia.arguments import language_model_of, recording_of
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.given import expect
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Recording
from precordia.core.retrieval import PRECEDENTS, Query
from precordia.opened_archive import OpenedArchive
from precordia.signals.door import TAKEN_FOR_I

if TYPE_CHECKING:
    from precordia.generation.written.writing import Watch, WritingSettings
    from precordia.judgement.evidence import Evidence
    from precordia.judgement.judge import Judgement
    from precordia.signals.long.source import LongSignal

DRAWN_PRECEDENTS = 3
"""How many precedents are drawn on a page."""


class ConsultedArchive(OpenedArchive):
    """What an archive says of an ECG that is brought to it.

    Each draft rests on what :class:`~precordia.opened_archive.OpenedArchive` finds and knows, and on nothing else.
    """

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
        signal, limits = _limits_of([judgement])
        return replace(draft, signal=signal, warnings=(*limits, *draft.warnings))

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

        expect(question, str, "ask(question, recording): a question is words")
        if not question.strip():
            raise UsageError("there is no question")
        if not recordings:
            raise UsageError("a question is about one ECG or several, not none")
        first = recordings[0]
        long = _as_long(first) if len(recordings) == 1 and not isinstance(first, Evidence) else None
        if long is not None:
            return long_answer(question, self._report_long(long, k, where))
        judgements = [self._judge(recording, k, where) for recording in recordings]
        signal, limits = _limits_of(judgements)
        fitted = shipped_for(self._encoder.fingerprint)
        model = language_model_of(llm)
        draft = answer(question, judgements, fitted=fitted, language_model=model, abstain=abstain, watch=watch)
        return replace(draft, signal=signal, warnings=(*limits, *draft.warnings))

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


def _as_long(recording: Recording | LongSignal | PathLike[str] | str) -> LongSignal | None:
    from precordia.signals.opening import as_long

    return as_long(recording)


def _limits_of(judgements: Sequence[Judgement]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the least telling of several signals can and cannot show, as a document and in words; nothing of resting ECGs."""
    partial = [j.evidence for j in judgements if not j.evidence.kind.is_whole]
    if not partial:
        return {}, ()
    told = max(partial, key=lambda evidence: len(evidence.kind.withheld))
    notes = [note for note in told.recording.notes if note == TAKEN_FOR_I]
    return told.kind.document(notes), (told.kind.limits, *notes)
