"""The service gives what the command line gives, lets in whom it should, and survives what it is sent."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.serve.app import create_app
from precordia.serve.upload import MAX_BYTES
from precordia.simulation.hospital import Archive, write_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(
        tmp_path_factory.mktemp("archive") / "hospital", 16, seed=3, formats=("wfdb", "aecg"), poor=0.0
    )


@pytest.fixture(scope="module")
def kb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb", text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    return kb


@pytest.fixture(scope="module")
def client(kb: KnowledgeBase) -> TestClient:
    return TestClient(create_app(kb))


def xml(archive: Archive) -> bytes:
    return next(ecg.path for ecg in archive.ecgs if ecg.format == "aecg").read_bytes()


def zipped(archive: Archive, copies: int = 1) -> bytes:
    header = next(ecg.path for ecg in archive.ecgs if ecg.format == "wfdb")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for _ in range(copies):
            for path in (header, Path(header).with_suffix(".dat")):
                file.write(path, path.name)
    return buffer.getvalue()


def test_health(client: TestClient) -> None:
    answer = client.get("/v1/health").json()
    assert answer["status"] == "ok"
    assert answer["n_cases"] == 16


@pytest.mark.parametrize("form", ["xml", "zip"])
def test_search_by_an_uploaded_file(client: TestClient, archive: Archive, form: str) -> None:
    body = xml(archive) if form == "xml" else zipped(archive)
    answer = client.post("/v1/search", params={"k": 3, "filename": f"new.{form}"}, content=body)
    assert answer.status_code == 200
    assert [hit["rank"] for hit in answer.json()["hits"]] == [1, 2, 3]


def test_report_as_json_and_as_page(client: TestClient, archive: Archive) -> None:
    assert "statements" in client.post("/v1/report", content=xml(archive)).json()
    page = client.post("/v1/report", params={"page": True}, content=xml(archive))
    assert page.headers["content-type"].startswith("text/html")
    assert "<svg" in page.text


def test_a_case_by_its_id(client: TestClient, archive: Archive) -> None:
    hit = client.post("/v1/search", params={"k": 1}, content=xml(archive)).json()["hits"][0]
    case = client.get(f"/v1/cases/{hit['case_id']}").json()
    assert case["recording_id"] == hit["recording_id"]
    assert client.get("/v1/cases/1").status_code == 404


@pytest.mark.parametrize(
    ("path", "parameters", "body"),
    [
        ("/v1/search", {}, b""),
        ("/v1/search", {"filename": "../../etc/passwd"}, b"root:x:0:0"),
        ("/v1/report", {}, b""),
        ("/v1/report", {}, b"\x00" * 100),
        ("/v1/search", {"where": "1; drop table"}, None),
        ("/v1/ask", {"question": " "}, None),
    ],
)
def test_bad_requests_are_one_line_and_400(
    client: TestClient, archive: Archive, path: str, parameters: dict[str, str], body: bytes | None
) -> None:
    answer = client.post(path, params=parameters, content=xml(archive) if body is None else body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]
    assert "/tmp" not in answer.json()["error"]


def test_archives_with_more_than_one_ecg_or_too_much_are_refused(client: TestClient) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.dat", b"\0" * (MAX_BYTES + 1))
    answer = client.post("/v1/report", params={"filename": "x.zip"}, content=buffer.getvalue())
    assert answer.status_code == 400
    assert "too much" in answer.json()["error"]


def test_a_token_keeps_others_out(kb: KnowledgeBase) -> None:
    guarded = TestClient(create_app(kb, token="secret"))
    assert guarded.get("/v1/health").status_code == 401
    assert guarded.get("/v1/health", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/v1/health", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_the_viewer_is_one_page_without_outside_parts(client: TestClient) -> None:
    page = client.get("/").text
    assert "<title>Precordia</title>" in page
    assert "http" not in page.replace("https://", "http://").replace("http://www.w3.org", "")
