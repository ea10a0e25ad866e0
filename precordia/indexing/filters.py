"""``where``: one SQL condition over the columns of the case table and the keys of the metadata.

DuckDB's dialect, as a boolean expression: ``age > 60 and sex = 'F' and qrs_ms > 120``. Beyond it:

- ``findings has 'LBBB'`` is true for cases whose list holds the entry (also for ``findings_uncertain``,
  ``findings_absent``, ``codes``, ``leads`` and ``vendor_statements``); ``findings has any ('LBBB', 'RBBB')`` and
  ``has all`` work likewise. Findings hold what is stated as present and everything that it implies.
- A metadata key is a column (``strat_fold <= 8``), a number where all its values are numbers. Keys that are no plain
  words stand in double quotes; a key that is also a column's name is ``metadata['age']``.

Nothing but an expression is accepted: no second statement, no subquery, no files.
"""

from __future__ import annotations

import difflib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import FilterError
from precordia.indexing.schema import FILTER_COLUMNS

_LISTS: Final = "findings|findings_uncertain|findings_absent|codes|leads|vendor_statements"
_LITERAL: Final = r"'(?:[^']|'')*'"
_HAS: Final = re.compile(
    rf"(?P<literal>{_LITERAL})|(?P<column>\b(?:{_LISTS})\b|\"(?:{_LISTS})\")\s+has\s+"
    rf"(?:(?P<one>{_LITERAL})|(?P<which>any|all)\s*\(\s*(?P<many>{_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\))",
    re.IGNORECASE,
)
_TABLE: Final = "cases"


@dataclass(frozen=True)
class Expression:
    """A checked condition.

    Attributes:
        sql: In DuckDB's dialect.
        names: The columns it names, as written.
        concepts: The entries of ``findings...`` columns that it asks for with ``has``.
    """

    sql: str
    names: tuple[str, ...]
    concepts: tuple[str, ...]


class FilterEngine:
    """Parses and runs conditions in a DuckDB that can reach nothing but the table it is given."""

    def __init__(self) -> None:
        import duckdb

        self._connection: Any = duckdb.connect(":memory:")
        self._lock = threading.Lock()
        for setting in (
            "SET enable_external_access=false",
            "SET python_enable_replacements=false",
            "SET autoinstall_known_extensions=false",
            "SET autoload_known_extensions=false",
            "SET lock_configuration=true",
        ):
            self._connection.execute(setting)

    def parse(self, where: str) -> Expression:
        """The condition, checked.

        Raises:
            FilterError: not one boolean expression.
        """
        import duckdb

        sql, concepts = _rewrite_has(where)
        statement = f"SELECT (\n{sql}\n) FROM {_TABLE}"
        try:
            with self._lock:
                text = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchall()[0][0]
        except duckdb.Error as error:
            raise FilterError(f"filter {where!r}: {_first_line(error)}") from None
        tree = json.loads(text)
        if tree.get("error"):
            raise FilterError(f"filter {where!r}: {' '.join(str(tree.get('error_message', 'not SQL')).split())}")
        node = _only_expression(tree)
        if node is None:
            raise FilterError(f"filter {where!r}: only one condition is accepted, such as: age > 60 and sex = 'F'")
        for part in _walk(node):
            if part.get("class") in ("SUBQUERY", "WINDOW", "STAR", "PARAMETER"):
                kind = part["class"].lower()
                raise FilterError(f"filter {where!r}: a {kind} is not accepted; give a condition on columns")
        bound = {n for part in _walk(node) if part.get("class") == "LAMBDA" for n in _names(part.get("lhs") or {})}
        names = sorted({name for name in _names(node) if name not in bound})
        return Expression(sql, tuple(names), tuple(concepts))

    def run(self, expression: Expression, where: str, rows: pa.Table) -> NDArray[np.int64]:
        """Ids of the rows for which a condition is true, ascending.

        Args:
            expression: The condition.
            where: As the caller wrote it, for messages.
            rows: ``case_id`` and the columns that it names.

        Raises:
            FilterError: the types do not fit.
        """
        import duckdb

        with self._lock:
            self._connection.register(_TABLE, rows)
            try:
                query = f"SELECT case_id FROM {_TABLE} WHERE (\n{expression.sql}\n)"
                found = self._connection.execute(query).fetchnumpy()["case_id"]
            except duckdb.Error as error:
                raise FilterError(f"filter {where!r}: {_first_line(error)}") from None
            finally:
                self._connection.unregister(_TABLE)
        return np.sort(np.asarray(found, dtype=np.int64))


def resolve(
    expression: Expression, where: str, columns: Iterable[str], keys: Iterable[str]
) -> dict[str, tuple[str, str | None]]:
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
            raise FilterError(f"filter {where!r}: there is no column {name!r}{hint} ({listed})")
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
    named = resolve(expression, where, FILTER_COLUMNS, keys)
    arrays = {"case_id": rows.column("case_id")}
    for name, (column, key) in named.items():
        values = rows.column(column)
        arrays[name] = values if key is None else metadata_column(values, key)
    chosen = engine.run(expression, where, pa.table(arrays))
    return pa.array(np.isin(rows.column("case_id").to_numpy(), chosen))


def check_concepts(expression: Expression, where: str, known: Callable[[str], bool], all_names: Iterable[str]) -> None:
    """Refuse ``findings has 'X'`` for an X that no report can hold.

    Raises:
        FilterError: the vocabulary does not know the concept.
    """
    for concept in expression.concepts:
        if not known(concept):
            close = difflib.get_close_matches(concept.upper(), sorted(all_names), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise FilterError(f"filter {where!r}: the vocabulary has no finding {concept!r}{hint}")


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


def _only_expression(tree: dict[str, Any]) -> dict[str, Any] | None:
    """The expression of ``SELECT (expression) FROM cases``, None when the statement is anything else."""
    statements = tree.get("statements") or []
    if len(statements) != 1:
        return None
    node = statements[0].get("node") or {}
    source = node.get("from_table") or {}
    plain = (
        node.get("type") == "SELECT_NODE"
        and not node.get("modifiers")
        and not (node.get("cte_map") or {}).get("map")
        and len(node.get("select_list") or []) == 1
        and source.get("type") == "BASE_TABLE"
        and source.get("table_name") == _TABLE
        and not source.get("schema_name")
        and not source.get("catalog_name")
        and not any(node.get(k) for k in ("where_clause", "group_expressions", "having", "qualify", "sample"))
    )
    return node["select_list"][0] if plain else None


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _names(node: Any) -> Iterator[str]:
    for part in _walk(node):
        if part.get("class") == "COLUMN_REF":
            yield ".".join(part.get("column_names") or [])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
