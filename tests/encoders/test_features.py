"""What is relied on: features in time and of single leads have the documented shapes, places and meaning."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders import SignalEncoder, create


@pytest.fixture(scope="module")
def encoder() -> SignalEncoder:
    return create("tiny", seed=3)


def make(seed: int = 0, seconds: float = 10.0, leads: tuple[str, ...] = LEADS) -> Recording:
    """Beats at 1 Hz of a size of each lead's own, with noise, 250 Hz."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * 250)) / 250
    signal = rng.normal(0.5, 0.6, (len(leads), 1)) * np.exp(-(((time % 1.0) - 0.3) ** 2) / 2e-4)
    signal = signal + 0.02 * rng.standard_normal(signal.shape)
    return Recording(signal=signal.astype(np.float32), fs=250.0, leads=leads, recording_id=f"r{seed}")


def test_shapes_masks_and_places(encoder: SignalEncoder) -> None:
    found = encoder.features([make(0), make(1, seconds=4.0), make(2, seconds=25.0, leads=("II", "V2"))])
    steps = -(-encoder.spec.window_samples // encoder.architecture.stride)
    assert found.time.shape == (3, 3 * steps, encoder.architecture.channels[-1])
    assert found.step_mask.shape == found.step_start_s.shape == (3, 3 * steps)
    assert found.step_s == pytest.approx(encoder.architecture.stride / 100.0)
    assert found.step_mask.sum(1).tolist() == [steps, int(np.ceil(4.0 / found.step_s)), 3 * steps]
    assert np.abs(found.time[~found.step_mask]).max() == 0
    assert np.isnan(found.step_start_s[~found.step_mask]).all()
    np.testing.assert_allclose(found.step_start_s[0, :steps], np.arange(steps) * found.step_s)
    # 25 s: windows of 10 s from 0, 7.5 and 15 s.
    np.testing.assert_allclose(found.step_start_s[2, ::steps], [0.0, 7.5, 15.0])


def test_a_lead_alone_is_that_lead_alone(encoder: SignalEncoder) -> None:
    recording = make(4)
    found = encoder.features([recording, make(5, leads=("II", "V2"))])
    assert found.leads.shape == (2, 12, encoder.dim)
    assert [LEADS[i] for i in np.flatnonzero(found.lead_mask[1])] == ["II", "V2"]
    assert np.abs(found.leads[1][~found.lead_mask[1]]).max() == 0
    np.testing.assert_allclose(np.linalg.norm(found.leads[found.lead_mask], axis=1), 1.0, atol=1e-5)
    row = LEADS.index("V4")
    alone = Recording(signal=recording.signal[row : row + 1], fs=250.0, leads=("V4",), recording_id="V4")
    np.testing.assert_allclose(found.leads[0, row], encoder.embed([alone])[0], atol=1e-4)


def test_steps_tell_where_something_differs(encoder: SignalEncoder) -> None:
    """Without attention over the whole window, a change at 8 s leaves the steps of the first seconds as they were."""
    import torch

    plain = create("tiny", seed=3)
    plain.network.mixer = torch.nn.ModuleList()
    recording = make(6)
    changed = recording.signal.copy()
    changed[:, 2000:2050] += 1.0
    other = Recording(signal=changed, fs=250.0, leads=LEADS, recording_id="changed")
    found = plain.features([recording, other])
    difference = np.abs(found.time[0] - found.time[1]).max(axis=1)
    assert abs(found.step_start_s[0, int(difference.argmax())] - 8.0) < 1.0
    # Squeeze-and-excitation gates look at the whole window, hence not exactly zero.
    assert difference[found.step_start_s[0] < 5.0].max() < 0.3 * difference.max()


def test_features_do_not_depend_on_the_batch(encoder: SignalEncoder) -> None:
    some = [make(0), make(1, seconds=3.0), make(2, leads=("II",))]
    together, alone = encoder.features(some), encoder.features(some[1:2])
    steps = alone.time.shape[1]
    np.testing.assert_allclose(together.time[1, :steps], alone.time[0], atol=1e-4)
    np.testing.assert_allclose(together.leads[1], alone.leads[0], atol=1e-5)


def test_no_recording_is_an_error(encoder: SignalEncoder) -> None:
    with pytest.raises(UsageError, match="at least one"):
        encoder.features([])
