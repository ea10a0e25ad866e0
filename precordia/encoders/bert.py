"""A BERT that turns texts into sentence vectors: plain torch over a model folder.

The libraries that usually run such models take longer to import than a small archive's reports take to embed, and pad
texts that come together to one length. Here texts lie one behind the other, each attending to itself alone: nothing is
spent on padding, and a vector does not depend on what else is embedded with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

_MODULES: Final = ("Transformer", "Pooling", "Normalize")
"""What sentence-transformers calls the steps that are made here; anything else is left to it."""

_PACK: Final = 512
"""Tokens computed together, about."""

_LEAST: Final = 16
"""Tokens computed together, at least: for fewer, matrix products take another path, which rounds otherwise."""


class SentenceBert:
    """BERT, the mean of its last states, unit norm (Devlin et al. 2019; Reimers and Gurevych 2019).

    Args:
        folder: A model folder for which :meth:`reads` is true.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file

        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError("tokenizers", "text", "searching by meaning") from None
        config = _json(folder / "config.json")
        tensors = {name.removeprefix("bert."): t for name, t in load_file(folder / "model.safetensors").items()}
        self._heads = int(config["num_attention_heads"])
        self._eps = float(config["layer_norm_eps"])
        place = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        self._words, self._places = tensors["embeddings.word_embeddings.weight"], place
        self._norm = _pair(tensors, "embeddings.LayerNorm")
        self._layers = [_Layer(tensors, f"encoder.layer.{i}") for i in range(int(config["num_hidden_layers"]))]
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(int(_json(folder / "sentence_bert_config.json")["max_seq_length"]))

    @staticmethod
    def reads(folder: Path) -> bool:
        """Whether a folder holds a BERT with mean pooling, and nothing that this class would do differently."""
        try:
            steps = [str(module["type"]).rsplit(".", 1)[-1] for module in _json(folder / "modules.json")]
            config, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling" / "config.json")
            limit = int(_json(folder / "sentence_bert_config.json")["max_seq_length"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        modes = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value]
        return (
            tuple(steps) in (_MODULES, _MODULES[:2])
            and config.get("model_type") == "bert"
            and config.get("hidden_act") == "gelu"
            and config.get("position_embedding_type", "absolute") == "absolute"
            and limit <= int(config.get("max_position_embeddings", 0))
            and modes == ["pooling_mode_mean_tokens"]
            and all((folder / name).is_file() for name in ("model.safetensors", "tokenizer.json"))
        )

    @staticmethod
    def dim_of(folder: Path) -> int:
        """Length of the vectors of a folder for which :meth:`reads` is true."""
        return int(_json(folder / "1_Pooling" / "config.json")["word_embedding_dimension"])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(len(texts), dim)`` float32 of unit L2 norm; what goes beyond the model's longest input is not read."""
        import torch

        rows: list[Tensor] = []
        with torch.inference_mode():
            for pack in _packs([encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]):
                states = torch.split(self._states(pack), [len(ids) for ids in pack])
                rows += [torch.nn.functional.normalize(own.mean(0), dim=0) for own in states]
            out: NDArray[np.float32] = torch.stack(rows).numpy()
        return out

    def _states(self, pack: Sequence[Sequence[int]]) -> Tensor:
        """``(n_tokens, dim)``: the last layer's states of all texts, one behind the other."""
        import torch
        import torch.nn.functional as F

        lengths = [len(ids) for ids in pack]
        spare = max(0, _LEAST - sum(lengths))
        words = torch.tensor([i for ids in pack for i in ids] + [0] * spare)
        places = torch.cat([torch.arange(length) for length in [*lengths, spare]])
        width = (self._words.shape[1],)
        x = F.layer_norm(self._words[words] + self._places[places], width, *self._norm, self._eps)
        for layer in self._layers:
            # (part, head, token, width of a head), cut into texts along the tokens
            parts = F.linear(x, *layer.qkv).view(len(words), 3, self._heads, -1).permute(1, 2, 0, 3)
            mixed = [
                F.scaled_dot_product_attention(*own[:, None])[0] for own in torch.split(parts, [*lengths, spare], 2)
            ]
            joined = torch.cat(mixed, 1).transpose(0, 1).reshape(x.shape)
            x = F.layer_norm(x + F.linear(joined, *layer.out), width, *layer.norm, self._eps)
            fed = F.linear(F.gelu(F.linear(x, *layer.up)), *layer.down)
            x = F.layer_norm(x + fed, width, *layer.last, self._eps)
        return x[: sum(lengths)]


class _Layer:
    """The weights and biases of one layer; query, key and value side by side."""

    def __init__(self, tensors: dict[str, Tensor], name: str) -> None:
        import torch

        parts = [_pair(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        self.qkv = (torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts]))
        self.out = _pair(tensors, f"{name}.attention.output.dense")
        self.norm = _pair(tensors, f"{name}.attention.output.LayerNorm")
        self.up = _pair(tensors, f"{name}.intermediate.dense")
        self.down = _pair(tensors, f"{name}.output.dense")
        self.last = _pair(tensors, f"{name}.output.LayerNorm")


def _packs(texts: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """Texts in their order, in packs of some :data:`_PACK` tokens; at least one a pack."""
    packs: list[list[Sequence[int]]] = []
    filled = _PACK
    for ids in texts:
        if filled + len(ids) > _PACK:
            packs.append([])
            filled = 0
        packs[-1].append(ids)
        filled += len(ids)
    return packs


def _pair(tensors: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
