"""One shard of an archive to rows: read, join, assess, measure, label, embed, compress. Runs inside a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case, patient_key_of
from precordia.core.errors import InputError, MissingExtraError, PrecordiaError, UnknownNameError, UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.protocols import Encoder, TextEncoder
from precordia.core.recording import Quality, Recording, clock
from precordia.indexing.schema import CASE_SCHEMA, WINDOWS, CaseRow, Reject, case_table, signal_table
from precordia.indexing.signals import encode_signal
from precordia.records.places import name_of
from precordia.records.readers.sidecar import assuming
from precordia.signals.door import STRIDE_S

if TYPE_CHECKING:
    from precordia.encoders.on_device import Stack
    from precordia.records.scan import RecordRef
    from precordia.records.tables import ReportTable

POOR_QUALITY: Final = "PoorQuality"
_PLACES: Final = 8
"""Most places of poor quality that are named of one recording."""
TOGETHER: Final = 64
"""Stretches of a long recording that are embedded at a time."""


@dataclass(frozen=True)
class Shard:
    """A run of recordings that is read, embedded and committed together.

    Attributes:
        name: For messages.
        refs: The recordings.
        stamps: Digest of the files of each.
        patients: The patient of each where the report table names one, so that what cannot be read can be erased, too.
    """

    name: str
    refs: tuple[RecordRef, ...]
    stamps: tuple[str, ...]
    patients: tuple[str | None, ...]


@dataclass(frozen=True, eq=False)
class ShardResult:
    """What came of a shard.

    Attributes:
        cases: Rows of the case table.
        signals: Rows of the signal table, in the same order.
        rejects: What was not kept.
        seconds: Stage to time spent, s.
    """

    cases: pa.Table
    signals: pa.Table
    rejects: tuple[Reject, ...]
    seconds: Mapping[str, float]

    @property
    def n_records(self) -> int:
        """Recordings that were looked at."""
        return int(self.cases.column("start_s").null_count) + sum(reject.of_whole for reject in self.rejects)


def read_ref(ref: RecordRef, table: ReportTable | None) -> Recording:
    """The recording, or its outline, joined to its row of ``table`` or of a known table beside it; what is no ECG is refused."""
    from precordia.records.scan import UNKNOWN
    from precordia.records.tables.beside import with_table_beside
    from precordia.signals.door import admit
    from precordia.signals.long.outline import read_held

    alone = read_held(ref.path, format=None if ref.format == UNKNOWN else ref.format)
    return admit(table.join(alone) if table else with_table_beside(alone)).recording


def assess_recording(recording: Recording) -> Quality:
    """See :func:`precordia.records.quality.assess`."""
    from precordia.records.quality import assess

    return assess(recording)


def measure_recording(recording: Recording) -> Measurements:
    """See :func:`precordia.measurements.measure`."""
    from precordia.measurements import measure

    return measure(recording)


def label_recording(recording: Recording) -> tuple[Finding, ...]:
    """What the report says; and what the codes beside it say, of which the report says nothing."""
    from precordia.concepts import findings_from_codes, label_report

    said = list(label_report(recording.report)) if recording.report else []
    concepts = {finding.concept for finding in said}
    coded: list[Finding] = []
    for code in recording.codes:
        try:
            coded.extend(finding for finding in findings_from_codes([code]) if finding.concept not in concepts)
        except UnknownNameError:
            continue  # an archive's own scheme, or a code without a finding: it stays among the codes of the case
    return tuple(dict.fromkeys([*said, *coded]))


def statements_of_report(report: str) -> str:
    """The report in canonical English; the report itself where the vocabulary knows nothing in it."""
    from precordia.concepts import canonical_text

    return canonical_text(report) or report


def ancestors_of(concept: str) -> Iterable[str]:
    """What a concept implies."""
    from precordia.concepts import vocabulary

    return vocabulary().ancestors(concept)


def stretches_of_recording(recording: Recording, stride_s: float) -> Iterable[Recording]:
    """See :func:`precordia.signals.long.kept.kept_stretches`."""
    from precordia.signals.long.kept import kept_stretches

    return kept_stretches(recording, stride_s)


@dataclass(frozen=True)
class Stages:
    """What is done to each recording; every stage can be exchanged.

    Attributes:
        read: A reference (and the report table) to a recording.
        assess: A recording to its quality.
        measure: A recording to its measurements.
        label: A recording's report and codes to findings.
        state: A report to canonical English.
        ancestors: A concept to all that it implies.
        cut: A long recording to those stretches of it that become cases besides, one of its sample every so many seconds.
    """

    read: Callable[[RecordRef, ReportTable | None], Recording] = read_ref
    assess: Callable[[Recording], Quality] = assess_recording
    measure: Callable[[Recording], Measurements] = measure_recording
    label: Callable[[Recording], tuple[Finding, ...]] = label_recording
    state: Callable[[str], str] = statements_of_report
    ancestors: Callable[[str], Iterable[str]] = ancestors_of
    cut: Callable[[Recording, float], Iterable[Recording]] = stretches_of_recording


@dataclass
class ShardRunner:
    """Turns shards into rows; sent to each worker once, and builds its parts there.

    Attributes:
        encoder: An encoder, or the name or path to load one by.
        reports: A report table, or its file, or None to use a known one beside the archive.
        mapping: How to read ``reports``.
        keep_poor: Keep recordings whose quality is not acceptable, too.
        stages: What is done to each recording.
        arrays: What is known of arrays that do not say it: ``fs``, ``units``, ``leads``.
        stride_s: Of a long recording, from one stretch that is kept whatever it shows to the next, s; 0 for none.
        forward: Where the encoder's network runs for all readers, or None: in each of them.
        text_encoder: Embeds the reports, or None.
    """

    encoder: Encoder | str
    reports: ReportTable | str | None = None
    mapping: Any = None
    keep_poor: bool = False
    stages: Stages = field(default_factory=Stages)
    arrays: Mapping[str, Any] | None = None
    stride_s: float = STRIDE_S
    forward: Callable[[Stack], NDArray[np.float32]] | None = None
    text_encoder: TextEncoder | None = None
    _loaded: Any = None
    _table: Any = None

    def __call__(self, shard: Shard) -> ShardResult:
        """Rows and rejects of a shard."""
        self._build()
        watch = _Watch()
        rejects: list[Reject] = []
        drafts: list[_Draft] = []
        rows: list[CaseRow] = []
        with assuming(self.arrays or {}):
            for ref, stamp, patient in zip(shard.refs, shard.stamps, shard.patients, strict=True):
                made = self._prepare(ref, stamp, watch)
                if isinstance(made, Reject):
                    rejects.append(replace(made, patient_key=made.patient_key or patient))
                    continue
                drafts.append(made)
                try:
                    kept, poor = self._stretches(made, watch)
                    rows, rejects = rows + kept, rejects + poor
                except PrecordiaError as error:  # the whole is a case all the same
                    rejects.append(_reject(ref.path, stamp, WINDOWS, error, made.recording))
        with watch("embed"):
            vectors = self._embed([draft.recording for draft in drafts])
        for draft, vector in zip(drafts, vectors, strict=True):
            if isinstance(vector, PrecordiaError):
                rejects.append(_reject(draft.recording.source, draft.stamp, "embed", vector, draft.recording))
            else:
                with watch("compress"):
                    rows.append(_row(draft, vector))
        with watch("compress"):
            cases, signals = case_table(rows, self.stages.ancestors), signal_table(rows)
        with watch("text"):
            cases = with_text_vectors(cases, self.text_encoder)
        return ShardResult(cases, signals, tuple(rejects), watch.seconds)

    def _build(self) -> None:
        if self._loaded is None:
            if isinstance(self.encoder, str):
                from precordia.encoders import load_encoder

                self._loaded = load_encoder(self.encoder)
            else:
                self._loaded = self.encoder
            if self.forward is not None:
                self._loaded = self._loaded.elsewhere(self.forward)
            if isinstance(self.reports, str):
                from precordia.records.tables import ReportTable

                self._table = ReportTable.load(self.reports, self.mapping)
            else:
                self._table = self.reports

    def _prepare(self, ref: RecordRef, stamp: str, watch: _Watch) -> _Draft | Reject:
        stage, recording = "read", None
        try:
            with watch("read"):
                recording = replace(self.stages.read(ref, self._table), source=ref.path)
            stage = "quality"
            with watch("quality"):
                quality = self.stages.assess(recording)
            if not (quality.acceptable or self.keep_poor):
                return _poor(ref, stamp, recording, quality)
            stage = "measure"
            with watch("measure"):
                measurements = self.stages.measure(recording)
            stage = "label"
            with watch("label"):
                findings = self.stages.label(recording)
                statements = self.stages.state(recording.report) if recording.report else None
            return _Draft(recording, quality, measurements, findings, statements, stamp)
        except MissingExtraError as error:
            # Without a stamp it is read again next time, when the package may be there.
            return _reject(ref.path, "", stage, error, recording)
        except UsageError:
            raise
        except PrecordiaError as error:
            return _reject(ref.path, stamp, stage, error, recording)
        except Exception as error:
            # Whatever one recording provokes must not end a build of a million; what the error says may hold report
            # text, so only its kind is kept.
            unexpected = InputError(
                f"{ref.path}: unexpected {type(error).__name__} at stage {stage}; report it as a bug"
            )
            return _reject(ref.path, stamp, stage, unexpected, recording, type(error).__name__)

    def _stretches(self, whole: _Draft, watch: _Watch) -> tuple[list[CaseRow], list[Reject]]:
        """The rows of a long recording's stretches, of which nothing is written, and which of them are too poor to be kept."""
        rows: list[CaseRow] = []
        poor: list[tuple[Recording, Quality]] = []
        with watch("windows"):
            stretches = iter(self.stages.cut(whole.recording, self.stride_s))
            while cut := list(islice(stretches, TOGETHER)):
                assessed = [(one, self.stages.assess(one)) for one in cut]
                good = [(one, quality) for one, quality in assessed if quality.acceptable or self.keep_poor]
                poor += [(one, quality) for one, quality in assessed if not (quality.acceptable or self.keep_poor)]
                drafts = [
                    _Draft(one, quality, self.stages.measure(one), (), None, whole.stamp) for one, quality in good
                ]
                vectors = self._embed([draft.recording for draft in drafts])
                made = zip(drafts, vectors, strict=True)
                rows += [_row(draft, vector) for draft, vector in made if not isinstance(vector, PrecordiaError)]
        return rows, [_poor_stretches(whole, poor, len(rows) + len(poor))] if poor else []

    def _embed(self, recordings: list[Recording]) -> list[NDArray[np.float32] | PrecordiaError]:
        if not recordings:
            return []
        try:
            return list(self._loaded.embed(recordings))
        except InputError as error:
            if len(recordings) == 1:
                return [error]
        out: list[NDArray[np.float32] | PrecordiaError] = []
        for recording in recordings:
            try:
                out.append(self._loaded.embed([recording])[0])
            except InputError as error:
                out.append(error)
        return out


@dataclass(frozen=True, eq=False)
class _Draft:
    recording: Recording
    quality: Quality
    measurements: Measurements
    findings: tuple[Finding, ...]
    statements: str | None
    stamp: str


class _Watch:
    """Adds up the time of stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def with_text_vectors(cases: pa.Table, encoder: TextEncoder | None) -> pa.Table:
    """The rows with ``text_embedding`` filled where there is a report; equal statements are embedded once.

    A shard's texts are embedded together, and only they: the last digits of a vector depend on what it is embedded with,
    and shards are the same however a build is interrupted.
    """
    if encoder is None or not cases.num_rows:
        return cases
    statements = cases.column("statements").to_pylist()
    unique = sorted({text for text in statements if text})
    at = dict(zip(unique, encoder.embed(unique), strict=True)) if unique else {}
    column = pa.array(
        [at[text] if text else None for text in statements], type=CASE_SCHEMA.field("text_embedding").type
    )
    return cases.set_column(cases.schema.get_field_index("text_embedding"), CASE_SCHEMA.field("text_embedding"), column)


def _row(draft: _Draft, vector: NDArray[np.float32]) -> CaseRow:
    recording, median = draft.recording, draft.recording.median_beats
    case = Case.of(recording, draft.findings, draft.measurements, float(draft.quality.score))
    return CaseRow(
        case=case,
        embedding=vector,
        signal=encode_signal(recording.signal, recording.fs, recording.leads),
        median_beats=encode_signal(median.signal, median.fs, median.leads) if median else None,
        leads=recording.leads,
        patient_id=recording.patient_id,
        statements=draft.statements,
        vendor_measurements=recording.vendor_measurements,
        notes=recording.notes,
        source_stamp=draft.stamp,
    )


def _reject(
    source: str, stamp: str, stage: str, error: PrecordiaError, recording: Recording | None, name: str = ""
) -> Reject:
    return Reject(
        source=source,
        reason=" ".join(str(error).split()),
        stage=stage,
        error=name or type(error).__name__,
        recording_id=recording.recording_id if recording else name_of(source),
        patient_key=patient_key_of(recording) if recording else None,
        source_stamp=stamp,
    )


def _poor_stretches(whole: _Draft, poor: Sequence[tuple[Recording, Quality]], of: int) -> Reject:
    """Where in a long recording there is nothing to use, and why."""
    places = ", ".join(clock(one.start_s or 0.0) for one, _ in poor[:_PLACES])
    more = f" and {len(poor) - _PLACES} more" if len(poor) > _PLACES else ""
    worst = min((quality for _, quality in poor), key=lambda quality: quality.score)
    said = worst.problems[0].message if worst.problems else "poor signal"
    error = InputError(f"{whole.recording.source}: {len(poor)} of {of} windows are not kept, at {places}{more}: {said}")
    return _reject(whole.recording.source, whole.stamp, WINDOWS, error, whole.recording, POOR_QUALITY)


def _poor(ref: RecordRef, stamp: str, recording: Recording, quality: Quality) -> Reject:
    worst = quality.problems[0].message if quality.problems else "poor signal"
    reason = f"{ref.path}: quality {quality.score:.2f} is not acceptable: {worst}"
    return Reject(
        source=ref.path,
        reason=" ".join(reason.split()),
        stage="quality",
        error=POOR_QUALITY,
        recording_id=recording.recording_id,
        patient_key=patient_key_of(recording),
        source_stamp=stamp,
    )
