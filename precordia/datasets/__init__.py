"""Public ECG data sets: one loader each, with its card, for training, fitting and evaluation alike.

:data:`DATASETS` names them all; a further one is a module with a :class:`~precordia.datasets.card.Dataset` and a line here.
"""

from __future__ import annotations

from pathlib import Path

from precordia.core.registry import Registry
from precordia.datasets.card import Dataset

DATASETS: Registry[Dataset] = Registry(
    "data set",
    {
        "chapman_ningbo": "precordia.datasets.chapman_ningbo:DATASET",
        "cinc2011": "precordia.datasets.cinc2011:DATASET",
        "code15": "precordia.datasets.code15:DATASET",
        "cpsc2018": "precordia.datasets.cpsc:DATASET",
        "cpsc2018extra": "precordia.datasets.cpsc:EXTRA",
        "ecgqa": "precordia.datasets.ecgqa.dataset:DATASET",
        "ludb": "precordia.datasets.ludb:DATASET",
        "mimic-iv-ecg": "precordia.datasets.mimic_iv_ecg:DATASET",
        "ptbxl": "precordia.datasets.ptbxl:DATASET",
        "sph": "precordia.datasets.sph:DATASET",
    },
)


def table() -> str:
    """The data sets as a table in Markdown, as docs/datasets.md holds it; ``python -m precordia.datasets`` prints it."""
    head = ("name", "data set", "version", "licence", "published", "where to get it", "layout", "to mind")
    rows = [head, tuple("---" for _ in head)]
    for name in DATASETS:
        card = DATASETS.get(name).card
        rows.append(
            (f"`{name}`", card.title, card.version, card.licence, card.citation, card.url, card.layout, card.note)
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def find(name: str, data: Path) -> Path:
    """The folder of a data set in a folder of data.

    Raises:
        UnknownNameError: there is no such data set.
        InputError: files of it are not there.
    """
    card = DATASETS.get(name).card
    card.require(data / card.folder)
    return data / card.folder
