"""How a report table fits an archive: how many recordings have a row, by which column, and what to do when none has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import UsageError
from precordia.records.places import MARK, name_of, split_place
from precordia.records.scan import RecordRef
from precordia.records.sheets.cells import cell_text, fold
from precordia.records.sheets.columns import load_table
from precordia.records.sheets.mapping import WAY, TableMapping, mapping_for
from precordia.records.tables.report_table import ReportTable

MOST_READ: Final = 32
"""Recordings that are read to see how a table joins, where the id stands inside the file."""

_COLUMNS_SHOWN: Final = 40


@dataclass(frozen=True)
class Join:
    """How a table and a set of recordings fit.

    Attributes:
        table: The table's file.
        n_rows: Its rows.
        n_recordings: Recordings that were looked up: all, or a sample where they must be read for it.
        n_joined: Those of them that have a row.
        n_ambiguous: Those for which several rows fit that do not say the same; they get none.
        n_reports: Rows joined that hold a report.
        report: The report columns.
        codes: The columns of codes.
        by: The columns by which recordings are identified, or "position" for arrays of one ECG a row.
        loose: Whether ids were compared without folders, extensions, case and leading zeros.
        sampled: Whether only a sample was looked up.
        columns: All columns.
    """

    table: str
    n_rows: int
    n_recordings: int
    n_joined: int
    n_ambiguous: int
    n_reports: int
    report: tuple[str, ...]
    codes: tuple[str, ...]
    by: tuple[str, ...]
    loose: bool
    sampled: bool
    columns: tuple[str, ...]

    def line(self) -> str:
        """One line for people."""
        of = f"{self.n_joined} of {self.n_recordings}{' looked at' if self.sampled else ''}"
        said = (
            f"report column: {', '.join(self.report[:3])}{', ...' if len(self.report) > 3 else ''}"
            if self.report
            else ""
        )
        coded = f"codes from {', '.join(self.codes[:8])}" if self.codes else ""
        loose = " (without folders, extensions, case and leading zeros)" if self.loose else ""
        parts = [
            f"{of} recordings have a row in {Path(self.table).name} ({self.n_rows} rows)",
            *filter(None, (said or "no report column", coded)),
            f"id column: {', '.join(self.by)}{loose}",
        ]
        if self.report and self.n_reports < self.n_joined:
            parts.append(f"{self.n_joined - self.n_reports} of the rows have no report")
        if self.n_ambiguous:
            parts.append(f"{self.n_ambiguous} more have several rows that differ, and get none")
        return "; ".join(parts)

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def load_for(path: Path, refs: Sequence[RecordRef]) -> ReportTable:
    """The table in a file, its mapping guessed; where no column is called like ids, by the one that holds these names.

    Raises:
        InputError: the file is no table.
        UsageError: no column identifies recordings.
    """
    table = load_table(path)
    mapping = mapping_for(table.column_names)
    if not mapping.ids and not mapping.files:
        mapping = replace(mapping, ids=tuple(_column_of_names(table, refs)[:1]))
    return ReportTable.of(table, mapping, path)


def fit(table: ReportTable, refs: Sequence[RecordRef]) -> tuple[ReportTable, Join]:
    """The table, its ids compared as they fit these recordings best, and how they fit.

    Ids are compared as they stand. Where that joins fewer recordings, they are compared without folders, extensions, case
    and leading zeros, provided that no two recordings then share a row. Arrays of as many ECGs as the table has rows (or
    rows of the split that the file is named after) join by position, and a guessed mapping whose ids join nothing gives
    way to the column that holds the recordings' names.
    """
    if table.mapping.match != "recording_id":
        step = max(1, -(-len(refs) // MOST_READ))
        return table, _join_of(table, _rows(table, refs[::step]), sampled=step > 1)
    best, joined = table, _rows(table, refs)
    for other in _others(table, refs) if not all(joined) else ():
        rows = _rows(other, refs)
        taken = Counter(row[0] for row in rows if len(row) == 1)
        if sum(map(bool, rows)) > sum(map(bool, joined)) and max(taken.values(), default=0) <= 1:
            best, joined = other, rows
    return best, _join_of(best, joined, sampled=False)


def check(join: Join, mapping: TableMapping, given: bool) -> None:
    """Refuse a table that joins nothing, or that was guessed to have neither reports nor codes.

    Args:
        join: How it fits.
        mapping: The mapping used.
        given: Whether the mapping was given: then a table without reports is meant to be one.

    Raises:
        UsageError: with the columns there are, and the way to a mapping.
    """
    columns = ", ".join(join.columns[:_COLUMNS_SHOWN])
    way = f"say in a mapping what they are: {WAY}"
    if join.n_recordings and not join.n_joined and not join.sampled:
        why = f"; {join.n_ambiguous} have several rows that differ" if join.n_ambiguous else ""
        by = ", ".join(mapping.ids + mapping.files)
        raise UsageError(
            f"{join.table}: none of {join.n_recordings} recordings has a row there by {by}{why}; columns: {columns}; {way}"
        )
    if not (join.report or join.codes or given):
        raise UsageError(f"{join.table}: no column is known to hold reports or codes; columns: {columns}; {way}")


def suggest_mapping(table: Any, path: str, refs: Sequence[RecordRef]) -> TableMapping:
    """A mapping to start from: columns by their usual names, ids by what stands in them, the longest texts as the report.

    Args:
        table: A ``pyarrow.Table``.
        path: Its file, for messages.
        refs: The recordings that it is to be joined to.
    """
    columns = tuple(table.column_names)
    mapping = mapping_for(columns)
    if set(mapping.requires) & set(columns):
        return mapping  # of an archive that is known
    mapping = replace(mapping, name="own")
    ids = _column_of_names(table, refs) or mapping.ids or mapping.files or columns[:1]
    if not _guess_joins(table, mapping, path, refs):
        mapping = replace(mapping, ids=tuple(ids)[:1], files=())
    if not mapping.report and not mapping.codes:
        taken = {*mapping.ids, *mapping.files, *mapping.used}
        lengths = {column: _text_length(table, column) for column in columns if column not in taken}
        longest = max(lengths, key=lambda column: lengths[column], default=None)
        if longest is not None and lengths[longest] > 3:
            mapping = replace(mapping, report=(longest,))
    return mapping


def _others(table: ReportTable, refs: Sequence[RecordRef]) -> Iterator[ReportTable]:
    yield table.loosened()
    positions = _positions(table, refs)
    if positions:
        yield table.positioned(positions)
    if table.mapping.name.startswith("guessed"):
        for column in _column_of_names(table.arrow, refs)[:1]:
            other = table.remapped(replace(table.mapping, ids=(column,), files=()))
            yield other
            yield other.loosened()


def _rows(table: ReportTable, refs: Sequence[RecordRef]) -> list[tuple[int, ...]]:
    return [table.rows_of_ref(ref) for ref in refs]


def _join_of(table: ReportTable, rows: Sequence[tuple[int, ...]], *, sampled: bool) -> Join:
    mapping = table.mapping
    single = [row[0] for row in rows if len(row) == 1 and row[0] >= 0]
    return Join(
        table=table.path,
        n_rows=len(table),
        n_recordings=len(rows),
        n_joined=len(single),
        n_ambiguous=sum(len(row) > 1 for row in rows),
        n_reports=int(table.filled(mapping.report)[single].sum()),
        report=mapping.report,
        codes=(*filter(None, (mapping.codes,)), *mapping.flags),
        by=("position in the array",) if table.by_position else (*mapping.files, *mapping.ids),
        loose=table.loose,
        sampled=sampled,
        columns=table.columns,
    )


def _positions(table: ReportTable, refs: Sequence[RecordRef]) -> dict[str, list[int]]:
    """Arrays whose ECGs have no ids of their own, to the rows that they stand for in order."""
    arrays: dict[str, int] = defaultdict(int)
    for ref in refs:
        if MARK in ref.path and ref.format in ("numpy", "hdf5"):
            file, member = split_place(ref.path)
            if member is not None and member.isdigit():
                arrays[file] += 1
    splits = next((table.cells(column) for column in table.columns if fold(column) in ("split", "set", "subset")), None)
    found: dict[str, list[int]] = {}
    for file, n in arrays.items():
        words = {fold(word) for word in Path(file).stem.replace("-", "_").split("_")}
        rows = [i for i, split in enumerate(splits or ()) if fold(cell_text(split) or "") in words]
        if len(rows) == n:
            found[file] = rows
        elif len(table) == n:
            found[file] = list(range(n))
    return found


def _column_of_names(table: Any, refs: Sequence[RecordRef]) -> list[str]:
    """Columns in which the recordings' names stand, the best first."""
    names = {_loose(name_of(ref.path)) for ref in refs}
    found: dict[str, int] = {}
    for column in table.column_names:
        hits = names & {_loose(text) for value in table.column(column).to_pylist() if (text := cell_text(value))}
        if len(hits) > len(names) // 2 or len(hits) > 2:
            found[column] = len(hits)
    return sorted(found, key=lambda column: -found[column])


def _loose(text: str) -> str:
    plain = name_of(text).strip().casefold()
    return plain.lstrip("0") or "0" if plain.isdigit() else plain


def _guess_joins(table: Any, mapping: TableMapping, path: str, refs: Sequence[RecordRef]) -> bool:
    if not mapping.ids and not mapping.files:
        return False
    return fit(ReportTable(table, mapping, path), refs)[1].n_joined > 0


def _text_length(table: Any, column: str) -> float:
    texts = [value for value in table.column(column).slice(0, 1000).to_pylist() if isinstance(value, str)]
    return sum(map(len, texts)) / len(texts) if texts else 0.0
