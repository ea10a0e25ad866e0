"""One SQL condition over a table in memory, run where it can neither reach nor cost more than it should.

What a condition may hold is listed, not what it may not: kinds of expression, functions, types to cast to. Nothing of the
list makes a text longer or a list larger than what it is given, gives another answer tomorrow, or reads anything but the
row. DuckDB stops at :data:`MAX_SECONDS` and :data:`MEMORY`, writes no temporary file and reaches no file.

A condition is run twice: on one row of nulls, where whatever goes wrong is the condition's own fault and may be told in
DuckDB's words, and on the table, where a message could hold a patient's text and so only its kind is told.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import FilterError

MAX_SECONDS: Final = 10.0
"""Longest run of one condition; a million rows of text take about one."""

MEMORY: Final = "512MB"
"""What DuckDB may hold besides the tables themselves."""

MAX_CHARS: Final = 20_000
"""Longest condition: a list of two thousand identifiers fits."""

MAX_TEXT_CALLS: Final = 32
"""Most calls that make a text of each row. Each holds a text for two thousand rows at a time, outside DuckDB's count."""

MAX_DEPTH: Final = 100
"""Deepest brackets. DuckDB takes a minute, which nothing ends, to see that three thousand of them are not closed."""

MAX_NESTED: Final = 200
"""Most expressions within one another; lists, and what "and" or "or" join, count as one."""

TABLE: Final = "cases"

_TOKEN: Final = re.compile(r"""(?<![\w'"])[eE]'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|['"$]|--|/\*""")
"""Quoted texts whole, brackets, and what could hide a bracket from us that DuckDB sees, or the other way about."""

_KINDS: Final = frozenset({
    "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "BETWEEN", "CASE", "CAST", "TYPE", "FUNCTION", "OPERATOR",
    "LAMBDA",
})  # fmt: skip
_TESTS: Final = frozenset({
    "+", "-", "*", "/", "//", "%", "abs", "ceil", "ceiling", "floor", "round", "trunc", "sign", "sqrt", "ln",
    "log10", "exp", "greatest", "least", "isnan", "isfinite", "isinf", "~~", "!~~", "~~*", "!~~*", "~~~",
    "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape", "regexp_matches", "regexp_full_match",
    "contains", "prefix", "suffix", "starts_with", "ends_with", "length", "len", "strlen", "instr", "strpos",
    "position", "list_value", "list_contains", "list_has", "array_contains", "list_has_any", "list_has_all", "&&",
    "@>", "<@", "list_filter", "array_length", "list_position", "map_contains", "map_extract_value", "cardinality",
    "if", "nullif", "date_part", "datepart", "year", "month", "day", "hour", "minute", "second", "dayofweek",
    "isodow", "dayofyear", "week", "quarter", "date_trunc", "date_diff", "datediff", "to_years", "to_months",
    "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds",
})  # fmt: skip
_TEXTS: Final = frozenset({
    "lower", "lcase", "upper", "ucase", "trim", "ltrim", "rtrim", "substring", "substr", "left", "right",
    "strip_accents",
})  # fmt: skip
FUNCTIONS: Final = _TESTS | _TEXTS
"""What a condition may call."""

_TYPES: Final = frozenset({
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR",
    "DATE", "TIME", "TIMESTAMP", "INTERVAL",
})  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A checked condition.

    Attributes:
        text: As its writer wrote it, for messages.
        sql: In DuckDB's dialect.
        names: The columns it names, as written.
    """

    text: str
    sql: str
    names: tuple[str, ...]


class ConditionEngine:
    """Parses and runs conditions in a DuckDB that can reach nothing but the table it is given."""

    def __init__(self, *, seconds: float = MAX_SECONDS) -> None:
        self.seconds = seconds
        self._connection: Any = _database().cursor()
        self._lock = threading.Lock()

    def parse(self, text: str, sql: str | None = None) -> Condition:
        """The condition, checked.

        Args:
            text: As its writer wrote it.
            sql: What it stands for in DuckDB's dialect, where that is something else.

        Raises:
            FilterError: it is not one condition, or holds what none may hold.
        """
        import duckdb

        sql = text if sql is None else sql
        if len(sql) > MAX_CHARS:
            raise FilterError(f"the filter has {len(sql)} characters, at most {MAX_CHARS} are read; make it shorter")
        _check_brackets(sql, text)
        try:
            with self._lock:
                # Not in parentheses here: "true) or (true" must not pass for one condition.
                query = f"SELECT\n{sql}\nFROM {TABLE}"
                parsed = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0][0]
        except duckdb.Error as error:
            raise FilterError(f"{_quoted(text)}: {_first_line(error)}") from None
        try:
            tree = json.loads(parsed)
        except RecursionError:  # before Python 3.12, whose parser has no such limit of its own
            raise _too_deep(text) from None
        if tree.get("error"):
            reason = " ".join(str(tree.get("error_message", "not SQL")).split())
            raise FilterError(f"{_quoted(text)}: {reason}")
        node = _only_expression(tree)
        if node is None:
            raise FilterError(f"{_quoted(text)}: only one condition is accepted, such as: age > 60 and sex = 'F'")
        _check(node, text)
        bound = {n for part in _walk(node) if part.get("class") == "LAMBDA" for n in _names(part.get("lhs") or {})}
        names = sorted({name for name in _names(node) if name not in bound})
        return Condition(text, sql, tuple(names))

    def select(self, condition: Condition, rows: pa.Table, key: str) -> NDArray[np.int64]:
        """The values of the integer column ``key`` in the rows for which a condition is true, ascending.

        Args:
            condition: From :meth:`parse`.
            rows: The key and the columns that it names.
            key: A column without nulls.

        Raises:
            FilterError: the types do not fit, or it takes too long or too much memory.
        """
        import duckdb

        nothing = pa.table({name: pa.nulls(1, rows.schema.field(name).type) for name in rows.column_names})
        with self._lock:
            try:
                self._run(condition, nothing, key)
            except duckdb.InterruptException:
                raise self._too_slow(condition) from None
            except duckdb.Error as error:
                raise FilterError(f"{_quoted(condition.text)}: {_first_line(error)}") from None
            try:
                found = self._run(condition, rows, key)
            except duckdb.InterruptException:
                raise self._too_slow(condition) from None
            except duckdb.OutOfMemoryException:
                raise FilterError(
                    f"{_quoted(condition.text)}: takes more than {MEMORY}; ask for less at a time"
                ) from None
            except duckdb.Error as error:
                # DuckDB quotes the value that does not fit, which may be what somebody wrote of a patient.
                raise FilterError(
                    f"{_quoted(condition.text)}: does not fit the values of a row ({type(error).__name__}); "
                    "where a text is to be a number, use try_cast"
                ) from None
        return np.sort(np.asarray(found, dtype=np.int64))

    def _run(self, condition: Condition, rows: pa.Table, key: str) -> Any:
        self._connection.register(TABLE, rows)
        try:
            with self._limited():
                query = f'SELECT "{key}" FROM {TABLE} WHERE (\n{condition.sql}\n)'
                return self._connection.execute(query).fetchnumpy()[key]
        finally:
            self._connection.unregister(TABLE)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        timer = threading.Timer(self.seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            # Joined, so that it cannot end a later question.
            timer.cancel()
            timer.join()

    def _too_slow(self, condition: Condition) -> FilterError:
        return FilterError(f"{_quoted(condition.text)}: took longer than {self.seconds:g} s; make it simpler")


@cache
def _database() -> Any:
    """The database of this process: to start one takes 20 ms, a connection that sees nothing of the others' tables none."""
    import duckdb

    database = duckdb.connect(":memory:")
    for setting in (
        "SET temp_directory=''",
        f"SET memory_limit='{MEMORY}'",
        "SET enable_external_access=false",
        "SET python_enable_replacements=false",
        "SET autoinstall_known_extensions=false",
        "SET autoload_known_extensions=false",
        "SET lock_configuration=true",
    ):
        database.execute(setting)
    return database


def _quoted(text: str) -> str:
    return f"filter {text if len(text) <= 200 else text[:200] + '…'!r}"


def _check_brackets(sql: str, text: str) -> None:
    """Refuse brackets that do not close before DuckDB looks for their ends."""
    depth = 0
    for found in _TOKEN.finditer(sql):
        token = found[0]
        if token in ("'", '"', "$", "--", "/*") or token.lower() == "e'":
            raise FilterError(f"{_quoted(text)}: an open quote, a comment, a dollar sign or E'' is not accepted")
        depth += {"(": 1, ")": -1}.get(token, 0)
        if not 0 <= depth <= MAX_DEPTH:
            break
    if depth:
        raise FilterError(f"{_quoted(text)}: brackets do not close, or are deeper than {MAX_DEPTH}")


def _check(node: Any, text: str) -> None:
    if _nested(node) > MAX_NESTED:
        raise _too_deep(text)
    n_texts = 0
    for part in _walk(node):
        kind = part.get("class")
        if kind is None:
            continue
        if kind not in _KINDS:
            raise FilterError(f"{_quoted(text)}: a {kind.lower()} is not accepted; give a condition on columns")
        if kind == "FUNCTION":
            name = str(part.get("function_name", "")).lower()
            if name not in FUNCTIONS:
                raise FilterError(
                    f"{_quoted(text)}: the function {name!r} is not accepted in a filter "
                    f"(functions: {', '.join(sorted(f for f in FUNCTIONS if f.isidentifier()))})"
                )
            n_texts += name in _TEXTS
        if kind == "CAST":
            _check_type(part, text)
            n_texts += "VARCHAR" in _types(part)
    if n_texts > MAX_TEXT_CALLS:
        raise FilterError(f"{_quoted(text)}: makes {n_texts} texts of each row, at most {MAX_TEXT_CALLS} are accepted")


def _types(cast: dict[str, Any]) -> set[str]:
    """The names of the types of a cast, however this version of DuckDB writes them."""
    found = {str(t["type_name"]).upper() for t in _walk(cast.get("type_expr")) if t.get("class") == "TYPE"}
    return found | {str(t["id"]).upper() for t in _walk(cast.get("cast_type")) if "id" in t}


def _check_type(cast: dict[str, Any], text: str) -> None:
    types = _types(cast)
    if not types or not types <= _TYPES:
        named = ", ".join(sorted(types - _TYPES)).lower() or "that"
        raise FilterError(f"{_quoted(text)}: a cast to {named} is not accepted (types: {', '.join(sorted(_TYPES))})")


def _only_expression(tree: dict[str, Any]) -> dict[str, Any] | None:
    """The expression of ``SELECT expression FROM cases``, None when the statement is anything else."""
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
        and source.get("table_name") == TABLE
        and not source.get("schema_name")
        and not source.get("catalog_name")
        and not any(node.get(k) for k in ("where_clause", "group_expressions", "having", "qualify", "sample"))
    )
    return node["select_list"][0] if plain and not node["select_list"][0].get("alias") else None


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree, in reading order."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(reversed(one.values()))
        elif isinstance(one, list):
            left.extend(reversed(one))


def _nested(node: Any) -> int:
    """How many expressions stand within one another, at most."""
    left, deepest = [(node, 0)], 0
    while left:
        one, depth = left.pop()
        if isinstance(one, dict):
            depth += "class" in one
            deepest = max(deepest, depth)
            left.extend((inside, depth) for inside in one.values())
        elif isinstance(one, list):
            left.extend((inside, depth) for inside in one)
    return deepest


def _too_deep(text: str) -> FilterError:
    return FilterError(f"{_quoted(text)}: nested too deeply; make it simpler")


def _names(node: Any) -> Iterator[str]:
    for part in _walk(node):
        if part.get("class") == "COLUMN_REF":
            yield ".".join(part.get("column_names") or [])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
