"""The label tables of MERL as the zero-shot task reads them: which ECGs have which classes, and what a class is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SAME: Final = ("AFIB", "AFLT", "PSVT", "SARRH", "SBRAD", "SR", "STACH", "SVARR", "SVTAC", "PACE", "BIGU", "TRIGU", "PAC", "PVC",
                "DIG", "HVOLT", "LVOLT", "LPR", "QWAVE", "VCLVH", "NDT", "LOWT", "ABQRS", "LNGQT", "PRC(S)", "INVT", "LVH", "RVH",
                "SEHYP", "CRBBB", "CLBBB", "ILBBB", "IRBBB", "IVCD", "WPW", "LAO/LAE", "RAO/RAE", "NORM", "LMI", "PMI", "RBBB",
                "LBBB", "1AVB", "2AVB", "MI")  # fmt: skip

CONCEPTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (name,) for name in _SAME},
    # PTB-XL: codes that the tables write without their underscore, and diagnostic subclasses (scp_statements.csv).
    "STD": ("STD_",), "STE": ("STE_",), "NT": ("NT_",), "NST": ("NST_",), "TAB": ("TAB_",), "ISC": ("ISC_",),
    "AMI": ("ASMI", "AMI", "ALMI", "INJAS", "INJAL", "INJLA"),
    "IMI": ("IMI", "ILMI", "IPLMI", "IPMI", "INJIN", "INJIL"),
    "LAFB/LPFB": ("LAFB", "LPFB"), "AVB": ("1AVB", "2AVB", "3AVB"),
    "ISCA": ("ISCAL", "ISCAS", "ISCLA", "ISCAN"), "ISCI": ("ISCIN", "ISCIL"),
    # CPSC2018.
    "VPC": ("PVC",),
    # Chapman-Shaoxing (Zheng et al., Sci Data 2020;7:48, tables of rhythms and conditions).
    "AQW": ("QWAVE",), "UW": ("UWAVE",), "AT": ("ATACH",), "VB": ("VBIG",), "ARS": ("RAD",), "ALS": ("LAD",), "SA": ("SARRH",),
    "VPB": ("PVC",), "APB": ("PAC",), "TWO": ("INVT",), "STTU": ("STE_",), "2AVB1": ("MOB1",), "PRIE": ("LPR",),
    "CCR": ("ROTCCW",), "CR": ("ROTCW",), "AF": ("AFLT",), "QTIE": ("LNGQT",), "VEB": ("VESC",), "SVT": ("SVTAC",),
    "STDD": ("STD_",), "TWC": ("TAB_",), "PWC": ("PABN",), "ERV": ("ERE",), "ST": ("STACH",), "JEB": ("JESC",),
}  # fmt: skip
"""Class to the findings of the vocabulary that it stands for."""

STTC: Final[Mapping[str, tuple[str, ...]]] = {
    "PTB-XL subclasses": ("NDT", "DIG", "LNGQT", "ANEUR", "EL"),
    "Chapman": ("STTA",),
}
"""The one class whose meaning depends on the table."""


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The rows of one table whose ECG is here.

    Attributes:
        name: As in the rows of the result.
        ecgs: Names: PTB-XL ids as text, or file names without ending.
        classes: Names of the columns.
        labels: ``(n, n_classes)``.
        folds: ``(n,)`` PTB-XL folds; zero for the other tables.
    """

    name: str
    ecgs: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def concepts(self, column: str) -> tuple[str, ...]:
        """The findings that a class stands for."""
        return STTC[self.name] if column == "STTC" else CONCEPTS[column]


_PTBXL: Final = {
    "PTB-XL superclasses": "super_class",
    "PTB-XL subclasses": "sub_class",
    "PTB-XL form": "form",
    "PTB-XL rhythm": "rhythm",
}
_OTHERS: Final = {"CPSC2018": ("icbeb", "filename"), "Chapman": ("chapman", "ecg_path")}
_NOT_CLASSES: Final = frozenset(
    ("ecg_id", "patient_id", "strat_fold", "filename_lr", "filename_hr", "super_class", "sub_class", "form", "rhythm", "ecg_path",
     "age", "sex", "diagnose", "filename", "validation", "scp_codes")
)  # fmt: skip


def read_tables(folder: Path, here: Mapping[str, object]) -> tuple[LabelTable, ...]:
    """All tables, train, validation and test parts together, cut to the ECGs that are here.

    Args:
        folder: Holds ``ptbxl``, ``icbeb`` and ``chapman``.
        here: Names of the ECGs that are here.
    """
    found = [_read(name, folder / "ptbxl" / part, f"ptbxl_{part}", "ecg_id", here) for name, part in _PTBXL.items()]
    found += [_read(name, folder / part, part, column, here) for name, (part, column) in _OTHERS.items()]
    return tuple(found)


def _read(name: str, folder: Path, stem: str, column: str, here: Mapping[str, object]) -> LabelTable:
    import pandas as pd

    table = pd.concat([pd.read_csv(folder / f"{stem}_{part}.csv") for part in ("train", "val", "test")])
    ecgs = [str(value).rsplit("/", 1)[-1].removesuffix(".mat") for value in table[column]]
    kept = np.array([ecg in here for ecg in ecgs])
    table = table[kept]
    classes = tuple(c for c in table.columns if c not in _NOT_CLASSES)
    folds = table["strat_fold"].to_numpy(dtype=np.int64) if "strat_fold" in table else np.zeros(len(table), np.int64)
    names = tuple(ecg for ecg, wanted in zip(ecgs, kept, strict=True) if wanted)
    return LabelTable(name, names, classes, table[list(classes)].to_numpy() > 0, folds)
