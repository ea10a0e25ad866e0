"""What :func:`precordia.measurements.delineate` promises."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, regular

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.measurements import delineate
from precordia.measurements.delineation import POINTS

D = Drawn()
TRUTH = {
    "p_on": -D.pr,
    "p_peak": -D.pr + D.p / 2,
    "p_off": -D.pr + D.p,
    "qrs_on": 0.0,
    "r_peak": D.qrs / 2,
    "qrs_off": D.qrs,
    "t_on": D.qt - D.t,
    "t_peak": D.qt - D.t / 2,
    "t_off": D.qt,
}


@pytest.mark.parametrize("point", POINTS)
def test_points_are_where_they_were_drawn(point: str) -> None:
    onsets = regular(65)
    found = delineate(draw(onsets))
    assert found.beats.size == onsets.size
    errors = found.point(point) - (onsets + TRUTH[point])
    errors = errors[np.isfinite(errors)]
    assert errors.size >= onsets.size - 1
    assert np.abs(errors).max() < 0.030
    assert np.std(errors) < 0.006


def test_points_of_one_lead_and_their_order() -> None:
    found = delineate(draw(regular(65)))
    assert found.leads == LEADS
    assert found.points.shape == (found.beats.size, 12, len(POINTS))
    whole = found.points[np.isfinite(found.points).all(axis=2)]
    assert len(whole) > 80
    assert (np.diff(whole, axis=1) >= 0).all()
    assert found.point("r_peak", "V4") == pytest.approx(found.beats, abs=0.03)


def test_points_stay_inside_the_recording() -> None:
    recording = draw(np.array([0.05, 0.95, 1.85, 2.75, 3.65, 4.55]), duration=4.8)
    found = delineate(recording)
    points = found.points[np.isfinite(found.points)]
    assert points.min() >= 0
    assert points.max() <= recording.duration_s


def test_an_ectopic_beat_is_a_family_of_its_own() -> None:
    onsets = regular(60)
    usual, wide = (
        draw(np.delete(onsets, 5)),
        draw(onsets[5:6] - 0.3, Drawn(qrs=0.16, axis=-100.0, p_mv=0.0, qt=0.5), seed=2),
    )
    found = delineate(dataclasses.replace(usual, signal=usual.signal + wide.signal))
    ectopic = np.flatnonzero(found.family > 0)
    assert ectopic.size == 1
    assert found.beats[ectopic[0]] == pytest.approx(onsets[5] - 0.3 + 0.08, abs=0.05)
    assert np.isnan(found.point("p_on")[ectopic[0]])
    length = found.point("qrs_off") - found.point("qrs_on")
    assert length[ectopic[0]] > np.median(length) + 0.03


def test_nothing_is_delineated_on_a_flat_signal() -> None:
    found = delineate(Recording(np.zeros((3, 5000), dtype=np.float32), 500.0, ("I", "II", "V1"), "flat"))
    assert found.beats.size == 0
    assert found.overall.shape == (0, len(POINTS))


def test_times_in_a_long_recording_are_those_of_the_recording() -> None:
    onsets = regular(60, 300.0)
    found = delineate(draw(onsets, fs=100.0, duration=300.0, leads=("II", "V5")))
    assert found.beats.max() > 280
    nearest = np.abs(found.point("qrs_on")[:, None] - onsets[None, :]).min(axis=1)
    assert np.nanmax(nearest) < 0.03


def test_a_delineation_cannot_be_changed() -> None:
    found = delineate(draw(regular(65)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.leads = ()  # type: ignore[misc]
