"""Checkpoints: a folder with weights, architecture, signal spec and fingerprint; read strictly or not at all.

A folder holds ``weights.safetensors`` (the network under ``network.``, and ``text_projection`` when aligned with text) and
``encoder.json`` (format, version, architecture, spec, fingerprint, text encoder). Training adds ``recipe.json``,
``curve.csv`` and ``card.md``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError, UnknownNameError
from precordia.core.given import expect
from precordia.encoders.adapter import is_adapter, load_adapter
from precordia.encoders.architecture import Architecture
from precordia.encoders.arithmetic import mapped_tensors
from precordia.encoders.encoder import SignalEncoder, Weights
from precordia.encoders.forward import shapes_of
from precordia.records.standardize import SignalSpec

if TYPE_CHECKING:
    from precordia.encoders.recipe import Recipe

FORMAT = "precordia-encoder"
VERSION = 1
_WEIGHTS = Path(__file__).parent / "weights"


def load_encoder(name_or_path: str | Path = "default") -> SignalEncoder:
    """An encoder by the name of weights that are shipped, or from a checkpoint's or an adapter's folder.

    Raises:
        UnknownNameError: neither a shipped name nor a folder.
        CheckpointError: a file is missing or damaged, or keys, shapes, spec or fingerprint do not match.
    """
    expect(name_or_path, (str, Path), "an encoder is the name of shipped weights or a folder")
    folder = folder_of(name_or_path)
    if not folder.is_dir():
        shipped = [p.parent.name for p in _WEIGHTS.glob("*/encoder.json")]
        raise UnknownNameError("encoder", str(name_or_path), shipped)
    if is_adapter(folder):
        adapter = load_adapter(folder)
        return adapter.adapted(load_encoder(adapter.base))
    description = _read_description(folder)
    architecture, spec = _parse(folder, description)
    tensors = _read_tensors(folder / "weights.safetensors")
    projection = tensors.pop("text_projection", None)
    encoder = _assemble(folder, architecture, spec, tensors, projection, str(description.get("text_encoder", "")))
    stated = description.get("fingerprint")
    if stated != encoder.fingerprint:
        raise CheckpointError(
            f"{folder}: encoder.json states fingerprint {stated!r} but the weights give {encoder.fingerprint!r}; "
            "the files belong to different checkpoints, copy the folder again as a whole"
        )
    return encoder


def folder_of(name_or_path: str | Path) -> Path:
    """Where the weights of that name that are shipped lie, else the path itself."""
    shipped = _WEIGHTS / str(name_or_path)
    return shipped if (shipped / "encoder.json").is_file() else Path(name_or_path)


def create(recipe: Recipe | str = "tiny", seed: int = 0) -> SignalEncoder:
    """An untrained encoder with a recipe's architecture and random weights: for tests and as a baseline."""
    from precordia.encoders.recipe import load_recipe

    wanted = load_recipe(recipe) if isinstance(recipe, str) else recipe
    return untrained(wanted.architecture, seed)


def untrained(architecture: Architecture, seed: int) -> SignalEncoder:
    """An encoder with random weights."""
    import torch

    from precordia.encoders.network import SignalNetwork

    spec = SignalSpec()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SignalNetwork(architecture, len(spec.leads))
    tensors = {k: v.numpy() for k, v in network.state_dict().items()}
    weights = Weights(architecture, len(spec.leads), tensors)
    return SignalEncoder(weights, spec, _fingerprint(architecture, spec, tensors))


def save_encoder(encoder: SignalEncoder, folder: Path) -> None:
    """Write ``weights.safetensors`` and ``encoder.json``; the folder is made if needed."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{k}": np.array(v.numpy(), order="C") for k, v in encoder.network.state_dict().items()}
    if encoder.text_projection is not None:
        tensors["text_projection"] = encoder.text_projection
    save_file(tensors, folder / "weights.safetensors")
    (folder / "weights.safetensors").chmod(0o644)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": encoder.architecture.to_mapping(),
        "spec": asdict(encoder.spec),
        "fingerprint": encoder.fingerprint,
        "text_encoder": encoder.text_fingerprint,
    }
    (folder / "encoder.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def encoder_of(
    architecture: Architecture,
    spec: SignalSpec,
    tensors: Mapping[str, NDArray[Any]],
    text_projection: NDArray[np.float32] | None = None,
    text_fingerprint: str = "",
) -> SignalEncoder:
    """An encoder from a network's state, names without prefix.

    Raises:
        CheckpointError: keys or shapes do not match the architecture.
    """
    prefixed = {f"network.{k}": v for k, v in tensors.items()}
    return _assemble(Path("<memory>"), architecture, spec, prefixed, text_projection, text_fingerprint)


def _assemble(
    folder: Path,
    architecture: Architecture,
    spec: SignalSpec,
    tensors: Mapping[str, NDArray[Any]],
    projection: NDArray[np.float32] | None,
    text_fingerprint: str,
) -> SignalEncoder:
    wanted = {f"network.{k}": shape for k, shape in shapes_of(architecture, len(spec.leads)).items()}
    problems = [f"missing {k}" for k in sorted(wanted.keys() - tensors.keys())]
    problems += [f"unexpected {k}" for k in sorted(tensors.keys() - wanted.keys())]
    problems += [
        f"{k} has shape {tuple(tensors[k].shape)}, not {wanted[k]}"
        for k in sorted(wanted.keys() & tensors.keys())
        if tuple(tensors[k].shape) != wanted[k]
    ]
    if projection is not None and (projection.ndim != 2 or projection.shape[1] != architecture.dim):
        problems.append(f"text_projection has shape {projection.shape}, not (text_dim, {architecture.dim})")
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(f"{folder}: weights do not fit the architecture: {'; '.join(problems[:3])}{more}")
    bare = {k.removeprefix("network."): v for k, v in tensors.items()}
    bad = [k for k, v in bare.items() if not np.isfinite(v).all()]
    if bad:
        raise CheckpointError(f"{folder}: weights are not finite: {', '.join(sorted(bad)[:3])}")
    network = Weights(architecture, len(spec.leads), bare)
    fingerprint = _fingerprint(architecture, spec, bare, projection)
    return SignalEncoder(network, spec, fingerprint, text_projection=projection, text_fingerprint=text_fingerprint)


def _fingerprint(
    architecture: Architecture,
    spec: SignalSpec,
    tensors: Mapping[str, NDArray[Any]],
    projection: NDArray[np.float32] | None = None,
) -> str:
    digest = hashlib.sha256(json.dumps([FORMAT, VERSION, architecture.to_mapping(), spec.fingerprint]).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    if projection is not None:
        digest.update(np.ascontiguousarray(projection).tobytes())
    return digest.hexdigest()[:16]


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "encoder.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as an encoder's description ({error})") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a {FORMAT} description; is this an encoder's folder?")
    if description.get("version") != VERSION:
        raise CheckpointError(f"{path}: version {description.get('version')!r}, this release reads version {VERSION}")
    return description


def _parse(folder: Path, description: Mapping[str, Any]) -> tuple[Architecture, SignalSpec]:
    try:
        architecture = Architecture.from_mapping(description["architecture"])
        stated = dict(description["spec"])
        spec = SignalSpec(**{**stated, "leads": tuple(stated["leads"])})
    except Exception as error:
        raise CheckpointError(f"{folder / 'encoder.json'}: architecture or spec do not match: {error}") from error
    if spec.version != SignalSpec().version:
        raise CheckpointError(
            f"{folder}: made for signal spec version {spec.version}, this release standardizes by version "
            f"{SignalSpec().version}; use the release it was trained with, or train again"
        )
    return architecture, spec


def _read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # Copied: whoever trains may write the file again while it is used.
        return {name: np.array(tensor) for name, tensor in mapped_tensors(path).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read as safetensors ({error})") from error
