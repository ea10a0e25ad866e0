"""Format 1 to 2: every file, every signal and the manifest get a checksum, and each table a ledger that holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from precordia.core.errors import DamageError
from precordia.indexing.durable import sync_folder, telling, write_synced
from precordia.indexing.manifest import MANIFEST, MANIFEST_COPY
from precordia.indexing.schema import CASE_SCHEMA, REJECT_SCHEMA, SIGNAL_SCHEMA, signal_checksum
from precordia.indexing.seals import sealed
from precordia.indexing.tables import DeltaFolder, open_table

_SCHEMAS = {"signals": SIGNAL_SCHEMA, "rejects": REJECT_SCHEMA, "cases": CASE_SCHEMA}


def add_checksums(old: Path, new: Path) -> None:
    """Write the tables and the manifest of format 2; of each table the newest version alone.

    Args:
        old: A knowledge base of format 1.
        new: An empty folder.

    Raises:
        DamageError: a table cannot be read.
    """
    for name, schema in _SCHEMAS.items():
        DeltaFolder.create(new / name, schema)
        table = open_table(new, name)
        for file in _files(old / name):
            table.append(_filled(_read(file), schema))
    with telling(old / MANIFEST):
        values: dict[str, Any] = json.loads((old / MANIFEST).read_bytes())
    for manifest in (MANIFEST_COPY, MANIFEST):
        write_synced(new / manifest, sealed({**values, "format_version": 2, "schema_version": 2}))
    sync_folder(new)


def _files(table: Path) -> list[Path]:
    """The Parquet files of the newest version of a table, sorted."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        uris = DeltaTable(str(table)).file_uris()
    except (DeltaError, OSError):
        raise _damaged(table) from None
    return sorted(table / unquote(uri).rsplit("/", 1)[-1] for uri in uris)


def _read(file: Path) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        with telling(file), file.open("rb") as stream:
            return pq.read_table(stream)
    except (pa.ArrowException, FileNotFoundError):
        raise _damaged(file) from None


def _filled(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema: null where they were not kept yet, the checksum of each signal as it is now."""
    if "checksum" in schema.names:
        signals = rows.select(["case_id", "signal", "median_beats"]).to_pylist()
        rows = rows.append_column("checksum", pa.array([signal_checksum(**row) for row in signals], pa.int64()))
    columns = [rows.column(f.name) if f.name in rows.column_names else pa.nulls(len(rows), f.type) for f in schema]
    return pa.table(columns, names=schema.names).cast(schema).combine_chunks()


def _damaged(what: Path) -> DamageError:
    return DamageError(
        f"{what}: cannot be read, and a knowledge base of format 1 has no checksums to mend it by: "
        "restore it from a copy, or build it again into another folder"
    )
