"""Recordings made harder: leads taken away, cut short, noise added."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.noise import NOISES, add_noise

SNRS_DB: Final = (12.0, 6.0, 0.0)


def fewer_leads(seed: int) -> Iterator[tuple[str, Callable[[Recording], Recording]]]:
    """Name and change; random leads depend on the seed and the recording alone."""

    def only(leads: Sequence[str]) -> Callable[[Recording], Recording]:
        return lambda r: replace(r, signal=r.signal[[r.leads.index(x) for x in leads]], leads=tuple(leads))

    def half(r: Recording) -> Recording:
        drawn = _rng(seed, r).choice(len(LEADS), 6, replace=False)
        return only([LEADS[i] for i in sorted(drawn)])(r)

    yield "leads: I", only(("I",))
    yield "leads: I, II", only(("I", "II"))
    yield "leads: limb", only(LEADS[:6])
    yield "leads: chest", only(LEADS[6:])
    yield "leads: random six", half
    yield "first 5 s", lambda r: replace(r, signal=r.signal[:, : round(5 * r.fs)])


def noises(seed: int) -> Iterator[tuple[str, Callable[[Recording], Recording]]]:
    """Name and change, for each kind of noise and ratio to the signal; each lead has noise of its own."""
    for kind in NOISES:
        for snr_db in SNRS_DB:

            def change(r: Recording, kind: str = kind, snr_db: float = snr_db) -> Recording:
                return replace(r, signal=add_noise(r.signal, r.fs, kind, snr_db, _rng(seed, r)))

            yield f"{kind.replace('_', ' ')}, {snr_db:g} dB", change


def _rng(seed: int, recording: Recording) -> np.random.Generator:
    return np.random.default_rng([seed, int(hashlib.sha256(recording.recording_id.encode()).hexdigest()[:8], 16)])
