"""CPSC2018 and the training records that CinC 2020 added to it: WFDB, or the ``.mat`` files of the first layout."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path
from typing import Final

from precordia.datasets.card import Dataset, DatasetCard, read_archive

CARD: Final = DatasetCard(
    name="cpsc2018",
    place="cinc2021/cpsc2018",
    title="CPSC2018",
    version="CinC 2021",
    licence="CC BY 4.0",
    citation="Liu et al., J Med Imaging Health Inform 2018;8:1368-1373",
    url="https://physionet.org/content/challenge-2021/",
    note="500 Hz, 6 to 60 s; files of the first layout have no header, their classes stand in the reference table",
)
EXTRA_CARD: Final = DatasetCard(
    name="cpsc2018extra",
    place="cinc2021/cpsc2018extra",
    title="CPSC-Extra",
    version="CinC 2021",
    licence="CC BY 4.0",
    citation="Perez Alday et al., Physiol Meas 2020;41:124003",
    url="https://physionet.org/content/challenge-2021/",
    note="unused records of CPSC2018 with SNOMED CT codes in the headers",
)
CLASSES: Final = (
    "scp:NORM", "snomed:164889003", "snomed:270492004", "snomed:164909002", "snomed:59118001", "snomed:284470004",
    "snomed:164884008", "snomed:429622005", "snomed:164931005",
)  # fmt: skip
"""Classes 1 to 9: normal, atrial fibrillation, first-degree AV block, left and right bundle branch block, atrial and
ventricular premature beats, ST depression and elevation."""


def read_classes(manifest: Path) -> dict[str, tuple[str, ...]]:
    """File name to findings, of CPSC2018's own reference table as the manifest quotes it."""
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label_scheme"] == "cpsc2018 REFERENCE"]
    found = {}
    for row in rows:
        labels = json.loads(row["labels"])
        numbers = [labels[key] for key in ("First_label", "Second_label", "Third_label") if labels[key]]
        found[Path(row["path"]).stem] = tuple(CLASSES[int(number) - 1] for number in numbers)
    return found


DATASET: Final = Dataset(CARD, partial(read_archive, CARD))
EXTRA: Final = Dataset(EXTRA_CARD, partial(read_archive, EXTRA_CARD))
