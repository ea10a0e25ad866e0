"""What a network is made of, as values: written into recipes and checkpoints, part of an encoder's fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

from precordia.core.errors import UsageError

BACKBONES: Final = ("convolutions", "state_space")
"""What stages can be made of; the first where nothing is said."""

STATES: Final = 16
"""Oscillations of a state-space layer's kernel, for each channel and direction."""


@dataclass(frozen=True)
class Architecture:
    """A residual network over all leads, of convolutions or of state-space layers, with attention over time on top.

    Attributes:
        dim: Length of the embedding.
        channels: Width of each stage; each halves the time resolution.
        blocks: Residual blocks in each stage.
        kernel: Length of the convolutions, samples of their stage.
        stem_kernel: Length of the first convolution, samples at the spec's rate.
        attention_layers: Transformer layers over the last stage's steps; 0 for none.
        heads: Attention heads, of the transformer and of the pooling.
        dropout: Share of the embedding hidden from the classifying objectives in training.
        gain: Amplitudes enter as ``asinh(gain * mV)``: linear below 1/gain mV, compressed above.
        backbone: What the stages are made of: "convolutions" or "state_space" layers, to which ``kernel`` means nothing.
    """

    dim: int = 256
    channels: tuple[int, ...] = (64, 128, 192, 256)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    kernel: int = 7
    stem_kernel: int = 15
    attention_layers: int = 1
    heads: int = 4
    dropout: float = 0.1
    gain: float = 4.0
    backbone: str = "convolutions"

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.blocks) or not self.channels:
            raise UsageError(
                f"architecture: {len(self.channels)} channels but {len(self.blocks)} blocks; one each a stage"
            )
        if self.channels[-1] % self.heads:
            raise UsageError(f"architecture: {self.channels[-1]} channels do not divide into {self.heads} heads")
        if self.kernel % 2 == 0 or self.stem_kernel % 2 == 0:
            raise UsageError("architecture: kernel and stem_kernel must be odd")
        if self.backbone not in BACKBONES:
            raise UsageError(f"architecture: backbone {self.backbone!r} (choices: {', '.join(BACKBONES)})")

    @property
    def stride(self) -> int:
        """Samples of the signal a step of the last stage."""
        return int(2 ** (len(self.channels) + 1))

    def to_mapping(self) -> dict[str, object]:
        """What is written, and hashed: the backbone only where it is another, so that older fingerprints stay."""
        values = asdict(self)
        if self.backbone == BACKBONES[0]:
            del values["backbone"]
        return values

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Architecture:
        """From JSON.

        Raises:
            UsageError: a key is not a field.
        """
        names = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise UsageError(f"architecture: unknown {', '.join(unknown)} (fields: {', '.join(sorted(names))})")
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)  # type: ignore[arg-type]
