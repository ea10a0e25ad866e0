"""What is kept on disk to go on after a kill, and whether it belongs to the training that wants to go on."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch

from precordia.core.errors import CheckpointError, UsageError
from precordia.encoders.recipe import Recipe, parse_recipe


class WrongStartError(CheckpointError, UsageError):
    """A state or a checkpoint that was named to start from is of something else: the command is wrong, not the file."""


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write at once or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def read_state(path: Path, identity: str) -> dict[str, Any]:
    """A kept state.

    Raises:
        WrongStartError: it cannot be read, or is of another training than ``identity``.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        kept = str(state["identity"])
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise WrongStartError(
            f"{path}: cannot be read as the state of a training ({type(error).__name__}); train without --resume"
        ) from error
    difference = difference_of(kept, identity)
    if difference:
        raise WrongStartError(f"{path}: is of {difference}; train into another folder or without --resume")
    return state


def identity_of(recipe: Recipe, data_hash: str, spec: str, start: str = "") -> str:
    """What a training is: two with one identity go through the same weights.

    Args:
        recipe: The recipe.
        data_hash: Of the corpus.
        spec: Fingerprint of the signal spec.
        start: Fingerprint of the encoder whose weights it starts from, or "".
    """
    return json.dumps([recipe.to_json(), data_hash, spec, *([start] if start else [])])


def difference_of(kept: str, wanted: str) -> str:
    """What tells two identities apart, or "". Recipes are compared as read, so that keys added since do not matter."""
    try:
        first, second = json.loads(kept), json.loads(wanted)
        recipes = [parse_recipe(json.loads(one[0])) for one in (first, second)]
    except (UsageError, ValueError, IndexError, TypeError):
        return "another release"
    if recipes[0] != recipes[1]:
        return "another recipe"
    if first[1] != second[1]:
        return "other data"
    if first[2:3] != second[2:3]:
        return "another signal spec"
    return "" if first[3:] == second[3:] else "another checkpoint to start from"
