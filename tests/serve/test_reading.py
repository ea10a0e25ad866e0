"""What the page reads: cases, signals, measurements, evidence, comparison, time and the archive."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.simulation.hospital import Archive


@pytest.fixture
def ecg(archive: Archive) -> bytes:
    return Path(next(e.path for e in archive.ecgs if e.format == "aecg")).read_bytes()


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: TestClient, path: str, content: bytes = b"", **parameters: Any) -> Any:
    answer = client.post(path, params=parameters, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pages_of_cases_give_each_once_newest_first(client: TestClient, kb: KnowledgeBase) -> None:
    seen, cursor = [], None
    while True:
        page = get(client, "/v1/cases", limit=5, **({"cursor": cursor} if cursor else {}))
        assert page["total"] == len(kb)
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(int(case["case_id"]) for case in seen) == sorted(kb.ids())
    times = [case["metadata"]["time"] for case in seen if case["metadata"]["time"]]
    assert times == sorted(times, reverse=True)


def test_words_and_filters_choose_among_cases(client: TestClient, kb: KnowledgeBase) -> None:
    women = get(client, "/v1/cases", where="sex = 'F'", limit=100)
    assert women["total"] == sum(case.sex == "F" for case in kb.cases(kb.ids()))
    assert get(client, "/v1/cases", text="women", limit=100)["total"] == women["total"]


def test_pages_of_a_search_go_on_where_the_last_ended(client: TestClient) -> None:
    whole = post(client, "/v1/search", text="sinus rhythm", k=8)["hits"]
    first = post(client, "/v1/search", text="sinus rhythm", k=4)
    second = post(client, "/v1/search", text="sinus rhythm", k=4, cursor=first["next"])
    assert [hit["case_id"] for hit in (*first["hits"], *second["hits"])] == [hit["case_id"] for hit in whole]
    assert [hit["rank"] for hit in second["hits"]] == [5, 6, 7, 8]


def test_facets_count_the_cases_that_meet_the_filter(client: TestClient, kb: KnowledgeBase) -> None:
    facets = post(client, "/v1/search", text="ECG", where="sex = 'F'", facets=True)["facets"]
    women = [case for case in kb.cases(kb.ids()) if case.sex == "F"]
    assert facets["sex"] == [{"value": "F", "name": "female", "count": len(women)}]
    assert sum(item["count"] for item in facets["quality"]) == len(women)
    assert sum(item["count"] for item in facets["age"]) == sum(case.age is not None for case in women)
    for item in facets["finding"]:
        assert item["count"] == len(kb.store.select(f"sex = 'F' and findings has '{item['value']}'"))


def test_a_signal_comes_back_as_it_is_stored(client: TestClient, kb: KnowledgeBase, case_id: str) -> None:
    recording = kb.recording(int(case_id))
    answer = get(client, f"/v1/cases/{case_id}/signal", leads="II,V1", start=1, seconds=2)
    assert answer["leads"] == ["II", "V1"]
    first = round(recording.fs)
    expected = recording.lead("II")[first : first + round(2 * recording.fs)]
    np.testing.assert_allclose(answer["samples"]["II"], expected, atol=1e-4)


def test_a_signal_is_resampled_for_a_card(client: TestClient, case_id: str) -> None:
    answer = get(client, f"/v1/cases/{case_id}/signal", leads="II", fs=100)
    assert answer["fs"] == pytest.approx(100)
    assert len(answer["samples"]["II"]) == pytest.approx(100 * answer["duration_s"], abs=1)
    assert "100 Hz" in answer["filters"]


@pytest.mark.parametrize(
    "parameters", [{"leads": "V99"}, {"start": -1}, {"start": 1e9}, {"seconds": 0}, {"fs": 1e9}, {"fs": "nan"}]
)
def test_a_stretch_that_is_not_there_is_refused(client: TestClient, case_id: str, parameters: dict[str, Any]) -> None:
    assert client.get(f"/v1/cases/{case_id}/signal", params=parameters).status_code == 400


def test_measurements_of_a_file_and_of_a_case(client: TestClient, ecg: bytes, kb: KnowledgeBase, case_id: str) -> None:
    measured = post(client, "/v1/measure", ecg)
    assert measured["measurements"]["n_beats"] == len(measured["beats"])
    average = measured["average"]
    marks = average["marks"]
    assert marks["qrs_on"] < marks["r_peak"] < marks["qrs_off"]
    width = 1000 * (marks["qrs_off"] - marks["qrs_on"])
    assert width == pytest.approx(measured["measurements"]["qrs_ms"], abs=20)
    assert set(average["leads"]) <= set(measured["leads"])
    of_case = post(client, "/v1/measure", case=case_id)
    assert of_case["measurements"]["qrs_ms"] == kb.cases([int(case_id)])[0].measurements.qrs_ms


def test_evidence_names_what_supports_each_finding(client: TestClient, ecg: bytes) -> None:
    answer = post(client, "/v1/evidence", ecg)
    there = {hit["case_id"] for hit in answer["hits"]}
    assert answer["judgement"]
    for standing in answer["judgement"]:
        assert set(standing["supports"]["cases"]) <= there
        assert 0 <= standing["probability"] <= 1
    assert "holds" in answer["promise"]


def test_statements_have_ids_that_stay(client: TestClient, ecg: bytes) -> None:
    first, second = (post(client, "/v1/report", ecg)["statements"] for _ in range(2))
    assert [s["id"] for s in first] == [s["id"] for s in second]
    assert len({s["id"] for s in first}) == len(first)


def test_a_report_of_a_case_is_one_of_its_signal(client: TestClient, case_id: str) -> None:
    report = post(client, "/v1/report", case=case_id)
    assert case_id not in {hit["case_id"] for hit in report["hits"]}


def test_an_ecg_beside_itself_differs_in_no_lead(client: TestClient, kb: KnowledgeBase) -> None:
    one, other = (str(i) for i in kb.ids()[:2])
    same = post(client, "/v1/compare", a=one, b=one)
    assert not any(lead["differs"] for lead in same["aligned"]["leads"].values())
    assert all(change["move"] == "unchanged" for change in same["changes"])
    different = post(client, "/v1/compare", a=one, b=other)
    assert any(lead["differs"] for lead in different["aligned"]["leads"].values())
    assert different["a"]["case_id"] == one
    assert different["verdict"] or different["reason"]


def test_a_patient_through_time(client: TestClient, kb: KnowledgeBase) -> None:
    by_patient: dict[str, list[int]] = {}
    for case in kb.cases(kb.ids()):
        by_patient.setdefault(case.patient_key, []).append(case.case_id)
    ids = max(by_patient.values(), key=len)
    items = get(client, f"/v1/cases/{ids[0]}/timeline")["items"]
    assert sorted(int(item["case_id"]) for item in items) == sorted(ids)
    assert items[0]["new"] == items[0]["gone"] == []
    for before, after in pairwise(items):
        assert set(after["findings"]) == (set(before["findings"]) - set(after["gone"])) | set(after["new"])


def test_the_archive_in_short(client: TestClient, kb: KnowledgeBase) -> None:
    answer = get(client, "/v1/archive")
    assert answer["n_cases"] == len(kb)
    assert sum(item["count"] for item in answer["formats"]) == len(kb)
    assert all(0 <= year[from_] < 2 for year in answer["drift"]["years"] for from_ in ("distance", "from_training"))
    assert get(client, "/v1/rejects")["total"] == len(kb.rejects())


def test_who_asks_and_whether_it_is_ready(client: TestClient) -> None:
    assert get(client, "/v1/me")["role"] == "admin"
    assert get(client, "/v1/live") == {"status": "ok"}
    assert get(client, "/v1/ready")["n_cases"] == 16


@pytest.mark.parametrize("case_id", ["0", "-1", "abc", "1" * 30, "1e3", "%00"])
def test_an_id_that_is_none_is_not_there(client: TestClient, case_id: str) -> None:
    for path in ("", "/timeline", "/signal"):
        assert client.get(f"/v1/cases/{case_id}{path}").status_code == 404


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/rejects"])
@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "x"}, {"cursor": "ä"}])
def test_a_page_that_is_none_is_refused(client: TestClient, path: str, parameters: dict[str, Any]) -> None:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_every_address_is_documented(client: TestClient) -> None:
    paths = get(client, "/openapi.json")["paths"]
    assert {"/v1/search", "/v1/cases/{case_id}/signal", "/v1/measure", "/v1/archive"} <= set(paths)
    assert all(operation.get("description") for of in paths.values() for operation in of.values())
