"""Which table a known archive has, and where; the table itself is not read."""

# ruff: noqa: PTH100, PTH110, PTH118, PTH120
from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError, MissingExtraError
from precordia.records.places import split_place
from precordia.records.sheets.columns import column_names
from precordia.records.sheets.mapping import BUILT_IN, TableMapping, built_in

_MOST_LEVELS: Final = 4


def known_beside(path: str | os.PathLike[str]) -> tuple[Path, TableMapping] | None:
    """The file and mapping of the known table in a recording's folder or above it, as far up as its archive has it."""
    folder = os.path.dirname(os.path.abspath(split_place(os.fspath(path))[0]))
    folders = [folder]
    while len(folders) <= _MOST_LEVELS and folder != (folder := os.path.dirname(folder)):
        folders.append(folder)
    for file, mapping in _candidates(tuple(folders), tuple(_changed(one) for one in folders)):
        if is_known(file, mapping):
            return Path(file), mapping
    return None


@lru_cache(maxsize=4096)
def _candidates(folders: tuple[str, ...], changed: tuple[int, ...]) -> tuple[tuple[str, TableMapping], ...]:
    """Files that are called like known tables, until one is put into a folder or taken out, which changes the folder."""
    return tuple(
        (file, mapping)
        for mapping in _known()
        for folder in folders[: mapping.levels + 1]
        for name in mapping.beside
        if os.path.exists(file := f"{folder}{os.sep}{name}")
    )


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


@cache
def _known() -> tuple[TableMapping, ...]:
    return tuple(map(built_in, BUILT_IN))


def signals_beside(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the known archive that an array belongs to says of its arrays (see ``sidecar``); empty when it is none."""
    found = known_beside(path)
    return dict(found[1].signals) if found else {}


def is_known(file: str, mapping: TableMapping) -> bool:
    """Whether a file is there and has the columns by which a mapping is recognised."""
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError:
        return False
    return _has_columns(file, mapping.name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _has_columns(file: str, mapping: str, mtime_ns: int, size: int) -> bool:
    try:
        return set(built_in(mapping).requires) <= set(column_names(Path(file)))
    except MissingExtraError:
        return True  # by its name; reading it will say what is missing
    except (InputError, OSError):
        return False


def known_table(sources: Iterable[str], first: str | None) -> tuple[Path, TableMapping] | None:
    """The known table of an archive that is built: in its folder, or beside the first of its recordings."""
    for source in sources:
        for mapping in _known():
            for name in mapping.beside:
                path = os.path.join(source, name)
                if is_known(path, mapping):
                    return Path(path), mapping
    return known_beside(first) if first else None
