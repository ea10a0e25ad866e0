"""ECG-QA's card; its recordings are PTB-XL's and MIMIC-IV-ECG's, its files are read by :mod:`.questions`."""

from __future__ import annotations

from typing import Final

from precordia.datasets import ptbxl
from precordia.datasets.card import Dataset, DatasetCard

CARD: Final = DatasetCard(
    name="ecgqa",
    title="ECG-QA",
    version="1.0.2",
    licence="CC BY 4.0",
    citation="Oh et al., NeurIPS 2023 Datasets and Benchmarks",
    url="https://github.com/Jwoo5/ecg-qa",
    files=("ptbxl",),
    note="questions on ECGs of PTB-XL and MIMIC-IV-ECG; every published file is known by its git object id (published.tsv)",
)

DATASET: Final = Dataset(CARD, lambda folder: ptbxl.recordings(folder.parent / ptbxl.CARD.name))
