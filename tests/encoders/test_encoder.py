"""What is relied on: unit vectors from any leads, rate and duration, the same whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import UnusableSignalError, UsageError
from precordia.core.leads import LEADS
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.encoders import SignalEncoder, create, load_encoder
from precordia.records.standardize import standardize
from precordia.testing.encoders import EncoderContract


@pytest.fixture(scope="module")
def encoder() -> SignalEncoder:
    return create("tiny", seed=3)


def make(seed: int = 0, seconds: float = 10.0, fs: float = 500.0, leads: tuple[str, ...] = LEADS) -> Recording:
    """Something like beats: narrow peaks at a rate and size of the seed's own, with noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    beat = np.exp(-(((time % rng.uniform(0.6, 1.1)) - 0.3) ** 2) / 2e-4)
    signal = rng.normal(0.5, 0.6, (len(leads), 1)) * beat + 0.02 * rng.standard_normal((len(leads), time.size))
    return Recording(signal=signal.astype(np.float32), fs=fs, leads=leads, recording_id=f"r{seed}")


class TestShipped(EncoderContract):
    def make(self) -> Encoder:
        return load_encoder("default")


def test_is_an_encoder(encoder: SignalEncoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.dim == 64


def test_rows_are_unit_and_differ(encoder: SignalEncoder) -> None:
    rows = encoder.embed([make(0), make(1)])
    assert rows.shape == (2, 64)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert float(rows[0] @ rows[1]) < 0.99999


def test_no_recordings_give_no_rows(encoder: SignalEncoder) -> None:
    assert encoder.embed([]).shape == (0, 64)


def test_a_row_does_not_depend_on_the_batch(encoder: SignalEncoder) -> None:
    some = [make(0), make(1, seconds=3.0), make(2, leads=("II",)), make(3, seconds=31.0)] + [
        make(i) for i in range(4, 70)
    ]
    together = encoder.embed(some)
    alone = np.concatenate([encoder.embed([r]) for r in some[:8]])
    np.testing.assert_allclose(together[:8], alone, atol=1e-5)
    np.testing.assert_array_equal(together, encoder.embed(some))


@pytest.mark.parametrize("leads", [("I",), ("V3",), ("II", "V5"), LEADS[:6], LEADS[6:], tuple(reversed(LEADS))])
def test_any_leads(encoder: SignalEncoder, leads: tuple[str, ...]) -> None:
    assert np.isfinite(encoder.embed([make(0, leads=leads)])).all()


def test_the_order_of_leads_says_nothing(encoder: SignalEncoder) -> None:
    recording = make(0)
    turned = Recording(signal=recording.signal[::-1], fs=500.0, leads=LEADS[::-1], recording_id="turned")
    np.testing.assert_allclose(encoder.embed([recording]), encoder.embed([turned]), atol=1e-5)


@pytest.mark.parametrize("seconds", [2.5, 4.0, 10.0, 60.0])
def test_any_duration_from_two_and_a_half_seconds(encoder: SignalEncoder, seconds: float) -> None:
    assert np.isfinite(encoder.embed([make(0, seconds=seconds)])).all()


def test_padding_of_a_short_recording_is_not_signal(encoder: SignalEncoder) -> None:
    """What follows a short recording in its window is masked, so that other zeros after it change nothing."""
    recording = standardize(make(0, seconds=5.0, fs=100.0), encoder.spec)
    longer = Recording(
        signal=np.pad(recording.signal, ((0, 0), (0, 300))), fs=100.0, leads=recording.leads, recording_id="padded"
    )
    short, padded = encoder.embed([recording, longer], standardized=True)
    assert float(short @ padded) < 0.9999


def test_too_short_or_no_known_lead_is_an_error(encoder: SignalEncoder) -> None:
    with pytest.raises(UnusableSignalError, match=r"2\.5"):
        encoder.embed([make(0, seconds=2.0)])
    with pytest.raises(UnusableSignalError, match="lead"):
        encoder.embed([make(0, leads=("Pleth",))])


def test_a_standardized_recording_means_the_same() -> None:
    encoder = load_encoder("default")
    recording = make(0)
    once = standardize(recording, encoder.spec)
    plain, again, skipped = (
        encoder.embed([recording]),
        encoder.embed([once]),
        encoder.embed([once], standardized=True),
    )
    np.testing.assert_allclose(plain, skipped, atol=1e-5)
    assert float(plain[0] @ again[0]) > 0.97


def test_the_shipped_encoder_knows_an_ecg_again_with_noise_and_at_another_rate() -> None:
    encoder = load_encoder("default")
    recordings = [make(i) for i in range(12)]
    rng = np.random.default_rng(0)
    changed = [
        Recording(
            signal=r.signal[:, ::2] + 0.01 * rng.standard_normal((12, 2500)),
            fs=250.0,
            leads=LEADS,
            recording_id=r.recording_id,
        )
        for r in recordings
    ]
    nearest = (encoder.embed(changed) @ encoder.embed(recordings).T).argmax(axis=1)
    assert (nearest == np.arange(12)).mean() >= 0.8


def test_text_space_needs_an_aligned_encoder(encoder: SignalEncoder) -> None:
    with pytest.raises(UsageError, match="text_alignment"):
        encoder.to_text_space(encoder.embed([make(0)]))
