"""One ECG as measured, and what a quality check says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnusableSignalError

Sex = Literal["F", "M"]

STRETCH_S: Final = 10.0
"""Length of each of the stretches that stand for a recording too long to be held whole, s."""


@dataclass(frozen=True, eq=False)
class MedianBeats:
    """Representative beats that a cart computed and stored beside the rhythm strip.

    Attributes:
        signal: ``(n_leads, n_samples)`` float32, mV.
        fs: Sampling rate, Hz.
        leads: Canonical lead names, one per row.
    """

    signal: NDArray[np.float32]
    fs: float
    leads: tuple[str, ...]

    def __repr__(self) -> str:
        return f"MedianBeats({len(self.leads)} leads, {self.fs:g} Hz, {self.signal.shape[-1] / self.fs:.1f} s)"


@dataclass(frozen=True, eq=False)
class Recording:
    """One ECG as measured, with what stood in or beside its file.

    Attributes:
        signal: ``(n_leads, n_samples)`` float32, mV. Samples that the file marks as missing are NaN.
        fs: Sampling rate, Hz, the same for every lead.
        leads: Canonical names ("I" ... "V6") or, for other channels, the file's own; one per row.
        recording_id: Identifies the recording within its archive; by default the file's name without extension.
        patient_id: The patient, as the archive names them, or None.
        time: When it was recorded, or None.
        age: Years, or None. Ages above 89 that an archive hides (PTB-XL's 300) are kept as 90.
        sex: "F", "M" or None.
        device: Make and model of the cart, or None.
        source: The path it was read from, or a description.
        format: Name of the reader ("wfdb", "dicom", ...).
        report: The clinician's or archive's report, or None.
        vendor_statements: The cart's own interpretation, one statement each.
        vendor_measurements: The cart's own measurements, name with unit suffix ("qrs_ms") to value.
        codes: Diagnosis codes that stood in the file or table, as ``"scheme:code"`` ("snomed:164889003", "scp:NORM").
        median_beats: The cart's representative beats, or None; never mixed into ``signal``.
        metadata: Everything else worth filtering on, as text (a report table's other columns).
        notes: What the reader did beyond reading, for people ("III, aVR, aVL, aVF derived from I and II").
        inferred_leads: Leads that no electrode recorded: a model drew them from the others. They are for looking at; what is
            measured, judged or embedded as evidence is :attr:`measured`.
        start_s: Of a stretch of a longer recording: where in it this begins, s; None of a whole one.
        events: Of such a stretch: what a reading of the whole found in it ("AF", "VT", ...).
        whole_s: Of stretches that are joined to stand for a recording too long to be held whole: its length, s; else None.
    """

    signal: NDArray[np.float32]
    fs: float
    leads: tuple[str, ...]
    recording_id: str
    patient_id: str | None = None
    time: datetime | None = None
    age: float | None = None
    sex: Sex | None = None
    device: str | None = None
    source: str = ""
    format: str = ""
    report: str | None = None
    vendor_statements: tuple[str, ...] = ()
    vendor_measurements: Mapping[str, float] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    median_beats: MedianBeats | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    inferred_leads: tuple[str, ...] = ()
    start_s: float | None = None
    events: tuple[str, ...] = ()
    whole_s: float | None = None

    def __post_init__(self) -> None:
        signal = np.ascontiguousarray(self.signal, dtype=np.float32)
        if signal.ndim != 2 or signal.shape[0] != len(self.leads):
            raise UnusableSignalError(
                f"recording {self.recording_id}: signal has shape {signal.shape} but {len(self.leads)} lead names; "
                "give one row a lead"
            )
        if not (np.isfinite(self.fs) and self.fs > 0):
            raise UnusableSignalError(
                f"recording {self.recording_id}: sampling rate {self.fs!r} Hz; give a positive rate"
            )
        if len(set(self.leads)) != len(self.leads):
            raise UnusableSignalError(f"recording {self.recording_id}: lead names repeat: {', '.join(self.leads)}")
        if set(self.inferred_leads) - set(self.leads) or (
            self.inferred_leads and not set(self.leads) - set(self.inferred_leads)
        ):
            raise UnusableSignalError(
                f"recording {self.recording_id}: inferred leads {', '.join(self.inferred_leads)} of "
                f"{', '.join(self.leads)}; name leads that are there, and at least one that was recorded"
            )
        signal.setflags(write=False)
        object.__setattr__(self, "signal", signal)

    def __repr__(self) -> str:
        # Neither samples nor anything that tells of the patient: a repr ends up in logs.
        return f"Recording({self.n_leads} leads, {self.fs:g} Hz, {self.duration_s:.1f} s, {self.format or 'in memory'})"

    @property
    def n_leads(self) -> int:
        """Number of rows of ``signal``."""
        return int(self.signal.shape[0])

    @property
    def n_samples(self) -> int:
        """Number of columns of ``signal``."""
        return int(self.signal.shape[1])

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.n_samples / self.fs

    @property
    def end_s(self) -> float | None:
        """Of a stretch of a longer recording: where in it this ends, s."""
        return None if self.start_s is None else round(self.start_s + self.duration_s, 6)

    @property
    def spans_s(self) -> float:
        """Length of what it tells of, s: of stretches that stand for a longer recording that recording's."""
        return self.duration_s if self.whole_s is None else self.whole_s

    @property
    def seams(self) -> tuple[int, ...]:
        """Samples at which stretches begin that follow on nothing: no beat is measured across them."""
        if self.whole_s is None:
            return ()
        width = round(STRETCH_S * self.fs)
        return tuple(range(width, self.n_samples, width))

    @property
    def title(self) -> str:
        """Its id, and where it lies in a longer recording."""
        return self.recording_id if self.start_s is None else f"{self.recording_id} {clock(self.start_s)}"

    @property
    def measured(self) -> Recording:
        """The recording without what a model drew: itself where nothing was."""
        if not self.inferred_leads:
            return self
        rows = [row for row, lead in enumerate(self.leads) if lead not in self.inferred_leads]
        return replace(self, signal=self.signal[rows], leads=tuple(self.leads[row] for row in rows), inferred_leads=())

    def lead(self, name: str) -> NDArray[np.float32]:
        """One lead's samples, ``(n_samples,)``, mV.

        Raises:
            KeyError: the recording does not have that lead.
        """
        if name not in self.leads:
            raise KeyError(name)
        row: NDArray[np.float32] = self.signal[self.leads.index(name)]
        return row

    @cached_property
    def content_hash(self) -> str:
        """SHA-256, hexadecimal, of the samples (rounded to 0.1 µV), rate and lead names: the same ECG has the same hash."""
        digest = hashlib.sha256(f"{self.fs:.6g}|{'|'.join(self.leads)}|{self.signal.shape}".encode())
        tenth_uv = np.where(np.isfinite(self.signal), np.rint(self.signal.astype(np.float64) * 1e4), -(2.0**62))
        digest.update(np.clip(tenth_uv, -(2.0**62), 2.0**62).astype("<i8").tobytes())
        return digest.hexdigest()


def clock(seconds: float) -> str:
    """A place in a recording as hours, minutes and seconds from its beginning.

    >>> clock(3723.4)
    '1:02:03.4'
    """
    tenths = round(seconds * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    return f"{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recording.

    Attributes:
        kind: "missing_lead", "flat", "saturated", "nan", "noisy", "units", "einthoven", "goldberger", "electrode_swap",
            "short", "smooth".
        leads: The leads concerned; empty when it is the whole recording.
        severity: 0 (harmless) to 1 (the lead or recording cannot be used).
        message: For people, one line, with the measured value and its unit.
    """

    kind: str
    leads: tuple[str, ...]
    severity: float
    message: str


@dataclass(frozen=True)
class Quality:
    """How far a recording can be trusted.

    Attributes:
        score: 0 (unusable) to 1 (clean).
        acceptable: Whether ``score`` passes the documented threshold.
        lead_scores: Lead name to its own score, 0 to 1.
        problems: What was found, worst first.
    """

    score: float
    acceptable: bool
    lead_scores: Mapping[str, float]
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(problem.kind for problem in self.problems))
        return f"Quality({self.score:.2f}, {'acceptable' if self.acceptable else 'not acceptable'}{kinds and f': {kinds}'})"
