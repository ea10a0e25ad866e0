"""CODE-15 %: ``exams_part*.hdf5`` with six labels in ``exams.csv``."""

from __future__ import annotations

from functools import partial
from typing import Final

from precordia.datasets.card import Dataset, DatasetCard, read_archive

CARD: Final = DatasetCard(
    name="code15",
    title="CODE-15 %",
    version="1.0.0",
    licence="CC BY 4.0",
    citation="Ribeiro et al., Zenodo 2021, doi:10.5281/zenodo.4916206",
    url="https://zenodo.org/records/4916206",
    files=("exams.csv",),
    layout="from documentation",
    note="400 Hz, padded with zeros; the scale is that of the CODE test set, tenths of a mV",
)


def is_exam(path: str) -> bool:
    """Whether a row of a part is an exam: each part ends with a row of zeros that is numbered 0.

    >>> is_exam("exams_part0.hdf5#590673"), is_exam("exams_part0.hdf5#0")
    (True, False)
    """
    return not path.endswith("#0")


DATASET: Final = Dataset(CARD, partial(read_archive, CARD, is_ecg=is_exam))
