"""What an answer is read from besides precedents: one vector of an ECG, and one of each lead, with names for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.generation import disturbance

SCALARS: Final = ("heart_rate_bpm", "rr_sd_ms", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "n_beats")
ANGLES: Final = ("axis_deg", "p_axis_deg", "t_axis_deg")
AMPLITUDES: Final = ("st_j60_mv", "r_mv", "s_mv", "q_mv", "t_mv")
CRITERIA: Final = (
    "avl_lvh", "cornell_lvh", "gubner_lvh", "low_voltage_chest", "low_voltage_limb", "peguero_lo_presti_lvh",
    "sokolow_lyon_lvh", "sokolow_lyon_rvh",
)  # fmt: skip
_REGULARITY: Final = {"regular": 0.0, "regularly irregular": 0.5, "irregular": 1.0}
_BURSTS: Final = slice(5, 8)
"""Of the disturbances those whose spread over the leads counts: quiet and worst noise, bursts."""

MEASURED_FROM: Final = (
    *SCALARS,
    *(name for name in ANGLES for _ in range(2)),
    *(name for name in AMPLITUDES for _ in LEADS),
    "rhythm_regularity",
    "paced",
    *("criteria" for _ in CRITERIA),
)
"""The field of :class:`Measurements` behind each measured number of the vector."""
N_MEASURED: Final = len(MEASURED_FROM)
N_NOISE: Final = 2 * len(disturbance.NAMES) + 3
N_LEAD: Final = 2 * len(disturbance.NAMES) + 2 * len(AMPLITUDES)


@dataclass(frozen=True, eq=False)
class Features:
    """One ECG, as numbers.

    Attributes:
        embedding: ``(dim,)`` the encoder's unit vector.
        measured: ``(84,)``, in the order of :data:`MEASURED_FROM`; angles as cosine and sine; NaN where not measured.
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
        np.array(_measured(measurements), dtype=np.float64),
        np.concatenate([mean, np.nanmax(noise, axis=0), np.nanstd(noise[:, _BURSTS], axis=0)]),
        np.concatenate([noise, noise - mean, amplitudes, amplitudes**2], axis=1),
    )


def _measured(m: Measurements) -> list[float]:
    def number(value: float | bool | None) -> float:
        return np.nan if value is None else float(value)

    row = [number(getattr(m, name)) for name in SCALARS]
    for name in ANGLES:
        angle = np.deg2rad(number(getattr(m, name)))
        row += [float(np.cos(angle)), float(np.sin(angle))]
    row += [number(getattr(m, name).get(lead)) for name in AMPLITUDES for lead in LEADS]
    row += [number(_REGULARITY.get(m.rhythm_regularity or "")), float(bool(m.paced))]
    return row + [float(m.criteria.get(name, False)) for name in CRITERIA]
