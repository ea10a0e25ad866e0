"""A Llama model whose upper layers learn: adapters on them, and an ECG that enters below them.

The layers below stay as they are, so that what they make of a text is computed once; the upper ones have low-rank adapters
(Hu et al. 2021). An ECG's vectors stand before the text, at the depth where learning begins: no gradient has to go through the
layers below, which is what makes training on one core possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.language_models.choices import TokenTrie
from precordia.language_models.tuned.mouths import Mouth, TokenTable

Text = tuple[Tensor, Tensor]
"""Features ``(n, length, width)``, padded at the beginning, and which of them are there ``(n, length)`` bool."""


class LowRank(nn.Module):
    """A linear layer with an addition that learns, of low rank; nothing at first."""

    def __init__(self, inner: nn.Linear, rank: int, alpha: int) -> None:
        super().__init__()
        self.inner, self.scale = inner, alpha / rank
        self.down = nn.Parameter(torch.randn(rank, inner.in_features) / inner.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(inner.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """As the linear layer, and more."""
        added = (x @ self.down.to(x.dtype).T) @ self.up.to(x.dtype).T
        out: Tensor = self.inner(x) + added * self.scale
        return out


class TunedNetwork(nn.Module):
    """See the module.

    Args:
        model: ``LlamaForCausalLM`` of transformers; its upper layers are changed in place.
        depth: Layers that learn.
        rank, alpha: Of their adapters.
        mouth: Of the ECG; None where none is seen.
    """

    def __init__(self, model: Any, depth: int, rank: int, alpha: int, mouth: Mouth | None = None) -> None:
        super().__init__()
        model.requires_grad_(False)
        layers = list(model.model.layers)
        self.model, self.mouth = model, mouth
        self._cut = max(0, len(layers) - depth)
        for layer in layers[self._cut :]:
            for name, module in list(layer.named_modules()):
                if isinstance(module, nn.Linear):
                    parent, _, last = name.rpartition(".")
                    setattr(layer.get_submodule(parent), last, LowRank(module, rank, alpha))
        self.scale = nn.Parameter(torch.ones(()))

    def measure(self, text: Text) -> None:
        """Begin with an ECG's vectors as long as a text's features are, on average."""
        x, there = text
        self.scale.data.fill_(float(x[there].float().square().mean().sqrt()))

    def learned(self) -> dict[str, Tensor]:
        """Everything that is not the language model's own, and not fixed: what an adapter's file holds."""
        named = dict(self.named_parameters())
        return {n: p for n, p in named.items() if p.requires_grad or n.startswith("mouth.")}

    def below(self, ids: Sequence[Sequence[int]], cache: Any = None) -> Text:
        """What the layers that stay make of texts."""
        padded, there = _padded(ids)
        with torch.no_grad():
            x = self._through(self._layers(upper=False), self.model.model.embed_tokens(padded), there, cache)
        return x, there

    def ecg(self, steps: Tensor) -> Tensor:
        """Vectors of ECGs ``(n, m, width)`` from an encoder's features in time, as long as a text's features are."""
        assert self.mouth is not None
        vectors: Tensor = self.mouth(steps)
        return self.sized(vectors)

    def above(self, text: Text, ecg: Tensor | None, cache: Any = None, past: Tensor | None = None) -> Tensor:
        """Features of the text's positions after the layers that learn.

        Args:
            text: From :meth:`below`, or its continuation.
            ecg: Before it; None for none.
            cache: Of keys and values, for who writes.
            past: Which positions the cache holds, ``(n, k)`` bool; None for none.
        """
        x, there = text
        if ecg is not None:
            x = torch.cat([ecg.to(x.dtype), x], dim=1)
            there = torch.cat([there.new_ones(ecg.shape[:2]), there], dim=1)
        x = self._through(self._layers(upper=True), x, there, cache, past)
        out: Tensor = self.model.model.norm(x[:, x.shape[1] - text[0].shape[1] :])
        return out

    def loss(self, text: Text, ids: Sequence[Sequence[int]], begins: Sequence[int], ecg: Tensor | None) -> Tensor:
        """Mean loss a token of the replies, which begin at ``begins`` of each row of ``ids``."""
        hidden = self.above(text, ecg)
        longest = hidden.shape[1]
        rows: list[int] = []
        columns: list[int] = []
        wanted: list[int] = []
        for row, (tokens, start) in enumerate(zip(ids, begins, strict=True)):
            pad = longest - len(tokens)
            rows += [row] * (len(tokens) - start)
            columns += range(pad + start - 1, longest - 1)
            wanted += tokens[start:]
        logits = self.model.lm_head(hidden[rows, columns])
        return F.cross_entropy(logits.float(), torch.tensor(wanted))

    def forecast_loss(self, steps: Tensor) -> Tensor:
        """Mean loss of each discrete ECG token, foretold from those before it."""
        mouth = cast(TokenTable, self.mouth)
        tokens = mouth.tokens(steps)
        x = self.sized(mouth.table(tokens)).to(self.model.dtype)
        hidden = self._through(self._layers(upper=True), x, torch.ones(tokens.shape, dtype=torch.bool))
        logits = mouth.ahead(F.layer_norm(hidden[:, :-1].float(), hidden.shape[-1:]))
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    @torch.no_grad()
    def write(
        self,
        prompts: Sequence[Sequence[int]],
        ecg: Tensor | None,
        tries: Sequence[TokenTrie],
        end: int,
        longest: int,
        end_bias: float = 0.0,
    ) -> list[list[int]]:
        """The likeliest token wherever more than one may follow, ``end`` left out; ``end_bias`` is added to the end's score.

        Where one token alone may follow, it is read with the one before it: a statement costs as many steps as it has
        turnings. Texts that have ended are read no further.
        """
        from transformers.cache_utils import DynamicCache

        cache = DynamicCache()
        x, there = self.below(prompts, cache)
        hidden = self.above((x, there), ecg, cache)[:, -1]
        ahead = there if ecg is None else torch.cat([there.new_ones(ecg.shape[:2]), there], dim=1)
        written: list[list[int]] = [[] for _ in prompts]
        going = list(range(len(prompts)))
        while True:
            said = [
                self._said(state, tries[row], written[row], end, longest, end_bias)
                for row, state in zip(going, hidden, strict=True)
            ]
            for row, more in zip(going, said, strict=True):
                written[row] += [token for token in more if token != end]
            kept = [at for at, row in enumerate(going) if said[at][-1] != end and len(written[row]) < longest]
            if not kept:
                return written
            if len(kept) < len(going):
                cache.batch_select_indices(torch.tensor(kept))
                there, ahead = there[kept], ahead[kept]
                said, going = [said[at] for at in kept], [going[at] for at in kept]
            ids, new = _padded(said)
            x = self._through(self._layers(upper=False), self.model.model.embed_tokens(ids), new, cache, there)
            hidden = self.above((x, new), None, cache, ahead)[:, -1]
            there, ahead = torch.cat([there, new], 1), torch.cat([ahead, new], 1)

    def _said(
        self, state: Tensor, trie: TokenTrie, written: Sequence[int], end: int, longest: int, end_bias: float
    ) -> list[int]:
        """The likeliest of the tokens that may follow, and then all that follow without a choice."""
        allowed = trie.allowed(written)
        scores = F.linear(state, self.model.lm_head.weight[allowed]).float()
        scores += torch.tensor([end_bias * (token == end) for token in allowed])
        said = [allowed[int(scores.argmax())]]
        while said[-1] != end and len(written) + len(said) < longest:
            follow = trie.allowed([*written, *said])
            if len(follow) > 1:
                break
            said += follow
        return said

    def _layers(self, *, upper: bool) -> list[nn.Module]:
        layers = list(self.model.model.layers)
        return layers[self._cut :] if upper else layers[: self._cut]

    def sized(self, vectors: Tensor) -> Tensor:
        """As long as features are at this depth; how long that is, is learned from there on."""
        sized: Tensor = F.normalize(vectors, dim=-1) * (vectors.shape[-1] ** 0.5) * self.scale
        return sized

    def _through(
        self, layers: Sequence[nn.Module], x: Tensor, there: Tensor, cache: Any = None, past: Tensor | None = None
    ) -> Tensor:
        """Through some layers, each position seeing those before it that are there."""
        known = there if past is None else torch.cat([past, there], dim=1)
        before = known.shape[1] - there.shape[1]
        places = (known.long().cumsum(1) - 1).clamp(min=0)[:, before:]
        rows = torch.arange(before, known.shape[1])
        mask = (torch.arange(known.shape[1])[None, :] <= rows[:, None]) & known[:, None, :]
        # Padding sees itself: a row that sees nothing would be no number, and spoil what multiplies it by nothing.
        mask = mask | (torch.arange(known.shape[1])[None, :] == rows[:, None])
        angles = self.model.model.rotary_emb(x, position_ids=places)
        for layer in layers:
            x = layer(
                x,
                attention_mask=mask[:, None],
                position_ids=places,
                past_key_values=cache,
                use_cache=cache is not None,
                position_embeddings=angles,
            )
        return x


def _padded(ids: Sequence[Sequence[int]]) -> Text:
    """Rows of tokens ``(n, longest)``, padded at the beginning, and which are there."""
    longest = max(map(len, ids))
    padded = torch.tensor([[0] * (longest - len(row)) + list(row) for row in ids])
    return padded, torch.tensor([[False] * (longest - len(row)) + [True] * len(row) for row in ids])
