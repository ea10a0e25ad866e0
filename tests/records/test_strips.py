"""Leads that were recorded one after another stay so: strips at their times, NaN outside, in every reader that can have them."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_aecg, write_scp
from ecg_files import write_dicom, write_edf_plus
from written_ecg import FS, LEADS, counts, millivolts

from precordia.core.errors import UnreadableRecordingError
from precordia.core.recording import Recording
from precordia.records.quality import assess
from precordia.records.read import read_recording
from precordia.records.readers.strips import Strip, join_strips
from precordia.records.standardize import standardize

N = 2500
QUARTER = N // 4


def printed() -> np.ndarray:
    """Twelve leads x 10 s of which a 3 x 4 printout holds 2.5 s each."""
    signal = np.full((12, N), np.nan)
    for group in range(4):
        rows, span = slice(3 * group, 3 * group + 3), slice(QUARTER * group, QUARTER * group + QUARTER)
        signal[rows, span] = millivolts(counts(N))[rows, span]
    return signal


def aecg_of_strips(path: Path, *, times: bool = True) -> Path:
    """An aECG with a sequence set for each three leads."""
    whole = write_aecg(path, counts(N)).read_text()
    before, sets, after = re.match(r"(.*<sequenceSet>)(.*)(</sequenceSet>.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
    time, *leads = re.findall(r"<component><sequence>.*?</sequence></component>", sets, re.DOTALL)
    out = []
    for group in range(4):
        stamp = f"2020020110111{2 + 2.5 * group:.3f}"[:18] if 2 + 2.5 * group < 10 else "20200201101119.500"
        start = time.replace("20200201101112", stamp) if times else re.sub(r"<head[^>]*>", "", time)
        span = slice(QUARTER * group, QUARTER * group + QUARTER)
        for lead in leads[3 * group : 3 * group + 3]:
            digits = re.search(r"<digits>(.*?)</digits>", lead, re.DOTALL).group(1)  # type: ignore[union-attr]
            start += lead.replace(digits, " ".join(digits.split()[span]))
        out.append(start)
    path.write_text(before + "</sequenceSet></component><component><sequenceSet>".join(out) + after)
    return path


def scp_of_strips(path: Path) -> Path:
    """An SCP file of eight leads, the second four of which begin in the middle of the recording."""
    values = counts(200)
    data = bytearray(write_scp(path, values, packed=False).read_bytes())
    at = data.index(struct.pack("<IIB", 1, 200, 3))
    for i, code in enumerate((3, 4, 5, 6, 7, 8)):
        data[at + 9 * i : at + 9 * i + 9] = struct.pack("<IIB", 201, 400, code)
    path.write_bytes(data)
    return path


def test_dicom_groups_are_laid_at_their_offsets(tmp_path: Path) -> None:
    spans = tuple((QUARTER * i, QUARTER * (i + 1), 2500.0 * i) for i in range(4))
    recording = read_recording(write_dicom(tmp_path / "rec.dcm", counts(N), spans=spans))
    assert (recording.leads, recording.fs, recording.signal.shape) == (LEADS, FS, (12, N))
    np.testing.assert_allclose(recording.signal, printed(), atol=1e-6)
    assert recording.notes[0].startswith("recorded one after another")
    assert "aVR, aVL, aVF from 2.5 to 5 s" in recording.notes[0]


def test_a_rhythm_strip_without_offset_begins_with_the_recording(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path / "rec.dcm", counts(N), spans=tuple((QUARTER * i, QUARTER * (i + 1), 2500.0 * i) for i in range(4))
    )
    import pydicom

    dataset = pydicom.dcmread(path)
    rhythm = pydicom.dcmread(write_dicom(tmp_path / "two.dcm", counts(N)[:2])).WaveformSequence[0]
    dataset.WaveformSequence.append(rhythm)
    dataset.save_as(path)
    recording = read_recording(path)
    np.testing.assert_allclose(recording.lead("II"), millivolts(counts(N))[1], atol=1e-6)
    assert np.isfinite(recording.signal).mean(axis=1).tolist() == [1.0, 1.0, *[0.25] * 10]


def test_dicom_groups_without_offsets_are_simultaneous(tmp_path: Path) -> None:
    spans = tuple((0, QUARTER, None) for _ in range(4))
    recording = read_recording(write_dicom(tmp_path / "rec.dcm", counts(N), spans=spans))
    np.testing.assert_allclose(recording.signal, millivolts(counts(N))[:, :QUARTER], atol=1e-6)
    assert recording.notes == ()


def test_of_the_same_leads_twice_the_longer_strip_is_read(tmp_path: Path) -> None:
    short, long = Strip({"I": np.ones(250)}, FS), Strip({"I": np.zeros(500)}, FS)
    leads, signal, _, notes = join_strips(tmp_path, [short, long])
    assert (leads, signal.shape, signal.any()) == (("I",), (1, 500), False)
    assert notes == ("left out: 1 strips of another length, rate or time",)


def test_aecg_sequence_sets_are_laid_at_their_times(tmp_path: Path) -> None:
    recording = read_recording(aecg_of_strips(tmp_path / "rec.xml"))
    assert (recording.leads, recording.signal.shape) == (LEADS, (12, N))
    np.testing.assert_allclose(recording.signal, printed(), atol=1e-6)
    assert recording.notes[0].startswith("recorded one after another")


def test_aecg_sequence_sets_without_times_are_simultaneous(tmp_path: Path) -> None:
    recording = read_recording(aecg_of_strips(tmp_path / "rec.xml", times=False))
    assert recording.signal.shape == (12, QUARTER)
    assert np.isfinite(recording.signal).all()


def test_scp_leads_are_laid_at_their_ranges(tmp_path: Path) -> None:
    recording = read_recording(scp_of_strips(tmp_path / "rec.scp"))
    assert recording.signal.shape == (12, 400)
    np.testing.assert_allclose(recording.lead("V1")[200:], millivolts(counts(200))[6], atol=1e-6)
    assert np.isnan(recording.lead("V1")[:200]).all()
    assert np.isnan(recording.lead("I")[200:]).all()
    assert any("V1, V2, V3, V4, V5, V6 from 0.8 to 1.6 s" in note for note in recording.notes)


def test_strips_far_apart_are_not_laid_out(tmp_path: Path) -> None:
    row = np.zeros(250)
    leads, signal, _, notes = join_strips(tmp_path, [Strip({"I": row}, FS, 0.0), Strip({"II": row}, FS, 86400.0)])
    assert (leads, signal.shape) == (("I",), (1, 250))
    assert notes == ("left out: 1 strips of another length, rate or time",)


def beating(fs: float = 250.0) -> Recording:
    """Twelve leads x 10 s with a beat a second."""
    time = np.arange(round(10 * fs)) / fs % 1
    wave = np.exp(-((time - 0.4) ** 2) / 0.0003) + 0.25 * np.exp(-((time - 0.7) ** 2) / 0.004)
    heights = np.array([0.5, 1.1, 0.6, -0.8, -0.05, 0.85, -0.4, 0.7, 0.9, 1.3, 1.2, 0.9])
    noise = np.random.default_rng(0).normal(0, 0.005, (12, time.size))
    return Recording((heights[:, None] * wave + noise).astype(np.float32), fs, LEADS, "beating")


@pytest.mark.parametrize("with_rhythm", [False, True])
def test_a_printout_of_good_strips_is_acceptable_and_embeddable(with_rhythm: bool) -> None:
    recording = beating()
    signal = recording.signal.copy()
    signal[np.isnan(printed())] = np.nan
    if with_rhythm:
        signal[1] = recording.signal[1]
    strips = replace(recording, signal=signal)
    quality, whole = assess(strips), assess(recording)
    assert quality.acceptable
    assert quality.score > 0.9 * whole.score
    assert set(quality.lead_scores) == set(LEADS)
    assert any("strips of 2.5 s" in problem.message for problem in quality.problems)
    assert standardize(strips).leads == LEADS


def test_a_strip_of_noise_is_found(tmp_path: Path) -> None:
    recording = beating()
    signal = recording.signal.copy()
    signal[np.isnan(printed())] = np.nan
    signal[6:9, 1250:1875] = np.random.default_rng(1).normal(0, 0.5, (3, 625))
    quality = assess(replace(recording, signal=signal))
    assert (
        max(quality.lead_scores[lead] for lead in LEADS[6:9])
        < 0.6
        < min(quality.lead_scores[lead] for lead in LEADS[:6])
    )


def test_edf_d_without_gaps_is_read_as_edf_c(tmp_path: Path) -> None:
    recording = read_recording(write_edf_plus(tmp_path / "rec.edf"))
    plain = read_recording(write_edf_plus(tmp_path / "plain.edf", kind="EDF+C"))
    np.testing.assert_array_equal(recording.signal, plain.signal)
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-6)


def test_a_gap_of_edf_d_is_missing_samples(tmp_path: Path) -> None:
    recording = read_recording(write_edf_plus(tmp_path / "rec.edf", onsets=(5.0, 5.8)))
    assert recording.n_samples == 100 + 150
    np.testing.assert_allclose(recording.signal[:, :50], millivolts(counts())[:, :50], atol=1e-6)
    np.testing.assert_allclose(recording.signal[:, 200:], millivolts(counts())[:, 50:], atol=1e-6)
    assert np.isnan(recording.signal[:, 50:200]).all()
    assert "1 gap of together 0.60 s are missing samples" in recording.notes


@pytest.mark.parametrize(("onsets", "word"), [((0.0, 0.1), "overlap"), ((0.0, 86400.0), "pieces")])
def test_edf_d_that_cannot_be_laid_out(onsets: tuple[float, ...], word: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match=word):
        read_recording(write_edf_plus(tmp_path / "rec.edf", onsets=onsets))
