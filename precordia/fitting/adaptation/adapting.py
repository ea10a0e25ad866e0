"""``precordia adapt``: an adapter for a knowledge base's archive, its check, and putting it in and taking it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from precordia.arguments import encoder_of
from precordia.core.errors import CheckpointError, MismatchError, UsageError
from precordia.core.progress import Progress, silent
from precordia.encoders.adapter import Adapter, is_adapter, load_adapter
from precordia.encoders.adapting import STATE, AdaptRecipe, train_factors
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.seen import FILE, seen_by, shadows_of
from precordia.encoders.windows import Ecgs
from precordia.fitting.adaptation.check import Check, check_vectors
from precordia.fitting.adaptation.labels import labels_of_reports, read_labels
from precordia.fitting.adaptation.material import Material, material_of
from precordia.indexing.manifest import Manifest
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase


@dataclass(frozen=True)
class Adaptation:
    """What was made of an archive.

    Attributes:
        adapter: That was written.
        path: Its folder.
        facts: About it, for programs.
        notes: About it, for people.
    """

    adapter: Adapter
    path: Path
    facts: dict[str, Any]
    notes: tuple[str, ...]


def adapt(
    kb: Path | str,
    out: Path | str,
    *,
    labels: Path | str | None = None,
    recipe: AdaptRecipe | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Adaptation:
    """Train an adapter on a knowledge base's cases, check it on its own held-back patients, and write it.

    Interrupted, it goes on where it stopped when it is called again.

    Args:
        kb: The knowledge base, which is not changed.
        out: Folder of the adapter.
        labels: CSV file of labels; None for what the archive's reports say.
        recipe: How.
        force: Recommend the adapter whatever the check gives.
        progress: Shows how far it is.

    Raises:
        InputError: a line of ``labels`` cannot be used.
        UsageError: the labels are too few, the knowledge base is adapted already, or ``out`` holds something else.
    """
    recipe = recipe or AdaptRecipe()
    opened, folder = KnowledgeBase.open(kb), Path(out)
    base, name = _base(opened)
    cases = opened.cases(opened.ids())
    known = labels_of_reports(cases) if labels is None else read_labels(labels, cases)
    material = material_of(cases, known, recipe.seed)
    adapter = Adapter({}, name, base.fingerprint, known.hash, asdict(recipe))
    if is_adapter(folder):
        kept = load_adapter(folder)
        if any(getattr(kept, same) != getattr(adapter, same) for same in ("base_fingerprint", "labels_hash", "recipe")):
            raise UsageError(f"{folder}: holds another adapter: write into another folder, or remove it")
        factors = kept.factors
    else:
        folder.mkdir(parents=True, exist_ok=True)
        parts = [_ecgs(opened, ids, base, progress) for ids in (material.training, material.unlabelled)]
        factors = train_factors(base, parts[0], material.labels, parts[1], recipe, folder=folder, progress=progress)
    adapter = replace(adapter, factors=factors)
    adapted = adapter.adapted(base)
    check = _checked(opened, material, base, adapted, recipe.seed, progress)
    recommended = force or (check is not None and check.better)
    document = {} if check is None else check.document()
    adapter = replace(adapter, check={"labels": known.source, **document}, recommended=recommended)
    _write_seen(folder, opened, material, name, adapted, progress)
    adapter.save(folder)
    (folder / STATE).unlink(missing_ok=True)
    share = adapter.n_parameters / sum(parameter.numel() for parameter in base.network.parameters())
    sizes = {
        "n_training": len(material.training),
        "n_unlabelled": len(material.unlabelled),
        "n_held_back": len(material.held_back),
        "findings": list(material.findings),
        "n_parameters": adapter.n_parameters,
        "share_of_parameters": share,
    }
    return Adaptation(
        adapter,
        folder,
        {"adapter": str(folder), "fingerprint": adapter.fingerprint, "base": name, "labels": known.source, **sizes,
         "check": document or None, "recommended": recommended, "forced": force and not (check and check.better)},
        _notes(check, material, adapter, share, force),
    )  # fmt: skip


def apply(kb: Path | str, folder: Path | str, *, force: bool = False, progress: Progress = silent) -> KnowledgeBase:
    """Embed a knowledge base's stored signals with an adapter, and fit its finding models anew.

    Args:
        kb: The knowledge base.
        folder: Of the adapter; it must stay there.
        force: Also an adapter that its check does not recommend.
        progress: Shows how far it is.

    Raises:
        UsageError: the adapter is not recommended, or the knowledge base is adapted already.
        CheckpointError: the folder holds no adapter, or the adapter stands on another encoder.
        BusyError: another process is writing.
    """
    opened, place = KnowledgeBase.open(kb), Path(folder)
    base, name = _base(opened)
    adapter = load_adapter(place)
    if not adapter.recommended and not force:
        raise UsageError(
            f"{place}: its check on held-back patients has not shown it to be better: give it more labels, or --force"
        )
    encoder = adapter.adapted(base)
    manifest = replace(
        opened.manifest,
        encoder=str(place.resolve()),
        encoder_fingerprint=encoder.fingerprint,
        base_encoder=name,
        base_fingerprint=base.fingerprint,
    )
    return _embedded_anew(opened.path, manifest, encoder, progress)


def roll_back(kb: Path | str, *, progress: Progress = silent) -> KnowledgeBase:
    """Embed a knowledge base's stored signals with the encoder that it had before it was adapted.

    Needs the former encoder, not the adapter.

    Raises:
        UsageError: it is not adapted.
        MismatchError: the former encoder is not what it was.
        BusyError: another process is writing.
    """
    store = DeltaCaseStore(kb)
    there = manifest_of(store.path, store.version)
    if there.base_encoder is None:
        raise UsageError(f"knowledge base {kb}: is not adapted: there is nothing to go back to")
    encoder, name = encoder_of(there.base_encoder)
    if encoder.fingerprint != there.base_fingerprint:
        raise MismatchError(
            f"knowledge base {kb}: encoder {name!r} is another than it was adapted from (fingerprint "
            f"{encoder.fingerprint} for {there.base_fingerprint}): bring that one back"
        )
    return _embedded_anew(store.path, there.with_encoder(encoder, name), encoder, progress)


def _embedded_anew(path: Path, manifest: Manifest, encoder: Any, progress: Progress) -> KnowledgeBase:
    DeltaCaseStore(path).reembed(manifest, encoder, progress=progress)
    kb = KnowledgeBase.open(path)
    kb.refit()
    return kb


def _base(kb: KnowledgeBase) -> tuple[SignalEncoder, str]:
    """The encoder of a knowledge base that is not adapted, and its name."""
    name = kb.manifest.encoder
    if kb.manifest.base_encoder is not None:
        raise UsageError(
            f"knowledge base {kb.path}: is adapted already: precordia adapt {kb.path} --rollback comes first"
        )
    if name == "custom":
        raise UsageError(f"knowledge base {kb.path}: its encoder has no name to load it by: build it with a folder's")
    encoder, _ = encoder_of(name)
    if not isinstance(encoder, SignalEncoder):
        raise CheckpointError(f"encoder {name!r}: cannot be adapted: it is no network of ours")
    return encoder, name


def _ecgs(kb: KnowledgeBase, ids: tuple[int, ...], encoder: SignalEncoder, progress: Progress) -> Ecgs:
    return Ecgs.of(progress((kb.recording(i) for i in ids), len(ids), "reading"), encoder.spec)


def _vectors(
    kb: KnowledgeBase, ids: tuple[int, ...], encoder: SignalEncoder, progress: Progress
) -> np.ndarray[Any, np.dtype[np.float32]]:
    parts = [np.zeros((0, encoder.dim), dtype=np.float32)]
    starts = range(0, len(ids), 64)
    for start in progress(starts, len(starts), "checking", "block"):
        parts.append(encoder.embed([kb.recording(i) for i in ids[start : start + 64]]))
    return np.concatenate(parts)


def _checked(
    kb: KnowledgeBase, material: Material, base: SignalEncoder, adapted: SignalEncoder, seed: int, progress: Progress
) -> Check | None:
    before, after = (
        tuple(_vectors(kb, ids, encoder, progress) for ids in (material.training, material.held_back))
        for encoder in (base, adapted)
    )
    return check_vectors(material, before, after, seed)


def _write_seen(
    folder: Path,
    kb: KnowledgeBase,
    material: Material,
    name: str,
    adapted: SignalEncoder,
    progress: Progress,
) -> None:
    """Shadows of the ECGs that the adapter or its base was trained on, so that nothing is measured on them unawares."""
    seen = {*material.training, *material.unlabelled}
    for ids, vectors in DeltaCaseStore(kb.path).vectors():
        seen.update(ids[seen_by(name, vectors)].tolist())
    np.save(folder / FILE, np.unique(shadows_of(_vectors(kb, tuple(sorted(seen)), adapted, progress)), axis=0))


def _notes(check: Check | None, material: Material, adapter: Adapter, share: float, force: bool) -> tuple[str, ...]:
    sizes = (
        f"{len(material.training)} labelled and {len(material.unlabelled)} unlabelled ECGs, {len(material.findings)} findings, "
        f"{adapter.n_parameters} parameters ({share:.1%} of the encoder's)"
    )
    if check is None:
        told = ["not checked: no finding has enough held-back ECGs with and without it: give more labels"]
    else:
        told = [*check.lines(), check.verdict()]
    if check is None or not check.better:
        told.append("kept because of --force" if force else "NOT RECOMMENDED; --apply will ask for --force")
    return (sizes, *told)
