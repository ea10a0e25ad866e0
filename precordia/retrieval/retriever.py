"""A query to hits: rank by each modality, fuse, guard against leakage, say why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from types import NoneType

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import UsageError
from precordia.core.findings import Measurements
from precordia.core.given import expect
from precordia.core.protocols import CaseStore, Encoder, TextEncoder, VectorIndex
from precordia.core.retrieval import ALIKE, Hit, Mode, Query, Why, check_number
from precordia.retrieval.few_leads import DIRECT, embed_query
from precordia.retrieval.fusion import reciprocal_rank_fusion
from precordia.retrieval.grammar import Understood, read_query
from precordia.retrieval.grammar.condition import denies, is_wanted, not_denied, possibly, wanted
from precordia.retrieval.guards import Guard
from precordia.retrieval.memory import Memory
from precordia.retrieval.modalities import Ranking, VectorModality, WordModality, WordSearch, embed_text
from precordia.retrieval.newest import conditions_of
from precordia.retrieval.ordered import first_of, ordered

SPARE = 8
"""Cases read beyond those wanted, in place of those that the guard takes away; as many of the nearest of the whole
archive are met by the guard whatever the query filters on."""

FUSION_DEPTH = 100
"""How deep each modality is read before fusion, at least."""


CANDIDATES = 100
"""Cases nearest by signal, among which those most alike in what they show are looked for."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a query's recording.

    Attributes:
        measurements: Of its signal.
        vector: ``(dim,)`` unit vector to search with.
        how: How that was made, where it is not the encoder's own of the recording.
    """

    measurements: Measurements
    vector: NDArray[np.float32]
    how: str = DIRECT


Likeness = Callable[[Sequence[Case], NDArray[np.float32]], NDArray[np.float64]]
"""Cases and their vectors ``(n, dim)`` to how alike each is to the query ``(n,)``, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Retriever:
    """Answers queries from an archive's parts.

    Attributes:
        store: The cases.
        signals: Vectors of the signals.
        encoder: Gives the encoder that made them; called only for queries with a recording.
        words: The word index, or None.
        meanings: Vectors of the reports, or None.
        text_encoder: Gives the text encoder that made them; called only for queries by meaning.
    """

    store: CaseStore
    signals: VectorIndex
    encoder: Callable[[], Encoder]
    words: WordSearch | None = None
    meanings: VectorIndex | None = None
    text_encoder: Callable[[], TextEncoder] | None = None

    @cached_property
    def memory(self) -> Memory:
        """What was read of the store, which stays at one version while this answers."""
        return Memory(self.store)

    def retrieve(self, query: Query, known: Known | None = None) -> list[Hit]:
        """At most ``query.k`` hits, best first, ties by case id.

        Args:
            query: What to look for.
            known: What is known of the query's recording already, so that it is not found out again.

        Raises:
            UsageError: the query has neither recording nor text, ``k`` is not 1 to 1000, or the mode does not fit.
            FilterError: ``query.where`` is not valid.
        """
        known = known or self._know(query)
        modalities = self._modalities(query, known)
        understood = read_query(query.text or "")
        # A search by words or meaning alone takes the words as they are.
        binding = understood if query.mode in (None, "hybrid") else Understood("")
        must_hold = conditions_of(binding, self.store)
        allowed = self._allowed(query.where, must_hold)
        if (allowed is not None and allowed.size == 0) or len(self.store) == 0:
            return []
        # What is wanted beside a signal is one more ranking; in words alone it is a condition, where any case meets it.
        stating = self._stating(binding, allowed) if not query.by_signal else None
        also = self._also(binding, stating, allowed, query.k)
        allowed = also if also is not None else stating if stating is not None and stating.size else allowed
        denied = not_denied(binding)
        speaking = self._allowed(query.where, must_hold, denied) if denied else allowed
        if speaking is not None and allowed is not None and not query.by_signal:
            speaking = np.intersect1d(speaking, allowed)
        tiers = self._tiers(binding, speaking)
        if also is not None and stating is not None:
            tiers = [stating if speaking is None else np.intersect1d(stating, speaking), *tiers]
        measured = known.measurements if known is not None else Measurements()
        total = len(self.store) if allowed is None else int(allowed.size)
        depth = max(query.k + SPARE, FUSION_DEPTH if len(modalities) > 1 else 0)
        nearest = modalities.get("signal")
        if nearest is not None and allowed is None:
            nearest.rank(min(depth, total), None)
        guard = self._guard(query, known, nearest)
        met = is_wanted(binding) is None or (stating is not None and stating.size > 0)
        by_order = binding.order if met and not query.by_signal else None
        while True:
            if by_order is not None:
                order = first_of(by_order, self.store, self.memory, allowed, min(depth, total))
                rankings = {"order": order}
            elif not query.by_signal:
                order, rankings = _by_tiers(modalities, tiers, min(depth, total), speaking)
            else:
                order, rankings = _by_fusion(modalities, tiers, min(depth, total), allowed, speaking)
            admitted = guard.admit(self.memory.cases([case_id for case_id, _ in order]), query.k)
            # Guards may have taken hits away: read deeper until there are enough, or no more.
            if len(admitted) >= query.k or depth >= total:
                break
            depth *= 4
        if binding.order is not None and by_order is None:
            admitted = ordered(binding.order, admitted)  # the nearest, as their order was asked for
        scores = dict(order)
        wishes = (*understood.wanted, *(wish for group in understood.either for wish in group))
        asked = frozenset(wish.concept for wish in wishes) | _shown_findings(measured)
        return [
            Hit(rank, scores[case.case_id], case, _why(case, rankings, asked, known))
            for rank, case in enumerate(admitted, start=1)
        ]

    def alike(self, query: Query, known: Known, likeness: Likeness) -> tuple[list[Hit], float]:
        """At most ``query.k`` cases, the most alike first, of the :data:`CANDIDATES` nearest by signal.

        Args:
            query: An ECG; its text and mode do not count.
            known: What is known of it.
            likeness: Says how alike a case is.

        Returns:
            The hits, and the similarity of the nearest case that the query may have (NaN without one).

        Raises:
            FilterError: ``query.where`` is not valid.
        """
        allowed = self._allowed(query.where)
        total = len(self.store) if allowed is None else int(allowed.size)
        depth, modality = max(query.k + SPARE, CANDIDATES), VectorModality(self.signals, known.vector)
        if allowed is None and total:
            modality.rank(min(depth, total), None)
        guard = self._guard(query, known, modality)
        while True:
            ranking = modality.rank(min(depth, total), allowed) if total else []
            cases = self.memory.cases([case_id for case_id, _ in ranking])
            alike = likeness(cases, self.signals.vectors(np.array([c.case_id for c in cases], dtype=np.int64)))
            order = sorted(zip(alike.tolist(), cases, strict=True), key=lambda pair: (-pair[0], pair[1].case_id))
            admitted = guard.admit([case for _, case in order], query.k)
            if len(admitted) >= query.k or depth >= total:
                break
            depth *= 4
        similar, nearest = dict(ranking), guard.admit(cases, 1)
        how = {case.case_id: value for value, case in order}
        rankings = {"signal": ranking, ALIKE: [(case.case_id, value) for value, case in order]}
        asked = _shown_findings(known.measurements)
        hits = [
            Hit(rank, how[case.case_id], case, _why(case, rankings, asked, known))
            for rank, case in enumerate(admitted, start=1)
        ]
        return hits, similar[nearest[0].case_id] if nearest else float("nan")

    def _know(self, query: Query) -> Known | None:
        if query.vector is not None:
            return Known(Measurements(), query.vector, query.how)
        if query.recording is None:
            return None
        from precordia.measurements import measure

        embedded = embed_query(self.encoder(), query.recording)
        return Known(measure(query.recording), embedded.vector, embedded.how)

    def _modalities(self, query: Query, known: Known | None) -> dict[str, VectorModality | WordModality]:
        check_number(query.k)
        for words, what in ((query.text, "the words to search for are"), (query.where, "where is a condition that is")):
            expect(words, (str, NoneType), f"{what} text")
        if not query.by_signal and not (query.text and query.text.strip()):
            raise UsageError("nothing to search for: give an ECG or a text")
        mode = query.mode or ("signal" if query.text is None else "hybrid")
        wanted = _modalities_of(mode, query)
        out: dict[str, VectorModality | WordModality] = {}
        if "signal" in wanted and known is not None:
            out["signal"] = VectorModality(self.signals, known.vector)
        if "words" in wanted and query.text and self.words is not None:
            out["words"] = WordModality(self.words, query.text)
        if "meaning" in wanted and query.text and self.meanings is not None and self.text_encoder is not None:
            out["meaning"] = VectorModality(self.meanings, embed_text(self.text_encoder(), query.text))
        if not out:
            raise UsageError(
                f"this knowledge base cannot be searched by {mode}: it was built without a text index; "
                "install 'precordia[text]' and run: precordia build --text-only"
            )
        return out

    def _guard(self, query: Query, known: Known | None, signal: VectorModality | WordModality | None) -> Guard:
        """The guard of a query, who has met the nearest of the whole archive (``signal`` ranks them)."""
        from precordia.records.standardize import standardize

        load = self.memory.standardized
        if query.recording is None or known is None:
            return Guard(query, None, Measurements(), load)
        guard = Guard(query, standardize(query.recording), known.measurements, load)
        nearest = (signal or VectorModality(self.signals, known.vector)).rank(min(SPARE, len(self.store)), None)
        guard.meet(self.memory.cases([case_id for case_id, _ in nearest]))
        return guard

    def _allowed(self, *conditions: str | None) -> NDArray[np.int64] | None:
        """The cases that meet all conditions; None where there is none."""
        found = [self.store.select(condition) for condition in conditions if condition]
        return reduce(np.intersect1d, found) if found else None

    def _stating(self, understood: Understood, allowed: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The cases that state what is wanted, as strictly as any case does; none where nothing is wanted or stated."""
        for condition in wanted(understood):
            ids = self.store.select(condition)
            ids = ids if allowed is None else np.intersect1d(ids, allowed)
            if ids.size:
                return ids
        return np.zeros(0, np.int64)

    def _also(
        self,
        understood: Understood,
        stating: NDArray[np.int64] | None,
        allowed: NDArray[np.int64] | None,
        k: int,
    ) -> NDArray[np.int64] | None:
        """With the cases that state what is wanted, those that call it possible, where too few state it; None where enough do.

        An order of its own ("oldest patient with AF") is one of those that state it alone.
        """
        condition = possibly(understood)
        if stating is None or not 0 < stating.size < k or condition is None or understood.order is not None:
            return None
        more = self.store.select(condition)
        return np.union1d(stating, more if allowed is None else np.intersect1d(more, allowed))

    def _tiers(self, understood: Understood, allowed: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
        """The cases that meet more than they must: first those that state all that is wanted and deny what is not.

        Words alone cannot tell "left" from "right bundle branch block" well enough, and a report that is silent about
        ST elevation is a weaker answer to "no ST elevation" than one that denies it.
        """
        sought, denied = is_wanted(understood), denies(understood)
        conditions = [f"({sought}) and {denied}"] if sought and denied else []
        conditions += [condition for condition in (sought, None if sought else denied) if condition]
        found = [self.store.select(condition) for condition in conditions]
        return [ids if allowed is None else np.intersect1d(ids, allowed) for ids in found]


Modalities = dict[str, VectorModality | WordModality]


def _by_tiers(
    modalities: Modalities, tiers: list[NDArray[np.int64]], depth: int, allowed: NDArray[np.int64] | None
) -> tuple[Ranking, dict[str, Ranking]]:
    """What meets more comes first, each tier ranked by all modalities; what none of them knows follows by id."""
    order: Ranking = []
    rankings: dict[str, Ranking] = {name: [] for name in modalities}
    seen: set[int] = set()
    for height, ids in zip(range(len(tiers), -1, -1), (*tiers, allowed), strict=True):
        if len(order) >= depth:
            break
        found = (
            {name: modality.rank(depth, ids) for name, modality in modalities.items()}
            if ids is None or ids.size
            else {}
        )
        found = {name: [(i, score) for i, score in ranking if i not in seen] for name, ranking in found.items()}
        fused = _fuse(found) if found else []
        known = seen.union(i for i, _ in fused)
        unknown = [] if ids is None else [int(i) for i in ids[: depth + len(known)] if int(i) not in known]
        # The whole part of a score says how much of what was asked for is met.
        order += [(i, height + score if tiers else score) for i, score in fused]
        order += [(i, float(height)) for i in unknown]
        seen = known.union(unknown)
        for name, ranking in found.items():
            rankings[name] += ranking
        if height:
            rankings.setdefault("findings", []).extend(
                (i, float(height)) for i in sorted([*(i for i, _ in fused), *unknown])
            )
    return order[:depth], rankings


def _by_fusion(
    modalities: Modalities,
    tiers: list[NDArray[np.int64]],
    depth: int,
    allowed: NDArray[np.int64] | None,
    speaking: NDArray[np.int64] | None,
) -> tuple[Ranking, dict[str, Ranking]]:
    """A signal and words together: what states the findings that are asked for is one more ranking, all of it alike.

    A report that denies them may belong to a signal that is near; its words are no match (``speaking`` leaves it out).
    """
    rankings = {
        name: modality.rank(depth, allowed if name == "signal" else speaking) for name, modality in modalities.items()
    }
    if tiers and tiers[0].size:
        ranked = (modality.rank(min(depth, tiers[0].size), tiers[0]) for modality in modalities.values())
        rankings["findings"] = [(case_id, 1.0) for case_id in sorted({i for ranking in ranked for i, _ in ranking})]
    return _fuse(rankings), rankings


def _shown_findings(measured: Measurements) -> frozenset[str]:
    """What the query's signal shows by its measurements; its own report is what one wants to know."""
    from precordia.concepts import findings_from_measurements

    return frozenset(f.concept for f in findings_from_measurements(measured) if f.status == "present")


def _modalities_of(mode: Mode, query: Query) -> tuple[str, ...]:
    if mode == "hybrid":
        return ("signal", "words", "meaning")
    if mode == "signal" and not query.by_signal:
        raise UsageError("a search by signal needs an ECG; give a file, or search by words, meaning or hybrid")
    if mode in ("words", "meaning") and not query.text:
        raise UsageError(f"a search by {mode} needs a text")
    if mode not in ("signal", "words", "meaning"):
        raise UsageError(f"unknown mode {mode!r} (choices: signal, words, meaning, hybrid)")
    return (mode,)


def _fuse(rankings: dict[str, Ranking]) -> Ranking:
    if len(rankings) == 1:
        (only,) = rankings.values()
        return only
    return reciprocal_rank_fusion({name: _ranks(ranking) for name, ranking in rankings.items()})


def _ranks(ranking: Ranking) -> dict[int, int]:
    """Ids with their rank from 1; equal scores share a rank."""
    ranks: dict[int, int] = {}
    last, last_rank = None, 0
    for position, (case_id, score) in enumerate(ranking, start=1):
        last_rank = last_rank if score == last else position
        ranks[case_id], last = last_rank, score
    return ranks


def _why(case: Case, rankings: dict[str, Ranking], asked: frozenset[str], known: Known | None) -> Why:
    scores: dict[str, float] = {}
    ranks: dict[str, int] = {}
    for name, ranking in rankings.items():
        rank = _ranks(ranking).get(case.case_id)
        if rank is not None:
            scores[name], ranks[name] = dict(ranking)[case.case_id], rank
    shared = sorted({f.concept for f in case.findings if f.status == "present"} & asked)
    return Why(scores, ranks, tuple(shared), known.how if known is not None and "signal" in rankings else None)
