"""A long recording is a case of its own, and so are ten seconds at each of its events and every few minutes."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.documents import hit_document
from precordia.core.errors import UnreadableRecordingError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.knowledge_base import KnowledgeBase
from precordia.measurements.conditioning import condition
from precordia.records.quality import assess
from precordia.serve.work.room import Ecg, Room
from precordia.serve.work.tracing import Stretch, signal
from precordia.signals.long import outline
from precordia.signals.long.kept import kept_stretches
from precordia.signals.long.source import long_signal
from precordia.signals.opening import open_signal
from precordia.simulation import simulate


class Spectra:
    """Vectors of what a lead repeats, so that no weights are needed."""

    dim, fingerprint, name = 32, "spectra-of-a-lead", "spectra"

    def embed(self, recordings: Sequence[Recording]) -> np.ndarray:
        rows = [
            np.abs(np.fft.rfft(one.signal[one.leads.index("II"), :1000], 1000))[1 : self.dim + 1] for one in recordings
        ]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def _two_leads(recording: Recording, **known: object) -> Recording:
    rows = [LEADS.index("II"), LEADS.index("V1")]
    return replace(recording, signal=recording.signal[rows], leads=("II", "V1"), **known)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def holter() -> Recording:
    parts = [simulate(name, seed=3, fs=125, duration_s=75).recording for name in ("SR", "AFIB")]
    joined = np.concatenate([part.signal for part in parts], axis=1)
    return _two_leads(replace(parts[0], signal=joined, recording_id="holter", report="atrial fibrillation at night"))


def _write(folder: Path, recording: Recording, comments: str = "") -> Path:
    digital = np.rint(recording.signal.T * 200).astype("<i2")
    n, width = digital.shape
    head = [f"{recording.recording_id} {width} {recording.fs:g} {n}"]
    head += [f"{recording.recording_id}.dat 16 200/mV 16 0 0 0 0 {lead}" for lead in recording.leads]
    folder.mkdir(exist_ok=True)
    (folder / f"{recording.recording_id}.dat").write_bytes(digital.tobytes())
    (folder / f"{recording.recording_id}.hea").write_text("\n".join(head) + f"\n{comments}")
    return folder / recording.recording_id


def _windows(kb: KnowledgeBase) -> list[tuple[float | None, float | None]]:
    return sorted((case.start_s, case.end_s) for case in kb.cases(kb.ids()) if case.is_stretch)  # type: ignore[type-var]


def test_what_is_kept_shows_the_events_and_a_sample_of_the_rest(holter: Recording) -> None:
    kept = list(kept_stretches(holter, 30.0))
    assert {0.0, 30.0, 60.0} <= {one.start_s for one in kept}
    assert all(one.duration_s == 10 and one.report is None for one in kept)
    shown = [one for one in kept if "AF" in one.events]
    assert shown
    assert all(one.end_s is not None and one.end_s > 75 for one in shown)
    only_events = list(kept_stretches(holter, 0.0))
    assert 0 < len(only_events) < len(kept)
    assert list(kept_stretches(long_signal(holter).strip(0, 60), 30.0)) == []


def test_windows_are_cases_that_are_found_filtered_erased_and_checked(
    tmp_path: Path, holter: Recording, paired_space: Callable[[str, int], Path]
) -> None:
    archive = tmp_path / "archive"
    _write(archive, holter)
    short = _two_leads(simulate("AFIB", seed=8, fs=125, duration_s=10).recording, recording_id="short")
    _write(archive, short)
    kb = KnowledgeBase.create(tmp_path / "kb", encoder=Spectra(), text_encoder=None)
    report = kb.add(archive, workers=1, stride_s=40.0)
    assert (report.n_added, report.n_windows) == (2, len(_windows(kb)))
    assert report.n_windows >= 3
    again = kb.add(archive, workers=1, stride_s=40.0)
    assert (again.n_present, again.n_windows) == (2, 0)

    query = _two_leads(simulate("SR", seed=5, fs=125, duration_s=10).recording, recording_id="asked")
    hits = kb.search(Query(query, k=5))
    assert [hit.case.recording_id for hit in hits].count("holter") == 1, "one place of a recording, the nearest"
    (window,) = kb.search(Query(query, k=1, where="events has 'AF' and start_s > 30"))
    document = hit_document(window)["window"]
    assert document["end_s"] == document["start_s"] + 10
    assert not [hit for hit in kb.search(Query(query, k=9, stretches=False)) if hit.case.is_stretch]

    by_vector = kb.search(Query(vector=Spectra().embed([query])[0], how="a pulse", k=1, stretches=False))
    assert by_vector[0].why.signal == "a pulse"
    pairs = paired_space(Spectra.fingerprint, Spectra.dim)
    like = kb.search_pairs({"ef": 1.0}, pairs, k=9)
    assert {hit.case.recording_id for hit in like} == {"holter", "short"}
    assert like[0].score > like[1].score
    assert len(kb.search_pairs({"ef": 1.0}, pairs, where="duration_s < 20")) == 1

    # A stretch of the same recording, and any other ECG of its patient, finds none of its windows.
    stretch = long_signal(
        kb.recording(next(c.case_id for c in kb.cases(kb.ids()) if not c.is_stretch and c.duration_s > 99))
    )
    assert {hit.case.recording_id for hit in kb.search(Query(stretch.strip(17, 27), k=9))} == {"short"}
    assert kb.recording(window.case.case_id).start_s == window.case.start_s

    assert kb.check().sound
    assert kb.erase(patient="recording:holter") == 1 + report.n_windows
    assert _windows(kb) == []


def test_windows_of_a_changed_file_take_the_place_of_those_before(tmp_path: Path, holter: Recording) -> None:
    kb = KnowledgeBase.create(tmp_path / "kb", encoder=Spectra(), text_encoder=None)
    _write(tmp_path / "archive", holter)
    kb.add(tmp_path / "archive", workers=1, stride_s=20.0)
    assert (120.0, 130.0) in _windows(kb)
    _write(tmp_path / "archive", replace(holter, signal=holter.signal[:, : round(121 * holter.fs)] * 0.9))
    report = kb.add(tmp_path / "archive", workers=1, stride_s=20.0)
    assert (report.n_added, report.n_updated) == (0, 1)
    assert len(kb) == 1 + len(_windows(kb))
    assert all(end is not None and end <= 121 for _, end in _windows(kb))


def test_a_recording_too_long_to_be_held_whole_is_kept_as_its_windows(
    tmp_path: Path, holter: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    file = _write(archive, holter, "# 71 F\n")
    monkeypatch.setattr(outline, "MOST_HELD", 0)
    kb = KnowledgeBase.create(tmp_path / "kb", encoder=Spectra(), text_encoder=None)
    added = kb.add(archive, workers=1, stride_s=40.0)
    kept = [(one.start_s, one.end_s, one.events) for one in kept_stretches(holter, 40.0)]
    assert sorted((c.start_s, c.end_s, c.events) for c in kb.cases(kb.ids()) if c.is_stretch) == kept  # type: ignore[type-var]
    assert added.n_windows == len(kept)

    (whole,) = (case for case in kb.cases(kb.ids()) if not case.is_stretch)
    assert (whole.duration_s, whole.age, whole.sex) == (holter.duration_s, 71, "F")
    stored = kb.recording(whole.case_id)
    assert (stored.duration_s, stored.whole_s, len(stored.seams)) == (120, holter.duration_s, 11)
    assert np.array_equal(stored.signal[:, -1250:], open_signal(file).recording.signal[:, -1250:])
    assert len(condition(stored)) == 12, "from one stretch to the next nothing is measured"
    assert kb.search(Query(open_signal(file).recording, k=9)) == [], "its own case and windows are left out"

    # Asked about, it is the whole, from its file; a place in it is drawn from there too.
    assert kb.events(stored, "V").document("it") == kb.events(file, "V").document("it")
    drawn = json.loads(signal(Room(kb), Ecg(case=str(whole.case_id)), Stretch(start=130.0, seconds=5.0)).content)
    at = round(130 * holter.fs)
    np.testing.assert_allclose(drawn["samples"]["II"][:50], holter.signal[0, at : at + 50], atol=0.003)
    assert (drawn["start"], drawn["recording_duration_s"]) == (130.0, holter.duration_s)
    for part in list(archive.iterdir()):
        part.rename(tmp_path / part.name)
    with pytest.raises(UnreadableRecordingError, match="put it back") as gone:
        kb.events(stored, "V")
    assert str(tmp_path) not in str(gone.value), "where it lay is not told to who asks a service"


def test_of_a_recording_that_is_mostly_noise_the_rest_is_kept(tmp_path: Path, holter: Recording) -> None:
    noise = np.random.default_rng(4).standard_normal(holter.signal.shape).astype(np.float32)
    noise[:, : round(32 * holter.fs)] = 0.0
    noisy = replace(holter, signal=holter.signal + 1.5 * noise)
    stretch = long_signal(noisy).strip(60, 70)
    assert not assess(stretch).acceptable
    assert not assess(replace(noisy, signal=noisy.signal[:, -round(100 * noisy.fs) :])).acceptable
    assert assess(noisy).acceptable
    kb = KnowledgeBase.create(tmp_path / "kb", encoder=Spectra(), text_encoder=None)
    _write(tmp_path / "archive", noisy)
    added = kb.add(tmp_path / "archive", workers=1, stride_s=20.0)
    assert (added.n_added, added.n_rejected) == (1, 0)
    assert _windows(kb)[:2] == [(0.0, 10.0), (20.0, 30.0)]
    (reject,) = kb.rejects()
    assert reject["stage"] == "windows"
    assert "0:01:00.0" in reject["reason"]
    assert "noise" in reject["reason"]
    again = kb.add(tmp_path / "archive", workers=1, stride_s=20.0)
    assert (again.n_present, again.n_rejected, again.n_rejected_before) == (1, 0, 0)


def test_a_day_of_twelve_leads_is_outlined_without_being_read(tmp_path: Path) -> None:
    fs, n = 250, 250 * 86_400
    lines = [f"day 12 {fs} {n}", *(f"day.dat 16 200/mV 16 0 0 0 0 {lead}" for lead in LEADS)]
    (tmp_path / "day.hea").write_text("\n".join(lines) + "\n")
    beat = np.zeros((2 * fs, 12), "<i2")
    beat[100:110] = 200
    with (tmp_path / "day.dat").open("wb") as file:
        file.truncate(2 * 12 * n)  # half a gigabyte of which nothing is written but a minute at the end
        file.seek(2 * 12 * (n - 60 * fs))
        file.write(np.tile(beat, (30, 1)).tobytes())
    tracemalloc.start()
    recording = open_signal(tmp_path / "day").recording
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (recording.spans_s, recording.duration_s, recording.n_leads) == (86_400, 120, 12)
    assert recording.signal[:, -10 * fs :].max() == 1.0
    assert peak < 16 * 2**20, f"{peak / 2**20:.0f} MiB"
    (tmp_path / "day.dat").unlink()
    with pytest.raises(UnreadableRecordingError, match="missing; put it beside"):
        open_signal(tmp_path / "day")
