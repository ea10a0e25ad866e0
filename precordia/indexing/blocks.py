"""Rows in a mapped file, a checksum for every page of it, compared when something on the page is first touched.

Reading ten rows of a million touches a few hundred pages, and only these are read and checked; a column that is scanned has
all its pages checked, and no others.

Layout: an Arrow file of one batch, the index (a JSON header; ``uint64`` checksums of the Arrow file's pages), and 24 bytes:
where the index begins, its length, its checksum.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.seals import short_digest_of

_TAIL: Final = struct.Struct("<QQQ")
_SHIFT: Final = 14
"""Pages of 16 KiB: a checksum takes a microsecond, and a row's columns lie on some fifty of them."""


class BlockDamage(ValueError):
    """A page is not what was written."""


def block_file(rows: pa.Table, keys: Sequence[str]) -> Iterator[Any]:
    """The pieces of the file that :class:`Blocks` reads.

    Args:
        rows: The rows, in one chunk.
        keys: Of their metadata, kept beside them.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    content = sink.getvalue()
    batch = _batch(content, rows.schema)
    buffers = [b for column in batch.columns for b in column.buffers() if b is not None and b.size]
    begins = [b.address - content.address for b in buffers] or [content.size]
    ends = [b.address - content.address + b.size for b in buffers] or [content.size]
    head = json.dumps(
        {
            "rows": rows.num_rows,
            "schema": str(rows.schema.remove_metadata()),
            "keys": list(keys),
            "body": [min(begins), max(ends)],
        }
    ).encode()
    whole = memoryview(content)
    pages = [short_digest_of(whole[at : at + (1 << _SHIFT)]) for at in range(0, content.size, 1 << _SHIFT)]
    index = b"".join([struct.pack("<I", len(head)), head, np.array(pages, "<u8").tobytes()])
    yield content
    yield index
    yield _TAIL.pack(content.size, len(index), short_digest_of(index))


@dataclass(frozen=True, eq=False)
class _Column:
    """Where in the file a column, or a part of a nested one, lies.

    Attributes:
        validity: Of its bits that say which values there are; -1: all.
        offsets: Of the positions of values of varying length; -1: all are of ``width``.
        positions: Those positions.
        data: Of the values; -1: they are columns themselves.
        width: Bytes a value.
        children: Parts of a nested column.
    """

    validity: int
    offsets: int
    positions: NDArray[np.int32] | None
    data: int
    width: int
    children: tuple[_Column, ...]


class Blocks:
    """Rows in such a file, or in memory.

    Args:
        content: The file, mapped, or its bytes.
        schema: The columns that it must have.

    Raises:
        BlockDamage: it is not such a file, or not with these columns.
    """

    def __init__(self, content: pa.Buffer, schema: pa.Schema) -> None:
        try:
            size, length, digest = _TAIL.unpack(content.slice(content.size - _TAIL.size).to_pybytes())
            index = content.slice(size, length)
            if index.size != length or short_digest_of(index) != digest:
                raise BlockDamage("its index is not what was written")
            raw = index.to_pybytes()
            (head_size,) = struct.unpack_from("<I", raw)
            head = json.loads(raw[4 : 4 + head_size])
            self.num_rows = int(head["rows"])
            self.keys: list[str] = head["keys"]
            begin, end = head["body"]
            self._digests: list[int] = np.frombuffer(raw, "<u8", offset=4 + head_size).tolist()
        except (ValueError, KeyError, TypeError, IndexError, struct.error, pa.ArrowException) as error:
            raise BlockDamage(str(error)) from None
        if head["schema"] != str(schema.remove_metadata()):
            raise BlockDamage("it has other columns")
        self._content = content.slice(0, size)
        self._bytes = memoryview(self._content)
        self._known = bytearray(len(self._digests))
        # What says where everything lies is checked before it is believed.
        self._check(0, begin)
        self._check(end, size)
        self._batch = _batch(self._content, schema)
        self._columns: dict[str, _Column] = {}

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
        return cls(pa.py_buffer(b"".join(memoryview(piece) for piece in block_file(rows, keys))), rows.schema)

    def column(self, name: str) -> pa.Array:
        """A column.

        Raises:
            BlockDamage: it is not what was written.
        """
        column = self._batch.column(name)
        for buffer in column.buffers():
            if buffer is not None and buffer.size:
                at = buffer.address - self._content.address
                self._check(at, at + buffer.size)
        return column

    def rows(self, rows: NDArray[np.int64], names: Sequence[str]) -> list[dict[str, Any]]:
        """Some columns of some rows, in their order.

        Raises:
            BlockDamage: a page that they lie on is not what was written.
        """
        for name in names:
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = self._layout(self._batch.column(name))
            for row in rows.tolist():
                self._touch(column, row, row + 1)
        found: list[dict[str, Any]] = self._batch.select(list(names)).take(pa.array(rows)).to_pylist()
        return found

    def verify(self) -> None:
        """Check every page.

        Raises:
            BlockDamage: one is not what was written.
        """
        self._check(0, self._content.size)

    def _check(self, begin: int, end: int) -> None:
        for page in range(begin >> _SHIFT, (end - 1 >> _SHIFT) + 1 if end > begin else 0):
            if not self._known[page]:
                if short_digest_of(self._bytes[page << _SHIFT : page + 1 << _SHIFT]) != self._digests[page]:
                    raise BlockDamage(f"page {page} is not what was written")
                self._known[page] = 1

    def _touch(self, column: _Column, begin: int, end: int) -> None:
        """Check the pages that rows of a column lie on."""
        if column.validity >= 0:
            self._check(column.validity + (begin >> 3), column.validity + (end + 7 >> 3))
        if column.positions is None:
            self._check(column.data + begin * column.width, column.data + end * column.width)
            return
        self._check(column.offsets + 4 * begin, column.offsets + 4 * (end + 1))
        first, last = int(column.positions[begin]), int(column.positions[end])
        if column.data >= 0:
            self._check(column.data + first, column.data + last)
        elif last > first:
            for child in column.children:
                self._touch(child, first, last)

    def _layout(self, array: pa.Array) -> _Column:
        kind, buffers = array.type, array.buffers()
        validity = self._place(buffers[0])
        if pa.types.is_primitive(kind):
            return _Column(validity, -1, None, self._place(buffers[1]), kind.bit_width // 8, ())
        positions = (
            np.frombuffer(buffers[1], "<i4") if buffers[1] is not None and buffers[1].size else np.zeros(1, "<i4")
        )
        if pa.types.is_map(kind):
            children: tuple[_Column, ...] = (self._layout(array.keys), self._layout(array.items))
        elif pa.types.is_list(kind):
            children = (self._layout(array.values),)
        else:
            data = max(self._place(buffers[2]), 0)
            return _Column(validity, self._place(buffers[1]), positions, data, 0, ())
        return _Column(validity, self._place(buffers[1]), positions, -1, 0, children)

    def _place(self, buffer: pa.Buffer | None) -> int:
        return buffer.address - self._content.address if buffer is not None and buffer.size else -1


def _batch(content: pa.Buffer, schema: pa.Schema) -> pa.RecordBatch:
    file = pa.ipc.open_file(pa.BufferReader(content))
    if file.num_record_batches > 1:
        raise BlockDamage("it holds more than one batch")
    return file.get_batch(0) if file.num_record_batches else pa.RecordBatch.from_pylist([], schema=schema)
