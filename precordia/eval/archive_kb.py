"""The knowledge base that tasks search: PTB-XL's folds 1-8 at 100 Hz, so that fold 9 can be asked about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from precordia.core.errors import InputError
from precordia.eval.harness import results
from precordia.eval.harness.code_hash import code_hash
from precordia.eval.harness.task import Settings

FIRST_FOLDS = "strat_fold <= 8"
"""No patient of PTB-XL crosses folds."""


def archive_kb(settings: Settings, folder: Path, also: Sequence[Path] = ()) -> Path:
    """The knowledge base's folder, named by all that it depends on; built where it is not there, gone on with where cut off.

    Args:
        settings: Gives data, encoder and progress.
        folder: Where it lies or is built.
        also: Other recordings that it is to hold besides.

    Raises:
        InputError: PTB-XL is not in the data folder.
    """
    from precordia.knowledge_base import KnowledgeBase

    source = settings.data / "ptbxl" / "records100"
    if not source.is_dir():
        raise InputError(f"{source}: no PTB-XL at 100 Hz to build a knowledge base from; give its folder with --data")
    data = results.hash_of([settings.data / "ptbxl"], settings.data)
    known = f"{code_hash('precordia.knowledge_base')} {data} {content_of(settings.encoder)}"
    known += "".join(f" {path.name}" for path in also)
    path = folder / f"folds1-8-{hashlib.sha256(known.encode()).hexdigest()[:12]}.kb"
    kb = KnowledgeBase.open_or_create(path, encoder=settings.encoder)
    show = lambda shards, total: settings.progress(shards, total, "building the knowledge base", "shard")  # noqa: E731
    kb.add(source, where=FIRST_FOLDS, progress=show)
    added = [kb.add(one).n_added for one in also]
    if any(added):
        kb.refit()
    return path


def content_of(name: str) -> str:
    """A folder's content as a hash, or the name of what is no folder (an encoder goes by either)."""
    path = Path(name)
    return results.hash_of([path], path) if path.is_dir() else name
