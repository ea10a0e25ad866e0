"""The retrieval task on a phantom archive: who may answer whom, what is counted, and that the leak is seen."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from precordia import KnowledgeBase
from precordia.core.case import Case
from precordia.core.errors import InputError, UsageError
from precordia.core.recording import Recording
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.retrieval import figures as figures
from precordia.eval.tasks.retrieval.data import as_bare, ask, findings_of, read_queries
from precordia.eval.tasks.retrieval.rankings import nearest, popular
from precordia.eval.tasks.retrieval.task import RETRIEVAL
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS


def recording(name: str, patient: str, *codes: str, **changes: object) -> Recording:
    signal = np.zeros((1, 10), dtype=np.float32)
    made = Recording(signal, 100.0, ("I",), name, patient, codes=tuple(f"scp:{c}" for c in codes))
    return replace(made, **changes)  # type: ignore[arg-type]


def case(number: int, patient: str, *codes: str) -> Case:
    return Case(number, f"case {number}", patient, codes=tuple(f"scp:{c}" for c in codes))


CASES = (
    case(1, "a", "NORM", "SR"),
    case(2, "b", "CLBBB", "SR"),
    case(3, "c", "CLBBB", "AFIB"),
    case(4, "d", "AFIB"),
    case(5, "q", "CLBBB"),
)
QUERIES = (recording("q1", "q", "CLBBB", "SR"), recording("q2", "r", "SR"), recording("q3", "s", "AFIB", "CLBBB"))


def test_sinus_rhythm_relates_nobody_and_own_cases_never_answer() -> None:
    asked = ask(QUERIES, CASES, "codes")
    assert [q.recording_id for q in asked.queries] == ["q1", "q3"]
    assert asked.names == ("AFIB", "CLBBB", "NORM")
    assert asked.relevance.tolist() == [[0, 1, 0.5, 0, 0], [0, 0.5, 1, 0.5, 0.5]]
    assert asked.n_allowed.tolist() == [4, 5]


def test_findings_come_from_codes_or_from_the_report() -> None:
    assert findings_of(("scp:AFIB", "scp:SR"), "left bundle branch block", "codes") == {"AFIB"}
    assert findings_of(("scp:AFIB",), "no atrial fibrillation. left bundle branch block", "reports") == {"LBBB"}


def test_figures_of_a_ranking_by_hand() -> None:
    asked = ask(QUERIES, CASES, "codes")
    found = figures.per_query(asked, [[1, 2, 3, 4], [3, 1]], asked.relevance)
    assert found["precision@1"].tolist() == [0, 1]
    assert found["precision@5"].tolist() == [2 / 5, 1 / 5]
    second, third, fourth = 1 / np.log2(3), 1 / 2, 1 / np.log2(5)
    assert found["nDCG@5"][0] == pytest.approx((second + 0.5 * third) / (1 + 0.5 * second))
    assert found["nDCG@5"][1] == pytest.approx(1 / (1 + 0.5 * (second + third + fourth)))
    best = figures.best_possible(asked, asked.relevance)
    assert best["precision@1"].tolist() == [1, 1]
    assert best["precision@5"].tolist() == [2 / 5, 4 / 5]


def test_recall_is_counted_by_finding_and_query() -> None:
    asked = ask(QUERIES, CASES, "codes")
    rows = list(figures.finding_rows({"ours": [[1, 2, 3, 4], [3, 1]]}, asked, seed=1))
    every = {r.system: r for r in rows if r.metric == "recall@5" and r.group == "every finding of every query"}
    # q1: both other cases with CLBBB; q3: one of three with CLBBB, one of two with AFIB.
    assert every["ours"].value == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)
    assert every["ours"].n == 3
    assert every["chance"].value == 1.0 or every["chance"].value > 0.9


def test_groups_are_of_the_query() -> None:
    people = (
        recording("1", "a", "NORM", age=49.0, sex="F", device="CS-12   E"),
        recording("2", "b", "NORM", age=80.0, sex="M", device="AT-6 C 5.5"),
        recording("3", "c", "AFIB", device="AT-6 C"),
    )
    asked = ask(people, CASES, "codes")
    found = figures.per_query(asked, [[1], [1], [1]], asked.relevance)
    rows = {r.group: r for r in figures.group_rows("ours", found, asked, 1) if r.metric == "precision@10"}
    assert sorted(rows) == [
        "age 0 to 49", "age 80 and above", "age not known", "device AT-6 C", "device CS-12 E", "sex F", "sex M",
        "sex not known",
    ]  # fmt: skip
    assert rows["device AT-6 C"].n == 2
    assert rows["device AT-6 C"].value == pytest.approx(0.05)


def test_exact_neighbours_leave_out_the_own_patient_and_break_ties_by_id() -> None:
    asked = ask(QUERIES, CASES, "codes")
    vectors = np.eye(5, dtype=np.float32)[[0, 1, 1, 2, 1]]
    queries = np.eye(5, dtype=np.float32)[[1, 1]]
    assert nearest(queries, vectors, asked)[0] == [2, 3, 1, 4]
    assert nearest(queries, vectors, asked)[1] == [2, 3, 5, 1, 4]


def test_popular_cases_are_those_most_like_the_rest() -> None:
    first, second = popular(ask(QUERIES, CASES, "codes"))
    assert first == [2, 3, 4, 1]
    assert second[:3] == [2, 3, 5]


def test_a_bare_signal_names_nobody() -> None:
    bare = as_bare(recording("1", "a", "NORM", report="normal", age=50.0), "x")
    assert (bare.recording_id, bare.patient_id, bare.report, bare.codes) == ("x", None, None, ())


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PTB-XL of 24 made-up ECGs: folds 1 and 2 the archive, fold 9 the queries; one patient has two."""
    folder = tmp_path_factory.mktemp("phantom") / "ptbxl"
    rows = []
    for number in range(1, 25):
        code = ("NORM", "CLBBB", "AFIB")[number % 3]
        fold = 9 if number > 18 else 1 + number % 2
        made = {500: simulate(code, seed=number).recording}
        slow = resample_poly(made[500].signal, 1, 5, axis=1).astype(np.float32)
        made[100] = replace(made[500], signal=slow, fs=100.0)
        row = {"ecg_id": number, "patient_id": 2 if number == 1 else number, "age": 60, "sex": 0, "strat_fold": fold,
               "report": "", "scp_codes": f"{{'{code}': 100.0, 'SR': 0.0}}", "device": "CS-12",
               "recording_date": "1985-01-01 10:00:00"}  # fmt: skip
        for fs, part, column in ((100, "lr", "filename_lr"), (500, "hr", "filename_hr")):
            name = f"records{fs}/00000/{number:05d}_{part}"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            WRITERS.get("wfdb")(path, replace(made[fs], recording_id=path.name, report=None, patient_id=None))
            row[column] = name
        rows.append(row)
    with (folder / "ptbxl_database.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return folder.parent


@pytest.fixture(scope="module")
def archive(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb")
    kb.add(phantom / "ptbxl" / "records100", where="strat_fold <= 8", workers=1)
    assert len(kb) == 18
    return kb.path


def test_the_knowledge_base_gives_what_its_vectors_say_and_guards_close_the_leak(phantom: Path, archive: Path) -> None:
    options = {"parts": "codes,findings,groups,leak"}
    result = RETRIEVAL.run(Settings(phantom, kb=archive, options=options))
    figure = {(r.system, r.metric, r.group): r.value for r in result.rows}
    same = "same ten cases in the same order as an exact product of the vectors"
    assert figure["precordia", same, ""] == 1.0
    assert figure["chance", "precision@10", ""] == pytest.approx(1 / 3, abs=0.05)
    guarded, patient, nothing = "precordia", "precordia, patient not left out", "precordia, nothing left out"
    again, nameless = "asked again: ECGs of the archive", "asked again: the 500 Hz file, nameless"
    itself = "first case is the query itself"
    assert [figure[s, itself, again] for s in (guarded, patient, nothing)] == [0, 0, 1]
    assert figure[nothing, "nDCG@1", again] == 1.0
    several = "asked again: patients with several ECGs"
    another = "another ECG of the patient among the first 10"
    assert figure[guarded, another, several] == 0
    assert figure[guarded, "the patient among the first 10", nameless] == 0
    assert figure[nothing, "first case is the ECG at 100 Hz", nameless] == 1.0
    assert {s["system"] for s in result.samples} == {"precordia", "untrained encoder", "log-spectra", "popular"}
    assert len(result.samples) == 4 * 6


def test_what_is_not_there_is_said(phantom: Path, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="get PTB-XL"):
        RETRIEVAL.run(Settings(tmp_path, kb=archive))
    with pytest.raises(InputError, match=r"none of the recordings of folds \[5\]"):
        read_queries(phantom / "ptbxl", (5,))
    with pytest.raises(UsageError, match="parts: unknown nonsense"):
        RETRIEVAL.run(Settings(phantom, kb=archive, options={"parts": "nonsense"}))
