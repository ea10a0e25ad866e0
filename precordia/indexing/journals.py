"""Journals: a sealed file beside a knowledge base that says what has begun and must be finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from precordia.core.errors import DamageError
from precordia.indexing.durable import remove, sync_folder, telling, write_atomically
from precordia.indexing.ledger import remedy
from precordia.indexing.seals import sealed, unsealed

T = TypeVar("T")


def read_journal(file: Path, format: str, made: Callable[[dict[str, Any]], T], begun: str = "") -> T | None:
    """What a journal says, or None where there is none.

    Args:
        file: In the knowledge base's folder.
        format: That it must have.
        made: Its other values to what they stand for.
        begun: What is lost with it, for people.

    Raises:
        DamageError: it is not what was written.
    """
    try:
        with telling(file):
            values = unsealed(file.read_bytes())
        if values.pop("format") != format:
            raise ValueError
        return made(values)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise DamageError(f"{file} is damaged{begun and f': {begun}'}; {remedy(file.parent)}") from None


def write_journal(file: Path, format: str, values: Mapping[str, Any]) -> None:
    """Write it, durably: what it says has begun."""
    write_atomically(file, sealed({"format": format, **values}))


def end_journal(file: Path) -> None:
    """Take it away, durably: what it says is done."""
    remove(file)
    sync_folder(file.parent)
