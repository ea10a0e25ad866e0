"""Deidentified recordings carry no id, name, date or path, and stay linked to each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_muse

from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.records.deidentify import deidentify, pseudonym
from precordia.records.read import read_recording

SALT = "a secret of this archive"


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    found = read_recording(write_muse(tmp_path / "Doe_John.xml"))
    return replace(
        found,
        patient_id="MRN12345",
        age=93.0,
        report="AF since 12.03.2019. MRN12345 known. Confirmed by Doe, John on 1/1/2020. Call +49 30 1234567 or a@b.de. LBBB.",
        metadata={"ward": "B2", "strat_fold": "3"},
        notes=(f"read from {found.source}",),
    )


def test_nothing_that_identifies_remains(recording: Recording) -> None:
    text = repr(vars(deidentify(recording, salt=SALT)))
    for secret in ("MRN12345", "Doe", "John", "2019", "1234567", "a@b.de", "B2", recording.source, "2020, 2, 1"):
        assert secret not in text


def test_clinical_words_signal_and_kept_columns_stay(recording: Recording) -> None:
    out = deidentify(recording, salt=SALT)
    assert out.report is not None
    assert "AF since" in out.report
    assert "LBBB." in out.report
    assert out.metadata == {"strat_fold": "3"}
    assert out.age == 90.0
    np.testing.assert_array_equal(out.signal, recording.signal)
    assert out.vendor_measurements == recording.vendor_measurements


def test_visits_of_a_patient_stay_in_order_and_apart(recording: Recording) -> None:
    assert recording.time is not None
    later = replace(recording, recording_id="second", time=recording.time + timedelta(days=9, hours=2))
    first, second = deidentify(recording, salt=SALT), deidentify(later, salt=SALT)
    assert first.patient_id == second.patient_id != recording.patient_id
    assert first.recording_id != second.recording_id
    assert first.time is not None
    assert second.time is not None
    assert second.time - first.time == timedelta(days=9, hours=2)
    moved = recording.time - first.time
    assert moved >= timedelta(weeks=1)
    assert moved % timedelta(weeks=1) == timedelta(0)


def test_pseudonyms_depend_on_the_salt_and_the_kind() -> None:
    assert pseudonym("7", salt=SALT) != pseudonym("7", salt=SALT + "!")
    assert pseudonym("7", salt=SALT) != pseudonym("7", salt=SALT, kind="recording")
    assert pseudonym("7", salt=SALT) == pseudonym("7", salt=SALT.encode())


def test_a_short_salt_is_refused(recording: Recording) -> None:
    with pytest.raises(UsageError, match="salt"):
        deidentify(recording, salt="short")


def test_recordings_without_patient_or_time(recording: Recording) -> None:
    out = deidentify(replace(recording, patient_id=None, time=None, report=None), salt=SALT)
    assert (out.patient_id, out.time, out.report) == (None, None, None)
    assert deidentify(replace(recording, time=datetime(1, 1, 2)), salt=SALT).time is None
