"""What is relied on: filters, peaks and means are scipy's, to the last digits, though scipy is not imported."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft, ndimage, signal

from precordia.records.filtering import antialias, butterworth, resampled, zero_phase
from precordia.records.peaks import moving_mean, near_true, peaks_of
from precordia.records.spectra import fast_length

SECTIONS = signal.butter(2, (0.5, 40.0), "bandpass", fs=100.0, output="sos")
FILTERS = [
    (1, 0.5, "highpass", 250.0),
    (2, 40.0, "lowpass", 250.0),
    (2, (8.0, 25.0), "bandpass", 250.0),
    (2, (0.5, 40.0), "bandpass", 100.0),
    (3, 30.0, "highpass", 100.0),
    (4, (15.0, 44.0), "bandpass", 100.0),
]


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize(("shape", "padlen"), [((12, 1000), 200), ((250,), 200), ((3, 250), 249), ((2, 3, 60), 10)])
def test_it_is_scipys_filter(shape: tuple[int, ...], padlen: int, odd: bool) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    expected = signal.sosfiltfilt(SECTIONS, x, axis=-1, padtype="odd" if odd else "even", padlen=padlen)
    np.testing.assert_allclose(zero_phase(SECTIONS, x, padlen, odd=odd), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("order", "corners", "kind", "fs"), FILTERS)
def test_sections_are_scipys_filter(order: int, corners: float | tuple[float, float], kind: str, fs: float) -> None:
    x = np.random.default_rng(1).normal(size=(3, 2500)).cumsum(axis=1)
    scipys = signal.butter(order, corners, kind, fs=fs, output="sos")
    expected = signal.sosfiltfilt(scipys, x, axis=-1, padtype="odd", padlen=500)
    np.testing.assert_allclose(
        zero_phase(butterworth(order, corners, kind, fs), x, 500, odd=True), expected, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize(("up", "down"), [(1, 2), (1, 5), (5, 2), (250, 257), (25, 36), (2, 1), (1, 4), (997, 1000)])
@pytest.mark.parametrize("n", [5000, 1201, 7])
def test_resampling_is_scipys(up: int, down: int, n: int) -> None:
    x = np.random.default_rng(2).normal(size=(3, n)) + np.arange(3)[:, None]
    expected = signal.resample_poly(x, up, down, axis=1, padtype="line")
    np.testing.assert_allclose(resampled(x, up, down), expected, rtol=0, atol=1e-11)
    short = antialias(up, down, crossings=4, beta=4.0)
    expected = signal.resample_poly(x, up, down, axis=1, window=short, padtype="mean")
    np.testing.assert_allclose(resampled(x, up, down, short, level=True), expected, rtol=0, atol=1e-11)


def test_resampling_keeps_single_precision() -> None:
    x = np.random.default_rng(3).normal(size=(12, 5000)).astype(np.float32)
    found = resampled(x, 1, 5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, resampled(x.astype(np.float64), 1, 5), rtol=0, atol=1e-5)


def test_the_filters_are_those_that_scipy_designs() -> None:
    np.testing.assert_allclose(antialias(2, 5), signal.firwin(101, 1 / 5, window=("kaiser", 5.0)), atol=1e-15)


@pytest.mark.parametrize("distance", [1, 3, 10.5, 60])
def test_peaks_are_scipys(distance: float) -> None:
    rng = np.random.default_rng(4)
    for row in (rng.normal(size=500), np.round(rng.normal(size=500)), np.zeros(9), np.array([0.0, 1.0, 1.0, 0.0])):
        found, _ = signal.find_peaks(row, height=0.1, distance=distance)
        np.testing.assert_array_equal(peaks_of(row, 0.1, distance), found)


@pytest.mark.parametrize("mode", ["nearest", "constant", "reflect"])
@pytest.mark.parametrize("width", [1, 3, 8, 9, 10, 25, 51])
def test_means_are_scipys(width: int, mode: str) -> None:
    x = np.random.default_rng(5).normal(size=(4, 300))
    expected = ndimage.uniform_filter1d(x, width, axis=-1, mode=mode)
    np.testing.assert_allclose(moving_mean(x, width, mode), expected, rtol=0, atol=1e-13)
    single = moving_mean(x.astype(np.float32), width, mode)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-6)


def test_what_lies_near_a_gap_is_scipys_maximum() -> None:
    marked = np.random.default_rng(6).random((5, 400)) < 0.01
    np.testing.assert_array_equal(near_true(marked, 20), ndimage.maximum_filter1d(marked, 41, axis=1))


def test_fast_lengths_are_scipys() -> None:
    lengths = [*range(1, 700), 1300, 2501, 4999, 10_007, 100_003]
    assert [fast_length(n) for n in lengths] == [fft.next_fast_len(n, real=True) for n in lengths]
