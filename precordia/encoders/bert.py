"""A BERT sentence model without torch: token numbers to the mean of the last layer, each text by itself.

What a text's vector is depends on the text alone, to the last digit, so that it can be remembered, and a build that was
interrupted ends as one that was not. Attention and layers as in Devlin et al., BERT, NAACL 2019.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.arithmetic import Array, attention, gelu, layer_norm, linear, mapped_tensors

_KINDS: Final = ("Transformer", "Pooling", "Normalize")
"""The parts of the models that are understood here, in their order."""


class SentenceBert:
    """See the module.

    Args:
        folder: A model folder of sentence-transformers for which :func:`is_plain` is true.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = _read(folder / "config.json")
        self._longest = int(_read(folder / "sentence_bert_config.json")["max_seq_length"])

    def embed(self, text: str) -> Array:
        """``(dim,)`` of unit L2 norm."""
        ids = np.array(self._tokenizer.encode(text.strip()).ids, dtype=np.int64)
        mean = self._last_layer(ids).mean(axis=0)
        out: Array = mean / np.maximum(np.linalg.norm(mean), np.float32(1e-12))
        return out

    def _last_layer(self, ids: NDArray[np.int64]) -> Array:
        """``(length, width)``."""
        state, heads = self._state, int(self._settings["num_attention_heads"])
        epsilon = float(self._settings["layer_norm_eps"])

        def pair(name: str) -> tuple[Array, Array]:
            return state[f"{name}.weight"], state[f"{name}.bias"]

        x = state["embeddings.word_embeddings.weight"][ids]
        x = x + state["embeddings.position_embeddings.weight"][: ids.size]
        x = layer_norm(x + state["embeddings.token_type_embeddings.weight"][0], *pair("embeddings.LayerNorm"), epsilon)
        for layer in range(int(self._settings["num_hidden_layers"])):
            name = f"encoder.layer.{layer}"
            q, k, v = (
                linear(x, *pair(f"{name}.attention.self.{part}")).reshape(1, ids.size, heads, -1).swapaxes(1, 2)
                for part in ("query", "key", "value")
            )
            attended = attention(q, k, v).swapaxes(1, 2).reshape(ids.size, -1)
            x = x + linear(attended, *pair(f"{name}.attention.output.dense"))
            x = layer_norm(x, *pair(f"{name}.attention.output.LayerNorm"), epsilon)
            fed = gelu(linear(x, *pair(f"{name}.intermediate.dense")))
            x = x + linear(fed, *pair(f"{name}.output.dense"))
            x = layer_norm(x, *pair(f"{name}.output.LayerNorm"), epsilon)
        return x

    @cached_property
    def _state(self) -> dict[str, NDArray[Any]]:
        return mapped_tensors(self._folder / "model.safetensors")

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._longest)
        return tokenizer


def is_plain(folder: Path, modules: list[dict[str, Any]]) -> bool:
    """Whether a model folder holds what :class:`SentenceBert` computes: BERT, the mean over tokens, unit length."""
    kinds = tuple(str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules)
    files = ("config.json", "sentence_bert_config.json", "tokenizer.json", "model.safetensors")
    if kinds != _KINDS or not all((folder / name).is_file() for name in files):
        return False
    try:
        config = _read(folder / "config.json")
        pooling = _read(folder / str(modules[1]["path"]) / "config.json")
        prompted = _read(folder / "config_sentence_transformers.json").get("default_prompt_name")
    except (OSError, ValueError, KeyError):
        return False
    modes = {name for name, on in pooling.items() if name.startswith("pooling_mode") and on not in (False, None)}
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and modes == {"pooling_mode_mean_tokens"}
        and prompted is None
    )


def _read(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file.name} is no table of values")
    return content
