"""Every error that Precordia raises on purpose.

The tree::

    PrecordiaError
    ├── UsageError              the caller asked for something that cannot be (unknown name, bad option)
    │   ├── UnknownNameError    a name is not registered; lists the choices and suggests one
    │   ├── FilterError         a ``where`` expression is not valid
    │   └── MissingExtraError   an optional dependency is not installed; names the extra
    ├── InputError              a file or a signal cannot be used; names the file and the remedy
    │   ├── UnreadableRecordingError   damaged, truncated or hostile
    │   ├── UnknownFormatError         no reader recognises the file
    │   └── UnusableSignalError        readable, but not what is needed (too short, no known lead)
    ├── KnowledgeBaseError
    │   ├── KnowledgeBaseNotFoundError
    │   ├── MismatchError              built by another encoder, signal spec or schema
    │   ├── BusyError                  another process is writing
    │   ├── DamageError                a stored thing is missing, or is not what was written
    │   ├── UnfinishedErasureError     an erasure has begun whose bytes are not all gone yet
    │   └── StorageError               the disk cannot be used
    │       ├── DiskFullError
    │       ├── ReadOnlyError          mounted read-only
    │       └── AccessDeniedError      this user may not read or write
    ├── CheckpointError         weights whose keys, shapes or spec do not match
    └── LanguageModelError      a language model failed or answered nonsense

``UsageError`` and ``InputError`` end a command with exit code 2, all others with 1. A message says what went wrong, with
which record or key, and what to do about it, on one line. No message carries report text or a patient's name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final

__all__ = [
    "AccessDeniedError",
    "BusyError",
    "CheckpointError",
    "DamageError",
    "DiskFullError",
    "FilterError",
    "InputError",
    "KnowledgeBaseError",
    "KnowledgeBaseNotFoundError",
    "LanguageModelError",
    "MismatchError",
    "MissingExtraError",
    "PrecordiaError",
    "ReadOnlyError",
    "StorageError",
    "UnfinishedErasureError",
    "UnknownFormatError",
    "UnknownNameError",
    "UnreadableRecordingError",
    "UnusableSignalError",
    "UsageError",
]


class PrecordiaError(Exception):
    """Root of every error raised on purpose; may be sent between processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), *self.args)


def _again(kind: type[PrecordiaError], *args: object) -> PrecordiaError:
    """An error with its message as it was, whatever its own constructor takes."""
    return kind.__new__(kind, *args)


class UsageError(PrecordiaError):
    """The caller asked for something that cannot be."""


class UnknownNameError(UsageError):
    """A name is not registered.

    Args:
        kind: What was looked up, in the singular ("reader", "objective").
        name: The name asked for.
        choices: The names there are.
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        names = sorted(choices)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        super().__init__(f"unknown {kind} {name!r}{hint} (choices: {', '.join(names) or 'none'})")


class FilterError(UsageError):
    """A ``where`` expression is not valid."""


class MissingExtraError(UsageError):
    """An optional dependency is missing.

    Args:
        package: The import that failed.
        extra: The extra of this distribution that brings it.
        purpose: What it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'precordia[{extra}]'")


class InputError(PrecordiaError):
    """A file or a signal cannot be used."""


class UnreadableRecordingError(InputError):
    """A recording is damaged, truncated or hostile."""


class UnknownFormatError(InputError):
    """No reader recognises the file."""


class UnusableSignalError(InputError):
    """A recording was read but cannot serve: too short, or none of the standard leads."""


class KnowledgeBaseError(PrecordiaError):
    """A knowledge base cannot do what was asked."""


class KnowledgeBaseNotFoundError(KnowledgeBaseError, UsageError):
    """There is no knowledge base at this path."""


class MismatchError(KnowledgeBaseError):
    """The knowledge base was built by another encoder, signal spec or schema."""


class BusyError(KnowledgeBaseError):
    """Another process is writing to the knowledge base."""


class DamageError(KnowledgeBaseError):
    """A stored thing is missing, or is not what was written."""


class UnfinishedErasureError(KnowledgeBaseError):
    """An erasure has begun and cannot be finished now: bytes of the patient may be left."""


class StorageError(KnowledgeBaseError):
    """The disk cannot be used: gone, failing, or refusing."""


class DiskFullError(StorageError):
    """No space is left on the disk."""


class ReadOnlyError(StorageError):
    """The disk is mounted read-only."""


class AccessDeniedError(StorageError):
    """This user may not read or write a file or folder."""


class CheckpointError(PrecordiaError):
    """Weights whose keys, shapes or signal spec do not match what is asked of them."""


class LanguageModelError(PrecordiaError):
    """A language model failed, timed out or answered nonsense."""


class ContextOverflowError(LanguageModelError):
    """Prompt and reply are longer than the model can hold: a shorter prompt may do."""


_WHERE: Final = re.compile(r"\b(?:row|line|column|byte|position|offset) #?\d[\da-fx]{0,7}\b", re.I)


def reason_of(error: BaseException) -> str:
    """What may be told of a library's error: its kind, and the rows and places it names. Its words may quote what it read.

    >>> reason_of(ValueError("Row #3: Expected 2 columns, got 3: 17,Doe,AF"))
    'ValueError, row 3'
    """
    where = (found.replace("#", "").lower() for found in _WHERE.findall(str(error)))
    return ", ".join(dict.fromkeys((type(error).__name__, *where)))


def place_of(error: BaseException) -> str:
    """Module and line of ours where an error arose: what may be told of an error whose message may hold anything."""
    place, trace = "unknown place", error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.startswith("precordia"):
            place = f"{name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
