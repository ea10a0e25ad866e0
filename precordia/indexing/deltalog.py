"""Delta Lake's transaction log, as far as one writer needs it: entries, and checkpoints that stand for all before them.

Written by ourselves, since a file must be on the disk before the log names it, nothing of a patient may enter the log (no
predicates, no column statistics), and the names of files carry the checksum of their content. See Delta's protocol,
https://github.com/delta-io/delta/blob/master/PROTOCOL.md.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa

from precordia.indexing.ledger import Ledger, TableFile
from precordia.indexing.seals import digest_of_file

LOG: Final = "_delta_log"
LAST_CHECKPOINT: Final = "_last_checkpoint"

_STRINGS: Final = pa.map_(pa.string(), pa.string())
_CHECKPOINT: Final = pa.schema(
    [
        pa.field(
            "protocol",
            pa.struct(
                [
                    ("minReaderVersion", pa.int32()),
                    ("minWriterVersion", pa.int32()),
                    ("readerFeatures", pa.list_(pa.string())),
                    ("writerFeatures", pa.list_(pa.string())),
                ]
            ),
        ),
        pa.field(
            "metaData",
            pa.struct(
                [
                    ("id", pa.string()),
                    ("name", pa.string()),
                    ("description", pa.string()),
                    ("format", pa.struct([("provider", pa.string()), ("options", _STRINGS)])),
                    ("schemaString", pa.string()),
                    ("partitionColumns", pa.list_(pa.string())),
                    ("createdTime", pa.int64()),
                    ("configuration", _STRINGS),
                ]
            ),
        ),
        pa.field(
            "add",
            pa.struct(
                [
                    ("path", pa.string()),
                    ("partitionValues", _STRINGS),
                    ("size", pa.int64()),
                    ("modificationTime", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("stats", pa.string()),
                ]
            ),
        ),
        pa.field(
            "remove",
            pa.struct([("path", pa.string()), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_())]),
        ),
        pa.field("txn", pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])),
    ]
)


def entry_name(version: int) -> str:
    """The log's file of a version."""
    return f"{version:020d}.json"


def checkpoint_name(version: int) -> str:
    """The file that stands for all entries up to a version."""
    return f"{version:020d}.checkpoint.parquet"


def first_entry(schema: pa.Schema) -> tuple[bytes, Mapping[str, Any], Mapping[str, Any]]:
    """The entry that makes a table, its protocol and its metadata."""
    from deltalake import Schema

    timestamps = any(pa.types.is_timestamp(column.type) for column in schema)
    protocol: dict[str, Any] = {"minReaderVersion": 1, "minWriterVersion": 2}
    if timestamps:  # without a time zone they are a feature of their own
        names = ["timestampNtz"]
        protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": names, "writerFeatures": names}
    metadata = {
        "id": str(uuid.uuid4()),
        "name": None,
        "description": None,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": Schema.from_arrow(schema).to_json(),
        "partitionColumns": [],
        "createdTime": _now_ms(),
        "configuration": {"delta.dataSkippingNumIndexedCols": "0"},
    }
    return _lines([_info("CREATE TABLE"), {"protocol": protocol}, {"metaData": metadata}]), protocol, metadata


def entry(operation: str, add: Mapping[str, TableFile], remove: Iterable[str]) -> bytes:
    """One transaction."""
    change = operation != "OPTIMIZE"
    gone = [{"remove": {"path": n, "deletionTimestamp": _now_ms(), "dataChange": change}} for n in sorted(remove)]
    new = [{"add": _add(name, file, change)} for name, file in add.items()]
    return _lines([_info(operation), *gone, *new])


def checkpoint(ledger: Ledger) -> tuple[bytes, bytes]:
    """The Parquet file that stands for the whole log up to a ledger's version, and the JSON that points at it."""
    import pyarrow.parquet as pq

    metadata = dict(ledger.metadata)
    metadata["configuration"] = list(metadata["configuration"].items())
    metadata["format"] = {**metadata["format"], "options": list(metadata["format"]["options"].items())}
    rows: list[dict[str, Any]] = [{"protocol": dict(ledger.protocol)}, {"metaData": metadata}]
    rows += [{"add": {**_add(name, file, False), "partitionValues": []}} for name, file in sorted(ledger.files.items())]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=_CHECKPOINT), sink, write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    pointer = {"version": ledger.version, "size": len(rows), "sizeInBytes": len(content)}
    return content, json.dumps({**pointer, "numOfAddFiles": len(ledger.files)}).encode()


def read_entry(content: bytes) -> tuple[dict[str, TableFile], set[str]]:
    """The files that an entry adds (their digest empty where the name carries none) and those it removes.

    Raises:
        ValueError: it is not an entry of such a log.
    """
    add: dict[str, TableFile] = {}
    remove: set[str] = set()
    try:
        for line in content.splitlines():
            action = json.loads(line)
            if (new := action.get("add")) is not None:
                if new.get("deletionVector"):
                    raise ValueError("it uses deletion vectors")
                name = unquote(new["path"])
                add[name] = TableFile(json.loads(new["stats"])["numRecords"], new["size"], digest_in(name))
            elif (gone := action.get("remove")) is not None:
                remove.add(unquote(gone["path"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks {error}") from None
    return add, remove


def ledger_of(table: Path) -> Ledger:
    """What a table's log says, where its ledger is lost: the checksums stand in the names of the files.

    Raises:
        ValueError: the log is not sound either.
    """
    import pyarrow.parquet as pq

    log = table / LOG
    checkpoints = sorted(log.glob("*.checkpoint.parquet"))
    files: dict[str, TableFile] = {}
    protocol: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    names: list[Path] = []
    version = -1
    try:
        if checkpoints:
            names = [checkpoints[-1], log / LAST_CHECKPOINT]
            version = int(checkpoints[-1].name.partition(".")[0])
            with checkpoints[-1].open("rb") as stream:
                actions = pq.read_table(stream, page_checksum_verification=True).to_pylist()
            for action in actions:
                protocol = action["protocol"] or protocol
                metadata = action["metaData"] or metadata
                if (new := action["add"]) is not None:
                    rows = json.loads(new["stats"])["numRecords"]
                    files[new["path"]] = TableFile(rows, new["size"], digest_in(new["path"]))
            protocol = {name: value for name, value in protocol.items() if value is not None}
            metadata["configuration"] = dict(metadata["configuration"])
            metadata["format"]["options"] = dict(metadata["format"]["options"])
        while (entry := log / entry_name(version + 1)).exists():
            version += 1
            content = entry.read_bytes()
            for action in map(json.loads, content.splitlines()):
                protocol, metadata = action.get("protocol", protocol), action.get("metaData", metadata)
            add, gone = read_entry(content)
            files = {name: file for name, file in files.items() if name not in gone} | add
            names.append(entry)
    except (KeyError, TypeError, AttributeError, pa.ArrowException, OSError) as error:
        raise ValueError(f"the log cannot be read ({type(error).__name__})") from None
    if not protocol or not metadata or any(not file.digest for file in files.values()):
        raise ValueError("the log does not say what the table is")
    return Ledger(version, files, {file.name: digest_of_file(file) for file in names}, protocol, metadata)


def file_name(version: int, digest: str) -> str:
    """The name of a Parquet file: unique, and with the checksum of its content."""
    return f"part-{version:020d}-{digest}.parquet"


def digest_in(name: str) -> str:
    """The checksum that a file's name carries, or nothing where another engine wrote it."""
    digest = Path(name).stem.rpartition("-")[2]
    return digest if len(digest) == 32 and name.startswith("part-0") else ""


def _add(name: str, file: TableFile, change: bool) -> dict[str, Any]:
    return {
        "path": name,
        "partitionValues": {},
        "size": file.size,
        "modificationTime": _now_ms(),
        "dataChange": change,
        "stats": json.dumps({"numRecords": file.rows}),
    }


def _info(operation: str) -> dict[str, Any]:
    return {"commitInfo": {"timestamp": _now_ms(), "operation": operation, "engineInfo": "precordia"}}


def _lines(actions: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(action, separators=(",", ":")).encode() + b"\n" for action in actions)


def _now_ms() -> int:
    return int(time.time() * 1000)
