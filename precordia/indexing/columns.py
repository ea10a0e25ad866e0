"""The column table of the case table, derived from the fields of :class:`~precordia.core.case.Case`: to a row and back.

Every field has a typed column of its own to filter on, so that a new field is a new column without a line here; what has
no flat form (spans of findings, values a lead) stands once more, complete, in the JSON column ``details``. A file that was
written before a column was added reads as if it were null there, and the case has the field's default.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements

C = TypeVar("C", bound=Case)

_STRINGS: Final = pa.list_(pa.string())
_MEASURED: Final = frozenset(f.name for f in fields(Measurements))
"""What is measured today: a number of an earlier version that is measured no more is passed over."""
_STATUSES: Final = {"findings": "present", "findings_uncertain": "uncertain", "findings_absent": "absent"}


@dataclass(frozen=True, eq=False)
class CaseRow:
    """A case with what the table keeps beside it.

    Attributes:
        case: The case.
        embedding: ``(dim,)`` float32, unit norm.
        signal: The recording's signal as a blob.
        median_beats: The cart's median beats as a blob, or None.
        leads: Lead names, in the order of the signal's rows.
        patient_id: The patient as the file names them, or None.
        statements: The report in canonical English, or None.
        vendor_measurements: The cart's own measurements.
        notes: What the reader did.
        source_stamp: Size and time of the files it was read from.
    """

    case: Case
    embedding: NDArray[np.float32]
    signal: bytes
    median_beats: bytes | None = None
    leads: tuple[str, ...] = ()
    patient_id: str | None = None
    statements: str | None = None
    vendor_measurements: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source_stamp: str = ""


@dataclass(frozen=True)
class Column:
    """A column of the case table.

    Attributes:
        name: Its name.
        type: Its type.
        write: What it holds of a row.
    """

    name: str
    type: pa.DataType
    write: Callable[[CaseRow], Any]


class CaseColumns(Generic[C]):
    """The columns of cases of one class.

    Args:
        case: The class.

    Attributes:
        light: The columns without the vectors.
        whole: All columns.
        read: Those that :meth:`case_of` reads.
    """

    def __init__(self, case: type[C]) -> None:
        self._case = case
        hints = get_type_hints(case)
        self._plain = {f.name: (f, _plain_type(hints[f.name])) for f in fields(case) if f.name not in _APART}
        self._columns = [column for f in fields(case) for column in self._of_field(f)]
        self._columns.append(Column("details", pa.string(), _details))
        self.light: pa.Schema = pa.schema([(column.name, column.type) for column in self._columns])
        vectors = [pa.field(name, pa.list_(pa.float32())) for name in ("embedding", "text_embedding")]
        self.whole: pa.Schema = pa.schema([*self.light, *vectors])
        self.read = (*self._plain, "details")

    def table(
        self, rows: Sequence[CaseRow], ancestors: Callable[[str], Iterable[str]] = lambda concept: ()
    ) -> pa.Table:
        """Rows of the case table, ``text_embedding`` null.

        Args:
            rows: The cases.
            ancestors: What a concept implies.
        """
        arrays = {c.name: pa.array([c.write(row) for row in rows], type=c.type) for c in self._columns}
        implied = [
            sorted({*found, *(a for one in found for a in ancestors(one))}) for found in arrays["findings"].to_pylist()
        ]
        arrays["findings"] = pa.array(implied, type=_STRINGS)
        vectors = [np.asarray(row.embedding, dtype=np.float32) for row in rows]
        arrays["embedding"] = pa.array(vectors, type=self.whole.field("embedding").type)
        arrays["text_embedding"] = pa.nulls(len(rows), self.whole.field("text_embedding").type)
        return pa.Table.from_arrays([arrays[name] for name in self.whole.names], schema=self.whole)

    def case_of(self, row: Mapping[str, Any]) -> C:
        """The case that a row of the case table holds."""
        details = json.loads(row["details"])
        known: dict[str, Any] = {
            "findings": tuple(Finding(**{**f, "span": tuple(f["span"])}) for f in details["findings"]),
            "measurements": Measurements(**{n: v for n, v in details["measurements"].items() if n in _MEASURED}),
            "time": datetime.fromisoformat(details["time"]) if details["time"] else None,
        }
        for name, (of, kind) in self._plain.items():
            value = row[name]
            known[name] = _default(of) if value is None else _FROM_ARROW.get(kind.id, _same)(value)
        return self._case(**known)

    def _of_field(self, of: Field[Any]) -> Iterator[Column]:
        """The columns of a field, and those that stand beside it."""
        if of.name in _APART:
            yield from _APART[of.name]
            return
        kind = self._plain[of.name][1]
        to_arrow = _TO_ARROW.get(kind.id, _same)
        yield Column(of.name, _NARROWER.get(of.name, kind), lambda row: to_arrow(getattr(row.case, of.name)))
        yield from _BESIDE.get(of.name, ())


def _stated(status: str) -> Callable[[CaseRow], list[str]]:
    return lambda row: sorted({f.concept for f in row.case.findings if f.status == status})


def _wall_clock(row: CaseRow) -> datetime | None:
    """Wall-clock time of the place of recording: what "recorded after 18:00" means to people."""
    return row.case.time.replace(tzinfo=None) if row.case.time else None


def _details(row: CaseRow) -> str:
    case = row.case
    values = {
        "findings": [_values_of(f) for f in case.findings],
        "measurements": _values_of(case.measurements),
        "time": case.time.isoformat() if case.time else None,
        "patient_id": row.patient_id,
        "vendor_measurements": dict(row.vendor_measurements),
        "notes": list(row.notes),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True, default=_json)


def _values_of(part: Finding | Measurements) -> dict[str, Any]:
    """Its fields. ``asdict`` would copy every number of every lead, for longer than all other columns take."""
    return {of.name: getattr(part, of.name) for of in fields(part)}


_APART: Final[Mapping[str, Sequence[Column]]] = {
    "findings": [Column(name, _STRINGS, _stated(status)) for name, status in _STATUSES.items()],
    "measurements": [
        *(Column(name, pa.float64(), attrgetter(f"case.measurements.{name}")) for name in Measurements().scalars()),
        Column("rhythm_regularity", pa.string(), lambda row: row.case.measurements.rhythm_regularity),
    ],
    "time": [Column("time", pa.timestamp("us"), _wall_clock)],
}
"""Fields that stand whole in ``details``, and the columns that filters ask."""

_BESIDE: Final[Mapping[str, Sequence[Column]]] = {
    "report": [Column("statements", pa.string(), lambda row: row.statements)],
    "n_leads": [Column("leads", _STRINGS, lambda row: list(row.leads))],
    "source": [Column("source_stamp", pa.string(), lambda row: row.source_stamp)],
}
"""What the table keeps beside a case, after the field it belongs to."""

_NARROWER: Final[Mapping[str, pa.DataType]] = {"n_leads": pa.int32()}


def _same(value: Any) -> Any:
    return value


_MAP: Final = pa.map_(pa.string(), pa.string())
_TO_ARROW: Final[Mapping[int, Callable[[Any], Any]]] = {
    _STRINGS.id: list,
    _MAP.id: lambda values: sorted((str(key), str(value)) for key, value in values.items()),
}
_FROM_ARROW: Final[Mapping[int, Callable[[Any], Any]]] = {_STRINGS.id: tuple, _MAP.id: dict}
_KINDS: Final[Mapping[Any, pa.DataType]] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    Literal: pa.string(),
    tuple: _STRINGS,
    Mapping: _MAP,
}
"""Python's type, or what it is a form of, to the column's."""


def _plain_type(hint: Any) -> pa.DataType:
    """The type of a field's column.

    Raises:
        TypeError: it is none that a column can have.
    """
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    kind = _KINDS.get(get_origin(hint) or hint)
    if kind is None:
        raise TypeError(f"no column can hold {hint}: use a text, a number, a tuple of texts or a table of texts")
    return kind


def _default(of: Field[Any]) -> Any:
    if of.default_factory is not MISSING:
        return of.default_factory()
    return None if of.default is MISSING else of.default


def _json(value: Any) -> Any:
    """Numpy scalars and read-only mappings as JSON."""
    if hasattr(value, "items"):
        return dict(value)
    return value.item()
