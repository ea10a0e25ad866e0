"""What is relied on: services that were opened apart over one shared archive answer alike, and see what the other has done."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.indexing.audit import Audit
from precordia.serve.app import create_app


@pytest.fixture
def two(own_kb: KnowledgeBase) -> list[TestClient]:
    """Each with a knowledge base of its own over the same folder, as two containers have."""
    opened = [KnowledgeBase.open(own_kb.path, text_encoder=None) for _ in range(2)]
    return [TestClient(create_app(kb), base_url="http://localhost") for kb in opened]


def test_they_find_the_same_in_the_same_order(two: list[TestClient], tmp_path: Path) -> None:
    ecg = next((tmp_path / "hospital").rglob("*.xml")).read_bytes()
    first, second = (client.post("/v1/search", content=ecg, params={"k": 5}).json()["hits"] for client in two)
    assert first == second
    assert len(first) == 5


def test_what_is_added_and_erased_beside_them_is_seen_by_both(
    two: list[TestClient], own_kb: KnowledgeBase, tmp_path: Path
) -> None:
    case = own_kb.cases(own_kb.ids())[0]
    assert [client.get(f"/v1/cases/{case.case_id}").status_code for client in two] == [200, 200]
    assert two[0].post("/v1/erase", params={"patient": case.patient_key}).status_code == 200
    assert [client.get(f"/v1/cases/{case.case_id}").status_code for client in two] == [404, 404]
    n = two[1].get("/v1/cases").json()["total"]
    assert n == two[0].get("/v1/cases").json()["total"] < 8
    own_kb.add(tmp_path / "hospital", workers=1)
    assert [client.get("/v1/cases").json()["total"] for client in two] == [8, 8]


def test_they_keep_one_audit_whose_chain_is_whole(two: list[TestClient], own_kb: KnowledgeBase) -> None:
    for case_id in own_kb.ids()[:3]:
        for client in two:
            assert client.get(f"/v1/cases/{case_id}").status_code == 200
    audit = Audit(own_kb.path)
    assert len(list(audit.rows())) == 6
    assert two[1].get("/v1/audit").json()["chain"]["whole"]
