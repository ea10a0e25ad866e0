"""Hours of ECG: beats, ectopy and episodes with their places, read in pieces as well as whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.recording import Recording, clock
from precordia.generation.answers.long_answer import long_answer
from precordia.generation.reports.long_report import long_report
from precordia.signals.door import TAKEN_FOR_I
from precordia.signals.long.reading import LongReading, read_long
from precordia.signals.long.rhythm import Beats, episodes, fibrillation
from precordia.signals.long.source import long_signal
from precordia.signals.long.stimuli import behind_stimuli
from precordia.signals.long.strips import strips
from precordia.signals.long.windows import windows_of
from precordia.signals.opening import as_long
from precordia.simulation import simulate


def _leads(recording: Recording, *names: str) -> Recording:
    rows = [recording.leads.index(name) for name in names]
    return replace(recording, signal=recording.signal[rows], leads=names)


def _sensitivity(truth: np.ndarray, found: np.ndarray) -> float:
    return float(np.mean([np.abs(found - t).min() < 0.15 for t in truth]))


def test_every_beat_is_found_and_premature_ones_by_their_kind() -> None:
    made = simulate(["PAC", "PVC"], seed=1, fs=250, duration_s=180)
    reading = read_long(_leads(made.recording, "II", "V1"))
    truth = np.array([beat.r_s for beat in made.truth.beats])
    inside = truth[(truth > 0.3) & (truth < 179.7)]
    assert _sensitivity(inside, reading.beats.time_s) == 1.0
    assert abs(len(reading.beats) - truth.size) <= 1
    for kind, name in (("V", "pvc"), ("S", "pac")):
        n = sum(beat.kind == name for beat in made.truth.beats)
        assert abs(int((reading.beats.kind == kind).sum()) - n) <= 1


@pytest.mark.parametrize("fs", [500, 250])
def test_a_pacemakers_beats_are_wide_and_no_ectopic_ones(fs: int) -> None:
    paced = _leads(simulate("PACE", seed=3, fs=fs, duration_s=60).recording, "II", "V1")
    own = _leads(simulate("PVC", seed=3, fs=fs, duration_s=60).recording, "II", "V1")
    reading = read_long(_spliced(own, paced))
    inside = (reading.beats.time_s > 61) & (reading.beats.time_s < 119)
    assert (reading.beats.kind[inside] == "P").all()
    assert (reading.beats.kind[~inside] == "P").mean() < 0.02
    assert (reading.beats.kind == "V").any()
    (told,) = [s.text for s in long_report(reading, ()).statements if "pacemaker" in s.text]
    assert "no ectopic beat is counted" in told
    assert read_long(own).burden("P") == 0


def test_stimuli_that_a_tape_has_smeared_are_told_from_narrow_complexes() -> None:
    fs, at = 360.0, np.arange(360, 360 * 20, 360)
    wave = np.zeros((2, 360 * 21), np.float32)
    for beat in at:
        wave[:, beat - 4 : beat + 5] += np.hanning(9).astype(np.float32)  # 11 ms at half its height
    alone = behind_stimuli(wave, fs, at)
    for beat in at:
        wave[:, beat + 10 : beat + 50] -= np.hanning(40).astype(np.float32)
    assert behind_stimuli(wave, fs, at).all()
    assert not alone.any()  # a narrow QRS complex, which nothing follows
    assert not behind_stimuli(wave[:, ::2], fs / 2, at // 2).any()  # at 180 Hz it cannot be told


def _spliced(first: Recording, then: Recording) -> Recording:
    return replace(first, signal=np.concatenate([first.signal, then.signal, first.signal], axis=1))


def _with_fibrillation() -> LongReading:
    sinus = _leads(simulate("SR", seed=2, fs=250, duration_s=120).recording, "II", "V1")
    af = _leads(simulate("AFIB", seed=2, fs=250, duration_s=120).recording, "II", "V1")
    return read_long(_spliced(sinus, af))


def test_fibrillation_is_found_from_when_to_when() -> None:
    (event,) = _with_fibrillation().of_kind("AF")
    shared = min(event.end_s, 240) - max(event.start_s, 120)
    whole = max(event.end_s, 240) - min(event.start_s, 120)
    assert shared / whole > 0.7


def test_breathing_and_premature_beats_are_no_fibrillation() -> None:
    for diagnosis in ("SARRH", "PAC"):
        made = simulate(diagnosis, seed=1, fs=250, duration_s=120)
        assert read_long(_leads(made.recording, "II")).of_kind("AF") == ()


def test_a_pause_is_told_and_a_gap_of_the_signal_is_none() -> None:
    time = np.concatenate([np.arange(0, 20, 0.8), np.arange(23, 40, 0.8)])
    n = time.size
    beats = Beats(time, np.full(n, "N"), np.ones(n, np.float32), np.ones(n, bool))
    (pause,) = [event for event in episodes(beats) if event.kind == "pause"]
    assert pause.duration_s > 3
    lost = replace(beats, usable=np.diff(time, prepend=time[0]) < 2)
    assert not [event for event in episodes(lost) if event.kind == "pause"]


def test_nothing_is_found_in_a_flat_signal() -> None:
    reading = read_long(Recording(np.zeros((1, 250 * 180), np.float32), 250.0, ("II",), "flat"))
    assert len(reading.beats) == 0
    assert reading.events == ()
    assert reading.lost_s == pytest.approx(180)


def _wfdb(folder: Path, recording: Recording) -> Path:
    digital = np.rint(recording.signal.T * 200).astype("<i2")
    n, width = digital.shape
    lines = [f"day {width} {recording.fs:g} {n}"]
    lines += [f"day.dat 16 200/mV 16 0 {digital[0, i]} 0 0 {lead}" for i, lead in enumerate(recording.leads)]
    (folder / "day.hea").write_text("\n".join(lines) + "\n")
    (folder / "day.dat").write_bytes(digital.tobytes())
    return folder / "day"


def test_a_file_is_read_in_pieces_as_it_is_whole(tmp_path: Path) -> None:
    recording = _leads(simulate("PVC", seed=4, fs=250, duration_s=150).recording, "II", "V5")
    signal = as_long(_wfdb(tmp_path, recording))
    assert signal is not None
    assert signal.streams
    assert signal.duration_s == 150
    np.testing.assert_allclose(signal.read(1001, 1500, [1])[0], recording.signal[1, 1001:1500], atol=0.003)
    whole = replace(recording, signal=signal.read(0, signal.n_samples))
    np.testing.assert_array_equal(read_long(signal).beats.time_s, read_long(whole).beats.time_s)


def test_what_is_short_is_no_long_recording() -> None:
    assert as_long(simulate("NORM", seed=1, fs=100).recording) is None


def test_strips_lie_at_their_events() -> None:
    shown = strips(_with_fibrillation())
    (af,) = [strip for strip in shown if strip.event.kind == "AF"]
    assert af.event.start_s <= af.start_s < af.end_s <= af.event.end_s
    assert af.recording.duration_s == 10


def test_the_window_most_like_a_place_is_of_the_same_rhythm() -> None:
    sinus = _leads(simulate("SR", seed=2, fs=100, duration_s=80).recording, "II")
    other = _leads(simulate("PVC", seed=9, fs=100, duration_s=20).recording, "II")
    signal = long_signal(_spliced(sinus, other))

    def embed(recordings: list[Recording]) -> np.ndarray:
        spectra = np.array([np.abs(np.fft.rfft(one.signal[0, :1000], 1000))[:200] for one in recordings])
        return (spectra / np.linalg.norm(spectra, axis=1, keepdims=True)).astype(np.float32)

    windows = windows_of(signal, embed)  # type: ignore[arg-type]
    assert len(windows) == 18
    assert {8, 9} & {i for i, _ in windows.unlike(2)}


@pytest.mark.parametrize(
    ("rhythm", "seed", "noise", "expected"),
    [
        (("SR", "PAC"), 1011, "heavy", False),  # most beats keep one interval, however often others come early
        (("AFIB",), 1019, "typical", True),  # fast: what fills the time between beats is no noise
    ],
)
def test_a_strip_of_a_watch_fibrillates_or_not(rhythm: tuple[str, ...], seed: int, noise: str, expected: bool) -> None:
    strip = simulate(rhythm, seed=seed, fs=300, duration_s=30, noise=noise).recording
    share = fibrillation(read_long(_leads(strip, "I")).beats).mean()
    assert share > 0.9 if expected else share == 0


def test_where_is_the_fibrillation_is_answered_with_its_place() -> None:
    report = long_report(_with_fibrillation(), ())
    (said,) = long_answer("Where is the atrial fibrillation?", report).statements
    assert "II, V1, 12" in said.text
    (none,) = long_answer("Are there pauses?", report).statements
    assert none.text.startswith("No pause of 2 s or more")
    assert long_answer("Is there an infarction?", report).abstained


def test_a_report_points_at_places_and_holds_back_what_it_cannot_show() -> None:
    report = long_report(_with_fibrillation(), ())
    (af,) = [s for s in report.statements if s.findings and s.findings[0].concept == "AFIB"]
    assert 115 < af.places[0].start_s < 130
    assert (report.signal["kind"], report.signal["notes"]) == ("long", [])
    patch = replace(_leads(simulate("SR", seed=2, fs=125, duration_s=130).recording, "II"), leads=("ECG",))
    assert long_report(read_long(patch), ()).signal["notes"] == [TAKEN_FOR_I]
    assert not [s for s in report.statements for f in s.findings if f.concept in ("MI", "NORM")]


def test_a_place_is_written_as_a_clock() -> None:
    assert clock(59.96) == "0:01:00.0"


@pytest.mark.data
@pytest.mark.parametrize("record", ["100", "119"])
def test_beats_of_mit_bih_are_found_as_cardiologists_marked_them(data_dir: Path, record: str) -> None:
    from precordia.datasets.mitdb import read_beats

    folder = data_dir / "modalities" / "mitdb"
    if not folder.is_dir():
        pytest.skip("needs the other heart signals in the folder of real ECGs")
    truth = read_beats(folder / record)
    reading = read_long(folder / record)
    assert _sensitivity(truth.time_s, reading.beats.time_s) > 0.995
    assert abs(reading.burden("V") - float((truth.symbol == "V").mean())) < 0.005


def test_a_fast_wide_rhythm_is_no_noise_and_a_missed_shape_does_not_part_it() -> None:
    sinus = _leads(simulate("SR", seed=1006, fs=250, duration_s=60).recording, "II", "V1")
    fast = _leads(simulate("VT", seed=1006, fs=250, duration_s=12).recording, "II", "V1")
    (run,) = read_long(_spliced(sinus, fast)).of_kind("VT")
    assert abs(run.start_s - 60) < 1
    assert abs(run.end_s - 72) < 1
    time = np.arange(40) * 0.35
    kind = np.full(40, "N", dtype="<U1")
    kind[10:20], kind[22:30] = "V", "V"
    beats = Beats(time, kind, np.zeros(40, np.float32), np.ones(40, bool))
    (one,) = [event for event in episodes(beats) if event.kind == "VT"]
    assert one.n_beats == 20
    slower = replace(beats, time_s=np.where(np.arange(40) >= 22, time + 0.3, time))
    assert len([event for event in episodes(slower) if event.kind == "VT"]) == 2


def test_a_rate_that_wavers_about_its_limit_is_one_episode() -> None:
    rr = np.repeat([60 / 70, 60 / 47, 60 / 52, 60 / 47, 60 / 70], 40)
    beats = Beats(np.cumsum(rr), np.full(200, "N"), np.ones(200, np.float32), np.ones(200, bool))
    (slow,) = [event for event in episodes(beats) if event.kind == "brady"]
    assert slow.n_beats > 100


def test_a_short_strip_of_fibrillation_is_one_from_end_to_end() -> None:
    rng = np.random.default_rng(4)
    rr = np.r_[0.80, 0.81, rng.uniform(0.45, 1.15, 26), 0.81, 0.80]  # by chance the first and the last two are alike
    beats = Beats(np.cumsum(rr), np.full(30, "N"), np.zeros(30, np.float32), np.ones(30, bool))
    assert fibrillation(beats)[1:].all()
