"""A pulse from video or an oximeter: what is measured, and when nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.signals.kind import KINDS
from precordia.signals.pulse import analyse_frames, analyse_pulse, is_frame_table, read_frame_table
from precordia.signals.pulse.analysis import normal_intervals
from precordia.signals.pulse.beats import find_beats
from precordia.simulation.pulse import SimulatedPulse, Vessels, simulate_pulse


def sinus(rate: float, duration_s: float, seed: int = 0) -> np.ndarray:
    """Beginnings of QRS complexes with some variability."""
    rng = np.random.default_rng(seed)
    n = int(duration_s * rate / 60.0) + 4
    return np.cumsum(60.0 / rate * (1.0 + 0.04 * rng.standard_normal(n))) - 1.5


def still(rate: float, duration_s: float = 60.0, sensor: float = 0.01) -> SimulatedPulse:
    return simulate_pulse(
        sinus(rate, duration_s), duration_s, vessels=Vessels(sensor=sensor), rng=np.random.default_rng(1)
    )


def write_frames(path: Path, pulse: SimulatedPulse, *, header: str = "time,R,G,B", per_s: float = 1.0) -> Path:
    """A telephone's table at 30 frames a second: red dark with blood, the others saturated."""
    at = np.arange(0.0, pulse.signal.size / pulse.fs - 0.1, 1 / 30)
    red = 200.0 - 3.0 * np.interp(at, np.arange(pulse.signal.size) / pulse.fs, pulse.signal)
    rows = [f"{round(t * 1000 / per_s, 4)},{r:.3f},0.0,0.0" for t, r in zip(at, red, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("rate", [45, 72, 110, 150])
def test_rate_and_intervals_are_those_of_the_waves_that_arrived(rate: float) -> None:
    pulse = still(rate)
    found = analyse_pulse(pulse.signal, pulse.fs)
    assert found.rate_bpm == pytest.approx(rate, rel=0.02)
    ends, rr = found.intervals
    true = np.diff(pulse.foot_s) * 1000.0
    nearest = [true[np.abs(pulse.foot_s[1:] + 0.1 - end).argmin()] for end in ends]
    assert np.median(np.abs(rr - nearest)) < 10.0
    assert ends.size > 0.85 * rate


def test_variability_leaves_a_premature_beat_out() -> None:
    beats = sinus(70, 70.0)
    with_early = np.sort(np.r_[beats, beats[30] + 0.5])
    body = Vessels(sensor=0.005)
    plain, early = (
        analyse_pulse(simulate_pulse(b, 60.0, vessels=body, rng=np.random.default_rng(2)).signal, 100.0)
        for b in (beats, with_early)
    )
    assert plain.sdnn_ms is not None
    assert early.sdnn_ms == pytest.approx(plain.sdnn_ms, abs=6.0)


def test_noise_is_not_measured_and_says_what_to_do() -> None:
    found = analyse_pulse(np.random.default_rng(3).standard_normal(6000), 100.0)
    assert not found.measured
    assert (found.rate_bpm, found.sdnn_ms) == (None, None)
    assert "poor signal" in found.reason
    assert found.document()["rate_bpm"] == "not measured"


@pytest.mark.parametrize("signal", [np.zeros(3000), np.full(3000, np.nan), np.zeros(100)])
def test_a_still_or_short_signal_is_not_measured(signal: np.ndarray) -> None:
    assert not analyse_pulse(signal, 100.0).measured


def test_a_short_pulse_has_no_variability() -> None:
    found = analyse_pulse(still(70, 15.0).signal, 100.0)
    assert found.measured
    assert (found.sdnn_ms, found.rmssd_ms) == (None, None)


def test_the_channel_with_the_pulse_is_used() -> None:
    pulse = still(80)
    noise = np.random.default_rng(4).standard_normal(pulse.signal.size)
    found = analyse_pulse(np.stack([noise, pulse.signal]), pulse.fs, ("noise", "finger"))
    assert found.channel == "finger"


def test_a_beat_beside_an_artefact_is_like_no_other() -> None:
    pulse = still(70)
    spoilt = pulse.signal.copy()
    spoilt[3000:] += 200.0
    beats = find_beats(spoilt, pulse.fs)
    assert (beats.likeness[np.abs(beats.time_s - 30.0) < 0.4] == 0.0).all()
    assert np.median(beats.likeness[np.abs(beats.time_s - 30.0) > 5.0]) > 0.9


def test_an_interval_far_from_those_around_it_is_no_normal_one() -> None:
    assert normal_intervals(np.array([800.0, 810, 400, 805, 790, 800])).tolist() == [
        True,
        True,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("header", "per_s"),
    [
        ("time,R,G,B", 1.0),
        ("time,red,green,blue", 1000.0),
        ("time (ms);red;green;blue", 1.0),
        ("Time [s],Red,Green,Blue", 1000.0),
    ],
)
def test_a_frame_table_is_told_by_its_first_line(tmp_path: Path, header: str, per_s: float) -> None:
    place = write_frames(tmp_path / "film.csv", still(75, 30.0), header=header, per_s=per_s)
    if ";" in header:
        first, rest = place.read_text().split("\n", 1)
        place.write_text(first + "\n" + rest.replace(",", ";"))
    assert is_frame_table(place)
    found = analyse_frames(read_frame_table(place))
    assert found.rate_bpm == pytest.approx(75, rel=0.03)
    assert found.channel == "red"


def test_what_is_no_frame_table_is_refused(tmp_path: Path) -> None:
    ecg = tmp_path / "ecg.csv"
    ecg.write_text("time,I,II,V1\n0,0.1,0.2,0.3\n")
    assert not is_frame_table(ecg)
    assert not is_frame_table(tmp_path / "none.csv")
    with pytest.raises(UnreadableRecordingError, match="time,red,green,blue"):
        read_frame_table(ecg)
    words = tmp_path / "words.csv"
    words.write_text("time,R,G,B\n0,a,b,c\n")
    with pytest.raises(UnreadableRecordingError, match="numbers"):
        read_frame_table(words)
    for rows in ("0,1,2,3\n33,2,2,3\n", "".join(f"{33 * i},1,2,3\n" for i in range(300))):
        place = tmp_path / "short.csv"
        place.write_text("time,R,G,B\n" + rows)
        with pytest.raises(UnusableSignalError):
            read_frame_table(place)


def test_inspect_tells_what_a_pulse_shows_and_cannot_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = write_frames(tmp_path / "film.csv", still(75, 40.0))
    assert main(["inspect", str(place), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["signal"] == KINDS.get("video").document()
    assert "infarction" in told["signal"]["limits"]
    assert told["pulse"]["rate_bpm"] == pytest.approx(75, rel=0.03)
