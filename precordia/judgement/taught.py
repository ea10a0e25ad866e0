"""What an archive's own cases teach it: how near is near, and the models of its findings, fitted when it has grown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from precordia.core.errors import MismatchError
from precordia.core.protocols import Encoder, VectorIndex
from precordia.encoders.seen import seen_by
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.reembedding import manifest_of
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement import learning, models
from precordia.judgement.knowledge import DEFAULT_FLOOR, Knowledge
from precordia.judgement.models import FindingModels
from precordia.judgement.promise import calibrate_similarity
from precordia.retrieval.nearness import nearest_similarities

GROWN: Final = 1.2
"""An archive that has grown by this factor is learned from anew at the end of a build."""

WAIT_S: Final = 30.0
"""How long fitting waits for another writer."""


def knowledge_of(store: DeltaCaseStore, signals: VectorIndex, encoder: str) -> Knowledge:
    """What is known of an archive by its cases.

    Args:
        store: The cases.
        signals: The index of their vectors.
        encoder: Fingerprint.

    Raises:
        MismatchError: the models are damaged, or of another encoder; says how to make them anew.
    """
    starts = store.column("start_s")
    # Stretches of long recordings lie near one another: whole recordings are the yardstick.
    whole = store.column("case_id").filter(starts.is_null()).to_numpy() if starts.null_count < len(starts) else None
    near = nearest_similarities(signals, lambda ids: store.values("patient_key", ids), among=whole)
    floor = calibrate_similarity(near)
    # Too few cases tell no quantile: the default then stands.
    return Knowledge(floor if floor > -1.0 else DEFAULT_FLOOR, models.load(store.path, encoder))


def refit(path: Path, store: DeltaCaseStore, encoder: Encoder, name: str) -> FindingModels | None:
    """Fit the models of an archive's findings, and keep them beside it; None where its cases are too few.

    Args:
        path: The knowledge base's folder.
        store: Its cases; brought up to date.
        encoder: Whose vectors they are.
        name: Its name or folder, by which is known what it has seen.

    Raises:
        BusyError: another process is writing.
        MismatchError: another process has embedded it with another encoder meanwhile.
    """
    with locked(path, WRITE_LOCK, WAIT_S, "fitting its finding models"):
        store.refresh()
        manifest_of(path, store.version).check(encoder, where=path)
        found = learning.learn(learning.lessons_of(store, lambda vectors: seen_by(name, vectors)), encoder.fingerprint)
        if found is None:
            models.forget(path)
        else:
            found.save(path)
    return found


def is_due(store: DeltaCaseStore, encoder: str) -> bool:
    """Whether there are cases enough and no models of them yet, or the archive has grown by a fifth since.

    Args:
        store: The cases; brought up to date.
        encoder: Fingerprint.
    """
    store.refresh()
    try:
        there = models.load(store.path, encoder)
    except MismatchError:
        there = None
    n = store.column("start_s").null_count  # windows of long recordings teach nothing
    return n >= learning.FEWEST_CASES and (there is None or n >= GROWN * there.n_archive)
