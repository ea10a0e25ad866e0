"""Other vectors for the cases of a knowledge base, and the manifest that says whose they are, as one change.

All vectors are written in one transaction of the case table. The manifest is another file, so a journal goes before: it
holds the new manifest and the version of the table from which it holds. Whoever reads takes the manifest that goes with the
version that is read; the next writer puts it in its place, or drops it where the transaction never came. Killed at any moment,
the knowledge base is the old one or the new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.durable import remove
from precordia.indexing.erasure import LEARNED
from precordia.indexing.journals import end_journal, read_journal, write_journal
from precordia.indexing.manifest import Manifest
from precordia.indexing.schema import CASE_SCHEMA

JOURNAL: Final = "reembedding.json"
_FORMAT: Final = "precordia re-embedding"

Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Ids of cases ``(n,)`` to their vectors ``(n, dim)``, of unit norm."""


@dataclass(frozen=True)
class Reembedding:
    """What is under way, or was interrupted.

    Attributes:
        version: Of the case table, with the new vectors.
        manifest: That goes with it.
    """

    version: int
    manifest: Manifest

    @classmethod
    def load(cls, path: Path) -> Reembedding | None:
        """The journal of a knowledge base, or None where there is none.

        Raises:
            DamageError: it is not what was written.
        """
        return read_journal(
            path / JOURNAL, _FORMAT, lambda values: cls(values["version"], Manifest(**values["manifest"]))
        )

    def save(self, path: Path) -> None:
        """Write it, durably: from here on it is finished or dropped."""
        write_journal(path / JOURNAL, _FORMAT, {"version": self.version, "manifest": asdict(self.manifest)})


def manifest_of(path: Path, version: int) -> Manifest:
    """The manifest that goes with a version of the case table. Raises as :meth:`Manifest.load`."""
    pending = Reembedding.load(path)
    return pending.manifest if pending is not None and version >= pending.version else Manifest.load(path)


def finish_reembedding(path: Path, version: int) -> bool:
    """Finish one that was interrupted, or drop it where its vectors never came; whether vectors are new.

    Args:
        path: The knowledge base; its write lock is held.
        version: Of the case table.
    """
    pending = Reembedding.load(path)
    if pending is None:
        return False
    new = version >= pending.version
    if new:
        # What was fitted on the former vectors goes with them.
        for file in sorted((path / LEARNED).glob("*")):
            remove(file)
        pending.manifest.save(path)
    end_journal(path / JOURNAL)
    return new


def with_vectors(rows: pa.Table, embed: Embed) -> pa.Table:
    """Rows of the case table with other vectors of their signals."""
    vectors = embed(rows.column("case_id").to_numpy())
    offsets = np.arange(len(vectors) + 1, dtype=np.int32) * vectors.shape[1]
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.ravel()))
    at = rows.schema.get_field_index("embedding")
    return rows.set_column(at, rows.schema.field(at), lists.cast(CASE_SCHEMA.field("embedding").type))
