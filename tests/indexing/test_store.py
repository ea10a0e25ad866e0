"""Cases and signals by id, filters, and a patient's physical erasure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from indexing_fakes import DIM, ancestors, ecg, row

from precordia.core.errors import BusyError, FilterError, KnowledgeBaseNotFoundError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.protocols import CaseStore
from precordia.indexing.index_cache import open_vector_index
from precordia.indexing.schema import CASE_SCHEMA, CaseRow, Reject, case_table, signal_table
from precordia.indexing.signals import encode_signal
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.writer import Appended, StoreWriter


def _append(writer: StoreWriter, rows: list[CaseRow], rejects: tuple[Reject, ...] = ()) -> Appended:
    return writer.append(case_table(rows, ancestors), signal_table(rows), rejects)


@pytest.fixture
def store(tmp_path: Path) -> DeltaCaseStore:
    made = DeltaCaseStore.create(tmp_path / "kb")
    rows = [
        row(
            100 + i,
            f"P{i // 2}",
            age=40.0 + i,
            sex="F" if i % 2 else "M",
            findings=(Finding("SR"), Finding("AFIB", "absent")) if i < 5 else (Finding("AFIB", "uncertain"),),
            measurements=Measurements(qrs_ms=80.0 + 10 * i, st_j60_mv={"V1": 0.25}, criteria={"lvh": True}),
            metadata={"strat_fold": str(i), "site name": f"site {i}", "age": "hidden", "mixed": "12" if i else "n/a"},
        )
        for i in range(10)
    ]
    with made.writing() as writer:
        _append(writer, rows[:6])
        _append(writer, rows[6:])
    return made


def test_it_is_a_case_store(store: DeltaCaseStore) -> None:
    assert isinstance(store, CaseStore)
    assert len(store) == 10
    assert store.ids.tolist() == list(range(100, 110))


def test_a_case_comes_back_as_it_was(tmp_path: Path) -> None:
    whole = row(
        7,
        report="Vorhofflimmern\nBefund „alt“",
        findings=(Finding("AFIB", "present", "inferior", "old", "new", (3, 9)), Finding("SR", "absent")),
        measurements=Measurements(
            heart_rate_bpm=71.5,
            n_beats=12,
            rhythm_regularity="irregular",
            st_j60_mv={"V2": -0.1},
            criteria={"x": False},
        ),
        quality_score=0.75,
        content_hash="ab" * 32,
        time=datetime(1999, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
        age=90.0,
        sex="F",
        device="Cart 9000",
        vendor_statements=("Normal ECG",),
        codes=("scp:AFIB", "snomed:164889003"),
        metadata={"strat_fold": "9", "": "empty key", "ümlaut": "ß"},
        format="wfdb",
    )
    store = DeltaCaseStore.create(tmp_path / "kb")
    with store.writing() as writer:
        _append(writer, [whole])
    assert DeltaCaseStore(tmp_path / "kb").get([7]) == [whole.case]


def test_a_recording_comes_back_with_everything_beside_its_signal(tmp_path: Path) -> None:
    median = ecg(9, 300)
    whole = replace(
        row(7),
        median_beats=encode_signal(median, 250.0, LEADS),
        vendor_measurements={"qrs_ms": 92.0},
        notes=("III derived from I and II",),
    )
    store = DeltaCaseStore.create(tmp_path / "kb")
    with store.writing() as writer:
        _append(writer, [whole])
    recording = store.recording(7)
    np.testing.assert_array_equal(recording.signal, ecg(7))
    assert (recording.leads, recording.patient_id, recording.report) == (LEADS, "P1", "Sinus rhythm")
    assert recording.median_beats is not None
    np.testing.assert_array_equal(recording.median_beats.signal, median)
    assert dict(recording.vendor_measurements) == {"qrs_ms": 92.0}
    assert recording.notes == ("III derived from I and II",)


def test_cases_come_in_the_order_asked_for(store: DeltaCaseStore) -> None:
    assert [case.case_id for case in store.get([109, 100, 105, 100])] == [109, 100, 105, 100]
    assert store.get([]) == []


@pytest.mark.parametrize("case_id", [1, 99, 110, 2**62])
def test_an_id_that_is_not_there_is_a_key_error(store: DeltaCaseStore, case_id: int) -> None:
    with pytest.raises(KeyError):
        store.get([100, case_id])
    with pytest.raises(KeyError):
        store.recording(case_id)


def test_appending_twice_adds_nothing(store: DeltaCaseStore) -> None:
    with store.writing() as writer:
        assert _append(writer, [row(100), row(200)]).n_added == 1
    assert len(store) == 11
    assert store.recording(200).n_leads == 12


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, range(10)),
        ("  ", range(10)),
        ("age > 45", range(6, 10)),
        ("age > 45 and sex = 'F'", (7, 9)),
        ("qrs_ms between 100 and 120", (2, 3, 4)),
        ("strat_fold <= 2", (0, 1, 2)),
        ("STRAT_FOLD <= 2", (0, 1, 2)),
        ("\"site name\" = 'site 3'", (3,)),
        ("metadata['age'] = 'hidden' and age < 42", (0, 1)),
        ("mixed > 10", range(1, 10)),
        ("findings has 'SR'", range(5)),
        ("findings has 'sr' and not (qrs_ms > 90)", (0, 1)),
        ("not findings has 'SR'", range(5, 10)),
        ("findings has 'RHYTHM'", range(5)),
        ("findings has any ('SR', 'AFIB')", range(5)),
        ("findings has all ('SR', 'RHYTHM')", range(5)),
        ("findings_absent has 'AFIB'", range(5)),
        ("findings_uncertain has 'AFIB'", range(5, 10)),
        ("report like '%findings has ''SR''%'", ()),
        ("patient_key in ('P0', 'P4')", (0, 1, 8, 9)),
        ("len(list_filter(findings, lambda f: f like 'S%')) = 1", range(5)),
        ("case when age > 45 then true else false end", range(6, 10)),
        ("heart_rate_bpm > 60", ()),
        ("heart_rate_bpm is null", range(10)),
    ],
)
def test_select(
    store: DeltaCaseStore, monkeypatch: pytest.MonkeyPatch, where: str | None, expected: tuple[int, ...]
) -> None:
    monkeypatch.setattr("precordia.indexing.filters.known_concepts", frozenset)
    assert store.select(where).tolist() == [100 + i for i in expected]
    assert store.select(where).dtype == np.int64


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("agee > 3", "no column 'agee'; did you mean 'age'"),
        ("strat_fild = 3", "did you mean 'strat_fold'"),
        ("nothing_like_it > 3", "columns: case_id, recording_id"),
        ("age >", "syntax error"),
        ("age > 'x'", "Could not convert"),
        ("findings has 'SR", "open quote"),
        ("age > 45 -- old", "a comment"),
        ("1 = 1; drop table cases", "syntax error"),
        ("true) from cases where (true", "brackets do not close"),
        ("true) union all select (true", "brackets do not close"),
        ("true union all select true", "only one condition"),
        ("true from cases union all select true", "only one condition"),
        ("true), (false", "brackets do not close"),
        ("true, false", "only one condition"),
        ("true as other", "only one condition"),
        ("age in (select 1)", "subquery"),
        ("exists (from read_text('/etc/passwd'))", "subquery"),
        ("exists (from 'secrets.csv')", "subquery"),
        ("count(*) > 1", "function 'count_star'|star"),
        ("sum(age) over () > 1", "window"),
        ("? = 1", "parameter"),
        ("findings", "."),
        ("embedding is null", "no column 'embedding'"),
        ("no_such_function(age)", "function 'no_such_function' is not accepted"),
        ("len(range(150000000)) > age", "function 'range' is not accepted"),
        ("random() > 0.5", "function 'random' is not accepted"),
        ("now() > time", "function 'now' is not accepted"),
    ],
)
def test_what_is_not_a_condition_is_refused_in_one_line(store: DeltaCaseStore, where: str, message: str) -> None:
    with pytest.raises(FilterError, match=message) as error:
        store.select(where)
    assert "\n" not in str(error.value)


def test_files_cannot_be_read_through_a_condition(store: DeltaCaseStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for where in (f"(from read_text('{secret}') select content) = 'secret'", f"read_text('{secret}') is not null"):
        with pytest.raises(FilterError):
            store.select(where)


def test_what_filters_have_found_is_remembered_within_bounds(
    store: DeltaCaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("precordia.indexing.filter_memory.REMEMBERED", 3)
    monkeypatch.setattr("precordia.indexing.filter_memory.REMEMBERED_BYTES", 100)
    first = store.select("age > 45")
    assert store.select("age > 45") is first
    for age in range(20):
        assert store.select(f"age > {age} and age < 43").size == 3
    again = store.select("age > 45")
    assert again is not first
    np.testing.assert_array_equal(again, first)
    everyone = store.select("age > 0")
    assert everyone is store.select("age > 0")
    assert store.select("age > 45") is not again  # 80 and 32 bytes are more than 100


def test_an_unknown_finding_is_refused_with_a_suggestion(
    store: DeltaCaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("precordia.indexing.filters.known_concepts", lambda: frozenset({"CLBBB", "SR"}))
    with pytest.raises(FilterError, match="no finding 'CLBB'; did you mean 'CLBBB'"):
        store.select("findings has 'CLBB'")


def test_a_folder_that_is_no_knowledge_base(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseNotFoundError, match=str(tmp_path)):
        DeltaCaseStore(tmp_path)


def test_a_reader_keeps_its_version_until_it_refreshes(store: DeltaCaseStore, tmp_path: Path) -> None:
    reader = DeltaCaseStore(store.path)
    assert len(reader) == 10
    with store.writing() as writer:
        _append(writer, [row(200, metadata={"new key": "1"})])
    assert len(reader) == 10
    with pytest.raises(KeyError):
        reader.get([200])
    assert reader.refresh()
    assert not reader.refresh()
    assert reader.get([200])[0].recording_id == "r200"
    assert reader.select('"new key" = 1').tolist() == [200]


def test_a_reader_survives_an_erasure_of_files_it_has_not_read_yet(store: DeltaCaseStore) -> None:
    reader = DeltaCaseStore(store.path)
    store.erase("P0")
    assert len(reader.get([105])) == 1
    assert reader.recording(105).n_leads == 12
    assert len(reader) == 8


def test_only_one_writes(store: DeltaCaseStore) -> None:
    with store.writing(), pytest.raises(BusyError, match="try again"), DeltaCaseStore(store.path).writing(0.05):
        pass


def test_compacting_changes_only_the_files(tmp_path: Path) -> None:
    store = DeltaCaseStore.create(tmp_path / "kb")
    with store.writing() as writer:
        for i in range(1, 41):
            _append(writer, [row(i)])
        cases = store.get(store.ids.tolist())
        before = open_vector_index(store, "signal", DIM).ids
        writer.finish()
    assert len(store.files) == 1
    assert store.get(store.ids.tolist()) == cases
    assert store.recording(33).n_samples == 1000
    assert sorted(open_vector_index(store, "signal", DIM).ids) == sorted(before)


def test_a_large_store_is_searched_approximately_and_an_erasure_is_seen(tmp_path: Path) -> None:
    store = DeltaCaseStore.create(tmp_path / "kb")
    rows = [row(i, f"P{i // 3}") for i in range(1, 601)]
    with store.writing() as writer:
        _append(writer, rows)
    for _ in range(2):
        index = open_vector_index(store, "signal", DIM, approximate_from=500)
        assert index.kind == "approximate"
        assert [int(index.search(rows[i].embedding, 1)[0][0, 0]) for i in (0, 300, 599)] == [1, 301, 600]
    with store.writing() as writer:
        _append(writer, [row(601), row(602)])
    index = open_vector_index(store, "signal", DIM, approximate_from=500)
    assert int(index.search(row(602).embedding, 1)[0][0, 0]) == 602
    store.erase("P100")
    index = open_vector_index(store, "signal", DIM, approximate_from=500)
    assert len(index) == len(store) == 599
    assert 300 not in index.search(rows[299].embedding, 50)[0]


def test_a_store_serves_threads_while_another_writes(store: DeltaCaseStore) -> None:
    reader = DeltaCaseStore(store.path)

    def ask(i: int) -> int:
        reader.refresh()
        cases = reader.get(reader.select(f"age > {40 + i % 5}").tolist())
        assert reader.recording(cases[-1].case_id).n_leads == 12
        return len(cases)

    with ThreadPoolExecutor(4) as pool, store.writing() as writer:
        answers = pool.map(ask, range(40))
        for i in range(8):
            _append(writer, [row(300 + i, age=90.0)])
        counts = list(answers)
    assert min(counts) >= 5
    assert reader.refresh() in (True, False)
    assert len(reader) == 18


def test_erasing_a_patient_who_is_not_there_changes_nothing(store: DeltaCaseStore) -> None:
    assert store.erase("nobody").case_ids == ()
    assert len(store) == 10


@pytest.mark.parametrize("n_texts", [0, 1, 234, 300, 600])
def test_the_kind_of_index_follows_the_number_of_vectors_not_of_cases(tmp_path: Path, n_texts: int) -> None:
    store = DeltaCaseStore.create(tmp_path / "kb")
    rows = [row(i, f"P{i}", report=f"report {i}" if i <= n_texts else None) for i in range(1, 601)]
    with store.writing() as writer:
        cases = case_table(rows, ancestors)
        vectors = np.random.default_rng(0).normal(size=(600, DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        column = pa.array(
            [v if r.statements else None for v, r in zip(vectors, rows, strict=True)],
            type=CASE_SCHEMA.field("text_embedding").type,
        )
        at = cases.schema.get_field_index("text_embedding")
        writer.append(cases.set_column(at, CASE_SCHEMA.field("text_embedding"), column), signal_table(rows))
    for _ in range(2):  # made, and read again
        index = open_vector_index(store, "text", DIM, approximate_from=280)
        assert (index.kind, len(index)) == ("approximate" if n_texts >= 280 else "flat", n_texts)
        assert (index.search(vectors[:1], 1)[0] == 1).all() == (n_texts > 0)
        assert open_vector_index(store, "signal", DIM, approximate_from=280).kind == "approximate"


@pytest.mark.parametrize("n", [0, 1, 2, 255, 256, 257])
def test_an_index_of_any_size_can_be_had(tmp_path: Path, n: int) -> None:
    store = DeltaCaseStore.create(tmp_path / "kb")
    with store.writing() as writer:
        _append(writer, [row(i) for i in range(1, n + 1)])
    for limit in (0, 100, 10_000):
        index = open_vector_index(store, "signal", DIM, approximate_from=limit)
        assert len(index) == n
        assert index.search(row(1).embedding, 3)[0].shape == (1, 3)
