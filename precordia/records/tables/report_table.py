"""A table of reports: one row an ECG, joined to recordings by explicit keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import FilterError, InputError, UsageError
from precordia.core.recording import Recording
from precordia.records.alone import read_alone
from precordia.records.channels import one_line
from precordia.records.conditions import ConditionEngine
from precordia.records.people import parse_sex, tells_who
from precordia.records.places import name_of, split_place, stem_of, steps_of
from precordia.records.readers.statements import report_of
from precordia.records.scan import UNKNOWN, RecordRef
from precordia.records.sheets.cells import age_of, cell_text, parse_codes, time_of
from precordia.records.sheets.columns import as_written, load_table
from precordia.records.sheets.mapping import TableMapping, mapping_for

UNREADABLE: Final = -1
"""Stands for the row of a recording that must be read to know it, and cannot be."""

_ROW: Final = "__row"


class ReportTable:
    """Reports beside an archive.

    Args:
        table: A ``pyarrow.Table``.
        mapping: Which column is what.
        path: Where it came from, for messages.

    Raises:
        UsageError: the mapping does not fit the table.
    """

    def __init__(
        self,
        table: Any,
        mapping: TableMapping,
        path: str,
        *,
        keys: Mapping[str, list[str | None]] | None = None,
        loose: bool = False,
        positions: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        mapping.check(table.column_names, path)
        self.mapping = mapping
        self.path = path
        self.loose = loose
        self._table = table
        self._keys = dict(keys or {})
        self._positions = dict(positions or {})
        self._by_stem: dict[str, list[tuple[int, str]]] = {}
        self._by_id: dict[str, list[int]] = {}
        for column in mapping.files:
            for row, text in enumerate(self._texts(column)):
                if text:
                    self._by_stem.setdefault(self._key(stem_of(text)), []).append((row, text))
        for column in mapping.ids:
            for row, text in enumerate(self._texts(column)):
                if text:
                    self._by_id.setdefault(self._key(text), []).append(row)

    def _texts(self, column: str) -> list[str | None]:
        """A column of keys as text; as it stands in the file, where leading zeros count."""
        values = self._keys.get(column) or self._table.column(column).to_pylist()
        return [cell_text(value) for value in values]

    def _key(self, text: str) -> str:
        if not self.loose:
            return text
        plain = stem_of(text.strip()).casefold()
        return plain.lstrip("0") or "0" if plain.isdigit() else plain

    def loosened(self) -> ReportTable:
        """The table with ids compared without folders, extensions, case and leading zeros."""
        return ReportTable(self._table, self.mapping, self.path, keys=self._keys, loose=True)

    def remapped(self, mapping: TableMapping) -> ReportTable:
        """The table under another mapping."""
        return ReportTable.of(self._table, mapping, self.path)

    def positioned(self, positions: Mapping[str, Sequence[int]]) -> ReportTable:
        """The table with the rows of arrays that hold one ECG a row: file to the row of each of its ECGs, in order."""
        return ReportTable(self._table, self.mapping, self.path, keys=self._keys, loose=self.loose, positions=positions)

    @staticmethod
    def load(
        path: str | os.PathLike[str], mapping: TableMapping | Mapping[str, Any] | str | os.PathLike[str] | None = None
    ) -> ReportTable:
        """The table in a CSV, XLSX or Parquet file.

        Args:
            path: The file.
            mapping: A mapping, a dictionary or a JSON file of one; by default PTB-XL's, or one guessed from the column names.

        Raises:
            InputError: the file is no table.
            UsageError: the mapping does not fit it.
        """
        table = load_table(Path(path))
        if mapping is None:
            mapping = mapping_for(table.column_names)
        elif isinstance(mapping, str | os.PathLike):
            mapping = TableMapping.from_json(Path(mapping))
        elif isinstance(mapping, Mapping):
            mapping = TableMapping.from_dict(dict(mapping), "mapping")
        return ReportTable.of(table, mapping, path)

    @staticmethod
    def of(table: Any, mapping: TableMapping, path: str | os.PathLike[str]) -> ReportTable:
        """A ``pyarrow.Table`` that was loaded from a file, its keys as they are written there.

        Raises:
            UsageError: the mapping does not fit it.
        """
        return ReportTable(table, mapping, str(path), keys=_as_written(table, str(path), mapping))

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def arrow(self) -> Any:
        """The ``pyarrow.Table``."""
        return self._table

    @property
    def by_position(self) -> bool:
        """Whether its rows belong to the ECGs of arrays in their order."""
        return bool(self._positions)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names."""
        return tuple(self._table.column_names)

    def cells(self, column: str) -> list[Any]:
        """A column's values, a row each."""
        values: list[Any] = self._table.column(column).to_pylist()
        return values

    def filled(self, columns: Sequence[str]) -> Any:
        """Whether any of some columns has something in it: ``(rows,)`` bool."""
        import numpy as np

        out = np.zeros(len(self), bool)
        for column in columns:
            out |= self._table.column(column).is_valid().to_numpy(zero_copy_only=False)
        return out

    def row_of(self, path: str, *ids: str) -> int | None:
        """The row that belongs to a file, or to one of the ids; None when there is none or more than one fits equally."""
        rows = self.rows_of(path, *ids)
        return rows[0] if len(rows) == 1 else None

    def rows_of(self, path: str, *ids: str) -> tuple[int, ...]:
        """The rows that fit a file, or one of the ids, best; of rows that say the same, the first."""
        if self._positions:
            file, member = split_place(path)
            rows = self._positions.get(file)
            if rows is not None and member is not None and member.isdigit():
                return (rows[int(member)],)
        candidates = self._by_stem.get(self._key(name_of(path)), [])
        if candidates:
            parts = [*steps_of(path)[:-1], name_of(path)]
            scores = [(_shared_tail(parts, _parts(text)), row) for row, text in candidates]
            best = max(score for score, _ in scores)
            return self._distinct({row for score, row in scores if score == best})
        for one in ids:
            if rows := self._by_id.get(self._key(one)):
                return self._distinct(set(rows))
        return ()

    def _distinct(self, rows: set[int]) -> tuple[int, ...]:
        ordered = sorted(rows)
        if len(ordered) > 1:
            said = {row: repr(self._table.slice(row, 1).to_pylist()) for row in ordered}
            ordered = sorted({text: row for row, text in reversed(said.items())}.values())
        return tuple(ordered)

    def join(self, recording: Recording) -> Recording:
        """The recording with what its row says; unchanged when there is no row for it.

        The row wins over the file, since archives anonymise files and correct tables; what the row leaves empty keeps
        the file's value. Codes and metadata of both are kept.
        """
        mapping = self.mapping
        row = self.row_of(recording.source, *self._ids_of(recording))
        if row is None:
            return recording
        cells = {name: self._table.column(name)[row].as_py() for name in self._table.column_names}

        def text(column: str | None) -> str | None:
            return cell_text(cells[column]) if column else None

        sex_text = text(mapping.sex) or ""
        time = time_of(cells.get(mapping.time or "")) or recording.time
        wanted = mapping.metadata
        if wanted is None:
            wanted = tuple(column for column in cells if column not in mapping.used and not tells_who(column))
        extra = {name: value for name in wanted if (value := cell_text(cells[name])) is not None}
        codes = parse_codes(cells[mapping.codes], mapping.code_scheme) if mapping.codes else ()
        flagged = tuple(code for column, code in mapping.flags.items() if _is_true(cells[column]))
        report = _joined((cells[column] for column in mapping.report), mapping.words)
        age = age_of(cells[mapping.age], time) if mapping.age else None
        born = age_of(cells[mapping.birth_date], time) if mapping.birth_date else None
        return replace(
            recording,
            patient_id=text(mapping.patient_id) or recording.patient_id,
            time=time,
            age=_first(age, born, recording.age),
            sex=mapping.sex_values.get(sex_text) or parse_sex(sex_text, mapping.sex or "") or recording.sex,
            device=one_line(text(mapping.device) or "") or recording.device,
            report=report or recording.report,
            codes=tuple(dict.fromkeys((*recording.codes, *codes, *flagged))),
            metadata={**recording.metadata, **extra},
        )

    def _ids_of(self, recording: Recording) -> tuple[str, ...]:
        if self.mapping.match != "recording_id":
            value = recording.metadata.get(self.mapping.match)
            return (value,) if value else ()
        return (recording.recording_id, name_of(recording.source))

    def select(self, where: str) -> set[str]:
        """Ids of the recordings whose row satisfies an SQL boolean expression over the table's columns.

        An id is a file's name without folder and extension ("00001_lr"), and the value of the id columns.

        For example ``table.select("strat_fold <= 8 and age > 60")``.

        Raises:
            FilterError: the expression is not valid; the message lists the columns.
        """
        chosen = self._rows_where(where)
        ids = {stem for stem, rows in self._by_stem.items() if any(row in chosen for row, _ in rows)}
        return ids | {text for text, rows in self._by_id.items() if any(row in chosen for row in rows)}

    def select_refs(self, refs: Iterable[RecordRef], where: str) -> list[RecordRef]:
        """Those of ``refs`` whose row satisfies an SQL boolean expression; files without a row are not among them.

        Where the mapping joins by what stands inside a file (``match``), each file is read; one that cannot be read stays,
        so that it ends among the rejects with its reason.

        Raises:
            FilterError: see :meth:`select`.
            UsageError: not one of the files has a row.
        """
        chosen = self._rows_where(where)
        every = list(refs)
        rows = [self.row_of_ref(ref) for ref in every]
        if every and not any(row is not None for row in rows):
            raise UsageError(
                f"{self.path}: none of {len(every)} recordings has a row there; say in a mapping which column identifies them"
            )
        return [ref for ref, row in zip(every, rows, strict=True) if row in chosen or row == UNREADABLE]

    def row_of_ref(self, ref: RecordRef) -> int | None:
        """The row of a recording that was listed; ``UNREADABLE`` when it must be read to be known, and cannot be."""
        rows = self.rows_of_ref(ref)
        return rows[0] if len(rows) == 1 else None

    def rows_of_ref(self, ref: RecordRef) -> tuple[int, ...]:
        """See :meth:`rows_of` and :meth:`row_of_ref`."""
        if self.mapping.match == "recording_id":
            return self.rows_of(ref.path, name_of(ref.path))
        try:
            known = None if ref.format == UNKNOWN else ref.format
            return self.rows_of(ref.path, *self._ids_of(read_alone(ref.path, format=known)))
        except InputError:
            return (UNREADABLE,)

    def duplicates(self, refs: Iterable[RecordRef]) -> dict[RecordRef, str]:
        """Which of ``refs`` are the same ECG as another one at a higher rate, with the reason for leaving them out.

        A table that names several files a row (PTB-XL's 500 and 100 Hz versions) lists the best first.
        """
        rows: dict[int, list[tuple[int, RecordRef]]] = {}
        if len(self.mapping.files) < 2:
            return {}
        rank_of = {column: rank for rank, column in enumerate(self.mapping.files)}
        order = {column: self._table.column(column).to_pylist() for column in self.mapping.files}
        for ref in sorted(refs):
            row = self.row_of(ref.path)
            if row is None:
                continue
            stem = name_of(ref.path)
            ranks = [rank_of[c] for c in order if (text := cell_text(order[c][row])) and stem_of(text) == stem]
            rows.setdefault(row, []).append((min(ranks, default=99), ref))
        out: dict[RecordRef, str] = {}
        for same in rows.values():
            best = min(same)
            for rank, ref in same:
                if rank > best[0]:
                    out[ref] = f"same ECG as {name_of(best[1].path)} at a lower rate"
        return out

    def _rows_where(self, where: str) -> set[int]:
        import pyarrow as pa

        numbered = self._table.append_column(_ROW, pa.array(range(len(self)), type=pa.int64()))
        engine = ConditionEngine()
        try:
            return {int(row) for row in engine.select(engine.parse(where), numbered, _ROW)}
        except FilterError as error:
            raise FilterError(f"{error}; columns: {', '.join(self.columns)}") from None


def _as_written(table: Any, path: str, mapping: TableMapping) -> dict[str, list[str | None]]:
    """Key columns that were taken for numbers, as their file has them."""
    import pyarrow as pa

    columns = [c for c in (*mapping.files, *mapping.ids) if c in table.column_names]
    numbers = [c for c in columns if pa.types.is_integer(table.schema.field(c).type)]
    return as_written(Path(path), numbers) if numbers and os.path.isfile(path) else {}  # noqa: PTH113


def _parts(path: str) -> list[str]:
    return [*path.replace("\\", "/").split("/")[:-1], stem_of(path)]


def _shared_tail(a: list[str], b: list[str]) -> int:
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count


def _is_true(value: Any) -> bool:
    return (cell_text(value) or "").casefold() in ("true", "1", "yes")


def _joined(cells: Iterable[Any], words: Mapping[str, str]) -> str | None:
    """The texts of a row as one: a single one as it is, several as sentences; abbreviations that are known, in words."""
    texts = [text for cell in cells if (text := cell_text(cell))]
    if words:
        spelled = [words.get(token, token) for text in texts for token in text.split()]
        return report_of([text for text in spelled if text])
    return texts[0] if len(texts) == 1 else report_of(texts)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
