"""What words ask for, over a stored archive: negation negates, "either" is the union, numbers and people part the cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precordia.concepts import label_report, statement_of, vocabulary
from precordia.core.case import Case
from precordia.core.findings import Measurements
from precordia.core.retrieval import Hit
from precordia.indexing.schema import CaseRow, case_table, signal_table
from precordia.indexing.signals import encode_signal
from precordia.indexing.store import DeltaCaseStore
from precordia.retrieval.grammar import read_query
from precordia.retrieval.grammar.condition import denies, must_hold, wanted

REPORTS = (
    "Sinus rhythm. Left bundle branch block.",
    "Atrial fibrillation. Right bundle branch block.",
    "Sinus rhythm. Old inferior myocardial infarction.",
    "Sinus rhythm. Acute inferior myocardial infarction.",
    "Sinus rhythm. Possible left ventricular hypertrophy.",
    "Atrial fibrillation. No left bundle branch block.",
    "Normal ECG.",
    "Sinus rhythm. Possible anteroseptal infarction.",
)
FINDINGS = ("left bundle branch block", "atrial fibrillation", "sinus rhythm", "myocardial infarction", "LVH")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DeltaCaseStore:
    made = DeltaCaseStore.create(tmp_path_factory.mktemp("conditions") / "kb")
    signal = encode_signal(np.zeros((1, 100), np.float32), 100.0, ("I",))
    rows = []
    for i, report in enumerate(REPORTS):
        found = label_report(report)
        case = Case(
            i,
            f"r{i}",
            f"p{i}",
            report=report,
            findings=found,
            measurements=Measurements(heart_rate_bpm=50.0 + 10 * i, qtc_ms=None if i == 6 else 400.0 + 20 * i),
            age=30.0 + 10 * i,
            sex="F" if i % 2 else "M",
        )
        told = " ".join(f"{statement_of(f)}." for f in found)
        rows.append(CaseRow(case, np.ones(4, np.float32) / 2, signal, leads=("I",), statements=told))
    with made.writing() as writer:
        writer.append(case_table(rows, vocabulary().ancestors), signal_table(rows), ())
    return made


def meeting(store: DeltaCaseStore, words: str) -> set[int]:
    """The cases that words leave: what must hold, and what is wanted, without doubt."""
    read = read_query(words)
    conditions = [c for c in (must_hold(read), *wanted(read)[:1]) if c]
    return set.intersection(set(range(len(REPORTS))), *({int(i) for i in store.select(c)} for c in conditions))


@given(st.sampled_from(FINDINGS))
@settings(deadline=None, max_examples=10)
def test_negating_negates(store: DeltaCaseStore, finding: str) -> None:
    stated, without = meeting(store, finding), meeting(store, f"no {finding}")
    concept = read_query(finding).wanted[0].concept
    possible = {i for i, report in enumerate(REPORTS) if _mentions(report, concept)}
    assert stated <= possible
    assert without == set(range(len(REPORTS))) - possible


@given(st.lists(st.sampled_from(FINDINGS), min_size=2, max_size=2, unique=True))
@settings(deadline=None, max_examples=10)
def test_either_is_the_union(store: DeltaCaseStore, pair: list[str]) -> None:
    assert meeting(store, f"either {pair[0]} or {pair[1]}") == meeting(store, pair[0]) | meeting(store, pair[1])


@given(st.integers(40, 140))
@settings(deadline=None, max_examples=20)
def test_numbers_part_the_cases(store: DeltaCaseStore, rate: int) -> None:
    over, others = meeting(store, f"rate over {rate}"), meeting(store, f"rate of at most {rate}")
    assert over | others == set(range(len(REPORTS)))
    assert over & others == set()


def test_an_unknown_number_meets_nothing(store: DeltaCaseStore) -> None:
    assert meeting(store, "QTc over 1") | meeting(store, "QTc of at most 1") == set(range(len(REPORTS))) - {6}


@given(st.integers(20, 110))
@settings(deadline=None, max_examples=20)
def test_people_part_the_cases(store: DeltaCaseStore, age: int) -> None:
    parts = [meeting(store, f"{who} {limit} {age}") for who in ("women", "men") for limit in ("over", "of at most")]
    assert set().union(*parts) == set(range(len(REPORTS)))
    assert sum(map(len, parts)) == len(REPORTS)


def test_degree_and_place_are_held_to_where_any_case_states_them(store: DeltaCaseStore) -> None:
    assert meeting(store, "acute inferior infarction") == {3}
    assert meeting(store, "old inferior infarction") == {2}
    assert meeting(store, "inferior infarction") == {2, 3}
    strict, *others = wanted(read_query("severe inferior infarction"))
    assert store.select(strict).size == 0
    assert set(store.select(others[0]).tolist()) == {2, 3}


def test_what_is_only_possible_excludes_and_comes_after_what_is_stated(store: DeltaCaseStore) -> None:
    assert 7 not in meeting(store, "no infarction")
    levels = [set(store.select(condition).tolist()) for condition in wanted(read_query("infarction"))]
    assert levels[0] == {2, 3}
    assert levels[-1] == {2, 3, 7}


def test_a_denial_is_known_from_silence(store: DeltaCaseStore) -> None:
    condition = denies(read_query("no left bundle branch block"))
    assert condition is not None
    assert store.select(condition).tolist() == [5]


def test_what_no_case_states_is_said(store: DeltaCaseStore) -> None:
    (case,) = store.get([1])
    hits = [Hit(1, 1.0, case)]
    assert read_query("atrial fibrillation").note_on(hits) is None
    assert "no case found states left bundle branch block" in (read_query("LBBB").note_on(hits) or "")
    assert read_query("LBBB").note_on([]) is None
    assert "note" in read_query("LBBB").as_document(hits)


def _mentions(report: str, concept: str) -> bool:
    found = [f.concept for f in label_report(report) if f.status != "absent"]
    return any(concept in (one, *vocabulary().ancestors(one)) for one in found)
