"""What a clinician relies on: the nearest first, never the query's own patient, and a reason with every hit."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ecgs import make_ecg
from numpy.typing import NDArray

from precordia.core.case import Case, case_id_of, patient_key_of
from precordia.core.errors import UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Recording
from precordia.core.retrieval import ALIKE, Query
from precordia.records.standardize import standardize
from precordia.retrieval.retriever import Known, Retriever


class SpectrumEncoder:
    """Log-spectra: near for copies, apart for different rhythms."""

    dim = 12 * 60
    fingerprint = "spectrum"

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        rows = []
        for recording in recordings:
            signal = standardize(recording).signal
            rows.append(np.log1p(np.abs(np.fft.rfft(signal, 1000, axis=1))[:, 5:65]).ravel())
        out = np.array(rows, dtype=np.float32).reshape(-1, self.dim)
        return out / np.linalg.norm(out, axis=1, keepdims=True)


class ListStore:
    def __init__(
        self,
        recordings: Sequence[Recording],
        findings: dict[str, str] | None = None,
        denied: dict[str, str] | None = None,
    ) -> None:
        self.recordings = {case_id_of(r): r for r in recordings}
        self.findings, self.denied = findings or {}, denied or {}

    def __len__(self) -> int:
        return len(self.recordings)

    def get(self, ids: Sequence[int]) -> list[Case]:
        out = []
        for i in ids:
            r = self.recordings[i]
            concept = self.findings.get(r.recording_id)
            found = (Finding(concept),) if concept else ()
            out.append(
                Case(i, r.recording_id, patient_key_of(r), r.report, found, content_hash=r.content_hash, age=r.age)
            )
        return out

    def recording(self, case_id: int) -> Recording:
        return self.recordings[case_id]

    def waveform(self, case_id: int, leads: Collection[str] | None = None) -> Recording:
        recording = self.recordings[case_id]
        kept = [row for row, lead in enumerate(recording.leads) if leads is None or lead in leads]
        names = tuple(recording.leads[row] for row in kept)
        return Recording(recording.signal[kept], recording.fs, names, recording_id=str(case_id))

    def select(self, where: str | None) -> NDArray[np.int64]:
        asked = re.sub(r"(\w+) has any (\([^)]*\))", r"bool(\1 & {*\2,})", where or "True")
        asked = re.sub(r"(\w+) has ('[^']*')", r"(\2 in \1)", asked)

        def known(r: Recording) -> dict[str, object]:
            stated, denied = (
                {found[r.recording_id]} if r.recording_id in found else set() for found in (self.findings, self.denied)
            )
            return {"age": r.age, "findings": stated, "findings_uncertain": set(), "findings_absent": denied}

        ids = [i for i, r in self.recordings.items() if eval(asked, known(r))]
        return np.array(sorted(ids), dtype=np.int64)


class BruteIndex:
    def __init__(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        self.ids, self.matrix = np.array(ids, dtype=np.int64), vectors

    def __len__(self) -> int:
        return len(self.ids)

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.matrix[[self.ids.tolist().index(i) for i in ids.tolist()]]

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        keep = np.isin(self.ids, allowed) if allowed is not None else np.ones(len(self.ids), bool)
        scores = (self.matrix[keep] @ vectors[0]).astype(np.float32)
        order = np.lexsort((self.ids[keep], -scores))[:k]
        return self.ids[keep][order][None], scores[order][None]


class ReportWords:
    def __init__(self, store: ListStore) -> None:
        self.store = store

    def search(self, text: str, k: int, allowed: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        wanted = set(text.lower().split())
        scored = [
            (i, float(len(wanted & set((r.report or "").lower().split())))) for i, r in self.store.recordings.items()
        ]
        kept = [(i, s) for i, s in scored if s > 0 and (allowed is None or i in allowed)]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))[:k]


QUERY = make_ecg(0)
ARCHIVE = [
    QUERY,
    replace(make_ecg(50), patient_id="p0", recording_id="r0-earlier-visit"),
    replace(QUERY, signal=QUERY.signal[:, ::5] * 1.1, fs=100.0, patient_id="p0", recording_id="r0-copy"),
    *(make_ecg(seed, age=float(20 + 2 * seed), report=f"sinus rhythm number{seed}") for seed in range(1, 31)),
]


def make_retriever(
    archive: Sequence[Recording] = ARCHIVE,
    findings: dict[str, str] | None = None,
    denied: dict[str, str] | None = None,
) -> Retriever:
    store, encoder = ListStore(archive, findings, denied), SpectrumEncoder()
    index = BruteIndex(list(store.recordings), encoder.embed(list(store.recordings.values())))
    return Retriever(store, index, lambda: encoder, words=ReportWords(store))  # type: ignore[arg-type]


def ids(hits: Sequence[object]) -> list[str]:
    return [hit.case.recording_id for hit in hits]  # type: ignore[attr-defined]


def test_leaves_out_itself_its_patient_and_its_copies() -> None:
    hits = make_retriever().retrieve(Query(QUERY, k=10))
    assert len(hits) == 10
    assert not any(hit.case.patient_key == "p0" for hit in hits)
    assert [hit.rank for hit in hits] == list(range(1, 11))
    assert all(a.score >= b.score for a, b in pairwise(hits))


def test_a_bare_signal_is_recognised_by_content() -> None:
    nameless = replace(QUERY, patient_id=None, recording_id="upload")
    assert not any(hit.case.patient_key == "p0" for hit in make_retriever().retrieve(Query(nameless, k=30)))
    resampled = replace(nameless, signal=QUERY.signal[:, ::5], fs=100.0)
    assert not any(hit.case.patient_key == "p0" for hit in make_retriever().retrieve(Query(resampled, k=30)))


def test_a_filter_does_not_blind_the_guard() -> None:
    archive = [replace(r, age=50.0) if r.recording_id == "r0-earlier-visit" else r for r in ARCHIVE]
    nameless = replace(QUERY, patient_id=None, recording_id="upload")
    hits = make_retriever(archive).retrieve(Query(nameless, k=30, where="age is not None and age > 40"))
    assert hits
    assert "r0-earlier-visit" not in ids(hits)


def test_asked_for_they_come() -> None:
    query = Query(QUERY, k=5, exclude_self=False, exclude_patient=False, exclude_near_duplicates=False)
    assert ids(make_retriever().retrieve(query))[0] == "r0"
    assert {"r0", "r0-copy"} <= set(ids(make_retriever().retrieve(query)))
    visits = Query(QUERY, k=33, exclude_patient=False)
    found = ids(make_retriever().retrieve(visits))
    assert "r0-earlier-visit" in found
    assert not {"r0", "r0-copy"} & set(found)


def test_one_hit_a_patient_when_asked() -> None:
    archive = [replace(r, patient_id="same") if r.recording_id in ("r1", "r2", "r3") else r for r in ARCHIVE]
    hits = make_retriever(archive).retrieve(Query(QUERY, k=30, per_patient=1))
    assert sum(hit.case.patient_key == "same" for hit in hits) == 1


def test_fewer_cases_than_asked_for_is_no_error() -> None:
    assert len(make_retriever(ARCHIVE[:5]).retrieve(Query(QUERY, k=10))) == 2
    assert make_retriever([]).retrieve(Query(QUERY, k=10)) == []
    assert make_retriever().retrieve(Query(QUERY, where="age is not None and age > 500")) == []


def test_same_query_same_answer() -> None:
    first = make_retriever().retrieve(Query(QUERY, k=20))
    assert first == make_retriever().retrieve(Query(QUERY, k=20))


def test_words_find_reports_and_say_why() -> None:
    (hit, *_) = make_retriever().retrieve(Query(text="number7", mode="words"))
    assert hit.case.recording_id == "r7"
    assert hit.why.ranks == {"words": 1}
    assert hit.why.scores["words"] == hit.score


def test_hybrid_puts_first_what_both_find() -> None:
    retriever = make_retriever()
    by_signal = ids(retriever.retrieve(Query(QUERY, k=6)))
    text = retriever.store.get([case_id_of(next(r for r in ARCHIVE if r.recording_id == by_signal[4]))])[0].report
    (first, *_) = retriever.retrieve(Query(QUERY, text=text.split()[-1] if text else "", k=6))
    assert first.case.recording_id == by_signal[4]
    assert set(first.why.ranks) == {"signal", "words"}


def test_shared_findings_are_said() -> None:
    retriever = make_retriever(findings={"r7": "AFIB", "r8": "SR"})
    hits = retriever.retrieve(Query(text="atrial fibrillation number7 number8", mode="words"))
    shared = {hit.case.recording_id: hit.why.shared_findings for hit in hits}
    assert shared["r7"] == ("AFIB",)
    assert shared["r8"] == ()


def test_hybrid_prefers_what_has_the_finding_to_what_has_its_words() -> None:
    archive = [
        make_ecg(1, report="right bundle branch block with left bundle branch block words"),
        *(make_ecg(seed, report="left bundle branch block like words") for seed in range(2, 6)),
        make_ecg(6, report="LBBB"),
    ]
    retriever = make_retriever(archive, findings={"r6": "LBBB"})
    store = retriever.store
    retriever = replace(retriever, meanings=retriever.signals, text_encoder=lambda: FixedText(make_ecg(6)))
    (first, *_) = retriever.retrieve(Query(text="left bundle branch block", k=3))
    assert first.case.recording_id == "r6"
    assert first.why.ranks["findings"] == 1
    assert len(store) == len(archive)


def test_hybrid_does_not_take_a_denial_for_a_match() -> None:
    archive = [make_ecg(1, report="no left bundle branch block"), make_ecg(2, report="bundle branch"), make_ecg(3)]
    retriever = make_retriever(archive, denied={"r1": "LBBB"})
    by_words = ids(retriever.retrieve(Query(text="left bundle branch block", k=3, mode="words")))
    assert by_words[0] == "r1"
    retriever = replace(retriever, meanings=retriever.signals, text_encoder=lambda: FixedText(make_ecg(1)))
    assert ids(retriever.retrieve(Query(text="left bundle branch block", k=3))) == ["r2", "r3"]
    with_signal = retriever.retrieve(Query(make_ecg(9), text="left bundle branch block", k=3))
    assert "r1" in ids(with_signal)
    assert set(next(h for h in with_signal if h.case.recording_id == "r1").why.ranks) == {"signal"}


class FixedText:
    """Embeds any text as one ECG's vector, so that search by meaning ranks that ECG first."""

    dim = SpectrumEncoder.dim
    fingerprint = "fixed"

    def __init__(self, recording: Recording) -> None:
        self.vector = SpectrumEncoder().embed([recording])[0]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.vector for _ in texts])


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(text="  "),
        Query(QUERY, k=0),
        Query(QUERY, k=1001),
        Query(text="x", mode="signal"),
        Query(QUERY, mode="words"),
    ],
)
def test_impossible_questions_are_usage_errors(query: Query) -> None:
    with pytest.raises(UsageError):
        make_retriever().retrieve(query)


def test_meaning_without_a_text_index_names_the_remedy() -> None:
    with pytest.raises(UsageError, match="text"):
        make_retriever().retrieve(Query(text="x", mode="meaning"))


def known_of(recording: Recording) -> Known:
    return Known(Measurements(), SpectrumEncoder().embed([recording])[0])


def test_the_most_alike_come_first_and_the_nearest_is_told() -> None:
    def by_number(cases: Sequence[Case], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        assert len(cases) == len(vectors)
        return np.array([int(case.recording_id.strip("r").partition("-")[0]) / 100 for case in cases])

    hits, nearest = make_retriever().alike(Query(QUERY, k=5), known_of(QUERY), by_number)
    assert ids(hits) == [f"r{i}" for i in (30, 29, 28, 27, 26)]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert hits[0].score == hits[0].why.scores[ALIKE] == 0.3
    assert nearest == make_retriever().retrieve(Query(QUERY, k=1))[0].score
    assert not any(hit.case.patient_key == "p0" for hit in hits)


def test_the_most_alike_of_nothing_are_none() -> None:
    def none(cases: Sequence[Case], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.zeros(len(cases))

    hits, nearest = make_retriever([]).alike(Query(QUERY), known_of(QUERY), none)
    assert hits == []
    assert np.isnan(nearest)


def test_a_superlative_is_the_order_of_the_cases_that_meet_the_rest() -> None:
    stated = {r.recording_id: "LBBB" for r in ARCHIVE[10:20]}
    retriever = make_retriever(ARCHIVE[3:], stated)
    ages = {r.recording_id: r.age for r in ARCHIVE}
    found = [hit.case.recording_id for hit in retriever.retrieve(Query(text="oldest patients with LBBB", k=4))]
    assert found == sorted(stated, key=lambda name: -(ages[name] or 0))[:4]
    # Beside a signal, and where nothing is found that states it, the nearest come in that order.
    for query in (Query(make_ecg(9), text="youngest patient", k=5), Query(text="youngest with number7 LVH", k=5)):
        shown = [ages[hit.case.recording_id] or 0 for hit in retriever.retrieve(query)]
        assert shown == sorted(shown)
        assert len(set(shown)) > 1
