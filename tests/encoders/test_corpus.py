"""What is relied on: patients stay on one side of the split, and what was left out is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import InputError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.amplitudes import typical_amplitudes
from precordia.encoders.corpus import AMPLITUDE, gather
from precordia.encoders.sources import open_source, read_source
from precordia.records.standardize import SignalSpec


def made(n: int = 24) -> Iterator[Recording]:
    for number in range(n):
        i, ii = np.random.default_rng(number).normal(0, 0.3, (2, 1000)).cumsum(axis=1) / 10
        limb = [i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
        chest = np.random.default_rng(100 + number).standard_normal((6, 1000))
        yield Recording(
            signal=np.concatenate([np.stack(limb), chest]), fs=100.0, leads=LEADS, recording_id=f"r{number}",
            patient_id=f"p{number // 2}", metadata={"strat_fold": str(number % 6)}, report=f"report {number}",
        )  # fmt: skip


def test_a_patient_with_any_recording_excluded_or_held_out_is_so_as_a_whole() -> None:
    corpus = gather(made(), SignalSpec(), exclude={"strat_fold": ("1",)}, hold_out={"strat_fold": ("2",)})
    assert len(corpus) == 16  # every third patient has a recording in fold 1
    assert corpus.held_out.sum() == 8  # and another third one in fold 2
    assert not set(np.array(corpus.patients)[corpus.held_out]) & set(np.array(corpus.patients)[~corpus.held_out])
    assert {"excluded by the recipe", "patient excluded"} == {reason for _, reason in corpus.rejected}


def test_without_folds_an_eighth_of_the_patients_is_held_out() -> None:
    bare = [replace(r, metadata={}, patient_id=r.recording_id) for r in made(160)]
    corpus = gather(bare, SignalSpec(), hold_out={"strat_fold": ("8",)})
    assert 0.05 < corpus.held_out.mean() < 0.25


def test_the_hash_tells_data_apart() -> None:
    first = gather(made(), SignalSpec(), hold_out={"strat_fold": ("9",)})
    again = gather(made(), SignalSpec(), hold_out={"strat_fold": ("9",)})
    other = gather((replace(r, report="another") for r in made()), SignalSpec(), hold_out={"strat_fold": ("9",)})
    assert first.data_hash == again.data_hash != other.data_hash


def test_what_cannot_be_used_is_kept_with_its_reason() -> None:
    short = Recording(signal=np.ones((12, 100)), fs=100.0, leads=LEADS, recording_id="short")
    corpus = gather([*made(8), short], SignalSpec(), hold_out={"strat_fold": ("9",)})
    assert [(i, "2.5" in reason) for i, reason in corpus.rejected] == [("short", True)]


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(InputError, match="no usable recording"):
        gather([], SignalSpec())
    with pytest.raises(InputError, match="held out"):
        gather(made(4), SignalSpec(), hold_out={"strat_fold": ("0", "2")})


def test_limb_leads_scaled_one_by_one_obey_einthoven_again() -> None:
    recording = next(made(1))
    scaled = recording.signal / recording.signal.std(axis=1, keepdims=True)
    scaled -= scaled.mean(axis=1, keepdims=True)
    restored = typical_amplitudes(scaled, np.ones(12, dtype=bool), np.full(12, 0.2, dtype=np.float32))
    np.testing.assert_allclose(restored[2], restored[1] - restored[0], atol=2e-3)
    np.testing.assert_allclose(restored[3], -(restored[0] + restored[1]) / 2, atol=2e-3)
    np.testing.assert_allclose(restored[6:].std(axis=1), 0.2, rtol=1e-3)


def test_relative_amplitudes_are_marked() -> None:
    some = [replace(r, metadata={**r.metadata, AMPLITUDE: "relative"}) if i % 2 else r for i, r in enumerate(made(8))]
    corpus = gather(some, SignalSpec(), hold_out={"strat_fold": ("3",)})
    np.testing.assert_array_equal(corpus.calibrated, [True, False] * 4)


def test_ecgs_of_one_file_are_read_each_and_stamped_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "precordia.json").write_text('{"fs": 100, "units": "mV"}')
    signals = np.random.default_rng(0).standard_normal((3, 12, 1000)).astype(np.float32)
    np.save(tmp_path / "all.npy", signals)
    source = open_source(tmp_path)
    assert [source.read(number).recording_id for number in range(len(source))] == ["all-0", "all-1", "all-2"]
    stamp = source.stamp()
    assert open_source(tmp_path).stamp() == stamp
    np.save(tmp_path / "all.npy", signals[:, :, :500])
    assert open_source(tmp_path).stamp() != stamp


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list(read_source(tmp_path / "none"))
    with pytest.raises(InputError, match="no ECG"):
        list(read_source(tmp_path))


@pytest.mark.data
def test_the_mirror_is_read_without_fold_nine_of_any_patient(data_dir: Path) -> None:
    rows = [(r.recording_id, r.metadata, r.report) for r in read_source(data_dir)]
    assert len({i for i, _, _ in rows}) == len(rows)
    assert sum(m.get(AMPLITUDE) == "relative" for _, m, _ in rows) == 1323
    assert {m["dataset"] for _, m, _ in rows} == {"ptbxl", "cinc2011", "code15"}
