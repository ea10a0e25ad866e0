"""Chat as a stream, decisions on statements, the cohort as a file, and counts."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.core.drafts import Prompt, Reply
from precordia.core.protocols import LanguageModel
from precordia.indexing.reviews import Reviews, latest
from precordia.language_models import KINDS, LanguageModelSettings
from precordia.serve.app import create_app
from precordia.serve.work import exporting
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS


def events(client: TestClient, *said: str, case: str | None = None) -> list[tuple[str, Any]]:
    messages = [{"role": "user", "content": words} for words in said]
    answer = client.post("/v1/chat", json={"messages": messages, "case": case})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    out = []
    for block in answer.text.strip().split("\n\n"):
        name, data = block.split("\n")
        out.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return out


def test_an_answer_comes_as_events(client: TestClient, case_id: str) -> None:
    found = events(client, "What is the heart rate?", case=case_id)
    names = [name for name, _ in found]
    assert names[0] == "understood"
    assert names[-1] == "done"
    done = found[-1][1]
    statements = [data for name, data in found if name == "statement"]
    assert statements == done["statements"]
    assert "".join(data["text"] for name, data in found if name == "text").strip() == done["text"]


def test_a_turn_refers_back_to_what_was_said(client: TestClient) -> None:
    first = events(client, "find sinus rhythm")[-1][1]["hits"]
    second = events(client, "find sinus rhythm", "show the second one")[-1][1]["hits"]
    assert [hit["case_id"] for hit in second] == [first[1]["case_id"]]


def test_a_turn_is_answered_the_same_where_nothing_is_remembered(client: TestClient, kb: KnowledgeBase) -> None:
    told = events(client, "find sinus rhythm", "only women")[-1][1]
    fresh = TestClient(create_app(kb), base_url="http://localhost")
    assert events(fresh, "find sinus rhythm", "only women")[-1][1] == told


class Dictating(LanguageModel):
    """Writes sentence by sentence, and waits for each to be heard before it goes on."""

    name = "dictating"

    def __init__(self, *sentences: str) -> None:
        self.sentences, self.heard = sentences, threading.Semaphore(0)
        self.waited = False

    def reply(self, prompt: Prompt) -> Reply:
        return Reply(" ".join(self.sentences))

    def stream(self, prompt: Prompt) -> Generator[str, None, Reply]:
        for number, sentence in enumerate(self.sentences):
            yield f"{sentence} "
            if number == 1:  # the first is whole since the second has begun
                self.waited = self.heard.acquire(timeout=20)
        return self.reply(prompt)


async def lines_of(app: Any, body: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
    """The events of a chat as they come: a test client of starlette gives a stream only when it is over."""
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    content = json.dumps(body).encode()
    asked = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(asked, None) or await asyncio.Event().wait()  # type: ignore[func-returns-value, return-value]

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat", "raw_path": b"/v1/chat", "query_string": b""}
    scope |= {
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "scheme": "http",
        "root_path": "",
    }
    scope |= {"http_version": "1.1", "asgi": {"version": "3.0"}, "state": {}}
    work = asyncio.ensure_future(app(scope, receive, sent.put))
    more = True
    while more:
        message = await asyncio.wait_for(sent.get(), 60)
        more = message["type"] == "http.response.start" or message.get("more_body", False)
        for block in message.get("body", b"").decode().strip().split("\n\n"):
            if block.startswith("event: "):
                name, data = block.split("\n")
                yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
    await work


def test_what_is_proved_is_shown_while_the_model_still_writes_and_nothing_else(kb: KnowledgeBase) -> None:
    case = next(case for case in kb.cases(kb.ids()) if not kb.report(kb.recording(case.case_id)).abstained)
    right = kb.report(kb.recording(case.case_id)).statements[0].text
    model = Dictating(right, "There is a pink elephant in V2.", "Give aspirin.")
    app = create_app(kb, llm=model)
    body = {"messages": [{"role": "user", "content": "What does this ECG show?"}], "case": str(case.case_id)}

    async def talk() -> list[tuple[str, Any]]:
        seen = []
        async for name, data in lines_of(app, body):
            seen.append((name, data))
            if name == "statement":
                model.heard.release()
        return seen

    seen = asyncio.run(talk())
    assert model.waited, "the first statement was not shown while the model wrote"
    shown = [data["text"] for name, data in seen if name in ("statement", "text")]
    assert shown[0].strip() == right
    assert not any("elephant" in text or "aspirin" in text for text in shown)
    done = seen[-1][1]
    assert {data["id"] for name, data in seen if name == "statement"} == {s["id"] for s in done["statements"]}
    # What was shown on the way stands in the audit, with whom it was about.
    assert all(row.action == "chat" and case.case_id in row.cases for row in list(kb.audit.rows())[-2:])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": 5},
        {"messages": [{"role": "user", "content": " "}]},
        {"messages": [{"role": "system", "content": "x"}]},
    ],
)
def test_a_talk_that_is_none_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/v1/chat", json=body).status_code == 400


def test_a_case_that_is_not_there_is_told_in_the_stream(client: TestClient) -> None:
    name, data = events(client, "What is the rhythm?", case="1")[-1]
    assert name == "error"
    assert "no case" in data["error"]


# --- decisions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(own_kb: KnowledgeBase) -> tuple[KnowledgeBase, TestClient]:
    return own_kb, TestClient(create_app(own_kb), base_url="http://localhost")


def decide(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/reviews", json=body)


def test_decisions_are_kept_with_author_and_time(own: tuple[KnowledgeBase, TestClient]) -> None:
    kb, client = own
    case = str(kb.ids()[0])
    report = client.post("/v1/report", params={"case": case}).json()
    ids = [s["id"] for s in (*report["statements"], *report["to_consider"])]
    decisions = [{"id": ids[0], "decision": "edit", "text": "Sinus bradycardia."}]
    decisions += [{"id": name, "decision": "strike"} for name in ids[1:]]
    assert decide(client, case=case, statements=decisions, signed=True).status_code == 200
    items = client.get("/v1/reviews", params={"case": case}).json()["items"]
    assert [item["decision"] for item in items] == ["edit"] + ["strike"] * (len(ids) - 1)
    assert items[0]["said"] == report["statements"][0]["text"]
    assert items[0]["text"] == "Sinus bradycardia."
    assert items[0]["author"] == "local"
    assert items[0]["time"]
    assert all(item["signed"] for item in items)


def test_who_decides_anew_takes_back_the_decision_before(own: tuple[KnowledgeBase, TestClient]) -> None:
    kb, client = own
    case = str(kb.ids()[0])
    name = client.post("/v1/report", params={"case": case}).json()["statements"][0]["id"]
    for decision in ("strike", "accept"):
        decide(client, case=case, statements=[{"id": name, "decision": decision}])
    every = Reviews(kb.path).all()
    assert [r.decision for r in every] == ["strike", "accept"]
    assert [r.decision for r in latest(every)] == ["accept"]


def test_an_ecg_that_is_no_case_is_reviewed_by_its_hash(own: tuple[KnowledgeBase, TestClient], tmp_path: Path) -> None:
    _, client = own
    content = next((tmp_path / "hospital").rglob("*.xml")).read_bytes()
    report = client.post("/v1/report", params={"filename": "x.xml"}, content=content).json()
    body = {"statements": [{"id": report["statements"][0]["id"], "decision": "accept"}]}
    assert decide(client, recording_hash=report["recording_hash"], **body).status_code == 200
    assert decide(client, recording_hash="0" * 64, **body).status_code == 400
    assert decide(client, **body).status_code == 400


@pytest.mark.parametrize(
    "statement",
    [
        {"id": "nothing", "decision": "accept"},
        {"id": "ID", "decision": "burn"},
        {"id": "ID", "decision": "edit"},
        {"id": "ID", "decision": "edit", "text": "x" * 5000},
        {"id": "ID", "decision": "strike", "text": "words"},
    ],
)
def test_a_decision_that_is_none_is_refused(own: tuple[KnowledgeBase, TestClient], statement: dict[str, str]) -> None:
    kb, client = own
    case = str(kb.ids()[0])
    name = client.post("/v1/report", params={"case": case}).json()["statements"][0]["id"]
    body = [{**statement, "id": name if statement["id"] == "ID" else statement["id"]}]
    assert decide(client, case=case, statements=body).status_code == 400
    assert Reviews(kb.path).all() == []


@pytest.fixture
def silent(tmp_path: Path) -> tuple[KnowledgeBase, TestClient]:
    """An archive of which only some ECGs have a report."""
    archive = write_archive(tmp_path / "hospital", 8, seed=6, formats=("wfdb",), poor=0.0)
    kb = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    WRITERS.get("dicom")(inbox / "new", replace(simulate("AFIB", seed=5).recording, report=None))
    kb.add(inbox, workers=1)
    return kb, TestClient(create_app(kb), base_url="http://localhost")


def test_a_signed_review_is_the_report_of_a_case_that_has_none(
    silent: tuple[KnowledgeBase, TestClient], tmp_path: Path
) -> None:
    kb, client = silent
    (bare,) = (case for case in kb.cases(kb.ids()) if not case.report)
    case = str(bare.case_id)
    name = client.post("/v1/report", params={"case": case}).json()["statements"][0]["id"]
    words = [{"id": name, "decision": "edit", "text": "Left bundle branch block."}]
    decide(client, case=case, statements=words)
    assert kb.cases([bare.case_id])[0].report is None  # not signed
    decide(client, case=case, statements=words, signed=True)
    found = client.get(f"/v1/cases/{case}").json()
    assert found["report"] == "Left bundle branch block."
    assert found["metadata"]["report_by"] == "local"
    assert "LBBB" in found["findings"]
    hits = client.post("/v1/search", params={"text": "left bundle branch block", "k": 1}).json()["hits"]
    assert hits[0]["case_id"] == case
    assert client.get("/v1/cases", params={"where": "report_by is null"}).json()["total"] == len(kb) - 1
    # Its signal and its vector are what they were, and a build that sees its file again leaves it so.
    assert kb.recording(bare.case_id).content_hash == bare.content_hash
    kb.add(tmp_path / "inbox", workers=1)
    assert kb.cases([bare.case_id])[0].report == "Left bundle branch block."
    assert kb.check().sound


def test_a_review_never_takes_the_place_of_the_archive_s_own_report(own: tuple[KnowledgeBase, TestClient]) -> None:
    kb, client = own
    case = next(case for case in kb.cases(kb.ids()) if case.report)
    name = client.post("/v1/report", params={"case": str(case.case_id)}).json()["statements"][0]["id"]
    decide(client, case=str(case.case_id), statements=[{"id": name, "decision": "accept"}], signed=True)
    assert kb.cases([case.case_id])[0] == case


def test_reviews_go_with_their_patient(own: tuple[KnowledgeBase, TestClient]) -> None:
    kb, client = own
    case = kb.cases(kb.ids())[0]
    name = client.post("/v1/report", params={"case": str(case.case_id)}).json()["statements"][0]["id"]
    secret = "Zyxwvut was here"
    decide(client, case=str(case.case_id), statements=[{"id": name, "decision": "edit", "text": secret}])
    assert any(secret.encode() in file.read_bytes() for file in (kb.path / "reviews").rglob("*.parquet"))
    content = {"recording_hash": case.content_hash, "statements": [{"id": name, "decision": "accept"}]}
    assert decide(client, **content).status_code == 200
    assert client.post("/v1/erase", params={"patient": case.patient_key}).status_code == 200
    assert Reviews(kb.path).all() == []
    assert decide(client, **content).status_code == 400  # what was remembered of it is forgotten
    assert not any(secret.encode() in file.read_bytes() for file in kb.path.rglob("*") if file.is_file())
    assert kb.check().sound


# --- the cohort and counts ------------------------------------------------------------------------------------------


def test_a_cohort_is_a_table_of_all_its_cases(
    client: TestClient, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS", 3)
    answer = client.get("/v1/export", params={"where": "sex = 'F'"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    women = {str(case.case_id): case for case in kb.cases(kb.ids()) if case.sex == "F"}
    assert {row["case_id"] for row in rows} == set(women)
    assert len(rows) == len(women)
    assert "report" not in rows[0]
    assert all(float(row["qrs_ms"]) == women[row["case_id"]].measurements.qrs_ms for row in rows if row["qrs_ms"])
    with_reports = csv.DictReader(io.StringIO(client.get("/v1/export", params={"reports": True}).text))
    assert {row["report"] for row in with_reports} == {case.report or "" for case in kb.cases(kb.ids())}


def test_a_filter_that_is_none_is_refused_before_the_file_begins(client: TestClient) -> None:
    assert client.get("/v1/export", params={"where": "nonsense"}).status_code == 400


def test_counts_name_addresses_and_nothing_that_was_asked(client: TestClient, case_id: str) -> None:
    client.get(f"/v1/cases/{case_id}")
    client.get("/v1/Zyxwvut")
    text = client.get("/metrics").text
    assert 'precordia_requests_total{method="GET",path="/v1/cases/{case_id}",status="200"}' in text
    assert case_id not in text
    assert "Zyxwvut" not in text
    assert "precordia_cases 16" in text


def test_a_model_is_loaded_once_by_a_service_and_by_who_asks_again(
    kb: KnowledgeBase, register: Callable[..., None]
) -> None:
    loads: list[str] = []

    def load(rest: str, settings: LanguageModelSettings) -> LanguageModel:
        loads.append(rest)
        return Dictating("Sinus rhythm.")

    register(KINDS, "counted", load)
    found = (kb.evidence(kb.recording(id_)) for id_ in kb.ids())
    evidence = next(one for one in found if not kb.report(one).abstained)
    for _ in range(2):
        assert kb.ask("What is the heart rate?", evidence, llm="counted:asked").details["language_model"] == "dictating"
    kb.report(evidence, llm="counted:asked")
    assert loads == ["asked"]
    served = TestClient(create_app(kb, llm="counted:served"), base_url="http://localhost")
    for _ in range(2):
        events(served, "What is the heart rate?", case=str(kb.ids()[0]))
    assert loads == ["asked", "served"]
