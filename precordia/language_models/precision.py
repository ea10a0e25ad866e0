"""In what numbers a model in this process computes: half as many bits where the processor has instructions for them."""

from __future__ import annotations

from typing import Any


def fastest() -> Any:
    """``torch.bfloat16`` where the processor multiplies matrices of it (half the time and memory), else ``torch.float32``."""
    import torch

    can: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32
