"""The archive as a whole: what it holds, what could not be used, and what is promised of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from precordia.core.retrieval import Query
from precordia.encoders.seen import N_DIRECTIONS, middle_of_seen, unit_shadows
from precordia.indexing.standing import counted, n_different
from precordia.serve.answers import Answer, Shown, without_folders
from precordia.serve.work.census import Census
from precordia.serve.work.finding import check_limit, cursor_at, offset_of
from precordia.serve.work.room import Room
from precordia.serve.work.weighing import promise_document


def health(room: Room) -> Answer:
    """Counts and versions."""
    from precordia import __version__

    n, encoder = len(room.kb), room.kb.manifest.encoder
    return Shown().json({"status": "ok", "version": __version__, "n_cases": n, "encoder": encoder})


def warm(room: Room) -> Answer:
    """Make ready what the first question would wait for; how many cases there are."""
    n = len(room.kb)
    if n:
        room.kb.store.refresh()
        room.of_version("census", lambda: Census.of(room.kb.store))
        room.kb.search(Query(text="normal", k=1))
    return Shown().json({"n_cases": n})


def warm_to_write(room: Room) -> Answer:
    """Likewise before the first report: the language model is loaded, and what the archive has taught."""
    room.kb.knowledge()
    room.language_model  # noqa: B018  loaded once
    return Shown().json({"llm": room.language_model is not None})


def summary(room: Room) -> Answer:
    """What the archive holds, year by year and finding by finding."""
    store = room.kb.store
    store.refresh()
    census = room.of_version("census", lambda: Census.of(store))
    facets = census.facets(store.ids)
    knowledge = room.kb.knowledge()
    reasons = Counter(f"{reject.stage}: {reject.error}" for reject in store.rejects())
    return Shown().json(
        {
            "n_cases": len(store),
            "n_patients": n_different(store.column("patient_key")),
            "years": facets["year"],
            "findings": facets["finding"],
            "quality": facets["quality"],
            "devices": facets["device"],
            "sexes": facets["sex"],
            "ages": facets["age"],
            "rejects": [{"reason": reason, "count": n} for reason, n in reasons.most_common()],
            "promise": promise_document(knowledge.models),
            "drift": room.of_version("drift", lambda: drift(room)),
            "encoder": room.kb.manifest.encoder,
            "formats": [{"value": f, "count": n} for f, n in counted(store.column("format")).items()],
        }
    )


def drift(room: Room) -> dict[str, Any]:
    """How far each year's ECGs lie from the archive's middle and from what the encoder learned from, as it sees them.

    ``distance`` is 1 less the cosine between a year's mean vector and that of all, ``from_training`` the same of the shadows of the
    ECGs that the encoder was trained on, where it keeps them; ``floor`` is the similarity that all but 2 % of the cases reach to
    another patient's.
    """
    store = room.kb.store
    census = room.of_version("census", lambda: Census.of(store))
    year = census.columns["year"]
    learned = middle_of_seen(room.kb.manifest.encoder)
    sums = np.zeros((len(year.values) + 1, room.kb.manifest.dim))
    shades = np.zeros((len(year.values) + 1, N_DIRECTIONS))
    for ids, vectors in store.vectors("signal"):
        codes = year.codes[np.searchsorted(census.ids, ids)]
        np.add.at(sums, codes, vectors)
        if learned is not None:
            np.add.at(shades, codes, unit_shadows(vectors))
    whole = sums.sum(axis=0)
    return {
        "floor": room.kb.knowledge().floor,
        "years": [
            {
                "value": value,
                "distance": round(1.0 - _cosine(sums[i], whole), 4),
                "from_training": None if learned is None else round(1.0 - _cosine(shades[i], learned), 4),
            }
            for i, value in enumerate(year.values)
        ],
    }


def rejects(room: Room, cursor: str | None, limit: int, whole: bool = False) -> Answer:
    """A page of what was seen and not kept, with the reason.

    Args:
        room: The knowledge base.
        cursor: Where the page begins.
        limit: Items of a page.
        whole: With the place of each file.
    """
    limit, start = check_limit(limit), offset_of(cursor)
    room.kb.store.refresh()
    found = room.kb.rejects()
    end = min(start + limit, len(found))
    following = cursor_at(end) if end < len(found) else None
    items = [_reject_document(reject, whole) for reject in found[start:end]]
    return Shown().json({"items": items, "next": following, "total": len(found)})


def _reject_document(reject: dict[str, Any], whole: bool) -> dict[str, Any]:
    source = reject["source"]
    # Its folder may have spaces in it.
    reason = without_folders(reject["reason"].replace(source, without_folders(source)))
    return {**reject, "reason": reason, **({"path": source} if whole else {})}


def _cosine(a: Any, b: Any) -> float:
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 1.0
