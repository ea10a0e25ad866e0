"""Pacing and AV dissociation on real ECGs: PTB-XL folds 1 to 8 and LUDB 1 to 50, on which the limits were set."""

from __future__ import annotations

from pathlib import Path

import pytest

from precordia.measurements import measure
from precordia.records.read import read_recording

PACED_AT_100_HZ = (385, 1461, 1641, 1674)
SINUS_AT_100_HZ = (3, 6, 11, 21, 36, 52)
FLUTTER_AT_100_HZ = {706: 243.0, 1773: 300.0}
"""Atrial waves a minute, from the distance of their peaks read off a plot of lead II."""


def _ptbxl(data_dir: Path, number: int) -> str:
    return str(data_dir / "ptbxl" / "records100" / f"{number // 1000 * 1000:05d}" / f"{number:05d}_lr")


@pytest.mark.data
@pytest.mark.parametrize("number", PACED_AT_100_HZ)
def test_spikes_of_one_sample_are_seen(data_dir: Path, number: int) -> None:
    m = measure(read_recording(_ptbxl(data_dir, number)))
    assert m.paced is True
    assert m.criteria == {}


@pytest.mark.data
@pytest.mark.parametrize("number", SINUS_AT_100_HZ)
def test_narrow_complexes_are_no_spikes_and_their_p_waves_are_bound(data_dir: Path, number: int) -> None:
    m = measure(read_recording(_ptbxl(data_dir, number)))
    assert m.paced is None
    assert m.n_spikes is None
    assert not m.av_dissociation
    assert m.p_rate_bpm is None or m.p_rate_bpm == pytest.approx(m.heart_rate_bpm, rel=0.05)


@pytest.mark.data
def test_sinus_waves_beside_a_paced_rhythm_are_dissociated(data_dir: Path) -> None:
    m = measure(read_recording(str(data_dir / "ludb" / "34")))
    assert m.paced is True
    assert m.n_spikes == m.n_captured == m.n_beats
    assert m.av_dissociation is True
    assert m.p_rate_bpm == pytest.approx(73, abs=2)


@pytest.mark.data
@pytest.mark.parametrize("number", FLUTTER_AT_100_HZ)
def test_flutter_waves_are_counted_where_conduction_varies(data_dir: Path, number: int) -> None:
    m = measure(read_recording(_ptbxl(data_dir, number)))
    assert m.p_rate_bpm == pytest.approx(FLUTTER_AT_100_HZ[number], rel=0.02)
    assert m.av_dissociation is None
