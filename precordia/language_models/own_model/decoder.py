"""The network: a decoder-only transformer whose first positions are an ECG's embedding, projected.

Pre-norm layers with rotary positions (Su et al. 2021), RMS norms (Zhang & Sennrich 2019) and gated feed-forwards (Shazeer
2020); input and output embeddings are shared. The embedding of an encoder that stays frozen enters through a two-layer
projector as a few soft tokens, as in Q-Heart (Pham et al. 2025).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.core.errors import UsageError


@dataclass(frozen=True)
class Size:
    """Sizes of the network.

    Attributes:
        width: Of the residual stream.
        layers, heads: Number of each.
        soft_tokens: Positions that the ECG's embedding takes.
        context: Most positions, the soft tokens among them.
        dropout: Share of the input features hidden in training.
        encoder_dim: Length of the encoder's embedding.
        noise: Standard deviation of the noise added to unit embeddings in training, against their own per-element scale:
            an encoder knows the ECGs that it was trained on too well.
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    soft_tokens: int = 4
    context: int = 320
    dropout: float = 0.1
    encoder_dim: int = 256
    noise: float = 0.5

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise UsageError(f"width {self.width} must be an even multiple of {self.heads} heads")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The fields."""
        return tuple(f.name for f in fields(cls))


class Decoder(nn.Module):
    """See the module.

    Args:
        size: Sizes.
        n_tokens: Size of the vocabulary.
    """

    def __init__(self, size: Size, n_tokens: int) -> None:
        super().__init__()
        self.size = size
        self.tokens = nn.Embedding(n_tokens, size.width)
        self.projector = nn.Sequential(
            nn.Linear(size.encoder_dim, 2 * size.width),
            nn.GELU(),
            nn.Linear(2 * size.width, size.soft_tokens * size.width),
        )
        self.unseen = nn.Parameter(torch.zeros(size.soft_tokens, size.width))
        self.layers = nn.ModuleList(_Layer(size) for _ in range(size.layers))
        self.norm = _Norm(size.width)
        nn.init.normal_(self.tokens.weight, std=0.02)
        for name, parameter in self.named_parameters():
            if name.endswith(("out.weight", "down.weight")):
                nn.init.normal_(parameter, std=0.02 / (2 * size.layers) ** 0.5)

    def forward(self, vectors: Tensor, seen: Tensor, ids: Tensor) -> Tensor:
        """Logits ``(n, length, n_tokens)`` of the token that follows each token of ``ids``.

        Args:
            vectors: ``(n, encoder_dim)`` unit embeddings; any values where ``seen`` is False.
            seen: ``(n,)`` bool, whether the ECG is shown.
            ids: ``(n, length)`` int64, padded at the end.
        """
        return self.logits(self.hidden(vectors, seen, ids))

    def hidden(self, vectors: Tensor, seen: Tensor, ids: Tensor) -> Tensor:
        """Features ``(n, length, width)`` at each token of ``ids``; padding at the end touches nothing before it."""
        scaled = vectors * self.size.encoder_dim**0.5
        if self.training and self.size.noise:
            scaled = scaled + self.size.noise * torch.randn_like(scaled)
        soft = self.projector(scaled).view(len(ids), self.size.soft_tokens, self.size.width)
        soft = torch.where(seen[:, None, None], soft, self.unseen.expand_as(soft).to(soft.dtype))
        x = torch.cat([soft, self.tokens(ids).to(soft.dtype)], dim=1)
        x = F.dropout(x, self.size.dropout, self.training)
        angles = _angles(x.shape[1], self.size.width // self.size.heads, x.device)
        future = torch.full((x.shape[1], x.shape[1]), -1e4, device=x.device, dtype=x.dtype).triu(1)
        for layer in self.layers:
            x = layer(x, angles, future)
        out: Tensor = self.norm(x[:, self.size.soft_tokens :])
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next token, from features."""
        return F.linear(hidden, self.tokens.weight)


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6)
        return x * scale.to(x.dtype) * self.weight.to(x.dtype)


class _Layer(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads, self.scale = size.heads, (size.width // size.heads) ** -0.5
        self.attention_norm = _Norm(size.width)
        self.qkv = nn.Linear(size.width, 3 * size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)
        self.feed_norm = _Norm(size.width)
        inner = 8 * size.width // 3 // 32 * 32
        self.up = nn.Linear(size.width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, size.width, bias=False)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], future: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = (
            self.qkv(self.attention_norm(x)).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        q, k = _rotated(qkv[0], angles), _rotated(qkv[1], angles)
        # The fused attention of the CPU takes four times as long backwards for sequences as short as these.
        weights = (q * self.scale) @ k.transpose(-1, -2) + future
        attended = weights.softmax(dim=-1).to(x.dtype) @ qkv[2]
        x = x + self.out(attended.transpose(1, 2).reshape(n, length, width))
        value, gate = self.up(self.feed_norm(x)).chunk(2, dim=-1)
        out: Tensor = x + self.down(value * F.silu(gate))
        return out


def _angles(length: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, ``(length, width / 2)``."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=device, dtype=torch.float32)[:, None] * rates
    return angles.cos(), angles.sin()


def _rotated(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = (a.to(x.dtype) for a in angles)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
