"""Recordings without names, with ids replaced by keyed hashes and times shifted.

What is done, so that a privacy officer can check it:

- ``patient_id`` and ``recording_id`` become the first 16 hexadecimal digits of HMAC-SHA-256 under the salt. The same patient
  has the same pseudonym in every file; without the salt it cannot be computed from the id.
- ``time`` moves by a whole number of weeks, 1 to 520 back, the same for all recordings of a patient: the order of visits,
  the days between them, the weekday and the time of day stay. A recording without patient id moves by itself.
- ``age`` above 89 becomes 90 (HIPAA safe harbor, 45 CFR 164.514(b)(2)(i)(C)).
- ``report`` and ``vendor_statements`` keep their clinical words. Sentences that name who confirmed, ordered or read the ECG are
  left out; dates, telephone numbers, e-mail addresses and numbers of six digits and more become ``[...]``, and the
  recording's own ids wherever they stand. Free text can still hold a name that no rule finds: have it read before it leaves
  the hospital.
- ``metadata`` keeps only the columns named in ``keep``; codes, the cart's measurements, device, sex and the signal are kept.
- ``source`` and ``notes`` lose the path.

No file here stores a patient's name in a recording in the first place: readers pass names over.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.records.readers.statements import report_of, statements

SAFE_METADATA: Final = ("strat_fold", "scp_codes", "heart_axis", "severity", "status", "database")
"""Columns that say nothing of who the patient is."""

_MIN_SALT: Final = 8
_MAX_WEEKS: Final = 520
_PATTERNS: Final = (
    re.compile(r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}\b"),
    re.compile(r"\b\d{1,2}[-. ](?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|de[cz])\w*[-. ]\d{2,4}\b", re.I),
    re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"),
    re.compile(r"\+?\d[\d /()-]{7,}\d"),
    re.compile(r"\b\d{6,}\b"),
)  # fmt: skip
_MASK: Final = "[...]"


def deidentify(recording: Recording, *, salt: str | bytes, keep: Iterable[str] = SAFE_METADATA) -> Recording:
    """The recording under pseudonyms; see the module for what is done.

    Args:
        recording: Any recording.
        salt: The secret key, at least eight bytes; the same for all of an archive. Whoever has it can link pseudonyms to ids.
        keep: Metadata columns to keep.

    Raises:
        UsageError: the salt is too short.
    """
    key = salt.encode() if isinstance(salt, str) else salt
    if len(key) < _MIN_SALT:
        raise UsageError(f"the salt has {len(key)} bytes; give at least {_MIN_SALT}, kept secret")
    patient = recording.patient_id
    ids = [one for one in (patient, recording.recording_id) if one and len(one) >= 4]
    time = recording.time
    if time is not None:
        weeks = (
            1
            + int.from_bytes(_digest(key, "time", patient or f"recording:{recording.recording_id}")[:8], "big")
            % _MAX_WEEKS
        )
        try:
            time -= timedelta(weeks=weeks)
        except OverflowError:
            time = None
    kept = set(keep)
    return replace(
        recording,
        recording_id=pseudonym(recording.recording_id, salt=key, kind="recording"),
        patient_id=pseudonym(patient, salt=key, kind="patient") if patient else None,
        time=time,
        age=90.0 if recording.age is not None and recording.age > 89 else recording.age,
        source="",
        report=report_of(_sentences(_masked(recording.report, ids))) if recording.report else None,
        vendor_statements=statements(_masked(line, ids) for line in recording.vendor_statements),
        metadata={name: value for name, value in recording.metadata.items() if name in kept},
        notes=tuple(_masked(note.replace(recording.source, ""), ids) for note in recording.notes),
    )


def pseudonym(identifier: str, *, salt: str | bytes, kind: str = "patient") -> str:
    """The pseudonym of an id: sixteen hexadecimal digits.

    >>> pseudonym("15709", salt="a secret of ours") == pseudonym("15709", salt="a secret of ours")
    True
    """
    key = salt.encode() if isinstance(salt, str) else salt
    return _digest(key, kind, identifier).hex()[:16]


def _digest(key: bytes, kind: str, identifier: str) -> bytes:
    return hmac.new(key, f"{kind}\0{identifier}".encode(), hashlib.sha256).digest()


def _masked(text: str, ids: Iterable[str]) -> str:
    for one in ids:
        text = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", _MASK, text)
    for pattern in _PATTERNS:
        text = pattern.sub(_MASK, text)
    return text


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.;!?])\s+|\n", text)
