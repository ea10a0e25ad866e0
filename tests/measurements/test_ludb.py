"""Floors on a few real ECGs with the experts' boundaries (LUDB, records on which constants were set)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.measurements import delineate, measure

RECORDS = (1, 14, 24, 38, 44)


@pytest.mark.data
@pytest.mark.parametrize("number", RECORDS)
def test_measurements_agree_with_the_experts(data_dir: Path, number: int) -> None:
    from precordia.datasets.ludb import consensus_beats, intervals_of, read_annotated

    truth = read_annotated(data_dir / "ludb", number)
    reference, m = intervals_of(truth.leads), measure(truth.recording)
    assert m.qrs_ms == pytest.approx(reference["qrs_ms"], abs=20)
    assert m.qt_ms == pytest.approx(reference["qt_ms"], abs=35)
    if np.isnan(reference["pr_ms"]):
        assert m.pr_ms is None
    else:
        assert m.pr_ms == pytest.approx(reference["pr_ms"], abs=20)
    beats = delineate(truth.recording).beats * 1000
    marked = consensus_beats(truth.leads)
    assert np.abs(beats[:, None] - marked[None, :]).min(axis=0).max() <= 75


@pytest.mark.data
def test_half_the_rate_and_half_the_leads_measure_the_same(data_dir: Path) -> None:
    from dataclasses import replace

    from scipy.signal import resample_poly

    from precordia.records.read import read_recording

    whole = read_recording(str(data_dir / "ludb" / "14"))
    slow = replace(whole, signal=resample_poly(whole.signal, 1, 5, axis=1).astype(np.float32), fs=100.0)
    part = replace(whole, signal=whole.signal[[1, 7, 10]], leads=tuple(whole.leads[k] for k in (1, 7, 10)))
    a = measure(whole)
    for other in (measure(slow), measure(part)):
        assert other.heart_rate_bpm == pytest.approx(a.heart_rate_bpm, abs=0.5)
        for name in ("pr_ms", "qrs_ms", "qt_ms"):
            assert getattr(other, name) == pytest.approx(getattr(a, name), abs=25), name
