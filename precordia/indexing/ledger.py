"""The ledger of a table: which files make up its newest version, with the checksum of each, in one sealed JSON file.

Readers go by the ledger alone. It is written last, after the files and the entry of Delta's log are on the disk: a crash
before that leaves the old version, and the next writer takes over the entry whole. Delta's log says the same to other
engines; the ledger holds checksums of its files, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import DamageError
from precordia.indexing.durable import telling, write_atomically
from precordia.indexing.seals import sealed, unsealed

LEDGER: Final = "_files.json"
"""Its name in the table's folder; other engines pass over names that begin with an underscore."""

_FORMAT: Final = "precordia table"
_FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class TableFile:
    """A Parquet file of a table.

    Attributes:
        rows: How many it holds.
        size: Bytes.
        digest: Of its bytes.
        footer: Digest of its footer, which says where everything in it lies.
        groups: Digests of its row groups, where these are few: what is sound in a damaged file.
    """

    rows: int
    size: int
    digest: str
    footer: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """One version of a table.

    Attributes:
        version: Of Delta's log.
        files: Name to Parquet file.
        log: Name to digest of the files of Delta's log.
        protocol: Delta's action that says what a reader must understand.
        metadata: Delta's action that says what the table is.
    """

    version: int
    files: Mapping[str, TableFile] = field(default_factory=dict)
    log: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, table: Path) -> Ledger:
        """Read a table's ledger.

        Raises:
            DamageError: it is missing, or is not what was written.
        """
        file = table / LEDGER
        try:
            with telling(file):
                values = unsealed(file.read_bytes())
            if (values.pop("format"), values.pop("format_version")) != (_FORMAT, _FORMAT_VERSION):
                raise ValueError("it is of another version")
            files = {n: TableFile(**{**of, "groups": tuple(of["groups"])}) for n, of in values.pop("files").items()}
            return cls(**values, files=files)
        except FileNotFoundError:
            raise DamageError(f"{file} is missing; {remedy(table.parent)}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = str(error) if type(error) is ValueError else "it cannot be read"
            raise DamageError(f"{file} is damaged ({reason}); {remedy(table.parent)}") from None

    def save(self, table: Path) -> None:
        """Write it, durably: from here on this is the table's version."""
        write_atomically(table / LEDGER, sealed({"format": _FORMAT, "format_version": _FORMAT_VERSION, **asdict(self)}))

    def changed(self, version: int, add: Mapping[str, TableFile], remove: set[str], log: Mapping[str, str]) -> Ledger:
        """The next version."""
        files = {name: file for name, file in self.files.items() if name not in remove}
        return replace(self, version=version, files={**files, **add}, log={**self.log, **log})


def remedy(kb: Path) -> str:
    """What to do about damage."""
    return f"see what is lost and mend the rest with: precordia check --kb {kb} --repair"
