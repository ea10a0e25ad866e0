"""An ECG as numbers to draw: its samples, its beats with their boundaries, its average beats, and two laid over each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.documents import measurements_document, quality_document
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.measurements import measure as measure_signal
from precordia.measurements.analysis import Analysis, analyse
from precordia.measurements.delineation import POINTS, collect
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.filtering import resampled
from precordia.records.quality import assess
from precordia.serve.answers import Answer, Shown
from precordia.serve.export.signals import csv_of, dicom_of, wfdb_of
from precordia.serve.upload import with_upload
from precordia.serve.work.room import Ecg, Room
from precordia.signals.inspecting import inspect_signal
from precordia.signals.long.outline import in_pieces, read_held
from precordia.signals.long.source import LongSignal
from precordia.signals.pulse.pressure import readings_of

MAX_S: Final = 120.0
"""Longest stretch of one answer, s."""

AS_RECORDED: Final = "none: as recorded"
RATES: Final = (10.0, 2000.0)
_PER_LEAD: Final = ("st_j60_mv", "st_j80_mv", "st_j_mv", "r_mv", "s_mv", "q_mv", "t_mv", "t_width_ms")


@dataclass(frozen=True)
class Stretch:
    """What of a signal is wanted.

    Attributes:
        leads: Names, or None for all.
        start: s.
        seconds: Length, or None for all, at most :data:`MAX_S`.
        fs: Hz, or None as recorded.
    """

    leads: tuple[str, ...] | None = None
    start: float = 0.0
    seconds: float | None = None
    fs: float | None = None


def signal(room: Room, ecg: Ecg, wanted: Stretch, form: str = "json") -> Answer:
    """A stretch of an ECG's samples, in one of :data:`FORMS`."""
    if form not in FORMS:
        raise UsageError(f"unknown format {form[:20]!r} (choices: {', '.join(FORMS)})")
    if ecg.case is not None and form == "json":
        case_id = room.case_id(ecg.case)
        shown = Shown()
        (case,) = room.kb.cases([case_id])
        shown.add(case)
        # The signal alone: a page of cards asks for many.
        kept = room.kb.store.waveform(case_id)
        if case.duration_s > kept.duration_s + 1:  # stretches stand for a longer one, which lies in its file
            return shown.json(whole_document(in_pieces(room.kb.recording(case_id)), wanted))
        return shown.json(signal_document(kept, wanted))
    recording = room.recording(ecg)
    return FORMS[form](shown_of(room, ecg, recording), recording, wanted)


def signal_document(recording: Recording, wanted: Stretch) -> dict[str, Any]:
    """A stretch of samples, mV, a list a lead; null where a sample is missing."""
    cut = stretch_of(recording, wanted)
    return {
        "fs": cut.fs,
        "leads": list(cut.leads),
        "unit": "mV",
        "samples": {lead: samples(row) for lead, row in zip(cut.leads, cut.signal, strict=True)},
        "start": max(wanted.start, 0.0),
        "duration_s": cut.duration_s,
        "recording_duration_s": recording.duration_s,
        "filters": AS_RECORDED if wanted.fs is None else f"low-pass of resampling to {cut.fs:g} Hz",
    }


def whole_document(whole: LongSignal, wanted: Stretch) -> dict[str, Any]:
    """The same of a recording that is too long to be held, from its file.

    Raises:
        UsageError: as :func:`stretch_of`.
    """
    if not 0 <= wanted.start < whole.duration_s:
        raise UsageError(f"start and seconds lie outside of the {whole.duration_s:g} s of this ECG")
    cut = whole.strip(wanted.start, min(wanted.start + min(wanted.seconds or MAX_S, MAX_S), whole.duration_s))
    told = signal_document(cut, replace(wanted, start=0.0, seconds=None))
    return {**told, "start": wanted.start, "recording_duration_s": whole.duration_s}


def stretch_of(recording: Recording, wanted: Stretch) -> Recording:
    """The leads and the stretch that are wanted, at the rate that is wanted.

    Raises:
        UsageError: a lead, a time or a rate that there is not.
    """
    names = wanted.leads or recording.leads
    unknown = [name for name in names if name not in recording.leads]
    if unknown:
        raise UsageError(f"no lead {unknown[0][:20]!r} in this ECG; it has {', '.join(recording.leads)}")
    start, seconds = wanted.start, wanted.seconds
    if not (0 <= start < recording.duration_s) or (seconds is not None and not seconds > 0):
        raise UsageError(f"start and seconds lie outside of the {recording.duration_s:g} s of this ECG")
    if wanted.fs is not None and not RATES[0] <= wanted.fs <= RATES[1]:
        raise UsageError(f"fs is {wanted.fs:g}; ask for {RATES[0]:g} to {RATES[1]:g} Hz")
    first = round(start * recording.fs)
    last = first + round(min(seconds or MAX_S, MAX_S) * recording.fs)
    rows = recording.signal[[recording.leads.index(name) for name in names], first:last]
    fs = recording.fs
    if wanted.fs is not None and wanted.fs < recording.fs:
        ratio = Fraction(wanted.fs / recording.fs).limit_denominator(1000)
        missing = ~np.isfinite(rows)
        rows = resampled(np.where(missing, 0.0, rows), ratio.numerator, ratio.denominator)
        fs = recording.fs * ratio.numerator / ratio.denominator
        gone = missing[:, (np.arange(rows.shape[1]) * recording.fs / fs).astype(int).clip(0, missing.shape[1] - 1)]
        rows = np.where(gone, np.nan, rows)
    return replace(recording, signal=rows, fs=fs, leads=tuple(names))


def samples(row: NDArray[Any]) -> list[float | None]:
    """Samples rounded to 0.1 µV, None where missing."""
    rounded = np.round(row.astype(np.float64), 4).tolist()
    if np.isfinite(row).all():
        return rounded  # type: ignore[no-any-return]
    return [value if np.isfinite(value) else None for value in rounded]


def measure(room: Room, ecg: Ecg) -> Answer:
    """Everything measured, beat by beat and on the average beat."""
    recording = room.recording(ecg)
    shown = shown_of(room, ecg, recording)
    measured = measure_signal(recording)
    analyses = analyse(recording)
    document = {
        "measurements": measurements_document(measured),
        "leads": {lead: _of_lead(measured, lead) for lead in recording.leads},
        "beats": _beats(recording, analyses),
        "average": _average(analyses),
        "quality": quality_document(assess(recording)),
    }
    return shown.json(document)


def inspect(room: Room, ecg: Ecg, calibration: str | None = None) -> Answer:
    """What is in a file of any kind of heart signal.

    Raises:
        UsageError: a case is named.
    """
    if ecg.case is not None:
        raise UsageError("a file is inspected; /v1/measure tells what is measured of a case")
    readings = readings_of(calibration) if calibration else ()
    document, _ = with_upload(
        ecg.filename, ecg.content, lambda file: inspect_signal(file, calibration=readings, read=read_held)
    )
    return Shown(recording=document.get("content_hash", "")).json({**document, "source": ecg.filename})


def shown_of(room: Room, ecg: Ecg, recording: Recording) -> Shown:
    """What an answer about one ECG shows at least."""
    shown = Shown(recording=recording.content_hash)
    if ecg.case is not None:
        shown.add(*room.kb.cases([int(ecg.case)]))
    return shown


def main_analysis(analyses: tuple[Analysis, ...]) -> Analysis | None:
    """The stretch with most beats of one shape."""
    return max(analyses, key=lambda one: one.families[0].members.size, default=None)


def _of_lead(measured: Any, lead: str) -> dict[str, float]:
    fields = ((name, getattr(measured, name)) for name in _PER_LEAD)
    return {name: values[lead] for name, values in fields if lead in values}


def _beats(recording: Recording, analyses: tuple[Analysis, ...]) -> list[dict[str, Any]]:
    """A beat: when it is, which shape it has (0 is the commonest), and the boundaries of its waves over all leads, s."""
    found = collect(recording.leads, recording.duration_s, analyses)
    return [
        {
            "r_s": round(float(r), 4),
            "shape": int(family),
            **{
                f"{name}_s": None if not np.isfinite(t) else round(float(t), 4)
                for name, t in zip(POINTS, row, strict=True)
            },
        }
        for r, family, row in zip(found.beats, found.family, found.overall, strict=True)
    ]


def _average(analyses: tuple[Analysis, ...]) -> dict[str, Any] | None:
    """The average beat of the commonest shape; marks in s from its start, over all leads and in each."""
    one = main_analysis(analyses)
    if one is None:
        return None
    bounds = {name: getattr(one.bounds[0], name) for name in POINTS}
    return {
        "fs": FS,
        "r_s": BEFORE / FS,
        "leads": {lead: samples(row) for lead, row in zip(one.stretch.leads, one.families[0].average, strict=True)},
        "marks": {name: _mark(values) for name, values in bounds.items()},
        "marks_by_lead": {
            lead: {name: _mark(values[k : k + 1]) for name, values in bounds.items()}
            for k, lead in enumerate(one.stretch.leads)
        },
        "filters": "0.5 to 40 Hz, zero phase; average of the beats of the commonest shape",
    }


def _mark(values: NDArray[np.float64]) -> float | None:
    there = values[np.isfinite(values)]
    return round((BEFORE + float(np.median(there))) / FS, 4) if there.size else None


def _as_json(shown: Shown, recording: Recording, wanted: Stretch) -> Answer:
    return shown.json(signal_document(recording, wanted))


def _as_csv(shown: Shown, recording: Recording, wanted: Stretch) -> Answer:
    return shown.answer(csv_of(_cut(recording, wanted)), "text/csv; charset=utf-8", "ecg.csv")


def _as_wfdb(shown: Shown, recording: Recording, wanted: Stretch) -> Answer:
    return shown.answer(wfdb_of(_cut(recording, wanted), "ecg"), "application/zip", "ecg.zip")


def _as_dicom(shown: Shown, recording: Recording, wanted: Stretch) -> Answer:
    return shown.answer(dicom_of(_cut(recording, wanted)), "application/dicom", "ecg.dcm")


def _cut(recording: Recording, wanted: Stretch) -> Recording:
    """A file holds the whole recording unless a part is asked for."""
    return recording if wanted == Stretch() else stretch_of(recording, wanted)


FORMS = {"json": _as_json, "csv": _as_csv, "wfdb": _as_wfdb, "dicom": _as_dicom}
"""Format of a signal to what makes it."""
