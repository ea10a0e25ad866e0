"""The listening service under attack: connections that do nothing, bodies that never end, bombs, and scripts in every field."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.serve.app import app_of, create_app
from precordia.serve.security.gate import WORDS, WORDS_BYTES
from precordia.serve.server import HEAD_BYTES, PatientProtocol, server_of
from precordia.serve.upload import MAX_BYTES
from precordia.simulation import simulate
from precordia.simulation.hospital import Archive
from precordia.simulation.writers import WRITERS

HEAD_S = 1.0
BODY_S = 1.5


@contextmanager
def listening(kb: KnowledgeBase) -> Iterator[int]:
    """A service on a port of this machine, whose patience is short."""
    server = server_of(app_of(create_app(kb).state.service, body_s=BODY_S), "127.0.0.1", 0)

    class Short(PatientProtocol):
        head_s = HEAD_S
        max_connections = 200

    server.config.http = Short
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def port(kb: KnowledgeBase) -> Iterator[int]:
    with listening(kb) as port:
        yield port


def ask(port: int, path: str = "/v1/health") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def is_closed(connection: socket.socket, within_s: float) -> bool:
    """Whether the other side closes a connection in time."""
    connection.settimeout(within_s)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_1200_idle_connections_keep_nobody_out(port: int) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(1200)]
        assert ask(port) == 200
        assert is_closed(idle[0], 5.0)
        assert is_closed(idle[-1], HEAD_S + 4)
        assert ask(port) == 200


def test_a_head_that_trickles_in_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /v1/live HTTP/1.1\r\n")
        for _ in range(int(10 * (HEAD_S + 4))):
            try:
                slow.sendall(b"X-A: b\r\n")
            except OSError:
                return
            time.sleep(0.1)
        pytest.fail("it was waited for")


def test_nor_the_second_one_on_a_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        slow.sendall(b"G")
        assert is_closed(slow, HEAD_S + 4)


def test_a_body_that_trickles_in_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx")
        slow.settimeout(BODY_S + 4)
        assert slow.recv(65536).startswith(b"HTTP/1.1 408")


def test_a_body_without_end_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as endless:
        endless.settimeout(10)
        endless.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % 2**20 + b"\0" * 2**20 + b"\r\n"
        sent = 0
        try:
            while sent <= MAX_BYTES + 2**24:
                endless.sendall(chunk)
                sent += 2**20
        except OSError:
            return
        assert endless.recv(12) in (b"HTTP/1.1 413", b"HTTP/1.1 408")


@pytest.mark.parametrize("path", WORDS)
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_words_without_end_are_cut_off_before_anyone_is_asked_who_sends_them(port: int, path: str, kind: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as endless:
        endless.settimeout(10)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless.sendall(head.encode())
        chunk = b"%x\r\n" % 2**16 + b"[" * 2**16 + b"\r\n"
        sent = 0
        try:
            while sent <= 8 * WORDS_BYTES:
                endless.sendall(chunk)
                sent += 2**16
        except OSError:
            return
        assert endless.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"kind":' * 50_000, b"\xff\xfe", b'{"messages": [' + b"{}," * 100_000 + b"{}]}", b"NaN", b'"\\ud800"', b""],
    ids=["brackets", "braces", "bytes", "messages", "NaN", "half a letter", "nothing"],
)  # fmt: skip
@pytest.mark.parametrize("path", WORDS)
def test_words_that_are_none_are_refused(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json"])
def test_an_ecg_in_a_wrapping_is_refused_with_what_to_send(client: TestClient, kind: str) -> None:
    answer = client.post("/v1/search", content=b'{"text": "AF"}', headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "--data-binary @FILE" in answer.json()["error"]
    assert client.post("/v1/search?text=AF", headers={"Content-Type": kind}).status_code == 200


def test_a_head_that_is_too_long_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as long:
        long.sendall(b"GET /?" + b"x" * 2 * HEAD_BYTES)
        assert long.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_requests_that_are_none_are_refused(port: int, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as odd:
        odd.settimeout(10)
        odd.sendall(request_)
        assert odd.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 421")


def test_what_a_connection_says_of_itself_is_not_believed(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/v1/live", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "10.0.0.1"})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("server") is None
    connection.close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v1/chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", b"405"),
        (b"OPTIONS /v1/cases HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
         b"Access-Control-Request-Method: GET\r\n\r\n", b"403"),
        (b"TRACE /v1/me HTTP/1.1\r\nHost: localhost\r\nCookie: precordia=x\r\n\r\n", b"405"),
        (b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /v1/sign-in/issuer?next=//evil.example HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
    ],
)  # fmt: skip
def test_what_is_asked_for_in_another_way_is_not_given(port: int, request_: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as odd:
        odd.settimeout(10)
        odd.sendall(request_)
        answer = odd.recv(65536)
        assert answer[9:12] == status
        assert b"access-control-allow" not in answer.lower()
        assert b"evil.example" not in answer
        assert b"upgrade:" not in answer.lower()


@pytest.mark.parametrize("query", ["start=nan", "start=-1e308", "fs=0", "fs=1e300", "leads=" + "I," * 4000])
def test_a_stretch_that_is_none_is_refused_in_few_words(client: TestClient, kb: KnowledgeBase, query: str) -> None:
    answer = client.get(f"/v1/cases/{kb.ids()[0]}/signal?{query}")
    assert answer.status_code == 400
    assert len(answer.content) < 3000


@pytest.mark.parametrize(
    "where", ["(" * 15_000, "not " * 4000 + "true", "case when " * 1900, "age = " + "1+" * 9000 + "1"]
)
def test_a_condition_that_is_deep_keeps_nobody_waiting(client: TestClient, where: str) -> None:
    started = time.process_time()
    assert client.get("/v1/cases", params={"where": where}).status_code == 400
    assert time.process_time() - started < 5


# --- bombs ----------------------------------------------------------------------------------------------------------


def zip_bomb() -> bytes:
    """A ZIP archive that says it holds little, and holds much."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.dat", b"\0" * (MAX_BYTES + 2**20))
    content = bytearray(buffer.getvalue())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.find(mark)
        content[start + at : start + at + 4] = (100).to_bytes(4, "little")
    return bytes(content)


def laughs() -> bytes:
    """A billion laughs, as an annotated ECG."""
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><AnnotatedECG>&a9;</AnnotatedECG>'.encode()


def reaching_out() -> bytes:
    """An entity that is a file of this machine."""
    return (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b"<AnnotatedECG><text>&f;</text></AnnotatedECG>"
    )


def deep() -> bytes:
    """Elements within elements."""
    return b'<?xml version="1.0"?><AnnotatedECG>' + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</AnnotatedECG>"


@pytest.mark.parametrize("make", [zip_bomb, laughs, reaching_out, deep])
def test_a_bomb_is_refused_quickly(client: TestClient, make: object) -> None:
    started = time.monotonic()
    answer = client.post("/v1/search", params={"filename": "x.xml"}, content=make())  # type: ignore[operator]
    assert answer.status_code == 400
    assert "root:" not in answer.text
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/v1/cases/..%2f..%2f"]
)
def test_no_path_leads_out_of_what_is_served(port: int, path: str) -> None:
    assert ask(port, path) == 404


# --- scripts --------------------------------------------------------------------------------------------------------

SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A service over an archive whose every text field is a script."""
    folder = tmp_path_factory.mktemp("poisoned")
    for i in range(4):
        ecg = replace(
            simulate("NORM", seed=i).recording, device=SCRIPT, report=f"Sinus rhythm. {SCRIPT}", patient_id=SCRIPT
        )
        WRITERS.get("aecg")(folder / f"ecg{i}", ecg)
    kb = KnowledgeBase.create(folder / "kb", text_encoder=None)
    kb.add(folder, workers=1)
    return TestClient(create_app(kb), base_url="http://localhost")


def test_what_was_sent_comes_back_as_text(poisoned: TestClient, archive: Archive) -> None:
    content = Path(next(e.path for e in archive.ecgs if e.format == "aecg")).read_bytes()
    for path, parameters in (
        ("/v1/search", {"text": SCRIPT, "filename": SCRIPT}),
        ("/v1/search", {"where": SCRIPT}),
        ("/v1/report", {"filename": SCRIPT}),
        ("/v1/report", {"format": SCRIPT}),
        ("/v1/ask", {"question": SCRIPT}),
        ("/v1/evidence", {"filename": SCRIPT}),
    ):
        answer = poisoned.post(path, params=parameters, content=content)
        assert answer.headers["content-type"] == "application/json"
        json.loads(answer.content)


def test_words_come_back_as_text_whoever_sends_them(poisoned: TestClient) -> None:
    case = poisoned.get("/v1/cases").json()["items"][0]["case_id"]
    talk = {"messages": [{"role": "user", "content": f"{SCRIPT} \r\n\r\nevent: done\r\ndata: {{}}"}], "case": case}
    chat = poisoned.post("/v1/chat", json=talk)
    assert chat.headers["content-type"].startswith("text/event-stream")
    # No words of others make an event of their own.
    lines = chat.text.strip().split("\n")
    assert [line.split(": ")[0] for line in lines if line] == ["event", "data"] * (
        len([line for line in lines if line]) // 2
    )
    assert [line for line in lines if line.startswith("event: done")].__len__() == 1
    for path, body in (
        ("/v1/jobs", {"kind": SCRIPT}),
        ("/v1/jobs", {"kind": "build", "archive": SCRIPT}),
        ("/v1/reviews", {"case": SCRIPT, "statements": [{"id": SCRIPT, "decision": "accept"}]}),
        ("/v1/reviews", {"case": case, "statements": [{"id": SCRIPT, "decision": SCRIPT}]}),
    ):
        answer = poisoned.post(path, json=body)
        assert answer.headers["content-type"] == "application/json"
        assert answer.status_code in (400, 404)


def test_a_page_of_a_report_runs_no_script_of_others(poisoned: TestClient, archive: Archive) -> None:
    content = Path(next(e.path for e in archive.ecgs if e.format == "aecg")).read_bytes()
    page = poisoned.post("/v1/report", params={"page": True, "filename": SCRIPT}, content=content)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
