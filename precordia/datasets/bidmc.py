"""BIDMC PPG and respiration: intensive care patients' ECG leads beside the pulse of an oximeter, minutes long."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.core.recording import Recording
from precordia.datasets.card import DatasetCard

CARD: Final = DatasetCard(
    name="bidmc",
    place="modalities/bidmc",
    title="BIDMC PPG and Respiration",
    version="1.0.0",
    licence="ODC-By 1.0",
    citation="Pimentel et al., IEEE Trans Biomed Eng 2017;64:1914-1923",
    url="https://physionet.org/content/bidmc/",
    note="leads in the monitor's own units, not mV",
)
_LEADS: Final = {"II": "II", "V": "V", "AVR": "aVR"}


@dataclass(frozen=True, eq=False)
class Monitored:
    """One patient's ECG and pulse, sample by sample beside each other.

    Attributes:
        ecg: The leads; their scale is not known.
        pulse: ``(n,)`` of the oximeter, more blood upwards, no unit.
    """

    ecg: Recording
    pulse: NDArray[np.float64]


def read_monitored(path: Path) -> Monitored:
    """The signals of one ``bidmc_NN_Signals.csv``.

    Raises:
        UnreadableRecordingError: no such columns, or something else than numbers.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    names = [cell.strip() for cell in rows[0]] if rows else []
    if not {"PLETH", "II", "Sampling Freq"} <= set(names) or len(rows) < 2:
        raise UnreadableRecordingError(f"{path}: no columns Sampling Freq, PLETH and II; get it from {CARD.url}")
    try:
        fs = float(rows[1][names.index("Sampling Freq")])
        columns = {
            name: np.array([float(row[names.index(name)]) for row in rows[1:] if row])
            for name in ("PLETH", *(lead for lead in _LEADS if lead in names))
        }
    except (ValueError, IndexError):
        raise UnreadableRecordingError(f"{path}: something else than numbers among the samples") from None
    leads = [lead for lead in _LEADS if lead in columns]
    ecg = Recording(
        np.stack([columns[lead] for lead in leads]).astype(np.float32), fs, tuple(_LEADS[lead] for lead in leads),
        path.stem, format="bidmc",
    )  # fmt: skip
    return Monitored(ecg, columns["PLETH"])
