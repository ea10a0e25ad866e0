"""A BERT sentence model without torch: token numbers to the mean of the last layer.

Texts are laid end to end, so that the weights are fetched from memory once for some hundred tokens; each looks at its own tokens
alone. What a text's vector is depends on the text alone, to the last digit, so that it can be remembered, and a build that was
interrupted ends as one that was not: a column of a product does not depend on those beside it, from :data:`_FEWEST` columns on
(tests/encoders/test_text.py). Attention and layers as in Devlin et al., BERT, NAACL 2019.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.arithmetic import Array, attention, gelu, layer_norm, linear, mapped_tensors

_KINDS: Final = ("Transformer", "Pooling", "Normalize")
"""The parts of the models that are understood here, in their order."""

_TOGETHER: Final = 192
"""Tokens that go through a layer together: more are no faster."""

_FEWEST: Final = 8
"""Fewer are filled up, and what is beyond is thrown away: small products are computed in another way."""


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The word pieces of a text, each as the model sees it in its place.

    Attributes:
        ids: ``(n,)`` int64, their numbers in the model's vocabulary.
        vectors: ``(n, dim)`` float32, each row of unit L2 norm.
        special: ``(n,)`` whether it is one of the model's own marks (beginning, end) rather than a piece of the text.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    special: NDArray[np.bool_]


class SentenceBert:
    """See the module.

    Args:
        folder: A model folder of sentence-transformers for which :func:`is_plain` is true.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = _read(folder / "config.json")
        self._longest = int(_read(folder / "sentence_bert_config.json")["max_seq_length"])

    def embed(self, texts: Sequence[str]) -> list[Array]:
        """``(dim,)`` of unit L2 norm for each text."""
        numbers = [np.array(self._tokenizer.encode(text.strip()).ids, dtype=np.int64) for text in texts]
        means = [rows.mean(axis=0) for group in _groups(numbers) for rows in self._last_layer(group)]
        return [mean / np.maximum(np.linalg.norm(mean), np.float32(1e-12)) for mean in means]

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The word pieces of each text; longer texts are cut where the model ends."""
        pieces = [self._tokenizer.encode(text.strip()) for text in texts]
        numbers = [np.array(one.ids, dtype=np.int64) for one in pieces]
        rows = [rows for group in _groups(numbers) for rows in self._last_layer(group)]
        unit = [one / np.maximum(np.linalg.norm(one, axis=-1, keepdims=True), np.float32(1e-12)) for one in rows]
        special = [np.array(one.special_tokens_mask, dtype=np.bool_) for one in pieces]
        return [TokenVectors(*one) for one in zip(numbers, unit, special, strict=True)]

    def _last_layer(self, texts: list[NDArray[np.int64]]) -> list[Array]:
        """``(length, width)`` of each."""
        ends = np.cumsum([ids.size for ids in texts])
        spans = [slice(int(end) - ids.size, int(end)) for ids, end in zip(texts, ends, strict=True)]
        beyond = np.zeros(max(0, _FEWEST - int(ends[-1])), dtype=np.int64)
        ids = np.concatenate([*texts, beyond])
        places = np.concatenate([*(np.arange(text.size) for text in texts), beyond])
        state, heads = self._state, int(self._settings["num_attention_heads"])
        epsilon = float(self._settings["layer_norm_eps"])

        def pair(name: str) -> tuple[Array, Array]:
            return state[f"{name}.weight"], state[f"{name}.bias"]

        x = state["embeddings.word_embeddings.weight"][ids]
        x = x + state["embeddings.position_embeddings.weight"][places]
        x = layer_norm(x + state["embeddings.token_type_embeddings.weight"][0], *pair("embeddings.LayerNorm"), epsilon)
        for layer in range(int(self._settings["num_hidden_layers"])):
            name = f"encoder.layer.{layer}"
            qkv = [linear(x, *pair(f"{name}.attention.self.{part}")) for part in ("query", "key", "value")]
            attended = np.zeros_like(x)
            for span in spans:
                q, k, v = (
                    part[None, span].reshape(1, span.stop - span.start, heads, -1).swapaxes(1, 2) for part in qkv
                )
                attended[span] = attention(q, k, v).swapaxes(1, 2).reshape(span.stop - span.start, -1)
            x = x + linear(attended, *pair(f"{name}.attention.output.dense"))
            x = layer_norm(x, *pair(f"{name}.attention.output.LayerNorm"), epsilon)
            fed = gelu(linear(x, *pair(f"{name}.intermediate.dense")))
            x = x + linear(fed, *pair(f"{name}.output.dense"))
            x = layer_norm(x, *pair(f"{name}.output.LayerNorm"), epsilon)
        return [x[span] for span in spans]

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


def _groups(texts: list[NDArray[np.int64]]) -> Iterator[list[NDArray[np.int64]]]:
    """Texts in their order, as many as have some :data:`_TOGETHER` tokens."""
    group: list[NDArray[np.int64]] = []
    for ids in texts:
        if group and sum(one.size for one in group) + ids.size > _TOGETHER:
            yield group
            group = []
        group.append(ids)
    if group:
        yield group


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
