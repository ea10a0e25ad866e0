"""The whole archive as columns of small numbers: who comes first, and how many of what there are among some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from precordia.concepts import vocabulary
from precordia.indexing.store import DeltaCaseStore

FINDINGS_SHOWN: Final = 60
"""Most findings of a facet: the commonest."""

_BANDS: Final = ((0.9, "good"), (0.7, "fair"), (0.0, "poor"))
_SEXES: Final = {"F": "female", "M": "male"}


@dataclass(frozen=True, eq=False)
class Column:
    """One facet: a code a case, -1 where it is unknown."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]
    names: tuple[str, ...]

    def counts(self, rows: NDArray[np.bool_]) -> list[dict[str, Any]]:
        """How many of each there are among some cases, those that are not there left out."""
        there = self.codes[rows]
        n = np.bincount(there[there >= 0], minlength=len(self.values))
        return [
            {"value": value, "name": name, "count": int(count)}
            for value, name, count in zip(self.values, self.names, n, strict=True)
            if count
        ]


@dataclass(frozen=True, eq=False)
class Census:
    """An archive in columns; rows are in the order of ``ids``, which ascend.

    Attributes:
        ids: ``(n,)`` case ids, ascending.
        newest: ``(n,)`` rows, newest first, those without a time last, ties by id.
        columns: Facet to its column.
        owner: ``(m,)`` row of each finding that is present.
        finding: ``(m,)`` its number in ``concepts``.
        concepts: Findings by number.
    """

    ids: NDArray[np.int64]
    newest: NDArray[np.int64]
    columns: dict[str, Column]
    owner: NDArray[np.int32]
    finding: NDArray[np.int32]
    concepts: tuple[str, ...]

    @classmethod
    def of(cls, store: DeltaCaseStore) -> Census:
        """Count an archive once."""
        order = np.argsort(store.column("case_id").to_numpy(), kind="stable")
        ids = store.column("case_id").to_numpy()[order]
        column = {name: store.column(name).take(pa.array(order)) for name in ("time", "sex", "age", "device")}
        when = column["time"].cast(pa.timestamp("us")).combine_chunks()
        stamp = pc.fill_null(when.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
        age = pc.fill_null(column["age"].cast(pa.float64()), np.nan).to_numpy()
        score = store.column("quality_score").take(pa.array(order)).cast(pa.float64()).to_numpy()
        decade = np.where(np.isfinite(age), np.nan_to_num(age) // 10, -1).astype(np.int64)
        band = np.select([score >= least for least, _ in _BANDS], range(len(_BANDS)), -1).astype(np.int32)
        listed = pc.fill_null(store.column("findings"), []).take(pa.array(order)).combine_chunks()
        coded = pc.list_flatten(listed).dictionary_encode()
        return cls(
            ids,
            np.lexsort((ids, ~stamp)),
            {
                "sex": _texts(column["sex"], _SEXES),
                "age": _numbers(decade, lambda d: (str(d * 10), f"{d * 10} to {d * 10 + 9}")),
                "year": _numbers(_filled(pc.year(when)), lambda y: (str(y), str(y))),
                "device": _texts(column["device"], {}),
                "quality": Column(band, tuple(n for _, n in _BANDS), tuple(n for _, n in _BANDS)),
            },
            pc.list_parent_indices(listed).to_numpy().astype(np.int32),
            coded.indices.to_numpy().astype(np.int32),
            tuple(coded.dictionary.to_pylist()),
        )

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Cases as a mask over rows."""
        mask = np.zeros(self.ids.size, dtype=bool)
        at = np.searchsorted(self.ids, ids)
        mask[at[at < self.ids.size]] = True
        return mask

    def facets(self, ids: NDArray[np.int64]) -> dict[str, list[dict[str, Any]]]:
        """How many of what there are among some cases."""
        rows = self.rows(ids)
        n = np.bincount(self.finding[rows[self.owner]], minlength=len(self.concepts))
        first = [int(i) for i in np.argsort(-n, kind="stable")[:FINDINGS_SHOWN] if n[i]]
        found = [{"value": self.concepts[i], "name": name_of(self.concepts[i]), "count": int(n[i])} for i in first]
        return {"finding": found, **{name: column.counts(rows) for name, column in self.columns.items()}}


def name_of(concept: str) -> str:
    """A finding's name for people."""
    return vocabulary().concept(concept).name if concept in vocabulary() else concept


def _texts(column: Any, names: dict[str, str]) -> Column:
    coded = column.combine_chunks().dictionary_encode()
    values = tuple(coded.dictionary.to_pylist())
    codes = pc.fill_null(coded.indices.cast(pa.int32()), -1).to_numpy()
    return Column(codes, values, tuple(names.get(value, value) for value in values))


def _filled(years: Any) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(years.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))


def _numbers(numbers: NDArray[np.int64], told: Any) -> Column:
    found = np.unique(numbers[numbers >= 0])
    codes = np.where(numbers >= 0, np.searchsorted(found, numbers), -1).astype(np.int32)
    pairs = [told(int(number)) for number in found]
    return Column(codes, tuple(value for value, _ in pairs), tuple(name for _, name in pairs))
