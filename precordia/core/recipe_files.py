"""Recipes as JSON files: found by name or path, read, and checked key by key against frozen dataclasses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from precordia.core.errors import UnknownNameError, UsageError


def read_recipe_file(name_or_path: str | Path, folder: Path, what: str) -> tuple[Any, str]:
    """The JSON of a recipe, and the path it was read from.

    Args:
        name_or_path: Of a file ``NAME.json`` in ``folder``, or a path.
        folder: The recipes that are shipped.
        what: "recipe", for messages.

    Raises:
        UnknownNameError: neither a shipped name nor a file.
        UsageError: the file is not JSON.
    """
    path = folder / f"{name_or_path}.json"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        raise UnknownNameError(what, str(name_or_path), [p.stem for p in folder.glob("*.json")])
    try:
        return json.loads(path.read_text(encoding="utf-8")), str(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not JSON ({error})") from error


def parsed(kind: Any, values: Mapping[str, Any], where: str, **parts: Any) -> Any:
    """A recipe that holds other dataclasses.

    Args:
        kind: The recipe's.
        values: As the file has them.
        where: The file, for messages.
        parts: Field to the dataclass of what it holds; null stays where that is the field's default.

    Raises:
        UsageError: a key is unknown or a value does not fit.
    """
    plain = dict(values)
    optional = {f.name for f in fields(kind) if f.default is None}
    try:
        for key, part in parts.items():
            if key in plain and not (plain[key] is None and key in optional):
                plain[key] = built(part, plain[key])
        return built(kind, plain)
    except (UsageError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: {error}") from error


def built(kind: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass from JSON values, lists as tuples.

    Raises:
        UsageError: a key is unknown; says which there are.
        TypeError: a field without default is missing.
    """
    names = {f.name for f in fields(kind)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise UsageError(f"{kind.__name__}: unknown {', '.join(unknown)} (fields: {', '.join(sorted(names))})")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
