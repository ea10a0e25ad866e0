"""Recordings spoiled on purpose, as archives have them: a flat lead, a loose electrode, exchanged arms, too short, cut off."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from precordia.core.errors import UnknownNameError
from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.simulation.noise import lose_contact
from precordia.simulation.simulator import SimulatedRecording

DEFECTS: Final = (
    "flat lead",
    "loose electrode",
    "arm electrodes exchanged",
    "too short",
    "no signal",
    "file cut short",
)


def spoil(made: SimulatedRecording, defect: str, rng: np.random.Generator) -> SimulatedRecording:
    """The recording with a defect, named in its truth.

    "file cut short" is done to the file by whoever writes it; here it is only named.

    Raises:
        UnknownNameError: there is no such defect.
    """
    signal = made.recording.signal.copy()
    fs = made.recording.fs
    name = defect
    match defect:
        case "flat lead":
            lead = str(rng.choice(CHEST_LEADS))
            signal[LEADS.index(lead)] = 0.0
            name = f"flat lead {lead}"
        case "loose electrode":
            electrode = str(rng.choice(["RA", "LL", "V2", "V4"]))
            signal = lose_contact(signal, fs, electrode, rng, whole=True)
            name = f"loose electrode {electrode}"
        case "arm electrodes exchanged":
            i, ii, iii, avr, avl, avf = signal[:6]
            signal[:6] = np.stack([-i, iii, ii, avl, avr, avf])
        case "too short":
            signal = signal[:, : round(1.6 * fs)]
        case "no signal":
            signal[:] = 0.0
        case "file cut short":
            pass
        case _:
            raise UnknownNameError("defect", defect, DEFECTS)
    return SimulatedRecording(
        replace(made.recording, signal=signal), replace(made.truth, defects=(*made.truth.defects, name))
    )
