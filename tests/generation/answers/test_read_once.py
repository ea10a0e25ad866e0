"""The numbers of an ECG are read once of its evidence, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.findings import Measurements
from precordia.generation.answers import features
from precordia.generation.answers.features import features_in, features_of
from precordia.judgement.evidence import Evidence
from precordia.simulation import simulate


def test_numbers_are_read_once_of_each_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(recording, measurements, embedding):  # type: ignore[no-untyped-def]
        read.append(recording.recording_id)
        return features_of(recording, measurements, embedding)

    monkeypatch.setattr(features, "features_of", watched)
    evidence = Evidence(simulate(seed=1).recording, Measurements(), vector=np.array([1.0, 0.0], np.float32))
    found = features_in(evidence)
    assert found is not None
    assert features_in(evidence) is found
    assert len(read) == 1
    other = features_in(replace(evidence, vector=np.array([0.0, 1.0], np.float32)))
    assert other is not None
    assert other.embedding.tolist() == [0.0, 1.0]
    assert features_in(replace(evidence, vector=None)) is None
