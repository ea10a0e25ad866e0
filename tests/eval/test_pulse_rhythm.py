"""What ships as a pulse encoder finds ECGs of the same rhythm."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.bootstrap import auroc
from precordia.core.errors import MismatchError
from precordia.encoders import load_encoder
from precordia.eval.tasks.pulse.rhythm_task import neighbours
from precordia.fitting.signals.pulse_pairs import HELD_BACK, phantom_pairs
from precordia.signals.pulse.encoder import load_pulse_encoder


def test_pulses_of_phantoms_kept_apart_find_their_rhythm() -> None:
    encoder = load_encoder("default")
    try:
        pulses = load_pulse_encoder(encoder.fingerprint)
    except MismatchError as error:
        pytest.skip(str(error))
    gallery, asking = phantom_pairs(120, encoder), phantom_pairs(100, encoder, first=HELD_BACK)
    known = np.isin(asking.rhythms, ("sinus", "fibrillation"))
    scores = neighbours(pulses.embed_windows(asking.windows), gallery)
    assert auroc((asking.rhythms == "fibrillation")[known], scores[known]).value > 0.85
