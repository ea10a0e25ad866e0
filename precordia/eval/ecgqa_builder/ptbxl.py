"""What PTB-XL's table, and the signals where they are wanted, say of its ECGs."""

from __future__ import annotations

import ast
import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from precordia.core.errors import InputError
from precordia.core.findings import Measurements
from precordia.eval.ecgqa_builder.axis import axis_of_angle
from precordia.eval.ecgqa_builder.extra_systole import extra_systoles_of
from precordia.eval.ecgqa_builder.facts import Facts
from precordia.eval.ecgqa_builder.form_leads import leads_by_code
from precordia.eval.ecgqa_builder.noise import NOISES, leads_of
from precordia.eval.ecgqa_builder.numeric import features_of, ranges_of
from precordia.eval.ecgqa_builder.stage import stages_of

Row = Mapping[str, str]


def read_table(folder: Path) -> tuple[dict[int, Row], str]:
    """PTB-XL's rows by ``ecg_id``, and the SHA-256 of the table.

    Raises:
        InputError: the folder is not PTB-XL.
    """
    path = folder / "ptbxl_database.csv"
    if not path.is_file():
        raise InputError(f"{path}: is not there; give the folder that holds ptbxl/ with --data")
    content = path.read_bytes()
    rows = csv.DictReader(content.decode("utf-8").splitlines())
    return {int(row["ecg_id"]): row for row in rows}, hashlib.sha256(content).hexdigest()


def validated(row: Row) -> bool:
    """Whether a person has checked the row; ECG-QA asks about those only."""
    return row["validated_by_human"] == "True"


def facts_of(
    row: Row,
    *,
    measured: Callable[[int], Measurements] | None = None,
    features: Callable[[int], Mapping[str, float | None]] | None = None,
) -> Facts:
    """One row as facts; axis and numeric features come from the signal, in leads that no annotation calls noisy.

    Args:
        row: Of the table.
        measured: ``ecg_id`` to its measurements; None leaves axis and numeric features open.
        features: ``ecg_id`` to the six features, ms, in place of those measurements.
    """
    ecg_id = int(row["ecg_id"])
    codes = {str(code): float(likelihood) for code, likelihood in ast.literal_eval(row["scp_codes"]).items()}
    noise = {name: leads for column, name in NOISES.items() if (leads := leads_of(row[column]))}
    spoilt = frozenset[str]().union(*noise.values()) | (leads_of(row["extra_beats"]))
    axis, values = None, dict[str, float | None]()
    if measured is not None:
        found = measured(ecg_id)
        axis = axis_of_angle(found.axis_deg) if not spoilt & {"I", "aVF"} else None
        values = features_of(found)
    if features is not None:
        values = dict(features(ecg_id))
    return Facts(
        ecg_id,
        f"ptbxl:{int(float(row['patient_id']))}",
        codes,
        noise,
        extra_systoles_of(row["extra_beats"]),
        stages_of(row["infarction_stadium1"] or None, row["infarction_stadium2"] or None),
        axis,
        ranges_of(values) if "II" not in spoilt else {},
        leads_by_code(row["report"], codes),
        row["recording_date"],
    )


def rows_of(rows: Mapping[int, Row], folds: Iterable[int], ecgs: Iterable[int]) -> list[Row]:
    """The checked rows of some folds among some ECGs, in order."""
    wanted, here = set(folds), set(ecgs)
    return [row for i, row in sorted(rows.items()) if i in here and int(row["strat_fold"]) in wanted and validated(row)]
