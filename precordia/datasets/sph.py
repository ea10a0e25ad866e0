"""SPH, Shandong Provincial Hospital: ``records/*.h5`` with AHA codes in ``metadata.csv``."""

from __future__ import annotations

from functools import partial
from typing import Final

from precordia.datasets.card import Dataset, DatasetCard, read_archive

CARD: Final = DatasetCard(
    name="sph",
    title="SPH",
    version="1",
    licence="CC BY 4.0",
    citation="Liu et al., Sci Data 2022;9:272",
    url="https://doi.org/10.6084/m9.figshare.c.5779802",
    files=("metadata.csv", "records"),
    layout="from documentation",
    note="500 Hz, mV; AHA statement codes",
)

DATASET: Final = Dataset(CARD, partial(read_archive, CARD))
