"""What an answer is read from besides precedents: one vector of an ECG, and one of each lead, with names for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.generation.answers import disturbance
from precordia.measurements.feature_vector import AMPLITUDES, numbers_of

_BURSTS: Final = slice(5, 8)
"""Of the disturbances those whose spread over the leads counts: quiet and worst noise, bursts."""

N_NOISE: Final = 2 * len(disturbance.NAMES) + 3
N_LEAD: Final = 2 * len(disturbance.NAMES) + 2 * len(AMPLITUDES)


@dataclass(frozen=True, eq=False)
class Features:
    """One ECG, as numbers.

    Attributes:
        embedding: ``(dim,)`` the encoder's unit vector.
        measured: ``(84,)``, as :func:`precordia.measurements.feature_vector.numbers_of` gives them.
        noise: ``(29,)``: mean and worst lead of each disturbance, and how much three of them differ between leads.
        leads: ``(12, 36)``: each lead's disturbances, these less the record's mean, and its amplitudes with their squares.
    """

    embedding: NDArray[np.float64]
    measured: NDArray[np.float64]
    noise: NDArray[np.float64]
    leads: NDArray[np.float64]


def features_of(recording: Recording, measurements: Measurements, embedding: NDArray[np.float32]) -> Features:
    """The numbers of an ECG.

    Args:
        recording: As measured.
        measurements: Of it.
        embedding: ``(dim,)`` of it.

    Raises:
        UnusableSignalError: the recording is too short or has no standard lead.
    """
    noise = disturbance.disturbance(recording)
    mean = np.nanmean(noise, axis=0)
    amplitudes = np.array([[getattr(measurements, name).get(lead, np.nan) for name in AMPLITUDES] for lead in LEADS])
    return Features(
        np.asarray(embedding, dtype=np.float64),
        numbers_of(measurements),
        np.concatenate([mean, np.nanmax(noise, axis=0), np.nanstd(noise[:, _BURSTS], axis=0)]),
        np.concatenate([noise, noise - mean, amplitudes, amplitudes**2], axis=1),
    )
