"""Parquet files of a table: written with a checksum for all of it, and for its parts, read with exact types, salvaged."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.holes import fill
from precordia.indexing.ledger import TableFile
from precordia.indexing.schema import signal_checksum
from precordia.indexing.seals import digest_of

_IDS: Final = b"case_ids"
"""Key of the footer's metadata: the ids, int64, as base64."""

_FOOTER_BYTES: Final = 16_384
"""As much of a file's end is read at once: the footer of some 400 signals."""

_FEW_GROUPS: Final = 64
"""Up to this many row groups each has a digest in the ledger; the rows of signals, of which there are more, have their own."""


@dataclass(frozen=True)
class Layout:
    """How a table's files are written.

    Attributes:
        rows_per_group: Rows a Parquet row group: few, where single large values are read.
        compression: Of the pages.
        names_rows: The footer says whose each row is: one read at the file's end, instead of one in each row group.
    """

    rows_per_group: int = 8192
    compression: str = "ZSTD"
    names_rows: bool = False


def encode(rows: pa.Table, layout: Layout) -> tuple[bytes, TableFile]:
    """Rows as a Parquet file, and its entry in the ledger."""
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression=layout.compression,
        use_dictionary=[path for column in rows.schema for path in _text_paths(column)] or False,
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        writer.write_table(rows, row_group_size=layout.rows_per_group)
        if layout.names_rows:
            writer.add_key_value_metadata({_IDS: _named(rows)})
    content: bytes = sink.getvalue().to_pybytes()
    groups = _groups(content)
    digests = tuple(digest_of(group) for group in groups) if len(groups) <= _FEW_GROUPS else ()
    return content, TableFile(rows.num_rows, len(content), digest_of(content), digest_of(_footer(content)), digests)


def decode(
    source: Any, schema: pa.Schema | None = None, columns: Sequence[str] | None = None, *, by_page: bool = False
) -> pa.Table:
    """A Parquet file as one chunk, with exactly the types of a schema (null where it has no such column), or as it was written.

    Args:
        source: The file's bytes, or the file.
        schema: The types; None: all columns, with the file's types.
        columns: Those of the schema to read; None: all.
        by_page: Compare the checksum of each page that is read, where that of the whole file has not been compared.
    """
    import pyarrow.parquet as pq

    wanted = None if schema is None else pa.schema([schema.field(name) for name in (columns or schema.names)])
    with pq.ParquetFile(source, page_checksum_verification=by_page) as file:
        rows = file.read(columns=wanted.names if wanted is not None else None)
    if wanted is not None:
        there = rows.schema.names
        columns_of = [rows.column(f.name) if f.name in there else pa.nulls(rows.num_rows, f.type) for f in wanted]
        rows = pa.table(columns_of, names=wanted.names).cast(wanted)
    return rows.combine_chunks()


def ids_in_footer(path: Path, file: TableFile) -> NDArray[np.int64] | None:
    """The id of each row, as a file's footer says; None of one that was written before footers did.

    Raises:
        ValueError: the footer is not what was written.
        FileNotFoundError: it has been erased or compacted.
    """
    import pyarrow.parquet as pq

    footer = footer_of(path)
    if file.footer and digest_of(footer) != file.footer:
        raise ValueError("its footer is not what was written")
    named = (pq.read_metadata(pa.BufferReader(footer)).metadata or {}).get(_IDS)
    return None if named is None else np.frombuffer(base64.b64decode(named), "<i8").astype(np.int64)


def footer_of(path: Path) -> bytes:
    """A Parquet file's footer, with its length and mark."""
    fill(path, -_FOOTER_BYTES)
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _FOOTER_BYTES))
        end = file.read()
        length = int.from_bytes(end[-8:-4], "little") + 8
        if length > len(end):
            fill(path, -length)
            file.seek(-length, os.SEEK_END)
            end = file.read()
    return end[-length:]


def salvage(content: bytes, file: TableFile) -> pa.Table | None:
    """The rows of a damaged file that are what was written; None where nothing can be told."""
    import pyarrow.parquet as pq

    if len(content) != file.size or digest_of(_footer(content)) != file.footer:
        return None
    kept: list[pa.Table] = []
    with pq.ParquetFile(pa.BufferReader(content)) as parquet:
        by_row = "checksum" in parquet.schema_arrow.names
        for at, group in enumerate(_groups(content)):
            if at < len(file.groups) and digest_of(group) == file.groups[at]:
                kept.append(parquet.read_row_group(at, use_threads=False))
            elif by_row:
                try:
                    rows = parquet.read_row_group(at, use_threads=False)
                except (pa.ArrowException, OSError):
                    continue  # its rows are counted by what is missing in the end
                kept.append(rows.filter(pa.array([_fits(row) for row in rows.to_pylist()], pa.bool_())))
    return pa.concat_tables(kept).combine_chunks() if kept else None


def _groups(content: bytes) -> list[memoryview]:
    """The bytes of each row group."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(pa.BufferReader(content))
    spans = (span_of(metadata, at) for at in range(metadata.num_row_groups))
    return [memoryview(content)[first:last] for first, last in spans]


def span_of(metadata: Any, at: int) -> tuple[int, int]:
    """Where a row group lies in its file: the first byte, and the one behind the last."""
    group = metadata.row_group(at)
    columns = [group.column(c) for c in range(group.num_columns)]
    begins = [c.dictionary_page_offset or c.data_page_offset for c in columns]
    ends = [begin + c.total_compressed_size for begin, c in zip(begins, columns, strict=True)]
    return min(begins), max(ends)


def _named(rows: pa.Table) -> bytes:
    return base64.b64encode(rows.column("case_id").to_numpy().astype("<i8").tobytes())


def _footer(content: bytes) -> bytes:
    length = int.from_bytes(content[-8:-4], "little")
    return content[-8 - length :]


def _fits(signal: dict[str, Any]) -> bool:
    return bool(signal["checksum"] == signal_checksum(signal["case_id"], signal["signal"], signal["median_beats"]))


def _text_paths(column: pa.Field) -> list[str]:
    """Parquet's names of the texts in a column: worth a dictionary, as numbers and signals are not."""
    if pa.types.is_map(column.type):
        return [f"{column.name}.key_value.key", f"{column.name}.key_value.value"]
    if pa.types.is_list(column.type):
        return [f"{column.name}.list.element"] if pa.types.is_string(column.type.value_type) else []
    return [column.name] if pa.types.is_string(column.type) else []
