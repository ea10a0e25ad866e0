"""Recipes of what other heart signals are taught: JSON files of ``precordia/fitting/signals/recipes``, ``KIND-NAME.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from precordia.core.errors import UsageError
from precordia.core.recipe_files import built, read_recipe_file

FOLDER = Path(__file__).parent / "recipes"


def load_recipe(kind: str, name_or_path: str, shape: Any) -> Any:
    """The recipe of a name ("align" of kind "pulse" is ``pulse-align.json``) or of a file, as a dataclass.

    Raises:
        UnknownNameError: neither a name that ships nor a file.
        UsageError: not JSON, or keys that the recipe does not have.
    """
    shipped = FOLDER / f"{kind}-{name_or_path}.json"
    values, place = read_recipe_file(shipped.stem if shipped.is_file() else name_or_path, FOLDER, f"{kind} recipe")
    try:
        return built(shape, values)
    except (TypeError, UsageError) as error:
        raise UsageError(f"{place}: {error}") from error
