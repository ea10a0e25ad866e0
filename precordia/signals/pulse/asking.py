"""A video's pulse as a question to an archive of ECGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnusableSignalError
from precordia.signals.pulse.analysis import analyse_frames
from precordia.signals.pulse.encoder import SHIPPED, load_pulse_encoder
from precordia.signals.pulse.frames import FS, read_frame_table


def vector_of_video(path: Path | str, encoder_fingerprint: str, folder: Path | str = SHIPPED) -> NDArray[np.float32]:
    """``(dim,)`` float32 of unit norm: what to search an index of ECG vectors with.

    Args:
        path: The frame table.
        encoder_fingerprint: Of the ECG encoder that made the index.
        folder: Of the pulse encoder.

    Raises:
        UnusableSignalError: the pulse is too poor to be measured, or too short.
        MismatchError: the pulse encoder was trained for another ECG encoder.
    """
    encoder = load_pulse_encoder(encoder_fingerprint, folder)
    pulse, fs = pulse_of_video(path)
    vector: NDArray[np.float32] = encoder.embed([pulse], fs)[0]
    return vector


def pulse_of_video(path: Path | str) -> tuple[NDArray[np.float64], float]:
    """The best colour's pulse of a frame table, ``(n,)``, and its rate, Hz.

    Raises:
        UnusableSignalError: the pulse is too poor to be measured, or too short.
    """
    table = read_frame_table(path)
    found = analyse_frames(table)
    if not found.measured:
        raise UnusableSignalError(f"{path}: {found.reason}")
    names, pulses = table.pulses()
    return pulses[names.index(found.channel)], FS
