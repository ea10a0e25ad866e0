"""Rows in a mapped file, a checksum for every column of every block of rows, compared when the block is first touched.

Reading ten rows of a million touches ten blocks, and only these are read and checked. A cell (one column of one block) is
an Arrow message of its own, checked whole before anything in it is interpreted.

Layout: ``b"PRB1"``, the cells, the index (a JSON header; ``int64`` where each cell ends; ``uint64`` its checksum), and 24
bytes: where the index begins, its length, its checksum.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.seals import short_digest_of

_MAGIC: Final = b"PRB1"
_TAIL: Final = struct.Struct("<QQQ")
_BLOCK: Final = 512
"""Rows a block: a hit costs checking some 700 kB, 0.05 ms; a million rows have 2,000 blocks."""


class BlockDamage(ValueError):
    """A block is not what was written."""


def block_file(rows: pa.Table, keys: Sequence[str]) -> Iterator[bytes]:
    """The pieces of the file that :class:`Blocks` reads.

    Args:
        rows: The rows.
        keys: Of their metadata, kept beside them.
    """
    yield _MAGIC
    ends: list[int] = []
    digests: list[int] = []
    at = len(_MAGIC)
    for start in range(0, rows.num_rows, _BLOCK):
        block = rows.slice(start, _BLOCK).combine_chunks()
        for column in block.schema:
            cell = pa.record_batch([_whole(block.column(column.name))], schema=pa.schema([column])).serialize()
            at += cell.size
            ends.append(at)
            digests.append(short_digest_of(cell))
            yield cell
    head = json.dumps(
        {"rows": rows.num_rows, "schema": str(rows.schema.remove_metadata()), "keys": list(keys)}
    ).encode()
    index = b"".join(
        [struct.pack("<I", len(head)), head, np.array(ends, "<i8").tobytes(), np.array(digests, "<u8").tobytes()]
    )
    yield index
    yield _TAIL.pack(at, len(index), short_digest_of(index))


class Blocks:
    """Rows in such a file, or in memory.

    Args:
        content: The file, mapped, or its bytes.
        schema: The columns that it must have.

    Raises:
        BlockDamage: it is not such a file, or not with these columns.
    """

    def __init__(self, content: pa.Buffer, schema: pa.Schema) -> None:
        self._content = content
        self._schema = schema
        try:
            begin, length, digest = _TAIL.unpack(content.slice(content.size - _TAIL.size).to_pybytes())
            index = content.slice(begin, length)
            if content.slice(0, 4).to_pybytes() != _MAGIC or short_digest_of(index) != digest:
                raise BlockDamage("its index is not what was written")
            raw = index.to_pybytes()
            (size,) = struct.unpack_from("<I", raw)
            head = json.loads(raw[4 : 4 + size])
            self.num_rows = int(head["rows"])
            self.keys: list[str] = head["keys"]
            n = -(-self.num_rows // _BLOCK) * len(schema)
            self._ends = np.frombuffer(raw, "<i8", n, 4 + size)
            self._digests = np.frombuffer(raw, "<u8", n, 4 + size + 8 * n)
        except (ValueError, KeyError, TypeError, IndexError, struct.error, pa.ArrowException) as error:
            raise BlockDamage(str(error)) from None
        if head["schema"] != str(schema.remove_metadata()):
            raise BlockDamage("it has other columns")
        self._cells: dict[int, pa.Array] = {}

    @classmethod
    def mapped(cls, path: Path, schema: pa.Schema) -> Blocks:
        """A file, mapped into memory.

        Raises:
            BlockDamage: as the class.
            OSError: it cannot be read.
        """
        try:
            return cls(pa.memory_map(str(path)).read_buffer(), schema)
        except pa.ArrowException as error:
            raise BlockDamage(str(error)) from None

    @classmethod
    def of(cls, rows: pa.Table, keys: Sequence[str]) -> Blocks:
        """Rows in memory."""
        return cls(pa.py_buffer(b"".join(block_file(rows, keys))), rows.schema)

    def column(self, name: str) -> list[pa.Array]:
        """A column, a block at a time.

        Raises:
            BlockDamage: it is not what was written.
        """
        at = self._schema.get_field_index(name)
        return [self._cell(cell) for cell in range(at, self._ends.size, len(self._schema))]

    def rows(self, rows: NDArray[np.int64], names: Sequence[str]) -> list[dict[str, Any]]:
        """Some columns of some rows, in their order.

        Raises:
            BlockDamage: a block is not what was written.
        """
        out: list[dict[str, Any]] = [{} for _ in rows]
        columns = [(name, self._schema.get_field_index(name)) for name in names]
        blocks = rows // _BLOCK
        for block in np.unique(blocks):
            inside = np.flatnonzero(blocks == block)
            taken = pa.array(rows[inside] - block * _BLOCK)
            for name, column in columns:
                values = self._cell(int(block) * len(self._schema) + column).take(taken).to_pylist()
                for at, value in zip(inside, values, strict=True):
                    out[at][name] = value
        return out

    def verify(self) -> None:
        """Check every cell.

        Raises:
            BlockDamage: one is not what was written.
        """
        for cell in range(self._ends.size):
            self._checked(cell)

    def _cell(self, cell: int) -> pa.Array:
        found = self._cells.get(cell)
        if found is None:
            schema = pa.schema([self._schema.field(cell % len(self._schema))])
            found = self._cells[cell] = pa.ipc.read_record_batch(self._checked(cell), schema).column(0)
        return found

    def _checked(self, cell: int) -> pa.Buffer:
        begin = int(self._ends[cell - 1]) if cell else len(_MAGIC)
        buffer = self._content.slice(begin, int(self._ends[cell]) - begin)
        if short_digest_of(buffer) != int(self._digests[cell]):
            raise BlockDamage(f"block {cell // len(self._schema)} is not what was written")
        return buffer


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
