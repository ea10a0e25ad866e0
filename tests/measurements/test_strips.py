"""Leads recorded one after another: what :func:`precordia.measurements.measure` says of them, on phantoms whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, regular

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.measurements import measure
from precordia.simulation import simulate


def printed(recording: Recording, rhythm_lead: str | None) -> Recording:
    """Of a recording what a 3 x 4 printout holds: a quarter of each lead, and perhaps one throughout."""
    signal = np.full_like(recording.signal, np.nan)
    quarter = recording.n_samples // 4
    for group in range(4):
        rows, span = slice(3 * group, 3 * group + 3), slice(quarter * group, quarter * group + quarter)
        signal[rows, span] = recording.signal[rows, span]
    if rhythm_lead:
        signal[LEADS.index(rhythm_lead)] = recording.lead(rhythm_lead)
    return replace(recording, signal=signal)


@pytest.mark.parametrize("rhythm_lead", ["II", "V1", None])
@pytest.mark.parametrize("rate", [50, 70, 90])
def test_strips_of_a_regular_rhythm_give_what_the_whole_gives(rate: int, rhythm_lead: str | None) -> None:
    d = Drawn(qt=0.38)
    whole = draw(regular(rate), d)
    m, full = measure(printed(whole, rhythm_lead)), measure(whole)
    assert m.heart_rate_bpm == pytest.approx(rate, abs=1.0)
    assert m.rr_ms == pytest.approx(60_000 / rate, abs=8)
    assert m.qrs_ms == pytest.approx(full.qrs_ms, abs=8)
    if rate == 50 and rhythm_lead is None:
        assert m.pr_ms is None  # two beats a strip: no P wave repeats
    else:
        assert m.pr_ms == pytest.approx(full.pr_ms, abs=8)
    assert m.qt_ms == pytest.approx(1000 * d.qt, abs=12)
    assert m.qtc_ms == pytest.approx(1000 * d.qt / np.sqrt(60 / rate), rel=0.04)
    assert m.axis_deg == pytest.approx(d.axis, abs=8)
    assert set(m.r_mv) == set(LEADS)
    assert all(m.r_mv[lead] == pytest.approx(full.r_mv[lead], abs=0.1) for lead in LEADS)
    assert m.criteria == {}
    assert 0 < m.confidence["qrs_ms"] <= full.confidence["qrs_ms"]


@pytest.mark.parametrize("seed", range(6))
def test_phantoms_printed_as_strips(seed: int) -> None:
    phantom = simulate(["NORM"], seed=seed, fs=500)
    m, truth = measure(printed(phantom.recording, "II")), phantom.truth.measurements
    assert m.heart_rate_bpm == pytest.approx(truth.heart_rate_bpm, abs=2.0)
    assert m.pr_ms == pytest.approx(truth.pr_ms, abs=25)
    assert m.qrs_ms == pytest.approx(truth.qrs_ms, abs=20)
    assert m.qt_ms == pytest.approx(truth.qt_ms, abs=40)
    assert m.axis_deg == pytest.approx(truth.axis_deg, abs=20)


def test_an_irregular_rhythm_without_a_rhythm_lead_is_told_with_less_certainty() -> None:
    onsets = np.cumsum([0.3, 0.62, 1.1, 0.9, 0.65, 1.2, 0.7, 0.75, 1.0, 1.05, 0.6])
    whole = draw(onsets)
    with_lead, without = measure(printed(whole, "II")), measure(printed(whole, None))
    assert with_lead.rhythm_regularity == "irregular"
    assert without.rhythm_regularity is None
    assert without.confidence["rr_ms"] < with_lead.confidence["rr_ms"]


def test_an_axis_needs_two_limb_leads_at_the_same_time() -> None:
    whole = draw(regular(70))
    signal = np.full_like(whole.signal, np.nan)
    for k in range(12):  # each lead alone, one after another
        span = slice(k * 5000 // 12 // 1, k * 5000 // 12 + 2000)
        signal[k, span] = whole.signal[k, span]
    alone = replace(whole, signal=signal[[0, 6, 7]], leads=("I", "V1", "V2"))
    assert measure(alone).axis_deg is None
    assert measure(printed(whole, None)).axis_deg is not None


def test_strips_of_noise_give_nothing() -> None:
    noise = replace(
        draw(regular(70)), signal=np.random.default_rng(3).normal(size=(12, 5000)).astype(np.float32) * 0.02
    )
    m = measure(printed(noise, None))
    assert (m.heart_rate_bpm, m.qrs_ms, m.axis_deg) == (None, None, None)


def test_a_lead_that_was_lost_makes_no_strips() -> None:
    whole = draw(regular(70))
    signal = whole.signal.copy()
    signal[LEADS.index("V3"), 2000:] = np.nan
    m = measure(replace(whole, signal=signal))
    assert "V3" not in m.r_mv
    assert m.criteria
    assert m.qrs_ms == pytest.approx(measure(whole).qrs_ms, abs=4)
