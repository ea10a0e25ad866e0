"""Recordings to vectors: the network, what trains it, and the weights that are shipped.

>>> from precordia.encoders import load_encoder
>>> encoder = load_encoder("default")  # doctest: +SKIP
>>> encoder.embed([recording]).shape  # doctest: +SKIP
(1, 256)

Nothing heavy is imported until one of these names is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from precordia.encoders.architecture import Architecture
    from precordia.encoders.checkpoint import create, load_encoder, save_encoder
    from precordia.encoders.encoder import SignalEncoder
    from precordia.encoders.recipe import Recipe, load_recipe

__all__ = ["Architecture", "Recipe", "SignalEncoder", "create", "load_encoder", "load_recipe", "save_encoder"]

_HOMES = {
    "Architecture": "precordia.encoders.architecture",
    "Recipe": "precordia.encoders.recipe",
    "SignalEncoder": "precordia.encoders.encoder",
    "create": "precordia.encoders.checkpoint",
    "load_encoder": "precordia.encoders.checkpoint",
    "load_recipe": "precordia.encoders.recipe",
    "save_encoder": "precordia.encoders.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
