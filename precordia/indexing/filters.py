"""``where``: one SQL condition over the columns of the case table and the keys of the metadata.

DuckDB's dialect, as a boolean expression: ``age > 60 and sex = 'F' and qrs_ms > 120``. Beyond it:

- ``findings has 'LBBB'`` is true for cases whose list holds the entry (also for ``findings_uncertain``,
  ``findings_absent``, ``codes``, ``leads``, ``events`` and ``vendor_statements``); ``findings has any ('LBBB', 'RBBB')`` and
  ``has all`` work likewise. Findings hold what is stated as present and everything that it implies.
- A metadata key is a column (``strat_fold <= 8``), a number where all its values are numbers. Keys that are no plain
  words stand in double quotes; a key that is also a column's name is ``metadata['age']``.

Nothing but an expression is accepted: no second statement, no subquery, no files, and of functions only those listed in
:mod:`precordia.records.conditions`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import FilterError
from precordia.indexing.schema import FILTER_COLUMNS, PRIVATE_COLUMNS
from precordia.records.conditions import Condition, ConditionEngine

_LISTS: Final = "findings|findings_uncertain|findings_absent|codes|leads|vendor_statements|events"
_LITERAL: Final = r"'(?:[^']|'')*'"
_HAS: Final = re.compile(
    rf"(?P<literal>{_LITERAL})|(?P<column>\b(?:{_LISTS})\b|\"(?:{_LISTS})\")\s+has\s+"
    rf"(?:(?P<one>{_LITERAL})|(?P<which>any|all)\s*\(\s*(?P<many>{_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Expression(Condition):
    """A checked condition that may ask for findings.

    Attributes:
        concepts: The entries of ``findings...`` columns that it asks for with ``has``.
    """

    concepts: tuple[str, ...] = ()


class FilterEngine:
    """Conditions over the case table, with ``has``; see :mod:`precordia.records.conditions` for what they are kept from."""

    def __init__(self) -> None:
        self._engine = ConditionEngine()

    def parse(self, where: str) -> Expression:
        """The condition, checked.

        Raises:
            FilterError: not one boolean expression, or one that holds what none may hold.
        """
        sql, concepts = _rewrite_has(where)
        checked = self._engine.parse(where, sql)
        return Expression(where, sql, checked.names, tuple(concepts))

    def run(self, expression: Expression, rows: pa.Table) -> NDArray[np.int64]:
        """Ids of the rows for which a condition is true, ascending.

        Args:
            expression: The condition.
            rows: ``case_id`` and the columns that it names.

        Raises:
            FilterError: the types do not fit, or it takes too long or too much memory.
        """
        return self._engine.select(expression, rows, "case_id")


def resolve(expression: Expression, columns: Iterable[str], keys: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """The name each column is written by, to ``(column, metadata key or None)``; columns come before keys.

    Raises:
        FilterError: there is no such column; the message suggests one and lists them.
    """
    columns, keys = list(columns), list(keys)
    by_lower: dict[str, tuple[str, str | None]] = {}
    for key in keys:
        by_lower.setdefault(key.lower(), ("metadata", key))
    by_lower.update({name.lower(): (name, None) for name in columns})
    exact: dict[str, tuple[str, str | None]] = {key: ("metadata", key) for key in keys}
    exact.update({name: (name, None) for name in columns})
    out: dict[str, tuple[str, str | None]] = {}
    for name in expression.names:
        found = exact.get(name) or by_lower.get(name.lower())
        if found is None:
            known = [*columns, *keys]
            close = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1)
            hint = f"; did you mean {next(k for k in known if k.lower() == close[0])!r}?" if close else ""
            listed = f"columns: {', '.join(columns)}" + (f"; metadata: {', '.join(keys)}" if keys else "")
            raise FilterError(f"filter {expression.text!r}: there is no column {name!r}{hint} ({listed})")
        out[name] = found
    return out


def metadata_column(chunks: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    """One key of a map column: float64 where all its values are numbers (empty and "nan" are null), else text."""
    import pyarrow.compute as pc

    text = pa.chunked_array([pc.map_lookup(c, key, "first") for c in chunks.chunks], type=pa.string())
    trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(["", "nan", "none", "null", "n/a", "na"]))
    values = pc.if_else(pc.fill_null(missing, False), pa.scalar(None, pa.string()), trimmed)
    try:
        return pc.cast(values, pa.float64())
    except pa.ArrowInvalid:
        return values


def select_rows(rows: pa.Table, where: str) -> pa.BooleanArray:
    """Which rows of a case table in memory satisfy a condition.

    Raises:
        FilterError: the expression is not valid.
    """
    import pyarrow.compute as pc

    engine = FilterEngine()
    expression = engine.parse(where)
    keys = sorted({key for chunk in rows.column("metadata").chunks for key in pc.unique(chunk.keys).to_pylist()})
    named = resolve(expression, FILTER_COLUMNS, keys)
    arrays = {"case_id": rows.column("case_id")}
    for name, (column, key) in named.items():
        values = rows.column(column)
        arrays[name] = values if key is None else metadata_column(values, key)
    chosen = engine.run(expression, pa.table(arrays))
    return pa.array(np.isin(rows.column("case_id").to_numpy(), chosen))


def check_concepts(expression: Expression) -> None:
    """Refuse ``findings has 'X'`` for an X that no report can hold.

    Raises:
        FilterError: the vocabulary does not know the concept.
    """
    known = known_concepts() if expression.concepts else frozenset()
    for concept in expression.concepts if known else ():
        if concept not in known:
            close = difflib.get_close_matches(concept.upper(), sorted(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise FilterError(f"filter {expression.text!r}: the vocabulary has no finding {concept!r}{hint}")


def check_public(where: str) -> None:
    """Refuse a condition on one of :data:`~precordia.indexing.schema.PRIVATE_COLUMNS`: answers would spell it out bit by bit.

    Raises:
        FilterError: it names one, or is no condition.
    """
    for name in _engine().parse(where).names:
        if set(name.lower().split(".")) & set(PRIVATE_COLUMNS):
            raise FilterError(f"filter: the column {name!r} is for administrators")


@lru_cache(maxsize=1)
def _engine() -> FilterEngine:
    return FilterEngine()


@lru_cache(maxsize=1)
def known_concepts() -> frozenset[str]:
    """The ids of the vocabulary."""
    from precordia.concepts import vocabulary

    return frozenset(concept.id for concept in vocabulary())


def _rewrite_has(where: str) -> tuple[str, list[str]]:
    concepts: list[str] = []

    def rewritten(match: re.Match[str]) -> str:
        column = match["column"]
        if column is None:
            return match[0]
        literals = re.findall(_LITERAL, match["one"] or match["many"])
        if column.strip('"').lower().startswith("findings"):
            literals = [text.upper() for text in literals]
            concepts.extend(text[1:-1].replace("''", "'") for text in literals)
        tests = [f"list_contains({column}, {text})" for text in literals]
        return "(" + (" AND " if (match["which"] or "").lower() == "all" else " OR ").join(tests) + ")"

    return _HAS.sub(rewritten, where), concepts
