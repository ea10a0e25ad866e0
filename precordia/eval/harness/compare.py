"""Two runs against each other on the samples they share, paired, by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core import bootstrap
from precordia.core.errors import InputError, UsageError
from precordia.eval.harness.results import read, read_samples

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("sample", "group")
"""Columns that name a sample; those present in both runs join them."""

PREFERRED = ("correct", "f1", "score", "error")
"""Per-sample figures to compare when none is named, in order of preference."""


@dataclass(frozen=True)
class Comparison:
    """How two systems differ on the same samples.

    Attributes:
        a, b: What was compared, "task:system".
        metric: The column, or "AUROC of COLUMN".
        value_a, value_b: The figure of each on the shared samples.
        difference: ``value_a - value_b``.
        low, high: Its 95% interval, patients resampled.
        p: Two-sided p value that there is no difference.
        n: Shared samples.
        n_patients: Patients they come from.
        only_a, only_b: Samples that only one of them has; they are left out.
        warnings: What makes the comparison doubtful.
    """

    a: str
    b: str
    metric: str
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    n_patients: int
    only_a: int
    only_b: int
    warnings: tuple[str, ...] = ()


def compare(a: str, b: str, metric: str | None = None, *, seed: int = 42) -> Comparison:
    """Compare two results by a paired bootstrap over patients.

    Args:
        a: ``PATH`` or ``PATH@SYSTEM``: a result document, or the folder of one, and which of its systems.
        b: Likewise.
        metric: A numeric column of the samples, whose means are compared; or ``auroc:TRUTH:SCORE``, two columns;
            None takes the first of :data:`PREFERRED` that both have.
        seed: Of the draws.

    Raises:
        InputError: a result is not there or keeps no samples, or they share none.
        UsageError: a system or column is not there; the message lists those that are.
    """
    (name_a, data_a, table_a), (name_b, data_b, table_b) = _load(a), _load(b)
    keys = [key for key in KEYS if key in table_a and key in table_b]
    if "sample" not in keys:
        raise InputError(f"{a}, {b}: samples have no column 'sample' to join by; run the tasks again")
    columns = _columns(metric, table_a, table_b)
    left, right = _keyed(table_a, keys, columns, a), _keyed(table_b, keys, columns, b)
    both = left.join(right, how="inner", lsuffix="_a", rsuffix="_b").dropna()
    if both.empty:
        raise InputError(f"{a} and {b} share no samples with figures; compare runs of the same task and data")
    both = both.sort_index()
    if "patient" in table_a:
        by_key = table_a.set_index(keys)["patient"]
        patients: Sequence[object] = by_key[~by_key.index.duplicated()].loc[both.index].astype(str).tolist()
    else:
        patients = [str(key) for key in both.index]
    warnings = [] if data_a == data_b else ["the two runs read different data"]
    x, y = (both[f"{columns[-1]}_{side}"].to_numpy(dtype=float) for side in "ab")
    if len(columns) == 2:
        truth = both[f"{columns[0]}_a"].to_numpy(dtype=bool)
        if not (truth == both[f"{columns[0]}_b"].to_numpy(dtype=bool)).all():
            warnings.append("the two runs disagree about the truth of some samples; the first is taken")
        estimate = bootstrap.auroc_difference(truth, x, y, patients, seed=seed)
        value_a, value_b = (bootstrap.auroc(truth, z, resamples=1).value for z in (x, y))
    else:
        estimate = bootstrap.difference(x, y, patients, seed=seed)
        value_a, value_b = float(x.mean()), float(y.mean())
    return Comparison(
        a=name_a,
        b=name_b,
        metric=columns[0] if len(columns) == 1 else f"AUROC of {columns[1]}",
        value_a=value_a,
        value_b=value_b,
        difference=estimate.value,
        low=estimate.low,
        high=estimate.high,
        p=1.0 if estimate.p is None else estimate.p,
        n=len(both),
        n_patients=len(set(patients)),
        only_a=len(left) - len(both),
        only_b=len(right) - len(both),
        warnings=tuple(warnings),
    )


def _load(name: str) -> tuple[str, Any, pd.DataFrame]:
    path, _, system = name.partition("@")
    document, samples = read(Path(path)), read_samples(Path(path))
    if "system" not in samples:
        if system:
            raise UsageError(f"{path}: measures one system only; name it without @{system}")
        return document.task, document.data, samples
    systems = sorted(samples["system"].unique())
    if not system and len(systems) == 1:
        system = systems[0]
    if system not in systems:
        raise UsageError(f"{path}: name one of its systems as {path}@SYSTEM (choices: {', '.join(systems)})")
    return f"{document.task}:{system}", document.data, samples[samples["system"] == system]


def _columns(metric: str | None, a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    shared = [c for c in a.columns if c in b and c not in KEYS and (is_numeric_dtype(a[c]) or is_bool_dtype(a[c]))]
    choices = f"(choices: {', '.join(shared) or 'none'}; or auroc:TRUTH:SCORE)"
    if metric is None:
        found = next((column for column in PREFERRED if column in shared), None)
        if found is None:
            raise UsageError(f"say which figure to compare with --metric {choices}")
        return [found]
    columns = metric.split(":")[1:] if metric.startswith("auroc:") else [metric]
    if not all(column in shared for column in columns) or (metric.startswith("auroc:") and len(columns) != 2):
        raise UsageError(f"no figure {metric!r} in both runs {choices}")
    return columns


def _keyed(table: pd.DataFrame, keys: list[str], columns: list[str], name: str) -> pd.DataFrame:
    keyed = table.set_index(keys)[columns]
    if keyed.index.has_duplicates:
        example = keyed.index[keyed.index.duplicated()][0]
        raise InputError(f"{name}: sample {example} stands there more than once; samples must be unique in a system")
    return keyed
