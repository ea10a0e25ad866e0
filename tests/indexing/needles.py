"""A patient whose every byte can be told from all others, and where to look for them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from indexing_fakes import FakeEncoder, FakeTextEncoder, ancestors, row

from precordia.indexing.manifest import Manifest
from precordia.indexing.schema import CASE_SCHEMA, CaseRow, Reject, case_table, signal_table
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.writer import StoreWriter

OTHERS = 11
"""Cases of other patients, one each."""

SECRET_REPORT = "ZQXJ unmistakable words of a report"
SECRET_PATIENT = "PATIENT-ZQXJ-4711"


def secret_row(case_id: int) -> CaseRow:
    return row(
        case_id,
        SECRET_PATIENT,
        SECRET_REPORT,
        metadata={"name": "ZQXJ-NAME"},
        content_hash="ZQXJ-HASH",
        vendor_statements=("ZQXJ-VENDOR",),
        device="ZQXJ-DEVICE",
        codes=("zqxj:1",),
    )


def haystack(folder: Path) -> bytes:
    """Every byte of a folder's files, and every value of its Parquet files, decoded."""
    parts: list[bytes] = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            parts.append(file.name.encode() + file.read_bytes())
            if file.suffix == ".parquet":
                table = pq.read_table(file)
                parts.append(repr(table.to_pydict()).encode())
                for name in table.column_names:
                    for chunk in table.column(name).chunks:
                        parts.extend(bytes(b) for b in chunk.buffers() if b is not None)
                        flat = chunk.flatten() if "embedding" in name else chunk
                        parts.extend(bytes(b) for b in flat.buffers() if b is not None)
    return b"\n".join(parts)


def needles(secret: CaseRow) -> dict[str, bytes]:
    text = FakeTextEncoder().embed([secret.statements or ""])[0]
    return {
        "any text": b"zqxj",
        "embedding": secret.embedding.tobytes(),
        "part of the embedding": secret.embedding[3:6].tobytes(),
        "text embedding": text.tobytes(),
        "signal": secret.signal[-200:],
        "id": str(secret.case.case_id).encode(),
        "binary id": int(secret.case.case_id).to_bytes(8, "little"),
    }


SECRETS = (secret_row(0x7A51_0000_1234_5678), secret_row(0x7A51_0000_1234_9ABC))


def append(writer: StoreWriter, rows: list[CaseRow], rejects: tuple[Reject, ...] = ()) -> None:
    """Rows with vectors of their texts."""
    cases = case_table(rows, ancestors)
    vectors = FakeTextEncoder().embed([r.statements or "" for r in rows])
    at = cases.schema.get_field_index("text_embedding")
    field = CASE_SCHEMA.field("text_embedding")
    with_texts = cases.set_column(at, field, pa.array(list(vectors), type=field.type))
    writer.append(with_texts, signal_table(rows), rejects)


def fill(kb: Path) -> DeltaCaseStore:
    """A store with the patient among others, and rejects of theirs and of nobody."""
    others = [row(i, f"P{i}") for i in range(1, OTHERS + 1)]
    store = DeltaCaseStore.create(kb)
    Manifest.of(FakeEncoder(), "fake", FakeTextEncoder(), "letters").save(kb)
    with store.writing() as writer:
        append(
            writer,
            [*others[:4], SECRETS[0]],
            (Reject("/a/zqxj.dat", "bad", "quality", "X", "zqxj", SECRET_PATIENT),),
        )
        append(writer, others[4:8], (Reject("/a/b.dat", "damaged", "read", "Y", "b", None),))
        append(
            writer,
            [*others[8:], SECRETS[1]],
            (Reject("/a/c.dat", "copy", "scan", "Duplicate", SECRETS[1].case.recording_id),),
        )
    return store
