"""Signing in at the page: a cookie that counts in the service's own page alone, and ends with the token that it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from precordia import KnowledgeBase
from precordia.serve.app import create_app
from precordia.serve.security import sessions as module
from precordia.serve.security.limits import GUESSES
from precordia.serve.security.people import Person
from precordia.serve.security.sessions import IDLE_S, MOST, SHIFT_S, Sessions
from precordia.serve.security.tokens import Tokens, new_token

OURS = "http://localhost"
ANNA = Person("anna", "write")


@pytest.fixture
def file(tmp_path: Path) -> tuple[Path, str]:
    """A file of tokens with one line, and the token."""
    token, line = new_token("anna", "write")
    (tmp_path / "tokens").write_text(line)
    return tmp_path / "tokens", token


@pytest.fixture
def client(kb: KnowledgeBase, file: tuple[Path, str]) -> TestClient:
    return TestClient(create_app(kb, tokens=Tokens(file[0])), base_url=OURS)


def sign_in(client: TestClient, token: str, **headers: str) -> Response:
    return client.post("/v1/sign-in", json={"token": token}, headers=headers)


def test_a_token_is_changed_for_a_cookie_that_no_script_reads(client: TestClient, file: tuple[Path, str]) -> None:
    assert client.get("/v1/sign-in").json() == {"needed": True, "issuer": False}
    assert client.get("/v1/me").status_code == 401
    answer = sign_in(client, f" {file[1]} ")
    assert answer.json() == {"name": "anna", "role": "write"}
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert "max-age" not in told
    assert "expires" not in told
    assert file[1] not in told
    assert client.get("/v1/me").json()["name"] == "anna"
    assert client.post("/v1/sign-out").status_code == 200
    assert client.get("/v1/me").status_code == 401
    noted = [row.action for row in client.app.state.service.notes.audit.select()][:2]  # type: ignore[attr-defined]
    assert noted == ["sign out", "sign in"]


def test_over_tls_no_neighbour_plants_a_session(kb: KnowledgeBase, file: tuple[Path, str]) -> None:
    client = TestClient(create_app(kb, tokens=Tokens(file[0])), base_url="https://localhost")
    told = sign_in(client, file[1]).headers["set-cookie"]
    assert told.startswith("__Host-precordia=")
    assert "; Secure" in told
    assert "Path=/;" in told
    assert "Domain" not in told
    secret = client.cookies["__Host-precordia"]
    client.cookies.clear()
    assert client.get("/v1/me", headers={"Cookie": f"precordia={secret}"}).status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_cookie_counts_in_our_own_page_alone(client: TestClient, file: tuple[Path, str], site: str) -> None:
    sign_in(client, file[1])
    assert client.get("/v1/cases", headers={"Sec-Fetch-Site": site}).status_code == 401
    for headers in ({"Sec-Fetch-Site": site}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert client.post("/v1/sign-out", headers=headers).status_code == 403
        assert sign_in(client, file[1], **headers).status_code == 403
    assert client.get("/v1/me", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_token_that_is_taken_out_ends_its_sessions(client: TestClient, file: tuple[Path, str]) -> None:
    sign_in(client, file[1])
    assert client.get("/v1/me").status_code == 200
    file[0].write_text(new_token("bert", "read")[1])
    assert client.get("/v1/me").status_code == 401


def test_tokens_are_guessed_here_no_oftener_than_elsewhere(client: TestClient, file: tuple[Path, str]) -> None:
    statuses = [sign_in(client, f"guess{i}").status_code for i in range(GUESSES)]
    assert statuses == [401] * GUESSES
    assert sign_in(client, file[1]).status_code == 429
    assert client.get("/v1/me", headers={"Authorization": "Bearer guess"}).status_code == 429


@pytest.mark.parametrize("body", ["{}", '{"token": ""}', '{"token": 1}', '{"token": "%s"}' % ("x" * 9000), "[]", "x"])
def test_what_is_no_token_is_refused(client: TestClient, body: str) -> None:
    answer = client.post("/v1/sign-in", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_a_made_up_session_is_none(client: TestClient) -> None:
    for secret in ("", "x", "a" * 5000, "../..", "precordia"):
        assert client.get("/v1/me", headers={"Cookie": f"precordia={secret}"}).status_code == 401


def test_sessions_end_with_the_shift_and_when_nothing_is_asked() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    secret = sessions.begin(lambda: ANNA)
    while now[0] + IDLE_S / 2 <= SHIFT_S:
        who = sessions.find(secret)
        assert who is not None
        assert who() == ANNA
        now[0] += IDLE_S / 2
    now[0] += 1.0
    assert sessions.find(secret) is None
    idle = sessions.begin(lambda: ANNA)
    now[0] += IDLE_S + 1
    assert sessions.find(idle) is None


def test_a_bounded_number_of_sessions_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    assert MOST > 3
    sessions = Sessions()
    first, *rest = (sessions.begin(lambda: ANNA) for _ in range(4))
    assert sessions.find(first) is None
    assert all(sessions.find(secret) is not None for secret in rest)


def test_on_ones_own_machine_nobody_signs_in(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb), base_url=OURS)
    assert client.get("/v1/sign-in").json() == {"needed": False, "issuer": False}
    assert client.get("/v1/me").json()["name"] == "local"
    assert client.get("/v1/sign-in/issuer", follow_redirects=False).status_code == 404
    assert client.get("/v1/sign-in/issuer/back?code=x&state=y", follow_redirects=False).status_code == 404
