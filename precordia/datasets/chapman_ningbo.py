"""Chapman-Ningbo in the layout of CinC 2021: WFDB with SNOMED CT codes in the headers."""

from __future__ import annotations

from functools import partial
from typing import Final

from precordia.datasets.card import Dataset, DatasetCard, read_archive

CARD: Final = DatasetCard(
    name="chapman_ningbo",
    place="cinc2021/chapman_ningbo",
    title="Chapman-Ningbo",
    version="CinC 2021",
    licence="CC BY 4.0",
    citation="Zheng et al., Sci Data 2020;7:48; Zheng et al., Sci Rep 2020;10:2898",
    url="https://physionet.org/content/challenge-2021/",
    files=(),
    layout="seen",
    note="500 Hz",
)

DATASET: Final = Dataset(CARD, partial(read_archive, CARD))
