"""Checkpoints: a folder with weights, tokenizer and settings; read strictly or not at all.

A folder holds ``weights.safetensors`` (bfloat16), ``tokenizer.json`` and ``model.json``; training adds ``recipe.json``,
``curve.csv`` and ``card.md``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from precordia.core.errors import CheckpointError, UnknownNameError
from precordia.language_models.own_model.context import Layout, Sees
from precordia.language_models.own_model.decoder import Decoder, Size
from precordia.language_models.own_model.fsq import FiniteScalarQuantiser
from precordia.language_models.own_model.model import OwnModel
from precordia.language_models.own_model.tokenizer import Tokenizer

FORMAT = "precordia-language-model"
VERSION = 1
_WEIGHTS = Path(__file__).parent / "weights"


def shipped() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in _WEIGHTS.glob("*/model.json"))


def save_model(model: OwnModel, folder: Path) -> OwnModel:
    """Write a checkpoint; the model as it will be read back, its weights rounded to bfloat16."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"decoder.{k}": v.bfloat16().contiguous() for k, v in model.decoder.state_dict().items()}
    if model.quantiser is not None:
        tensors |= {f"quantiser.{k}": v.bfloat16().contiguous() for k, v in model.quantiser.state_dict().items()}
    save_file(tensors, str(folder / "weights.safetensors"))
    (folder / "weights.safetensors").chmod(0o644)
    model.layout.tokenizer.save(folder / "tokenizer.json")
    description = {
        "format": FORMAT,
        "version": VERSION,
        "size": asdict(model.decoder.size),
        "sees": asdict(model.sees),
        "edges": list(model.layout.edges),
        "max_tokens": model.layout.max_tokens,
        "encoder": model.encoder,
        "encoder_fingerprint": model.encoder_fingerprint,
        "levels": list(model.quantiser.levels) if model.quantiser else None,
        "statements": list(model.statements),
        "concepts": list(model.concepts),
    }
    (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return load_model(folder)


def load_model(name_or_path: str | Path = "default") -> OwnModel:
    """A model by the name of one that is shipped, or from a checkpoint's folder.

    Raises:
        UnknownNameError: neither a shipped name nor a folder.
        CheckpointError: a file is missing or damaged, or they do not belong together.
    """
    folder = _WEIGHTS / str(name_or_path)
    if not (folder / "model.json").is_file():
        folder = Path(name_or_path)
    if not folder.is_dir():
        raise UnknownNameError("language model of our own", str(name_or_path), shipped())
    stated = _description(folder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    tensors = _tensors(folder / "weights.safetensors")
    try:
        size, sees = Size(**stated["size"]), Sees(**stated["sees"])
        layout = Layout(tokenizer, tuple(float(e) for e in stated["edges"]), int(stated["max_tokens"]))
        statements = tuple(str(s) for s in stated["statements"])
        concepts = tuple(str(c) for c in stated["concepts"])
        encoder, fingerprint = str(stated["encoder"]), str(stated["encoder_fingerprint"])
        levels = tuple(int(v) for v in stated["levels"]) if stated["levels"] else None
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'model.json'}: does not describe a model ({error})") from error
    quantiser = None
    if levels is not None:
        width = tensors["quantiser.down.0.weight"].numel() if "quantiser.down.0.weight" in tensors else 1
        quantiser = FiniteScalarQuantiser(width, levels).eval()
        _fill(quantiser, tensors, "quantiser.", folder)
    with torch.random.fork_rng(devices=[]):
        decoder = Decoder(size, len(tokenizer) + (quantiser.n_tokens if quantiser else 0)).eval()
    _fill(decoder, tensors, "decoder.", folder)
    return OwnModel(decoder, layout, sees, statements, concepts, encoder, fingerprint, quantiser, _fingerprint(folder))


def _fill(module: torch.nn.Module, tensors: dict[str, torch.Tensor], prefix: str, folder: Path) -> None:
    mine = {k.removeprefix(prefix): v.float() for k, v in tensors.items() if k.startswith(prefix)}
    wanted = {k: v.shape for k, v in module.state_dict().items()}
    wrong = sorted(
        k for k in wanted.keys() | mine.keys() if k not in mine or k not in wanted or mine[k].shape != wanted[k]
    )
    if wrong:
        raise CheckpointError(
            f"{folder}: weights do not fit model.json: {', '.join(wrong[:3])}; copy the folder as a whole"
        )
    if any(not bool(torch.isfinite(v).all()) for v in mine.values()):
        raise CheckpointError(f"{folder}: weights are not finite; train again")
    module.load_state_dict(mine)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(str(path)))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read as safetensors ({type(error).__name__})") from error


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as a model's description ({type(error).__name__})") from error
    if not isinstance(stated, dict) or stated.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a {FORMAT} description; is this a model's folder?")
    if stated.get("version") != VERSION:
        raise CheckpointError(f"{path}: version {stated.get('version')!r}, this release reads version {VERSION}")
    return stated


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("model.json", "tokenizer.json", "weights.safetensors"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
