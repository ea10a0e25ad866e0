"""Cross-fitted encoders: for each part of the training folds one that never saw it, so that tuning on it is honest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from precordia.core.errors import CheckpointError, UsageError
from precordia.encoders.checkpoint import load_encoder
from precordia.encoders.recipe import Recipe

if TYPE_CHECKING:
    from precordia.encoders.encoder import SignalEncoder

FILE: Final = "cross_fit.json"
FORMAT: Final = "precordia-cross-fit"
VERSION: Final = 1
KEY: Final = "strat_fold"
FOLDS: Final = tuple(str(fold) for fold in range(1, 9))
"""PTB-XL's training folds (Wagner et al. 2020 keep 9 and 10 aside)."""


@dataclass(frozen=True)
class Part:
    """One of the encoders.

    Attributes:
        folder: Below the manifest's.
        unseen: Folds of which no patient was trained on or watched.
        data_hash: Of what it was trained on.
        fingerprint: Of the encoder.
        seed: Of its training.
    """

    folder: str
    unseen: tuple[str, ...]
    data_hash: str
    fingerprint: str
    seed: int


def parts_of(recipe: Recipe, count: int) -> dict[str, tuple[tuple[str, ...], Recipe]]:
    """Folder to unseen folds and the recipe of each part; what is watched comes from the last fold of the others.

    Raises:
        UsageError: the folds do not divide into so many parts, or the recipe starts from weights that saw them.
    """
    if count < 2 or len(FOLDS) % count:
        raise UsageError(f"--cross-fit {count}: {len(FOLDS)} folds divide into 2, 4 or 8 parts")
    if recipe.init_from:
        raise UsageError(f"recipe {recipe.name}: starts from {recipe.init_from}, which may have seen every fold")
    size, out = len(FOLDS) // count, {}
    for start in range(0, len(FOLDS), size):
        unseen = FOLDS[start : start + size]
        left_out = dict(recipe.exclude) | {KEY: (*recipe.exclude.get(KEY, ()), *unseen)}
        watched = next(fold for fold in reversed(FOLDS) if fold not in unseen)
        out["without-" + "-".join(unseen)] = unseen, replace(recipe, exclude=left_out, hold_out={KEY: (watched,)})
    return out


def write_manifest(folder: Path, recipe: Recipe, parts: Sequence[Part]) -> None:
    """Write which encoder has not seen what."""
    values = {"format": FORMAT, "version": VERSION, "key": KEY, "recipe": json.loads(recipe.to_json())}
    part = folder / f"{FILE}.part"
    part.write_text(json.dumps({**values, "parts": [asdict(p) for p in parts]}, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / FILE)


@dataclass(frozen=True)
class CrossFitted:
    """The encoders of a folder."""

    folder: Path
    parts: tuple[Part, ...]

    def part_without(self, fold: int) -> Part:
        """The part whose encoder never saw a fold.

        Raises:
            UsageError: none of them is known not to have.
        """
        part = next((p for p in self.parts if str(fold) in p.unseen), None)
        if part is None:
            there = ", ".join(f for p in self.parts for f in p.unseen)
            raise UsageError(f"{self.folder}: has no encoder made without fold {fold} (folds: {there})")
        return part

    def for_fold(self, fold: int) -> SignalEncoder:
        """The encoder that never saw a fold.

        Raises:
            UsageError: none of them is known not to have.
            CheckpointError: its weights are not those of the manifest.
        """
        part = self.part_without(fold)
        encoder = load_encoder(self.folder / part.folder)
        if encoder.fingerprint != part.fingerprint:
            raise CheckpointError(f"{self.folder / part.folder}: is not the encoder {FILE} names; train it again")
        return encoder


def cross_fitted(folder: Path | str) -> CrossFitted:
    """The encoders that ``precordia train RECIPE --cross-fit N --out FOLDER`` made.

    Raises:
        CheckpointError: the folder has no manifest that can be read.
    """
    path = Path(folder) / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if (values["format"], values["version"]) != (FORMAT, VERSION):
            raise ValueError(values["version"])
        parts = tuple(Part(**{**part, "unseen": tuple(part["unseen"])}) for part in values["parts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: no manifest of cross-fitted encoders; train with --cross-fit") from error
    return CrossFitted(Path(folder), parts)
