"""Signals come back as they were, from half the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError
from precordia.core.leads import LEADS, LIMB_FROM_I_II
from precordia.core.recording import Recording
from precordia.indexing.signals import decode_signal, encode_signal
from precordia.records.read import read_recording


def _walk(seed: int, shape: tuple[int, int], size: int = 9) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(-size, size + 1, shape).cumsum(axis=1)


def _hash(signal: NDArray[np.float32], fs: float, leads: tuple[str, ...]) -> str:
    return Recording(signal, fs, leads, "x").content_hash


@pytest.mark.parametrize(
    "gain", [1000.0, 200.0, 204.8, 400.0, 1 / 4.88e-3, 1 / 2.5e-3, 243.39, 1e4, 3.7, 5617.123, 2000.0, 1 / 0.0049]
)
@pytest.mark.parametrize("offset", [0, 1024])
def test_whole_multiples_of_a_step_come_back_to_the_last_bit(gain: float, offset: int) -> None:
    digital = _walk(round(gain), (12, 2000)) + offset
    signal = (digital / gain).astype(np.float32)
    back, fs, leads = decode_signal(encode_signal(signal, 500.0, LEADS))
    np.testing.assert_array_equal(back, signal)
    assert (fs, leads) == (500.0, LEADS)


def test_each_lead_may_have_its_own_step() -> None:
    gains = np.array([1000, 200, 204.8, 311.7, 1000, 500, 50, 2000, 1234.5, 1000, 200, 1000])
    signal = (_walk(1, (12, 1500)) / gains[:, None]).astype(np.float32)
    np.testing.assert_array_equal(decode_signal(encode_signal(signal, 250.0, LEADS))[0], signal)


@given(
    arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(1, 80)), elements=st.integers(-32768, 32767)),
    st.sampled_from([1000.0, 200.0, 204.8, 327.68, 10.0]),
)
@settings(max_examples=150, deadline=None)
def test_any_integers_come_back_to_the_last_bit(digital: NDArray[np.int32], gain: float) -> None:
    signal = (digital / gain).astype(np.float32)
    leads = LEADS[: len(signal)]
    back = decode_signal(encode_signal(signal, 500.0, leads))[0]
    assert np.abs(back.astype(np.float64) - signal).max() <= 0.5e-4 + 1e-7 * np.abs(signal).max()
    assert _hash(back, 500.0, leads) == _hash(signal, 500.0, leads)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 60)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
@settings(max_examples=200, deadline=None)
def test_any_floats_come_back_to_a_tenth_of_a_microvolt(signal: NDArray[np.float32]) -> None:
    leads = LEADS[: len(signal)]
    back = decode_signal(encode_signal(signal, 500.0, leads))[0]
    finite = np.isfinite(signal)
    np.testing.assert_array_equal(back[~finite], signal[~finite])
    exact, got = signal[finite].astype(np.float64), back[finite].astype(np.float64)
    assert np.all(np.abs(got - exact) <= 0.5e-4 + 1.2e-7 * np.abs(exact))


@pytest.mark.parametrize("value", [0.0, 0.123, -4.0, 1e-9, 1e9])
def test_flat_leads(value: float) -> None:
    signal = np.full((2, 500), value, np.float32)
    back = decode_signal(encode_signal(signal, 500.0, ("I", "II")))[0]
    np.testing.assert_allclose(back, signal, rtol=1.2e-7, atol=0.5e-4)


def test_missing_samples_stay_missing() -> None:
    signal = (_walk(3, (12, 1000)) * 1e-3).astype(np.float32)
    signal[3] = np.nan
    signal[5, 100:200] = np.nan
    signal[0, 0] = signal[11, -1] = np.nan
    np.testing.assert_array_equal(decode_signal(encode_signal(signal, 500.0, LEADS))[0], signal)


def test_other_channels_than_leads() -> None:
    names = ("MCL1", "ECG lead ü", "V1")
    signal = (_walk(4, (3, 700)) * 5e-3).astype(np.float32)
    back, fs, leads = decode_signal(encode_signal(signal, 257.3, names))
    np.testing.assert_array_equal(back, signal)
    assert (fs, leads) == (257.3, names)


def test_a_noisy_record_takes_no_more_than_50_kb() -> None:
    """10 s, 500 Hz, 12 leads: slow waves with white noise of 20 µV; limb leads rounded to 1 µV as files hold them."""
    rng = np.random.default_rng(5)
    t = np.arange(5000) / 500
    leads = {
        lead: 0.8 * np.sin(2 * np.pi * (1 + i / 10) * t) + 0.02 * rng.normal(size=5000) for i, lead in enumerate(LEADS)
    }
    for lead, (a, b) in LIMB_FROM_I_II.items():
        leads[lead] = a * leads["I"] + b * leads["II"]
    signal = (np.rint(np.stack([leads[lead] for lead in LEADS]) * 1000) / 1000).astype(np.float32)
    blob = encode_signal(signal, 500.0, LEADS)
    assert len(blob) <= 50_000
    np.testing.assert_array_equal(decode_signal(blob)[0], signal)


@pytest.mark.data
def test_real_records_take_less_than_50_kb_and_come_back_equal(data_dir: Path) -> None:
    headers = sorted((data_dir / "ptbxl" / "records500").rglob("*.hea"))[:30]
    headers += sorted((data_dir / "cinc2021").rglob("*.hea"))[:20]
    sizes = []
    for header in headers:
        recording = read_recording(header)
        blob = encode_signal(recording.signal, recording.fs, recording.leads)
        np.testing.assert_array_equal(decode_signal(blob)[0], recording.signal)
        if recording.signal.shape == (12, 5000):
            sizes.append(len(blob))
    assert len(sizes) >= 40
    assert max(sizes) <= 50_000
    assert np.mean(sizes) <= 30_000


def test_a_damaged_blob_is_an_error() -> None:
    with pytest.raises(KnowledgeBaseError, match="damaged"):
        decode_signal(b"nonsense")
    with pytest.raises(KnowledgeBaseError, match="damaged"):
        decode_signal(encode_signal(np.zeros((1, 10), np.float32), 500.0, ("I",))[:-3])


def test_some_leads_are_decoded_as_among_all() -> None:
    i, ii = _walk(1, (2, 500))
    limb = [np.array(LIMB_FROM_I_II[lead]) @ np.stack([i, ii]) for lead in LEADS[:6]]
    signal = (np.stack([*limb, *_walk(2, (6, 500))]) / 1000).astype(np.float32)
    signal[8, 3:7] = np.nan
    blob = encode_signal(signal, 250.0, LEADS)
    some, fs, leads = decode_signal(blob, ("V3", "aVF", "V9"))
    assert (fs, leads) == (250.0, ("aVF", "V3"))
    np.testing.assert_array_equal(some, decode_signal(blob)[0][[LEADS.index("aVF"), LEADS.index("V3")]])
