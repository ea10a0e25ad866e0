"""A copy is found whatever was done to it; another ECG is not taken for a copy."""

from dataclasses import replace

import numpy as np
import pytest
from ecgs import make_ecg
from scipy.signal import resample_poly

from precordia.core.recording import Recording
from precordia.records.standardize import standardize
from precordia.retrieval.duplicates import is_near_duplicate, overlap_correlation

ORIGINAL = make_ecg(1)


def variants() -> dict[str, Recording]:
    signal = ORIGINAL.signal
    burst = np.random.default_rng(0).normal(0, 0.5, signal.shape) * (np.arange(signal.shape[1]) > 4200)
    return {
        "resampled": replace(ORIGINAL, signal=resample_poly(signal, 1, 5, axis=1), fs=100.0),
        "rescaled": replace(ORIGINAL, signal=signal * 0.37),
        "inverted": replace(ORIGINAL, signal=-signal),
        "cropped": replace(ORIGINAL, signal=signal[:, 900:2900]),
        "shifted": replace(ORIGINAL, signal=np.roll(signal, 733, axis=1)),
        "limb leads only": replace(ORIGINAL, signal=signal[:6], leads=ORIGINAL.leads[:6]),
        "with a burst of noise at the end": replace(ORIGINAL, signal=signal + burst),
    }


@pytest.mark.parametrize("name", list(variants()))
def test_copies_are_found(name: str) -> None:
    assert is_near_duplicate(standardize(ORIGINAL), standardize(variants()[name]))


def test_other_ecgs_are_not_copies() -> None:
    others = [standardize(make_ecg(seed)) for seed in range(2, 22)]
    assert max(overlap_correlation(standardize(ORIGINAL), other) for other in others) < 0.9


def test_is_symmetric_and_one_with_itself() -> None:
    a, b = standardize(ORIGINAL), standardize(make_ecg(3))
    assert overlap_correlation(a, b) == pytest.approx(overlap_correlation(b, a), abs=1e-6)
    assert overlap_correlation(a, a) == pytest.approx(1.0, abs=1e-6)


def test_without_common_leads_nothing_is_said() -> None:
    limb = standardize(replace(ORIGINAL, signal=ORIGINAL.signal[:6], leads=ORIGINAL.leads[:6]))
    chest = standardize(replace(ORIGINAL, signal=ORIGINAL.signal[6:], leads=ORIGINAL.leads[6:]))
    assert overlap_correlation(limb, chest) == 0.0
