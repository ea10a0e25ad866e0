"""Recordings without names, with ids replaced by keyed hashes and times shifted.

What is done, so that a privacy officer can check it:

- ``patient_id`` and ``recording_id`` become the first 16 hexadecimal digits of HMAC-SHA-256 under the salt. The same patient
  has the same pseudonym in every file; without the salt it cannot be computed from the id.
- ``time`` moves by a whole number of weeks, 1 to 520 back, the same for all recordings of a patient: the order of visits,
  the days between them, the weekday and the time of day stay. A recording without patient id moves by itself.
- ``age`` above 89 becomes 90 (HIPAA safe harbor, 45 CFR 164.514(b)(2)(i)(C)).
- ``report`` and ``vendor_statements`` keep their clinical words. Sentences that name who confirmed, ordered or read the ECG are
  left out; what identifies by its form becomes ``[name]``, ``[date]``, ``[id]`` and so on
  (:mod:`precordia.records.identifiers`), and the recording's own ids wherever they stand. For archives that leave the
  hospital give ``mask=precordia.concepts.redaction.redact``, which masks every word besides that says nothing of the heart:
  docs/security.md has the figures of both. Neither is perfect: have free text read before it leaves the hospital.
- ``metadata`` keeps only the columns named in ``keep``; codes, the cart's measurements, device, sex and the signal are kept.
- ``source`` and ``notes`` lose the path.

No file here stores a patient's name in a recording in the first place: readers pass names over.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.records.identifiers import mask_identifiers
from precordia.records.readers.statements import report_of, statements

SAFE_METADATA: Final = ("strat_fold", "scp_codes", "heart_axis", "severity", "status", "database")
"""Columns that say nothing of who the patient is."""

_MIN_SALT: Final = 8
_MAX_WEEKS: Final = 520


def deidentify(
    recording: Recording,
    *,
    salt: str | bytes,
    keep: Iterable[str] = SAFE_METADATA,
    mask: Callable[[str], str] = mask_identifiers,
) -> Recording:
    """The recording under pseudonyms; see the module for what is done.

    Args:
        recording: Any recording.
        salt: The secret key, at least eight bytes; the same for all of an archive. Whoever has it can link pseudonyms to ids.
        keep: Metadata columns to keep.
        mask: What takes identifiers out of a text.

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

    def masked(text: str) -> str:
        for one in ids:
            text = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", "[id]", text)
        return mask(text)

    return replace(
        recording,
        recording_id=pseudonym(recording.recording_id, salt=key, kind="recording"),
        patient_id=pseudonym(patient, salt=key, kind="patient") if patient else None,
        time=time,
        age=90.0 if recording.age is not None and recording.age > 89 else recording.age,
        source="",
        report=report_of(map(masked, _sentences(recording.report))) if recording.report else None,
        vendor_statements=tuple(map(masked, statements(recording.vendor_statements))),
        metadata={name: value for name, value in recording.metadata.items() if name in kept},
        notes=tuple(masked(note.replace(recording.source, "")) for note in recording.notes),
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


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.;!?])\s+|\n", text)
