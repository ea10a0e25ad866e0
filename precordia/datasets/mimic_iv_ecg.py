"""MIMIC-IV-ECG: WFDB below ``files/`` with the carts' statements in ``machine_measurements.csv``."""

from __future__ import annotations

from functools import partial
from typing import Final

from precordia.datasets.card import Dataset, DatasetCard, read_archive

CARD: Final = DatasetCard(
    name="mimic-iv-ecg",
    title="MIMIC-IV-ECG",
    version="1.0",
    licence="ODbL 1.0",
    citation="Gow et al., PhysioNet 2023, doi:10.13026/4nqg-sb35",
    url="https://physionet.org/content/mimic-iv-ecg/",
    files=("record_list.csv", "files"),
    layout="from documentation",
    note="reports are statements of the carts, not of cardiologists",
)

DATASET: Final = Dataset(CARD, partial(read_archive, CARD))
