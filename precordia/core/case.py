"""What a knowledge base keeps of a recording besides its signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Self

from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording, Sex, clock


@dataclass(frozen=True)
class Case:
    """A recording as a precedent: what was written about it and what is known of it.

    Each field is a column of the case table (:mod:`precordia.indexing.columns`), and what a recording has under the same
    name comes from there: a new one is a line here.

    Attributes:
        case_id: Positive int64, derived from the recording (see :func:`case_id_of`), never a row position.
        recording_id: The recording, as its archive names it.
        patient_key: The patient, as its archive names them; the recording's id where the archive names none,
            so that patients are never merged by accident.
        report: The report's words, or None.
        findings: What the report (and the codes beside it) say.
        measurements: What was measured on the signal.
        quality_score: 0 to 1.
        content_hash: Of the signal, hexadecimal.
        time, age, sex, device: As in :class:`Recording`.
        n_leads: Number of standard leads present.
        fs: Sampling rate as stored, Hz.
        duration_s: Length, s.
        start_s, end_s: Of a stretch of a long recording: from where to where in it, s; None of a whole recording.
        events: Of such a stretch: what a reading of the whole found in it ("AF", "VT", ...).
        vendor_statements: The cart's own interpretation.
        codes: Diagnosis codes, ``"scheme:code"``.
        metadata: Other columns to filter on.
        source: Where the recording was read from.
        format: The reader's name.
    """

    case_id: int
    recording_id: str
    patient_key: str
    report: str | None = None
    findings: tuple[Finding, ...] = ()
    measurements: Measurements = field(default_factory=Measurements)
    quality_score: float = 1.0
    content_hash: str = ""
    time: datetime | None = None
    age: float | None = None
    sex: Sex | None = None
    device: str | None = None
    n_leads: int = 0
    fs: float = 0.0
    duration_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None
    events: tuple[str, ...] = ()
    vendor_statements: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    format: str = ""

    def __repr__(self) -> str:
        # Neither the report nor the patient, nor the recording's name, which may be theirs: a repr ends up in logs.
        return f"Case({self.case_id}, {_said(self.findings)}, quality {self.quality_score:.2f})"

    @property
    def is_stretch(self) -> bool:
        """Whether it is a stretch of a long recording, which has a case of its own."""
        return self.start_s is not None

    @property
    def title(self) -> str:
        """The recording's id, and from where to where in it where this is a stretch."""
        if self.start_s is None or self.end_s is None:
            return self.recording_id
        return f"{self.recording_id} {clock(self.start_s)} to {clock(self.end_s)}"

    @classmethod
    def of(
        cls,
        recording: Recording,
        findings: tuple[Finding, ...] = (),
        measurements: Measurements = Measurements(),  # noqa: B008
        quality_score: float = 1.0,
    ) -> Self:
        """The case of a recording.

        Args:
            recording: The recording.
            findings: What its report says.
            measurements: What was measured on it.
            quality_score: 0 to 1.
        """
        there = {*vars(type(recording)), *(f.name for f in fields(recording))}
        shared = {f.name: getattr(recording, f.name) for f in fields(cls) if f.name in there}
        known = {
            "case_id": case_id_of(recording),
            "patient_key": patient_key_of(recording),
            "n_leads": sum(lead in LEADS for lead in recording.leads),
            "duration_s": recording.spans_s,
            "findings": findings,
            "measurements": measurements,
            "quality_score": quality_score,
        }
        return cls(**{**shared, **known})


def _said(findings: tuple[Finding, ...]) -> str:
    """Findings in short.

    >>> _said((Finding("SINUS"), Finding("LBBB", "absent")))
    'SINUS, no LBBB'
    """
    marks = {"present": "", "absent": "no ", "uncertain": "possible "}
    return ", ".join(f"{marks[f.status]}{f.concept}" for f in findings[:6]) or "no findings"


def patient_key_of(recording: Recording) -> str:
    """The key under which a recording's patient is kept: the patient's id, or ``"recording:<id>"`` when there is none."""
    return recording.patient_id if recording.patient_id else f"recording:{recording.recording_id}"


def case_id_of(recording: Recording) -> int:
    """A positive 63-bit id from the signal's content, the patient and the recording's name.

    The same file read twice has the same id, so that building again adds nothing. A stretch of a long recording is told from
    the others by its place, too: a rhythm may repeat itself to the sample.
    """
    import hashlib

    text = f"{recording.content_hash}|{patient_key_of(recording)}|{recording.recording_id}"
    if recording.start_s is not None:
        text += f"|{recording.start_s:.3f}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1 or 1
