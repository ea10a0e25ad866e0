"""The task of long recordings: its scoring, and that it runs from end to end on a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import InputError
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.long_recordings.phantoms import joined, with_one_second
from precordia.eval.tasks.long_recordings.scoring import matched, overlap, seconds_inside
from precordia.eval.tasks.long_recordings.task import LONG_RECORDINGS


def test_a_beat_is_matched_once_and_within_its_window() -> None:
    assert matched(np.array([1.0, 2.0, 3.0]), np.array([1.1, 1.12, 2.2, 3.0])) == 2


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((10, 20), [(15, 25)]) == pytest.approx(1 / 3)
    assert overlap((10, 20), []) == 0


def test_seconds_are_counted_by_their_middle() -> None:
    assert seconds_inside([(1.0, 3.0)], 5).tolist() == [False, True, True, False, False]


def test_one_second_differs_and_nothing_else() -> None:
    plain, with_af, strip, start_s = with_one_second(3, 180.0)
    changed = np.flatnonzero((plain.signal != with_af.signal).any(axis=0)) / plain.fs
    assert start_s - 0.01 <= changed.min() <= changed.max() <= start_s + 1.01
    assert strip.duration_s == 10


def test_an_event_lies_between_two_stretches_of_sinus_rhythm() -> None:
    made = joined("VT", 1)
    assert made.recording.duration_s == pytest.approx(made.end_s + made.start_s + 0.5)


def test_a_folder_without_the_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="modalities"):
        LONG_RECORDINGS.run(Settings(data=tmp_path))


@pytest.mark.data
def test_the_task_runs_on_a_little(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (data_dir / "modalities").is_dir():
        pytest.skip("needs the other heart signals in the folder of real ECGs")
    monkeypatch.setattr("precordia.eval.tasks.long_recordings.task.N_SECONDS", 1)  # each embeds twice ten minutes
    result = LONG_RECORDINGS.run(Settings(data=data_dir, limit=2))
    figures = {(row.system, row.metric, row.group): row.value for row in result.rows}
    assert figures["precordia", "beats: sensitivity", "MIT-BIH, all"] > 0.99
    assert {row.system for row in result.rows} >= {"one threshold", "always AF", "mean vector of the recording"}
