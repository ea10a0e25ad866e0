"""Simple synthetic ECGs for the tests of this folder: a spike train with a wave, different for each seed."""

from __future__ import annotations

import numpy as np

from precordia.core.leads import CHEST_LEADS, LEADS, derive_limb_leads
from precordia.core.recording import Recording

REACH = 40
"""How many widths from its middle a wave is nothing: what is farther away than that adds 0.0 exactly."""


def make_ecg(seed: int, fs: float = 500.0, duration_s: float = 10.0, **fields: object) -> Recording:
    """A 12-lead recording with its own rate, wave shapes and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs * duration_s)) / fs
    beats = np.cumsum(rng.normal(60 / rng.uniform(50, 110), 0.03, 40)) + rng.uniform(0, 0.5)

    def row() -> np.ndarray:
        wave = np.zeros_like(t)
        for amplitude, delay, width in ((0.1, -0.16, 0.02), (rng.normal(0.8, 0.4), 0.0, 0.012), (0.25, 0.28, 0.05)):
            for beat in beats:
                near = slice(*np.searchsorted(t - beat - delay, (-REACH * width, REACH * width)))
                wave[near] += amplitude * np.exp(-0.5 * ((t[near] - beat - delay) / width) ** 2)
        return (wave + rng.normal(0, 0.01, t.size)).astype(np.float32)

    rows = {**derive_limb_leads(row(), row()), **{lead: row() for lead in CHEST_LEADS}}
    signal = np.stack([rows[lead] for lead in LEADS])
    return Recording(signal, fs, LEADS, **{"recording_id": f"r{seed}", "patient_id": f"p{seed}", **fields})  # type: ignore[arg-type]
