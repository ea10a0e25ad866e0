"""One row of a Parquet file with small row groups, as signals are read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.holes import fill
from precordia.indexing.parquet import footer_of, span_of


def row_of(path: Path, row: int) -> dict[str, Any]:
    """One row of a Parquet file with small row groups, its pages checked."""
    import pyarrow.parquet as pq

    metadata, starts = _groups_of(path)
    with (
        pa.memory_map(str(path)) as stream,
        pq.ParquetFile(stream, metadata=metadata, page_checksum_verification=True) as file,
    ):
        group = int(np.searchsorted(starts, row, side="right")) - 1
        fill(path, *span_of(metadata, group))
        rows = file.read_row_group(group, use_threads=False)
        found: dict[str, Any] = rows.slice(row - int(starts[group]), 1).to_pylist()[0]
        return found


@lru_cache(maxsize=256)
def _groups_of(path: Path) -> tuple[Any, NDArray[np.int64]]:
    """A Parquet file's metadata and the first row of each of its groups; the file never changes."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(pa.BufferReader(footer_of(path)))
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return metadata, np.cumsum([0, *counts[:-1]], dtype=np.int64)
