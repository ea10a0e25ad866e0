"""Who may come in: names of the service, pages of other sites, tokens, roles, rates and sizes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from precordia import KnowledgeBase
from precordia.core.errors import UsageError
from precordia.indexing.schema import Reject
from precordia.serve.app import create_app
from precordia.serve.security.gate import AT_ONCE, Buckets, Gate
from precordia.serve.security.limits import GUESSES, Arriving, Guesses
from precordia.serve.security.people import ROLES, Person
from precordia.serve.security.tokens import Tokens, new_token, read_tokens
from precordia.serve.upload import MAX_BYTES
from precordia.simulation.hospital import Archive

OURS = "http://localhost"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def people(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file of tokens, one of each role, and the tokens."""
    made = {role: new_token(f"{role}er", role) for role in ROLES}
    file = tmp_path / "tokens"
    file.write_text("# who may come in\n\n" + "\n".join(line for _, line in made.values()) + "\n")
    return file, {role: token for role, (token, _) in made.items()}


# --- names and other sites ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8645", "", "[::2]", "LOCALHOST@x"]
)
@pytest.mark.parametrize("path", ["/", "/v1/health", "/v1/live", "/v1/cases", "/static/x.js"])
def test_a_foreign_name_gets_nothing(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8645", "127.0.0.1:1", "[::1]:8645"])
def test_ones_own_machine_is_answered_by_all_its_names(client: TestClient, host: str) -> None:
    assert client.get("/v1/live", headers={"Host": host}).status_code == 200


def test_a_further_name_is_answered_when_it_is_allowed(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb, hosts=("ecg.ward.example",)), base_url="https://ecg.ward.example")
    assert client.get("/v1/live").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/search?text=x", "/v1/report", "/v1/compare?a=1&b=1", "/v1/erase?patient=x"])
def test_a_page_of_another_site_may_not_ask(client: TestClient, headers: dict[str, str], path: str) -> None:
    assert client.post(path, headers=headers).status_code == 403


def test_no_address_answers_a_foreign_name_or_another_site_s_page(client: TestClient) -> None:
    for path, operations in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        address = path.replace("{case_id}", "1")
        for method in (name.upper() for name in operations):
            assert client.request(method, address, headers={"Host": "evil.example"}).status_code == 421, path
            if method != "GET":
                foreign = client.request(method, address, headers={"Origin": "https://evil.example"})
                assert foreign.status_code == 403, path
            else:  # what is read answers alike whoever's page asks: no other site may see it
                assert "access-control-allow-origin" not in client.get(address).headers


def test_our_own_page_may_ask(client: TestClient) -> None:
    headers = {"Origin": OURS, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/search", params={"text": "sinus rhythm"}, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/health", "/v1/cases", "/v1/nothing"])
def test_answers_may_not_be_framed_guessed_at_or_kept(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_scripts_of_the_page_are_its_own(client: TestClient) -> None:
    (scripts,) = (
        p for p in client.get("/").headers["content-security-policy"].split("; ") if p.startswith("script-src")
    )
    assert "unsafe" not in scripts
    assert "http" not in scripts


# --- tokens and roles -----------------------------------------------------------------------------------------------

PUBLIC = {"/", "/v1/live", "/v1/ready", "/v1/sign-in", "/v1/sign-in/issuer", "/v1/sign-in/issuer/back"}
ADMIN = {"/v1/audit", "/v1/erase"}
WRITE = {("POST", "/v1/reviews")}
STARTS = {("POST", "/v1/jobs"), ("POST", "/v1/jobs/{job}/stop")}


def test_every_address_asks_for_the_role_that_it_needs(kb: KnowledgeBase, people: tuple[Path, dict[str, str]]) -> None:
    file, tokens = people
    app = create_app(kb, tokens=Tokens(file))
    client = TestClient(app, base_url=OURS)
    for path, operations in app.openapi()["paths"].items():
        for method in (name.upper() for name in operations):
            needed = (
                "admin" if path in ADMIN or (method, path) in STARTS else "write" if (method, path) in WRITE else "read"
            )
            address = path.replace("{case_id}", "1")
            if path in PUBLIC:
                continue
            assert client.request(method, address).status_code == 401, path
            for role, token in tokens.items():
                status = client.request(method, address, headers=bearer(token)).status_code
                enough = ROLES.index(role) >= ROLES.index(needed)
                assert (status not in (401, 403)) == enough, (method, path, role)


def test_a_reader_is_not_told_where_files_lie(
    kb: KnowledgeBase,
    archive: Archive,
    people: tuple[Path, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, tokens = people
    broken = tmp_path / "ward 7" / "broken.xml"
    reject = Reject(str(broken), f"{broken}: it is damaged", "read", "UnreadableRecordingError")
    monkeypatch.setattr(kb, "rejects", lambda: [asdict(reject)])
    client = TestClient(create_app(kb, tokens=Tokens(file)), base_url=OURS)
    a, b = kb.ids()[:2]
    talk = {"messages": [{"role": "user", "content": "What is the heart rate?"}], "case": str(a)}
    places = (str(archive.folder), str(kb.path), str(tmp_path))

    got = [
        f"/v1/cases/{a}",
        "/v1/cases?limit=100",
        f"/v1/cases/{a}/timeline",
        "/v1/rejects",
        "/v1/archive",
        "/v1/export",
    ]
    sent = [f"/v1/search?case={a}&facets=true", "/v1/search?text=sinus", f"/v1/evidence?case={a}"]
    sent += [f"/v1/compare?a={a}&b={b}", f"/v1/report?case={a}&page=true", f"/v1/measure?case={a}", "/v1/report?case=1"]
    reader = bearer(tokens["read"])
    answers = {path: client.get(path, headers=reader).text for path in got}
    answers |= {path: client.post(path, headers=reader).text for path in sent}
    answers["/v1/chat"] = client.post("/v1/chat", json=talk, headers=reader).text
    for path, text in answers.items():
        assert not any(place in text for place in places), path
    assert "broken.xml: it is damaged" in answers["/v1/rejects"]
    assert str(broken) in client.get("/v1/rejects", headers=bearer(tokens["admin"])).text


@pytest.mark.parametrize(
    "where",
    [
        "source like '%a%'",
        "SOURCE is not null",
        "\"source\" = 'x'",
        "cases.source is null",
        "age > 0 or (case when contains(lower(source), 'a') then true else false end)",
        "len(list_filter([source], x -> x like '%a%')) > 0",
    ],
)
def test_only_an_administrator_asks_by_where_files_lie(
    kb: KnowledgeBase, people: tuple[Path, dict[str, str]], where: str
) -> None:
    file, tokens = people
    client = TestClient(create_app(kb, tokens=Tokens(file)), base_url=OURS)
    asked = 0
    for path, methods in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        for method, told in methods.items():
            if "where" not in {parameter["name"] for parameter in told.get("parameters", ())}:
                continue
            asked += 1
            for role in ("read", "write"):
                answer = client.request(
                    method,
                    path,
                    params={"where": where, "question": "x", "case": str(kb.ids()[0])},
                    headers=bearer(tokens[role]),
                )
                assert answer.status_code == 400, (path, role)
                assert "administrators" in answer.json()["error"]
    assert asked >= 6
    answer = client.get("/v1/cases", params={"where": "source like '%a%'"}, headers=bearer(tokens["admin"]))
    assert answer.json()["total"] > 0
    assert all("source" not in item["metadata"] for item in answer.json()["items"])


def test_openapi_is_behind_the_token(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb, token="secret"), base_url=OURS)
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/openapi.json", headers=bearer("secret")).status_code == 200
    assert client.get("/docs").status_code == 404


def test_who_shows_no_token_learns_no_count(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb, token="secret"), base_url=OURS)
    assert client.get("/v1/ready").json() == {"status": "ready"}
    assert client.get("/v1/ready", headers=bearer("secret")).json()["n_cases"] == 16


def test_the_file_of_tokens_is_read_again_when_it_changes(
    kb: KnowledgeBase, people: tuple[Path, dict[str, str]]
) -> None:
    file, tokens = people
    client = TestClient(create_app(kb, tokens=Tokens(file)), base_url=OURS)
    assert client.get("/v1/me", headers=bearer(tokens["write"])).json()["name"] == "writeer"
    new, line = new_token("new", "read")
    file.write_text(f"{line}\n")
    assert client.get("/v1/me", headers=bearer(tokens["write"])).status_code == 401
    assert client.get("/v1/me", headers=bearer(new)).json()["name"] == "new"


@pytest.mark.parametrize("content", [b"someone admin plain-secret\n", b"\xff\xfe", None])
def test_a_file_of_tokens_that_cannot_be_read_lets_nobody_in(
    kb: KnowledgeBase, people: tuple[Path, dict[str, str]], content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file, tokens = people
    client = TestClient(create_app(kb, tokens=Tokens(file)), base_url=OURS)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    answer = client.get("/v1/me", headers=bearer(tokens["admin"]))
    assert answer.status_code == 503
    assert "plain-secret" not in answer.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "line", ["a read", "a boss sha256:" + "0" * 64, "a read sha256:00", "a/b read sha256:" + "0" * 64]
)
def test_a_line_that_is_no_token_is_named_by_its_number(line: str) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_tokens(["# people", line], "tokens")


def test_tokens_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, line = new_token("ward", "read")
    monkeypatch.setenv("PRECORDIA_TOKENS", line)
    assert Tokens.of_environment(None).person(token) == Person("ward", "read")
    (tmp_path / "tokens").write_text(line)
    monkeypatch.setenv("PRECORDIA_TOKENS", os.fspath(tmp_path / "tokens"))
    assert Tokens.of_environment(None).person(token) == Person("ward", "read")
    monkeypatch.delenv("PRECORDIA_TOKENS")
    monkeypatch.setenv("PRECORDIA_TOKEN", "old")
    assert Tokens.of_environment(None).person("old") == Person("token", "admin")
    assert Tokens.of_environment(None).person("new") is None


def test_a_token_is_kept_only_as_a_hash(tmp_path: Path) -> None:
    token, line = new_token("ward", "read")
    assert token not in line
    assert len(token) >= 43


# --- guessing, rates, sizes -----------------------------------------------------------------------------------------


def test_guessing_ends_and_those_known_go_on(kb: KnowledgeBase, people: tuple[Path, dict[str, str]]) -> None:
    file, tokens = people
    client = TestClient(create_app(kb, tokens=Tokens(file)), base_url=OURS)
    assert client.get("/v1/me", headers=bearer(tokens["read"])).status_code == 200
    statuses = [client.get("/v1/me", headers=bearer(f"guess{i}")).status_code for i in range(GUESSES + 5)]
    assert statuses[:GUESSES] == [401] * GUESSES
    assert statuses[-1] == 429
    # A right guess is not told from a wrong one any more.
    assert client.get("/v1/me", headers=bearer(tokens["admin"])).status_code == 429
    assert client.get("/v1/me", headers=bearer(tokens["read"])).status_code == 200


def test_guesses_come_back_with_time() -> None:
    now = [0.0]
    guesses = Guesses(lambda: now[0])
    assert sum(guesses.may_go_on("a", None, True) for _ in range(100)) == GUESSES
    assert guesses.may_go_on("b", None, True)
    now[0] = 60.0
    assert guesses.may_go_on("a", Person("x", "read"), True)


def test_an_address_asks_so_often_and_no_oftener(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb, rate=5), base_url=OURS)
    statuses = [client.get("/v1/live").status_code for _ in range(40)]
    assert statuses[:10] == [200] * 10
    assert 429 in statuses


def test_one_address_has_so_many_answers_on_their_way_and_others_are_not_kept_waiting() -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    gate, statuses = Gate(endless, rate=1e6), []

    async def ask(address: str) -> None:
        async def send(message: Message) -> None:
            statuses.append((address, message.get("status")))

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"host", b"localhost")],
            "client": (address, 1),
        }
        await gate(scope, lambda: asyncio.sleep(0), send)

    async def all_of() -> None:
        asked = [asyncio.create_task(ask("greedy")) for _ in range(AT_ONCE + 3)] + [asyncio.create_task(ask("other"))]
        await asyncio.sleep(0.05)
        assert [status for status in statuses if status[1]] == [("greedy", 429)] * 3
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(all_of())
    assert not gate._at_work


def test_buckets_remember_a_bounded_number() -> None:
    buckets = Buckets(1, 1)
    for i in range(20_000):
        buckets.take(str(i))
    assert len(buckets._left) <= 10_000


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/v1/search", headers={"Content-Length": str(MAX_BYTES + 1)}, content=b"x")
    assert answer.status_code == 413


def test_nothing_of_a_body_is_read_for_who_shows_no_token(kb: KnowledgeBase) -> None:
    client = TestClient(create_app(kb, token="secret"), base_url=OURS)
    answer = client.post("/v1/search", headers={"Content-Length": str(2**40)}, content=b"x")
    assert answer.status_code == 401


def test_bodies_on_their_way_share_a_room() -> None:
    arriving = Arriving(limit=100)
    with arriving.room() as one:
        assert one.take(80)
        with arriving.room() as other:
            assert not other.take(30)
            assert other.take(20)
        assert arriving.taken == 80
    assert arriving.taken == 0
