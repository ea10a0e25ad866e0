"""Zero-phase filtering gives what scipy gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from precordia.records.filtering import zero_phase

SECTIONS = butter(2, (0.5, 40.0), "bandpass", fs=100.0, output="sos")


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize(("shape", "padlen"), [((12, 1000), 200), ((250,), 200), ((3, 250), 249), ((2, 3, 60), 10)])
def test_it_is_scipys_filter(shape: tuple[int, ...], padlen: int, odd: bool) -> None:
    signal = np.random.default_rng(0).normal(size=shape)
    expected = sosfiltfilt(SECTIONS, signal, axis=-1, padtype="odd" if odd else "even", padlen=padlen)
    np.testing.assert_allclose(zero_phase(SECTIONS, signal, padlen, odd=odd), expected, rtol=1e-12, atol=1e-12)
