"""What is asked is put down before it is answered, and an erasure stays known."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.core.errors import StorageError
from precordia.indexing.audit import Audit
from precordia.serve.app import create_app
from precordia.serve.security.tokens import Tokens, new_token


@pytest.fixture
def kb(own_kb: KnowledgeBase) -> KnowledgeBase:
    return own_kb


@pytest.fixture
def client(kb: KnowledgeBase) -> TestClient:
    return TestClient(create_app(kb), base_url="http://localhost")


def test_who_asked_what_and_what_was_shown(kb: KnowledgeBase, tmp_path: Path) -> None:
    token, line = new_token("ward.7", "read")
    client = TestClient(create_app(kb, tokens=Tokens(lines=[line])), base_url="http://localhost")
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"text": "sinus rhythm of Mrs Zyxwvut", "where": "patient_key != 'Zyxwvut' and age > 1", "k": "3"}
    hits = client.post("/v1/search", params=asked, headers=headers).json()["hits"]
    (row,) = kb.audit.rows()
    assert (row.actor, row.role, row.action, row.outcome) == ("ward.7", "read", "search", 200)
    assert [str(case) for case in row.cases] == [hit["case_id"] for hit in hits]
    assert set(row.patients) == {kb.audit.digest(hit["patient_key"]) for hit in hits}
    assert "sinus rhythm" in row.asked
    assert "age > 1" in row.asked
    assert "Zyxwvut" not in row.asked


@pytest.mark.parametrize("path", ["", "/timeline", "/signal"])
def test_every_look_at_a_case_is_a_row(client: TestClient, kb: KnowledgeBase, path: str) -> None:
    case = kb.ids()[0]
    client.get(f"/v1/cases/{case}{path}")
    assert [case in row.cases for row in kb.audit.rows()] == [True]


def test_what_failed_is_a_row_too(client: TestClient, kb: KnowledgeBase) -> None:
    client.get("/v1/cases/1")
    client.post("/v1/search", params={"text": "x", "where": "nonsense"})
    assert [row.outcome for row in kb.audit.rows()] == [404, 400]


def test_nothing_is_shown_that_cannot_be_put_down(
    client: TestClient, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("no space is left")

    monkeypatch.setattr(Audit, "record", full)
    answer = client.get(f"/v1/cases/{kb.ids()[0]}")
    assert answer.status_code == 503
    assert set(answer.json()) == {"error"}


def test_an_erasure_is_put_down_and_takes_no_row_away(client: TestClient, kb: KnowledgeBase) -> None:
    case = kb.cases(kb.ids())[0]
    client.get(f"/v1/cases/{case.case_id}")
    assert client.post("/v1/erase", params={"patient": case.patient_key}).json()["erased"] >= 1
    assert client.get(f"/v1/cases/{case.case_id}").status_code == 404
    answer = client.get("/v1/audit", params={"patient": case.patient_key}).json()
    assert [row["action"] for row in answer["items"]] == ["erase", "case"]
    assert all(str(case.case_id) in row["cases"] for row in answer["items"])
    assert answer["chain"]["whole"]


def test_the_audit_takes_since_as_a_time_in_any_zone_and_refuses_what_is_none(
    client: TestClient, kb: KnowledgeBase
) -> None:
    client.get(f"/v1/cases/{kb.ids()[0]}")
    newest = datetime.fromisoformat(client.get("/v1/audit").json()["items"][0]["time"])
    for hours, found in ((-1, True), (1, False)):
        for zone in (12, -12):
            since = (newest + timedelta(hours=hours)).astimezone(timezone(timedelta(hours=zone))).isoformat()
            assert bool(client.get("/v1/audit", params={"since": since}).json()["total"]) == found
    answer = client.get("/v1/audit", params={"since": "Jane Doe"})
    assert answer.status_code == 400
    assert "since is not a time" in answer.json()["error"]
    assert "Jane" not in answer.text


def test_a_body_that_is_no_json_object_is_told_so(client: TestClient) -> None:
    for body in (b"", b"{", b"[]", b"null"):
        answer = client.post("/v1/chat", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert "not a JSON object" in answer.json()["error"]


def test_the_command_line_prints_the_audit_and_says_whether_it_is_whole(
    client: TestClient, kb: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    case = kb.cases(kb.ids())[0]
    client.get(f"/v1/cases/{case.case_id}")
    assert main(["inspect", str(kb.path), "--audit", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["chain"]["whole"]
    assert document["items"][0]["cases"] == [str(case.case_id)]
    assert main(["inspect", str(kb.path), "--audit"]) == 0
    assert "whole" in capsys.readouterr().err
    pending = kb.path / "audit" / "_pending.jsonl"
    pending.write_bytes(pending.read_bytes().replace(b'"local"', b'"other"'))
    assert main(["inspect", str(kb.path), "--audit"]) == 1
    assert "broken" in capsys.readouterr().err
    assert not kb.check().sound
