"""Small made-up corpora for the tests of training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.corpus import AMPLITUDE, Corpus, gather
from precordia.records.standardize import SignalSpec

REPORTS = ("sinus rhythm. normal ecg.", "sinus rhythm. left bundle branch block.", "atrial fibrillation.", None)


def recordings(n: int = 48) -> Iterator[Recording]:
    """Two recordings a patient; the report goes with the rate and the size of the beats."""
    for number in range(n):
        rng = np.random.default_rng(number)
        time, kind = np.arange(1000) / 100.0, number % len(REPORTS)
        beat = np.exp(-(((time % (0.5 + 0.2 * kind)) - 0.2) ** 2) / 1e-3)
        i, ii = ((0.4 + 0.3 * kind) * beat + 0.02 * rng.standard_normal((2, 1000))).astype(np.float32)
        limb = [i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
        chest = [rng.normal(0.6, 0.1) * beat + 0.02 * rng.standard_normal(1000) for _ in range(6)]
        metadata = {"strat_fold": str(number // 2 % 6)}
        yield Recording(
            signal=np.stack([*limb, *chest]).astype(np.float32), fs=100.0, leads=LEADS, recording_id=f"made:{number}",
            patient_id=f"p{number // 2}", report=REPORTS[kind],
            metadata=metadata | ({AMPLITUDE: "relative"} if number % 5 == 0 else {}),
        )  # fmt: skip


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Fold 5 left out, fold 4 held out."""
    return gather(recordings(), SignalSpec(), exclude={"strat_fold": ("5",)}, hold_out={"strat_fold": ("4",)})


@pytest.fixture(scope="session")
def made_recordings() -> list[Recording]:
    """Those of the corpus."""
    return list(recordings())
