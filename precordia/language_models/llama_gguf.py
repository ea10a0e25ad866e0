"""A Llama model out of a GGUF file, as a PyTorch model and its tokenizer: the numbers of the file in single precision.

Reading such a file through transformers parses its vocabulary four times in Python; this takes a tenth of the time. It knows
the one family of models that comes with the package (``local``); any other file is run by mistral.rs (``gguf:FILE``).

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import LanguageModelError, MissingExtraError

_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _LIST = 8, 9
_OF_A_LAYER: Final = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OF_THE_MODEL: Final = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


@dataclass(frozen=True)
class _Tensor:
    """A tensor as the file describes it: its dimensions the fastest first, its kind of number, its place."""

    name: str
    dims: tuple[int, ...]
    kind: int
    offset: int


def load_llama(file: Path) -> tuple[Any, Any]:
    """Model, in evaluation mode, and tokenizer.

    Raises:
        LanguageModelError: it is no such file, or of another family.
        MissingExtraError: gguf or transformers is not installed.
    """
    try:
        import torch
        from gguf import GGMLQuantizationType, dequantize
        from transformers import LlamaConfig, LlamaForCausalLM
        from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
    except ImportError as error:
        raise MissingExtraError(error.name or "gguf", "local-llm", "a language model offline") from None
    try:
        meta, tensors, start = _read(file)
    except (OSError, ValueError, struct.error, KeyError) as error:
        raise LanguageModelError(f"{file.name} cannot be read as a GGUF file ({type(error).__name__})") from error
    family, tokens = meta.get("general.architecture"), meta.get("tokenizer.ggml.model")
    if (family, tokens) != ("llama", "gpt2"):
        raise LanguageModelError(f"{file.name} holds a model of the family {family}, {tokens}; run it with gguf:FILE")
    heads, groups = int(meta["llama.attention.head_count"]), int(meta["llama.attention.head_count_kv"])
    config = LlamaConfig(
        vocab_size=len(meta["tokenizer.ggml.tokens"]),
        hidden_size=int(meta["llama.embedding_length"]),
        intermediate_size=int(meta["llama.feed_forward_length"]),
        num_hidden_layers=int(meta["llama.block_count"]),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=int(meta["llama.context_length"]),
        rms_norm_eps=float(meta["llama.attention.layer_norm_rms_epsilon"]),
        rope_parameters={"rope_type": "default", "rope_theta": float(meta["llama.rope.freq_base"])},
        tie_word_embeddings=all(tensor.name != "output.weight" for tensor in tensors),
        bos_token_id=int(meta["tokenizer.ggml.bos_token_id"]),
        eos_token_id=int(meta["tokenizer.ggml.eos_token_id"]),
        pad_token_id=int(meta["tokenizer.ggml.eos_token_id"]),
    )
    data = np.memmap(file, np.uint8, "r", offset=start)
    weights = {}
    for tensor in tensors:
        raw = data[tensor.offset : tensor.offset + _size(tensor)].reshape(*reversed(tensor.dims[1:]), -1)
        values: NDArray[np.float32] = dequantize(raw, GGMLQuantizationType(tensor.kind))
        parts = tensor.name.split(".")
        if parts[-2] in ("attn_q", "attn_k"):
            values = _unpermuted(values, heads if parts[-2] == "attn_q" else groups)
        weights[_name_of(tensor.name)] = torch.from_numpy(np.array(values, np.float32))
    # Nothing is drawn for weights that are there.
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.to_empty(device="cpu")
    model.load_state_dict(weights, strict=False)
    model.tie_weights()
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    return model.eval(), _tokenizer(meta)


def _read(file: Path) -> tuple[dict[str, Any], list[_Tensor], int]:
    """What the file says, its tensors, and where their numbers begin."""
    with file.open("rb") as stream:
        magic, version, n_tensors, n_values = struct.unpack("<4sIQQ", stream.read(24))
        if magic != b"GGUF" or version != 3:
            raise ValueError("not GGUF 3")

        def number(code: str) -> Any:
            return struct.unpack(f"<{code}", stream.read(struct.calcsize(f"<{code}")))[0]

        def text() -> str:
            return stream.read(number("Q")).decode("utf-8")

        def value(kind: int) -> Any:
            if kind == _STRING:
                return text()
            if kind == _LIST:
                inner, n = number("I"), number("Q")
                if inner in _SCALARS:
                    code = f"<{n}{_SCALARS[inner]}"
                    return list(struct.unpack(code, stream.read(struct.calcsize(code))))
                return [value(inner) for _ in range(n)]
            return number(_SCALARS[kind])

        meta = {text(): value(number("I")) for _ in range(n_values)}
        tensors = []
        for _ in range(n_tensors):
            name, n = text(), number("I")
            tensors.append(_Tensor(name, tuple(number("Q") for _ in range(n)), number("I"), number("Q")))
        step = int(meta.get("general.alignment", 32))
        return meta, tensors, -(-stream.tell() // step) * step


def _size(tensor: _Tensor) -> int:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    block, size = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.kind)]
    return int(prod(tensor.dims) // block * size)


def _unpermuted(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of queries and keys in the order of transformers: llama.cpp rotates neighbours, transformers halves."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _name_of(name: str) -> str:
    if name in _OF_THE_MODEL:
        return _OF_THE_MODEL[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_OF_A_LAYER[part]}.{kind}"


def _tokenizer(meta: dict[str, Any]) -> Any:
    """Byte-level byte pairs; digits stand alone, as the vocabulary was made."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in meta["tokenizer.ggml.merges"]]
    inner = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in _special(tokens, kinds)])
    end = tokens[int(meta["tokenizer.ggml.eos_token_id"])]
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=tokens[int(meta["tokenizer.ggml.bos_token_id"])],
        eos_token=end,
        pad_token=end,
        unk_token=tokens[int(meta["tokenizer.ggml.unknown_token_id"])],
        chat_template=meta.get("tokenizer.chat_template"),
        clean_up_tokenization_spaces=False,
    )


def _special(tokens: list[str], kinds: list[int]) -> Iterator[str]:
    control = 3
    return (token for token, kind in zip(tokens, kinds, strict=True) if kind == control)
