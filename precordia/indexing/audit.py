"""Who asked what about whom, and what was shown: rows that are only ever added, each sealed with the one before.

A Delta table of its own (``audit/``). What is new is first appended to a file beside it, synced before the answer is given,
and moved into the table some hundred rows at a time: a commit of the table costs several syncs, a line costs one for all that
wait. A row's hash covers the row and the hash before it, so that none can be changed, taken out or put in without all
later hashes changing; that the end was cut off is seen by a hash noted elsewhere.

Patients stand in it by a digest under a key of this knowledge base: who knows the patient's key finds their rows, and the
rows alone tell nobody who it is. So they stay when the patient is erased, and the erasure is a row of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from precordia.core.errors import DamageError, UsageError
from precordia.indexing.durable import make_folder, telling, write_atomically
from precordia.indexing.ledger import LEDGER
from precordia.indexing.locks import locked
from precordia.indexing.seals import sealed, unsealed
from precordia.indexing.tables import DeltaFolder

AUDIT: Final = "audit"
"""The table's folder."""

PENDING: Final = "_pending.jsonl"
KEY: Final = "_key.json"
LOCK: Final = "audit.lock"
WAIT_S: Final = 10.0
FOLD_ROWS: Final = 500
"""Lines after which they are moved into the table."""

_COMPACT_FILES: Final = 64
_COMPACT_BYTES: Final = 32 * 2**20
_ORIGIN: Final = "0" * 64
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|\d{5,}")

AUDIT_SCHEMA: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("time", pa.string()),
        ("actor", pa.string()),
        ("role", pa.string()),
        ("action", pa.string()),
        ("outcome", pa.int64()),
        ("asked", pa.string()),
        ("recording", pa.string()),
        ("cases", pa.list_(pa.int64())),
        ("patients", pa.list_(pa.string())),
        ("previous", pa.string()),
        ("hash", pa.string()),
    ]
)


@dataclass(frozen=True)
class Event:
    """Something that was asked.

    Attributes:
        actor: Who: the name of a token, or of a user of this machine.
        action: What: "search", "report", "erase", ...
        role: By which right.
        outcome: Status of HTTP.
        asked: In which words, without whatever may name a person.
        recording: Content hash of the ECG that was sent, or "".
        cases: Ids of the cases that were shown.
        patients: Keys of their patients; kept as digests.
    """

    actor: str
    action: str
    role: str = ""
    outcome: int = 200
    asked: str = ""
    recording: str = ""
    cases: tuple[int, ...] = ()
    patients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An event as it is kept; see :class:`Event`.

    Attributes:
        number: From 1, without gaps.
        time: When, UTC, ISO 8601.
        previous: Hash of the row before.
        hash: Of this row with ``previous``.
    """

    number: int
    time: str
    actor: str
    role: str
    action: str
    outcome: int
    asked: str
    recording: str
    cases: tuple[int, ...]
    patients: tuple[str, ...]
    previous: str
    hash: str

    def document(self) -> dict[str, Any]:
        """As plain values; ids as texts."""
        return {**asdict(self), "cases": [str(case) for case in self.cases], "patients": list(self.patients)}


@dataclass(frozen=True)
class Chain:
    """Whether the rows are what was written.

    Attributes:
        n: Number of rows.
        head: Hash of the last.
        problem: What is wrong, one line; None where the chain is whole.
    """

    n: int
    head: str
    problem: str | None = None

    @property
    def whole(self) -> bool:
        """Nothing was changed, taken out or put in."""
        return self.problem is None


def _moment(text: str) -> datetime:
    """A time of ISO 8601, compared as a time: as text, another zone or a space for the T would leave rows out in silence."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("since is not a time; give it as 2026-01-31 or 2026-01-31T08:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class Audit:
    """The audit of one knowledge base; several processes may add to it.

    Args:
        kb: The knowledge base's folder.
    """

    def __init__(self, kb: Path) -> None:
        self._kb = kb
        self._place = kb / AUDIT
        self._tail: tuple[tuple[int, int, int], int, str] | None = None
        self._n_pending = 0
        self._secret: bytes | None = None
        self._folded = (-1, 0)
        """The table's version that was looked at, and the number of its last row: it is read whole once a process."""

    # --- writing ------------------------------------------------------------------------------------------------

    def record(self, events: Sequence[Event]) -> None:
        """Add events, durably.

        Raises:
            BusyError: another process adds for longer than :data:`WAIT_S`.
            StorageError: the folder cannot be written to.
        """
        self._make()
        with locked(self._kb, LOCK, WAIT_S, "the audit"):
            number, previous = self._end()
            lines = []
            for event in events:
                number += 1
                row = self._row(event, number, previous)
                previous = row.hash
                lines.append(json.dumps(asdict(row), separators=(",", ":")).encode() + b"\n")
            file = self._place / PENDING
            with telling(file), file.open("ab") as stream:
                stream.write(b"".join(lines))
                stream.flush()
                os.fsync(stream.fileno())
            self._n_pending += len(lines)
            self._tail = (_signature(file), number, previous)
            if self._n_pending >= FOLD_ROWS:
                self._fold()

    def fold(self) -> None:
        """Move what is pending into the table."""
        if (self._place / PENDING).exists():
            with locked(self._kb, LOCK, WAIT_S, "the audit"):
                self._end()
                self._fold()

    # --- reading ------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Row]:
        """All rows, oldest first.

        Raises:
            DamageError: a file of the table is not what was written.
        """
        pending = self._pending()  # first: what is moved meanwhile is then in both, not in neither
        last = 0
        for row in self._kept():
            last = row.number
            yield row
        yield from (row for row in pending if row.number > last)

    def select(self, patient: str | None = None, case: int | None = None, since: str | None = None) -> list[Row]:
        """Rows of a patient, of a case, since a time (ISO 8601; UTC where it names no zone); newest first.

        Raises:
            UsageError: ``since`` is no time.
        """
        start = None if since is None else _moment(since)
        digest = None if patient is None else self.digest(patient)
        return [
            row
            for row in reversed(list(self.rows()))
            if (digest is None or digest in row.patients)
            and (case is None or case in row.cases)
            and (start is None or datetime.fromisoformat(row.time) >= start)
        ]

    def verify(self, noted: str | None = None) -> Chain:
        """Whether the chain is whole, and still holds a hash that was noted."""
        n, head = 0, _ORIGIN
        met = noted is None
        try:
            for row in self.rows():
                if row.number != n + 1 or row.previous != head:
                    return Chain(n, head, f"after row {n} rows are missing, or were put in")
                if row.hash != _hash(row):
                    return Chain(n, head, f"row {row.number} is not what was written")
                n, head = row.number, row.hash
                met = met or head == noted
        except (DamageError, ValueError, TypeError, KeyError) as error:
            told = str(error) if isinstance(error, DamageError) else "a row cannot be read"
            return Chain(n, head, f"after row {n}: {told}")
        return Chain(
            n, head, None if met else "the noted hash is not in it: its end was cut off, or all was written anew"
        )

    def digest(self, patient_key: str) -> str:
        """Stands for a patient in the rows of this knowledge base."""
        if self._secret is None:
            file = self._place / KEY
            with suppress(FileNotFoundError), telling(file):
                try:
                    self._secret = bytes.fromhex(unsealed(file.read_bytes())["key"])
                except (ValueError, KeyError):
                    raise DamageError(
                        f"{file} is damaged: patients of the audit are not found by it any more"
                    ) from None
        if self._secret is None:
            return ""
        return hmac.new(self._secret, patient_key.encode(), hashlib.sha256).hexdigest()[:32]

    # --- inside -------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        if (self._place / KEY).exists():
            return
        make_folder(self._place)
        with locked(self._kb, LOCK, WAIT_S, "the audit"):
            DeltaFolder.create(self._place, AUDIT_SCHEMA)
            if not (self._place / KEY).exists():
                write_atomically(self._place / KEY, sealed({"key": secrets.token_hex(32)}))
                (self._place / KEY).chmod(0o600)

    def _row(self, event: Event, number: int, previous: str) -> Row:
        values = asdict(event)
        values["patients"] = tuple(sorted(self.digest(key) for key in event.patients))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = Row(number=number, time=now, previous=previous, hash="", **values)
        return Row(**{**vars(row), "hash": _hash(row)})

    def _end(self) -> tuple[int, str]:
        """Number and hash of the last row; looked up where another process has added meanwhile."""
        file = self._place / PENDING
        if self._tail is not None and self._tail[0] == _signature(file):
            return self._tail[1], self._tail[2]
        pending = self._pending()
        self._n_pending = len(pending)
        whole = b"".join(line for line in self._lines())
        if file.exists() and file.stat().st_size != len(whole):
            # A line that a crash has cut short was never answered.
            write_atomically(file, whole)
        last = pending[-1] if pending else None
        for row in self._kept():
            if last is None or row.number > last.number:
                last = row
        return (last.number, last.hash) if last is not None else (0, _ORIGIN)

    def _fold(self) -> None:
        table = DeltaFolder(self._place)
        table.recover()
        last = self._folded[1]
        if self._folded[0] != table.version:
            last = max((row.number for row in self._kept()), default=0)
        rows = [row for row in self._pending() if row.number > last]
        if rows:
            columns = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Row)}
            table.append(pa.table({name: columns[name] for name in AUDIT_SCHEMA.names}, schema=AUDIT_SCHEMA))
            if len(table.files) > _COMPACT_FILES:
                table.compact(_COMPACT_BYTES)
        self._folded = (table.version, rows[-1].number if rows else last)
        file = self._place / PENDING
        write_atomically(file, b"")
        self._n_pending = 0
        if rows:
            self._tail = (_signature(file), rows[-1].number, rows[-1].hash)

    def _kept(self) -> list[Row]:
        if not (self._place / LEDGER).exists():
            return []
        table = DeltaFolder(self._place)
        parts = [table.read(name, AUDIT_SCHEMA) for name in table.files]
        found = pa.concat_tables([AUDIT_SCHEMA.empty_table(), *parts]).sort_by("number").to_pylist()
        return [_row_of(values) for values in found]

    def _pending(self) -> list[Row]:
        return [_row_of(json.loads(line)) for line in self._lines()]

    def _lines(self) -> list[bytes]:
        try:
            with telling(self._place / PENDING):
                content = (self._place / PENDING).read_bytes()
        except FileNotFoundError:
            return []
        return [line for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def without_names(text: str) -> str:
    """A condition as it may be kept: texts that are no finding and no sex, and long numbers, are left out.

    >>> without_names("findings has 'AFIB' and patient_key = 'Meier' and age > 60")
    "findings has 'AFIB' and patient_key = '?' and age > 60"
    """
    from precordia.concepts import vocabulary

    def kept(match: re.Match[str]) -> str:
        said = match[0].strip("'")
        return match[0] if said in ("F", "M") or said in vocabulary() else "'?'" if match[0].startswith("'") else "?"

    return _LITERAL.sub(kept, text)


def user_of_machine() -> str:
    """Who runs this process, for the audit."""
    import getpass

    try:
        return f"user {getpass.getuser()}"
    except (OSError, KeyError):  # a container's user may have no name
        return f"user {os.getuid()}"


def _row_of(values: Any) -> Row:
    return Row(**{**values, "cases": tuple(values["cases"]), "patients": tuple(values["patients"])})


def _hash(row: Row) -> str:
    values = {name: value for name, value in asdict(row).items() if name != "hash"}
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _signature(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return status.st_ino, status.st_mtime_ns, status.st_size
