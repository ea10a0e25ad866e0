"""The archive as a whole: what it holds, what could not be used, and what is promised of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from precordia.core.retrieval import Query
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
            "n_patients": len(set(store.column("patient_key").to_pylist())),
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
            "formats": [{"value": f, "count": n} for f, n in Counter(store.column("format").to_pylist()).most_common()],
        }
    )


def drift(room: Room) -> dict[str, Any]:
    """How far each year's ECGs lie from the archive's middle, as the encoder sees them, beside all of them.

    ``distance`` is 1 less the cosine between a year's mean vector and that of all; ``floor`` is the similarity that all but
    2 % of the cases reach to another patient's.
    """
    store = room.kb.store
    census = room.of_version("census", lambda: Census.of(store))
    year = census.columns["year"]
    sums = np.zeros((len(year.values) + 1, room.kb.manifest.dim))
    for ids, vectors in store.vectors("signal"):
        np.add.at(sums, year.codes[np.searchsorted(census.ids, ids)], vectors)
    whole = sums.sum(axis=0)
    distances = [1.0 - _cosine(sums[i], whole) for i in range(len(year.values))]
    return {
        "floor": room.kb.knowledge().floor,
        "years": [{"value": v, "distance": round(d, 4)} for v, d in zip(year.values, distances, strict=True)],
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
