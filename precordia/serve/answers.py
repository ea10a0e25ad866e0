"""What a piece of work gives back: a status, a body, and what was shown of whom, for the audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from precordia.core.errors import BusyError, InputError, PrecordiaError, UsageError, place_of
from precordia.indexing.schema import PRIVATE_COLUMNS

JSON: Final = "application/json"
MAX_PAGE: Final = 100
"""Most items of one page of a list."""


LONGEST: Final = 2000
"""Most characters of an error: what was sent may stand in it."""


class NotThere(UsageError):
    """What was asked for by its id is not there."""


@dataclass(frozen=True)
class Answer:
    """An answer on its way out.

    Attributes:
        content: The body.
        status: Of HTTP.
        media_type: Of the body.
        filename: What a browser should save it as, or None.
        shown: Ids of the cases that it shows.
        patients: Keys of the patients whose cases it shows.
        recording: Content hash of the ECG that was sent, or "".
        following: Cursor of the piece that comes after this one, or None.
    """

    content: bytes
    status: int = 200
    media_type: str = JSON
    filename: str | None = None
    shown: tuple[int, ...] = ()
    patients: tuple[str, ...] = ()
    recording: str = ""
    following: str | None = None


@dataclass
class Shown:
    """What an answer shows, gathered while it is made."""

    cases: dict[int, str] = field(default_factory=dict)
    recording: str = ""

    def add(self, *cases: Any) -> None:
        """Cases that are shown."""
        self.cases.update((case.case_id, case.patient_key) for case in cases)

    def json(self, document: Mapping[str, Any]) -> Answer:
        """The answer that holds a document."""
        return self.answer(encoded(document))

    def answer(self, content: bytes, media_type: str = JSON, filename: str | None = None) -> Answer:
        """The answer that holds bytes."""
        patients = tuple(dict.fromkeys(self.cases.values()))
        return Answer(content, 200, media_type, filename, tuple(self.cases), patients, self.recording)


def encoded(document: Any) -> bytes:
    """A document as JSON; numbers that are none become null."""
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    """A value in JSON's own types."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain_of(key, inner) for key, inner in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, np.generic):
        return plain(value.item())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Iterable):
        return [plain(inner) for inner in value]
    return str(value)


def _plain_of(key: Any, value: Any) -> Any:
    if key == "metadata" and isinstance(value, Mapping):
        value = {name: inner for name, inner in value.items() if name not in PRIVATE_COLUMNS}
    return without_folders(value) if key == "source" and isinstance(value, str) else plain(value)


def without_folders(text: str) -> str:
    """A text whose absolute paths are names of files: where an archive lies is not for who reads its cases.

    >>> without_folders("/data/ward 7/x.xml"), without_folders("/kb/cases/a.parquet: damaged; 1/2 left")
    ('x.xml', 'a.parquet: damaged; 1/2 left')
    """
    if _ABSOLUTE.fullmatch(text):
        return text.replace("\\", "/").rpartition("/")[2]
    return _FOLDERS.sub("", text)


_ABSOLUTE: Final = re.compile(r"(?:[A-Za-z]:[\\/]|/|[a-z0-9]+://)[^:;,]*")
"""A text that is one path, perhaps with spaces, or an address of object storage."""

_FOLDERS: Final = re.compile(r"(?<![\w/])(?:[a-z0-9]+:/)?/(?:[^\s/:;,'\"]+/)+")
"""The folders of a path within a sentence."""


def refusal(error: Exception) -> Answer:
    """What is told of an error: of a mistake of ours its kind and place alone, since its message may hold what was sent."""
    if not isinstance(error, PrecordiaError):
        told = f"internal error ({type(error).__name__} in {place_of(error)}); please report it"
        return Answer(encoded({"error": told}), 500)
    told = without_folders(" ".join(str(error).split()))
    return Answer(encoded({"error": told if len(told) <= LONGEST else f"{told[:LONGEST]}…"}), status_of(error))


def status_of(error: PrecordiaError) -> int:
    """The status that an error answers with."""
    kinds: tuple[tuple[type[PrecordiaError], int], ...] = (
        (NotThere, 404),
        (UsageError, 400),
        (InputError, 400),
        (BusyError, 503),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)
