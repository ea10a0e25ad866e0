"""The quality check on real recordings; the figures are printed by ``precordia eval quality``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from precordia import assess, read_recording
from precordia.core.bootstrap import auroc
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording
from precordia.datasets.cinc2011 import read_labelled
from precordia.eval.tasks.quality.data import listed
from precordia.eval.tasks.quality.faults import exchange_arms

pytestmark = pytest.mark.data
LAWS = {"einthoven", "goldberger"}


def kinds(recording: Recording) -> set[str]:
    return {problem.kind for problem in assess(recording).problems}


def test_ludb_with_the_gains_of_its_headers_is_caught_and_in_true_millivolts_passes(data_dir: Path) -> None:
    import wfdb

    for number in range(1, 101):
        path = data_dir / "ludb" / str(number)
        stored = wfdb.rdrecord(str(path))
        leads = tuple(str(canonical_lead(name)) for name in stored.sig_name)
        assert kinds(Recording(stored.p_signal.T, 500, leads, path.name)) & LAWS, path.name
        counts = wfdb.rdrecord(str(path), physical=False).d_signal
        assert not kinds(Recording(counts.T / 1000, 500, leads, path.name)) & LAWS, path.name
        assert not kinds(read_recording(path)) & LAWS, path.name


def test_annotators_are_agreed_with(data_dir: Path) -> None:
    labelled = read_labelled(data_dir / "pretrain")
    assert len(labelled) == 499
    found = auroc([one.acceptable for one in labelled], [assess(one.recording).score for one in labelled])
    assert found.low > 0.94


def test_annotators_are_agreed_with_whatever_the_scale(data_dir: Path) -> None:
    labelled = read_labelled(data_dir / "pretrain")[::2]
    truth = [one.acceptable for one in labelled]
    for factor in (0.2, 200.0):
        scores = [assess(_scaled(one.recording, factor)).score for one in labelled]
        assert auroc(truth, scores, resamples=1).value > 0.95


def _scaled(recording: Recording, factor: float) -> Recording:
    return Recording(recording.signal * np.float32(factor), recording.fs, recording.leads, recording.recording_id)


def test_hospital_ecgs_pass(data_dir: Path) -> None:
    rows = listed(data_dir, "ptbxl")[::12] + listed(data_dir, "cpsc2018", "cpsc2018extra", "chapman_ningbo")
    count: Counter[str] = Counter()
    for row in rows:
        found = assess(read_recording(row.path))
        assert found.acceptable, row.path.name
        count.update({problem.kind for problem in found.problems})
    assert not {"units", "einthoven", "goldberger", "nan"} & set(count)
    assert count["electrode_swap"] <= 1
    assert count["noisy"] < 0.1 * len(rows)


def test_exchanged_arm_electrodes_of_real_recordings_are_mostly_found(data_dir: Path) -> None:
    rows = [row for row in listed(data_dir, "ptbxl") if row.fold == 9][::3]
    found = ["electrode_swap" in kinds(exchange_arms(read_recording(row.path))) for row in rows]
    assert np.mean(found) > 0.9
