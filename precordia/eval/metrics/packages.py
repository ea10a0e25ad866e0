"""Libraries that only some metrics need, loaded when the first of them is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from precordia.core.errors import MissingExtraError


def load_library(module: str, purpose: str) -> Any:
    """A module of the extra ``eval``.

    Args:
        module: Its full name.
        purpose: What it is needed for, as the message says it.

    Raises:
        MissingExtraError: its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(module.partition(".")[0], "eval", purpose) from error
