"""What every encoder of signals must do: a test class inherits :class:`EncoderContract` and gives ``make``."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import UnusableSignalError
from precordia.core.leads import LEADS
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording


def recording(seed: int, seconds: float = 10.0, fs: float = 100.0) -> Recording:
    """Twelve leads that wander, mV."""
    walk = np.random.default_rng(seed).normal(0, 0.05, (12, int(seconds * fs))).cumsum(axis=1)
    return Recording(walk.astype(np.float32), fs, LEADS, recording_id=f"r{seed}")


class EncoderContract:
    """Shape, norm, repeatability, and what cannot be embedded."""

    def make(self) -> Encoder:
        raise NotImplementedError

    def test_each_recording_has_a_unit_vector(self) -> None:
        encoder = self.make()
        assert isinstance(encoder, Encoder)
        vectors = encoder.embed([recording(1), recording(2), recording(3)])
        assert vectors.shape == (3, encoder.dim)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        assert not np.allclose(vectors[0], vectors[1])

    def test_equal_fingerprints_give_equal_vectors(self) -> None:
        one, other = self.make(), self.make()
        assert one.fingerprint == other.fingerprint
        np.testing.assert_array_equal(one.embed([recording(1)]), other.embed([recording(1)]))

    def test_the_order_is_that_of_the_recordings(self) -> None:
        encoder = self.make()
        ahead, back = encoder.embed([recording(1), recording(2)]), encoder.embed([recording(2), recording(1)])
        np.testing.assert_allclose(ahead, back[::-1], atol=1e-5)

    def test_a_recording_that_is_too_short_is_refused(self) -> None:
        with pytest.raises(UnusableSignalError):
            self.make().embed([recording(1, seconds=0.5)])
