"""What was added to measure the findings that must not be missed, on phantom ECGs of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.measurements import measure
from precordia.measurements.restless import restless_beats
from precordia.measurements.slow_spikes import find_slow_spikes
from precordia.simulation import SimulatedRecording, simulate

SEEDS = (11, 12, 13)


def measured(name: str, seed: int, fs: float = 500) -> tuple[SimulatedRecording, Measurements]:
    made = simulate([name], seed=seed, fs=fs)
    return made, measure(made.recording)


@pytest.mark.parametrize("fs", [500, 100])
@pytest.mark.parametrize("seed", [60020, 60021, 300013, 300036])
def test_beats_are_found_where_nothing_is_at_rest(seed: int, fs: float) -> None:
    made, m = measured("VT", seed, fs)
    assert m.heart_rate_bpm == pytest.approx(made.truth.measurements.heart_rate_bpm, rel=0.03)


def test_noise_repeats_nothing() -> None:
    rng = np.random.default_rng(0)
    assert restless_beats(rng.normal(0, 0.2, (12, 2500))).size == 0
    assert restless_beats(np.cumsum(rng.normal(0, 0.02, (12, 2500)), axis=1)).size == 0
    assert restless_beats(np.zeros((12, 2500))).size == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_time_of_fast_change_tells_wide_from_narrow(seed: int) -> None:
    active = {name: measured(name, seed)[1].qrs_active_ms or 0 for name in ("STACH", "CLBBB", "VT")}
    assert active["STACH"] < 112 < active["CLBBB"]
    assert active["VT"] > 130


@pytest.mark.parametrize("seed", SEEDS)
def test_t_waves_are_as_narrow_as_they_are(seed: int) -> None:
    narrow, usual = (measured(name, seed)[1].t_width_ms for name in ("HYPERK", "NORM"))
    assert narrow["V4"] < 86 <= usual["V4"]


@pytest.mark.parametrize("name", ["2AVB", "MOB2", "HAVB"])
@pytest.mark.parametrize("fs", [500, 100])
@pytest.mark.parametrize("seed", SEEDS)
def test_lone_p_waves_are_counted(name: str, fs: float, seed: int) -> None:
    made, m = measured(name, seed, fs)
    lost = len(made.truth.p_waves_s) - sum(b.p_on_s is not None for b in made.truth.beats)
    assert m.n_lone_p is not None
    assert 1 <= m.n_lone_p <= lost + 1


@pytest.mark.parametrize("seed", [19, 46])
def test_a_lone_p_wave_on_every_t_wave_is_seen(seed: int) -> None:
    made, m = measured("2AVB", seed)
    lost = len(made.truth.p_waves_s) - sum(b.p_on_s is not None for b in made.truth.beats)
    assert m.n_lone_p == pytest.approx(lost, abs=1)


@pytest.mark.parametrize("name", ["NORM", "1AVB", "SARRH", "PAC", "AFLT", "SBRAD"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_lone_p_wave_where_all_are_answered(name: str, seed: int) -> None:
    assert not measured(name, seed)[1].n_lone_p


def test_no_lone_p_wave_without_any() -> None:
    assert measured("AFIB", 11)[1].n_lone_p is None


@pytest.mark.parametrize("seed", range(21, 27))
def test_p_waves_in_block_are_not_taken_for_beats(seed: int) -> None:
    made, m = measured("3AVB:wide", seed)
    assert m.heart_rate_bpm == pytest.approx(made.truth.measurements.heart_rate_bpm, rel=0.08)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_late_t_wave_is_not_taken_for_the_next_p_wave(seed: int) -> None:
    made, m = measured("LNGQT:500", seed)
    assert m.qt_ms == pytest.approx(made.truth.measurements.qt_ms, abs=30)
    assert (m.pr_ms or 999) < (made.truth.measurements.pr_ms or 0) + 30


@pytest.mark.parametrize("seed", SEEDS)
def test_widths_differ_in_preexcited_fibrillation_only(seed: int) -> None:
    assert (measured("AFIB:WPW", seed)[1].qrs_sd_ms or 0) > 5 > (measured("AFIB", seed)[1].qrs_sd_ms or 0)


@pytest.mark.parametrize("seed", [13, 20, 33])
def test_a_delta_wave_that_flattens_is_a_part_of_the_complex(seed: int) -> None:
    made, m = measured("WPW", seed)
    assert m.qrs_ms == pytest.approx(made.truth.measurements.qrs_ms, abs=32)
    assert (m.pr_ms or 999) < (made.truth.measurements.pr_ms or 0) + 25


def test_shortest_and_longest_interval() -> None:
    m = measured("MOB2", 11)[1]
    assert m.rr_min_ms is not None
    assert m.rr_max_ms == pytest.approx(2 * m.rr_min_ms, rel=0.1)
    assert measure(Recording(np.zeros((12, 5000), np.float32), 500, LEADS, "flat")).rr_max_ms is None


def test_small_steps_that_point_one_way_are_a_pacemaker_and_others_are_none() -> None:
    rng = np.random.default_rng(3)
    signal = rng.normal(0, 0.004, (12, 1000))
    signal[:, 70::170] += 1.5 * np.linspace(0.5, 1, 12)[:, None]  # QRS complexes in their own time
    at = np.array(
        [120, 195, 310, 440, 560, 683, 790, 890]
    )  # put off by the heart's own beats, as a pacemaker on demand
    paced = signal.copy()
    paced[:, at] += rng.normal(0, 0.25, 12)[:, None]
    assert find_slow_spikes(paced, 100).tolist() == at.tolist()
    noisy = signal.copy()
    noisy[:, at] += rng.normal(0, 0.25, (12, at.size))
    assert find_slow_spikes(noisy, 100).size == 0
    assert find_slow_spikes(signal, 100).size == 0


@pytest.mark.parametrize("seed", [9, 18, 54])
def test_a_tachycardia_has_no_spikes_at_a_low_rate(seed: int) -> None:
    assert not measured("VT", seed, 100)[1].n_spikes
