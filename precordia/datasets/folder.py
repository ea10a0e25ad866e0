"""Where the real ECGs are that training, fitting and evaluation share."""

from __future__ import annotations

import os
from pathlib import Path

from precordia.core.errors import InputError


def default_data_dir() -> Path:
    """``$PRECORDIA_DATA``.

    Raises:
        InputError: it is not set; no folder is guessed.
    """
    named = os.environ.get("PRECORDIA_DATA")
    if not named:
        raise InputError("no folder of ECGs is named; give it with --data DIR or set $PRECORDIA_DATA")
    return Path(named)
