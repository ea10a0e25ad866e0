"""What :func:`precordia.measurements.measure` promises, on drawn ECGs whose truth is exact."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, regular

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.measurements import measure

NUMBERS = (
    "heart_rate_bpm",
    "rr_ms",
    "p_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_ms",
    "axis_deg",
    "p_axis_deg",
    "t_axis_deg",
)


def resampled(recording: Recording, fs: float) -> Recording:
    t = np.arange(round(recording.duration_s * fs)) / fs
    old = np.arange(recording.n_samples) / recording.fs
    return replace(recording, signal=np.stack([np.interp(t, old, row) for row in recording.signal]), fs=fs)


@pytest.mark.parametrize("rate", [45, 70, 100])
@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 500.0, 1000.0])
def test_intervals_of_a_regular_rhythm_at_any_rate(rate: int, fs: float) -> None:
    d = Drawn(qt=0.36 if rate == 100 else 0.40)
    m = measure(draw(regular(rate), d, fs=fs))
    assert m.heart_rate_bpm == pytest.approx(rate, abs=0.5)
    assert m.rr_ms == pytest.approx(60_000 / rate, abs=5)
    assert m.qrs_ms == pytest.approx(d.qrs * 1000, abs=20)
    assert m.pr_ms == pytest.approx(d.pr * 1000, abs=20)
    assert m.qt_ms == pytest.approx(d.qt * 1000, abs=25)
    assert m.p_ms == pytest.approx(d.p * 1000, abs=25)
    assert m.rhythm_regularity == "regular"
    assert m.n_beats == len(regular(rate))


def test_longer_intervals_measure_longer() -> None:
    usual = measure(draw(regular(60)))
    for change, name in ((Drawn(pr=0.24), "pr_ms"), (Drawn(qrs=0.15, qt=0.44), "qrs_ms"), (Drawn(qt=0.48), "qt_ms")):
        other = getattr(measure(draw(regular(60), change)), name)
        truth = {"pr_ms": 80, "qrs_ms": 60, "qt_ms": 80}[name]
        assert other - getattr(usual, name) == pytest.approx(truth, abs=15), name


def test_corrected_qt_follows_bazett_and_fridericia() -> None:
    m = measure(draw(regular(80), Drawn(qt=0.38)))
    assert m.qt_ms is not None
    assert m.qtc_ms == pytest.approx(m.qt_ms / np.sqrt(0.75), abs=2)
    assert m.qtc_fridericia_ms == pytest.approx(m.qt_ms / 0.75 ** (1 / 3), abs=2)


def test_a_wide_complex_is_taken_off_qt() -> None:
    m = measure(draw(regular(60), Drawn(qrs=0.16, qt=0.46)))
    assert m.qt_ms is not None
    assert m.qrs_ms is not None
    assert m.qtc_wide_ms == pytest.approx(m.qt_ms - 0.485 * m.qrs_ms, abs=2)
    assert measure(draw(regular(60))).qtc_wide_ms is None


def test_the_beats_around_an_ectopic_one_do_not_make_the_rhythm_vary() -> None:
    onsets = regular(60)
    early = onsets[5] - 0.4
    recording = draw(np.delete(onsets, 5), Drawn())
    ectopic = draw(np.array([early]), Drawn(qrs=0.16, qt=0.42, p_mv=0.0, r_mv=-2.0, axis=-70.0), noise_mv=0.0)
    m = measure(replace(recording, signal=recording.signal + ectopic.signal))
    assert m.rr_sd_ms is not None
    assert m.rr_usual_sd_ms is not None
    assert m.rr_sd_ms > 100
    assert m.rr_usual_sd_ms < 10


@pytest.mark.parametrize("axis", [-150, -75, -30, 0, 50, 90, 120, 170])
def test_axis(axis: float) -> None:
    m = measure(draw(regular(70), Drawn(axis=axis)))
    for name in ("axis_deg", "p_axis_deg", "t_axis_deg"):
        value = getattr(m, name)
        assert abs((value - axis + 180) % 360 - 180) < 8, name
        assert -180 < value <= 180


def test_axis_needs_two_limb_leads() -> None:
    assert measure(draw(regular(70), leads=("II", "V1", "V5"))).axis_deg is None
    two = measure(draw(regular(70), leads=("I", "aVF"))).axis_deg
    assert two == pytest.approx(50, abs=8)


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_amplitude_changes_no_interval(factor: float) -> None:
    recording = draw(regular(70), noise_mv=0.005)
    a, b = measure(recording), measure(replace(recording, signal=recording.signal * factor))
    for name in NUMBERS:
        assert getattr(b, name) == pytest.approx(getattr(a, name), abs=8), name
    assert b.r_mv["V5"] == pytest.approx(a.r_mv["V5"] * factor, rel=0.01)


def test_resampling_to_100_hz_changes_little() -> None:
    recording = draw(regular(70))
    a, b = measure(recording), measure(resampled(recording, 100.0))
    for name in NUMBERS:
        assert getattr(b, name) == pytest.approx(getattr(a, name), abs=16), name


@pytest.mark.parametrize("fs", [30.0, 50.0])
def test_voltages_are_measured_at_the_lowest_rates(fs: float) -> None:
    recording = draw(regular(70))
    a, b = measure(recording), measure(resampled(recording, fs))
    assert b.axis_deg == pytest.approx(a.axis_deg, abs=15)
    assert set(b.r_mv) == set(a.r_mv)


@pytest.mark.parametrize("leads", [("II",), ("V5",), ("I", "II"), LEADS[:6], LEADS[6:]])
def test_any_leads(leads: tuple[str, ...]) -> None:
    whole, part = measure(draw(regular(70))), measure(draw(regular(70), leads=leads))
    for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name), abs=20), name
    assert set(part.r_mv) == set(leads)


def test_where_the_strip_begins_does_not_matter() -> None:
    recording = draw(regular(70, 14.0), duration=14.0)
    values = []
    for start in (0, 137, 411, 1000):
        m = measure(replace(recording, signal=recording.signal[:, start : start + 5000]))
        values.append([m.heart_rate_bpm, m.pr_ms, m.qrs_ms, m.qt_ms])
    assert np.ptp(np.array(values, dtype=float), axis=0).max() <= 12


def test_channels_of_other_names_serve_when_there_is_no_standard_lead() -> None:
    recording = draw(regular(70), leads=("II",))
    m = measure(replace(recording, leads=("ECG",)))
    assert m.heart_rate_bpm == pytest.approx(70, abs=1)
    mixed = Recording(
        np.vstack([recording.signal, 50 * np.ones_like(recording.signal)]), recording.fs, ("II", "Pleth"), "mixed"
    )
    assert measure(mixed) == measure(recording)


def test_fibrillation_has_no_p_wave_and_is_irregular() -> None:
    rng = np.random.default_rng(5)
    onsets = 0.3 + np.cumsum(rng.uniform(0.45, 1.05, size=14))
    recording = draw(onsets[onsets < 9.5], Drawn(p_mv=0.0))
    t = np.arange(recording.n_samples) / recording.fs
    waves = 0.08 * np.sin(2 * np.pi * (6.1 * t + 0.4 * np.sin(2 * np.pi * 0.35 * t)))
    m = measure(replace(recording, signal=recording.signal + waves.astype(np.float32)))
    assert m.pr_ms is None
    assert m.p_ms is None
    assert m.p_axis_deg is None
    assert "pr_ms" not in m.confidence
    assert m.rhythm_regularity == "irregular"
    assert m.qrs_ms == pytest.approx(90, abs=25)


def test_no_p_wave_where_none_is_drawn() -> None:
    m = measure(draw(regular(70), Drawn(p_mv=0.0)))
    assert (m.p_ms, m.pr_ms, m.p_axis_deg) == (None, None, None)
    assert m.qt_ms == pytest.approx(400, abs=25)


def test_how_deep_and_long_the_p_wave_ends_in_v1() -> None:
    ecg = draw(regular(60), Drawn(p_mv=0.15, p=0.100))
    v1 = LEADS.index("V1")
    upright = ecg.signal.copy()
    upright[v1] = -upright[v1]
    # Drawn along the axis, V1 shows it upside down: 0.6 x 0.15 mV deep for about 100 ms.
    assert measure(ecg).p_terminal_v1_mv_ms == pytest.approx(9.0, rel=0.15)
    assert measure(draw(regular(60), Drawn(p_mv=0.05, p=0.100))).p_terminal_v1_mv_ms == pytest.approx(3.0, rel=0.2)
    assert measure(replace(ecg, signal=upright)).p_terminal_v1_mv_ms == pytest.approx(0.0, abs=0.3)
    assert measure(draw(regular(60), Drawn(p_mv=0.0))).p_terminal_v1_mv_ms is None
    assert measure(draw(regular(60), leads=("I", "II"))).p_terminal_v1_mv_ms is None


@pytest.mark.parametrize("kind", ["flat", "offset", "noise", "hum", "missing", "short", "drift"])
def test_nothing_is_measured_where_there_is_nothing(kind: str) -> None:
    t = np.arange(5000) / 500
    signal = {
        "flat": np.zeros((12, 5000)),
        "offset": np.full((12, 5000), 3.0),
        "noise": np.random.default_rng(3).normal(size=(12, 5000)) * 0.2,
        "hum": np.tile(np.sin(2 * np.pi * 50 * t), (12, 1)),
        "missing": np.full((12, 5000), np.nan),
        "short": np.zeros((12, 40)),
        "drift": np.tile(2 * np.sin(2 * np.pi * 0.2 * t), (12, 1)),
    }[kind]
    m = measure(Recording(signal.astype(np.float32), 500.0, LEADS, kind))
    assert m.n_beats == 0
    values = asdict(m)
    assert all(not values[name] for name in values), kind


@pytest.mark.parametrize("seed", range(5))
def test_noise_in_a_single_lead_is_not_an_ecg(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(1, 5000)).astype(np.float32) * 0.1
    assert measure(Recording(noise, 500.0, ("II",), "noise")).heart_rate_bpm is None


def test_noise_on_three_leads_does_not_spoil_the_others() -> None:
    recording = draw(regular(70))
    signal = recording.signal.copy()
    signal[[0, 3, 7]] += np.random.default_rng(0).normal(size=(3, 5000)) * 0.8
    m = measure(replace(recording, signal=signal))
    assert m.heart_rate_bpm == pytest.approx(70, abs=0.5)
    assert m.qrs_ms == pytest.approx(90, abs=20)
    assert m.pr_ms == pytest.approx(160, abs=20)


def test_gaps_baseline_wander_and_hum_are_borne() -> None:
    recording = draw(regular(70))
    t = np.arange(recording.n_samples) / recording.fs
    signal = recording.signal + (0.5 * np.sin(2 * np.pi * 0.3 * t) + 0.05 * np.sin(2 * np.pi * 50 * t)).astype(
        np.float32
    )
    signal[2, 1000:1600] = np.nan
    m = measure(replace(recording, signal=signal))
    assert m.heart_rate_bpm == pytest.approx(70, abs=0.5)
    assert m.qt_ms == pytest.approx(400, abs=25)
    assert np.isfinite(list(m.st_j60_mv.values())).all()


@pytest.mark.parametrize("st_mv", [-0.2, 0.0, 0.3])
def test_st_level(st_mv: float) -> None:
    m = measure(draw(regular(60), Drawn(st_mv=st_mv)))
    for lead, gain in (("V4", 1.0), ("V5", 1.1), ("V2", -0.8)):
        assert m.st_j60_mv[lead] == pytest.approx(st_mv * gain, abs=0.03), lead
        assert m.st_j_mv[lead] == pytest.approx(st_mv * gain, abs=0.1), lead


def test_amplitudes() -> None:
    m = measure(draw(regular(60), Drawn(r_mv=1.0), fs=1000.0, noise_mv=0.002))
    assert m.r_mv["V4"] == pytest.approx(1.0, abs=0.03)
    assert m.s_mv["V4"] == pytest.approx(0.2, abs=0.03)
    assert m.s_mv["V1"] == pytest.approx(0.6, abs=0.03)


def test_voltage_criteria() -> None:
    low, high = (measure(draw(regular(60), Drawn(r_mv=mv), sex="M")).criteria for mv in (0.25, 2.4))
    assert high["sokolow_lyon_lvh"]
    assert not low["sokolow_lyon_lvh"]
    assert low["low_voltage_limb"]
    assert low["low_voltage_chest"]
    assert not high["low_voltage_limb"]
    assert "sokolow_lyon_lvh" not in measure(draw(regular(60), leads=("II", "V5"))).criteria


def test_bigeminy_is_regularly_irregular() -> None:
    onsets = np.sort(np.concatenate([np.arange(0.3, 9.5, 1.6), np.arange(0.85, 9.5, 1.6)]))
    assert measure(draw(onsets, Drawn(qt=0.34))).rhythm_regularity == "regularly irregular"


def test_a_long_recording_is_measured_on_stretches_of_it() -> None:
    m = measure(draw(regular(60, 600.0), fs=100.0, duration=600.0, leads=("II", "V5")))
    assert m.heart_rate_bpm == pytest.approx(60, abs=0.5)
    assert m.n_beats == pytest.approx(120, abs=8)
    assert m.rhythm_regularity == "regular"


def test_confidence_falls_with_noise() -> None:
    clean, noisy = (measure(draw(regular(70), noise_mv=mv)).confidence for mv in (0.005, 0.12))
    assert clean["qt_ms"] > noisy["qt_ms"]
    assert all(0 <= value <= 1 for value in (clean | noisy).values())


def test_the_same_recording_measures_the_same_twice() -> None:
    recording = draw(regular(70))
    assert measure(recording) == measure(recording)


@pytest.mark.parametrize("pulse", [0.0, 1.0], ids=["padding", "calibration pulse"])
def test_padding_and_calibration_at_the_ends_are_no_beats(pulse: float) -> None:
    recording = draw(regular(70))
    tail = np.zeros((12, 600), dtype=np.float32)
    tail[:, 200:350] = pulse
    padded = replace(recording, signal=np.hstack([tail[:, :150], recording.signal + 0.4, tail]))
    a, b = measure(recording), measure(padded)
    assert b.n_beats == a.n_beats
    assert b.heart_rate_bpm == a.heart_rate_bpm
    assert b.qt_ms == pytest.approx(a.qt_ms, abs=8)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_samples_every_value_is_a_number_or_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_leads, fs = int(rng.integers(1, 13)), float(rng.choice([100, 257, 500, 1000]))
    n = int(rng.integers(1, 6 * fs))
    signal = rng.normal(size=(n_leads, n)) * 10 ** rng.uniform(-3, 3)
    t = np.arange(n) / fs
    if seed % 3 == 0:
        signal = (
            0.02 * signal / np.abs(signal).max() + np.where(t % 0.71 < 0.04, 1.5, 0) - np.where(t % 0.71 > 0.66, 0.8, 0)
        )
    if seed % 3 == 1:
        signal[:, rng.random(n) < 0.3] = np.nan
    signal[int(rng.integers(n_leads)), n // 3 : n // 2] = np.nan
    m = measure(Recording(signal.astype(np.float32), fs, LEADS[:n_leads], "random"))
    assert all(value is None or np.isfinite(value) for value in m.scalars().values())
    for by_lead in (m.st_j60_mv, m.r_mv, m.s_mv, m.q_mv, m.t_mv, m.confidence):
        assert np.isfinite(list(by_lead.values())).all()


@pytest.mark.parametrize("step_mv", [0.0001, 0.005, 0.02])
def test_stillness_between_the_beats_of_a_clean_signal_is_not_padding(step_mv: float) -> None:
    drawn = draw(regular(50), Drawn(), noise_mv=0.0)
    coarse = replace(drawn, signal=np.round(drawn.signal / step_mv) * step_mv)
    m = measure(coarse)
    assert m.heart_rate_bpm == pytest.approx(50, abs=0.5)
    assert m.n_beats == len(regular(50))


@pytest.mark.parametrize("still_from", [1, 2, 100, 1000])
def test_a_signal_that_falls_still_is_no_error(still_from: int) -> None:
    drawn = draw(regular(70), Drawn())
    signal = drawn.signal.copy()
    signal[:, still_from:] = signal[:, still_from : still_from + 1]
    m = measure(replace(drawn, signal=signal))
    assert (m.n_beats or 0) <= 3
