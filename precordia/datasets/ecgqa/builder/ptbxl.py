"""What PTB-XL's table, and the signals where they are wanted, say of its ECGs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from precordia.datasets.ecgqa.builder.annotated import (
    NOISES,
    axis_of_angle,
    axis_of_annotation,
    extra_systoles_of,
    leads_of,
    stages_of,
)
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.form_leads import leads_by_code
from precordia.datasets.ecgqa.builder.numeric import ranges_of
from precordia.datasets.ptbxl import Row, codes_of, fold_of, patient_of


def validated(row: Row) -> bool:
    """Whether a person has checked the row; ECG-QA asks about those only."""
    return row["validated_by_human"] == "True"


def facts_of(
    row: Row,
    *,
    axis_deg: Callable[[int], float | None] | None = None,
    features: Callable[[int], Mapping[str, float | None]] | None = None,
) -> Facts:
    """One row as facts; what is measured counts only in leads that no annotation calls noisy, as published.

    Args:
        row: Of the table.
        axis_deg: ``ecg_id`` to the frontal QRS axis, degrees; None takes the annotated axis, which ECG-QA does not.
        features: ``ecg_id`` to the six features, ms; None leaves numeric features open.
    """
    ecg_id = int(row["ecg_id"])
    codes = codes_of(row)
    noise = {name: leads for column, name in NOISES.items() if (leads := leads_of(row[column]))}
    spoilt = frozenset[str]().union(*noise.values()) | leads_of(row["extra_beats"])
    axis = axis_of_annotation(row["heart_axis"])
    if axis_deg is not None:
        axis = None if spoilt & {"I", "aVF"} else axis_of_angle(axis_deg(ecg_id))
    return Facts(
        ecg_id,
        f"ptbxl:{patient_of(row)}",
        codes,
        noise,
        extra_systoles_of(row["extra_beats"]),
        stages_of(row["infarction_stadium1"] or None, row["infarction_stadium2"] or None),
        axis,
        ranges_of(features(ecg_id)) if features is not None and "II" not in spoilt else {},
        leads_by_code(row["report"], codes),
        row["recording_date"],
    )


def rows_of(rows: Mapping[int, Row], folds: Iterable[int], ecgs: Iterable[int]) -> list[Row]:
    """The checked rows of some folds among some ECGs, in order."""
    wanted, here = set(folds), set(ecgs)
    return [row for i, row in sorted(rows.items()) if i in here and fold_of(row) in wanted and validated(row)]
