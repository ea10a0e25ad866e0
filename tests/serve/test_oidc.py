"""Tokens of an issuer on this machine: the right ones come in with their role, all others are kept out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.core.errors import UsageError
from precordia.serve.app import create_app
from precordia.serve.security.oidc import AGAIN_S, KEYS_S, STALE_S, Issuer, IssuerSettings
from precordia.serve.security.people import Person
from precordia.serve.security.signing_in import SigningIn
from precordia.serve.security.tokens import Tokens, new_token

jwt = pytest.importorskip("jwt")
rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

AUDIENCE = "precordia"


class Idp:
    """An issuer that listens on this machine; ``keys`` is what it publishes."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.told: dict[str, Any] = {}
        self.shown: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                idp.asked.append(self.path)
                known = {"/.well-known/openid-configuration": idp.configuration(), "/jwks": {"keys": idp.keys}}
                found = known.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                idp.shown.append(
                    {name: values[0] for name, values in sent.items()} | {"basic": self.headers["Authorization"]}
                )
                self.send_response(200 if idp.tokens else 400)
                self.end_headers()
                self.wfile.write(json.dumps(idp.tokens).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def configuration(self) -> dict[str, Any]:
        addresses = {"authorization_endpoint": f"{self.url}/go?x=1", "token_endpoint": f"{self.url}/token"}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **addresses, **self.told}

    def publish(self, key: Any, kid: str) -> None:
        algorithm = (
            jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
        )
        public = json.loads(algorithm.to_jwk(key.public_key()))
        self.keys.append({**public, "kid": kid, "use": "sig"})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def idp() -> Iterator[Idp]:
    found = Idp()
    found.publish(RSA, "one")
    found.publish(CURVE, "curve")
    yield found
    found.close()


def claims(idp: Idp, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": idp.url, "aud": AUDIENCE, "sub": "4711", "iat": now, "exp": now + 300, "preferred_username": "anna"}
    said |= {"roles": ["precordia-write", "staff"], **more}
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], key: Any = RSA, kid: str | None = "one", algorithm: str = "RS256") -> str:
    return jwt.encode(said, key, algorithm, headers={} if kid is None else {"kid": kid})


def issuer(idp: Idp, **settings: Any) -> Issuer:
    return Issuer(IssuerSettings(idp.url, AUDIENCE, **settings))


def raw(head: dict[str, Any], said: dict[str, Any], signature: str = "") -> str:
    """A token that no library would make."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, said))
    return ".".join((*parts, signature))


def test_who_signed_in_comes_in_with_the_highest_role_of_the_claim(idp: Idp) -> None:
    there = issuer(idp)
    assert there.person(signed(claims(idp))) == Person("oidc:anna", "write")
    assert there.person(signed(claims(idp, roles="precordia-read"))) == Person("oidc:anna", "read")
    both = claims(idp, roles=["precordia-read", "precordia-admin"], preferred_username=None)
    assert there.person(signed(both, CURVE, "curve", "ES256")) == Person("oidc:4711", "admin")
    assert idp.asked == ["/.well-known/openid-configuration", "/jwks"]


def test_groups_of_ones_own_give_roles(idp: Idp) -> None:
    there = issuer(idp, claim="realm_access.roles", roles={"cardiology": "write"})
    assert there.person(signed(claims(idp, realm_access={"roles": ["cardiology"]}))) == Person("oidc:anna", "write")
    assert there.person(signed(claims(idp))) is None
    for odd in (None, 7, [], [["cardiology"]], {"roles": 1}, "cardiology"):
        assert there.person(signed(claims(idp, realm_access=odd))) is None


@pytest.mark.parametrize(
    "more",
    [
        {"exp": 1_000_000},
        {"exp": None},
        {"nbf": 2_000_000_000_0},
        {"iat": None},
        {"aud": "another service"},
        {"aud": ["another", "service"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": None},
        {"roles": ["staff"]},
        {"roles": None},
        {"preferred_username": "a b\nc", "email": "x" * 70, "sub": "<script>"},
    ],
)
def test_what_is_not_said_right_keeps_out(idp: Idp, more: dict[str, Any]) -> None:
    assert issuer(idp).person(signed(claims(idp, **more))) is None


def test_no_forgery_comes_in(idp: Idp) -> None:
    said, there = claims(idp, roles=["precordia-admin"]), issuer(idp)
    right = signed(said)
    encoding = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    unsigned = raw({"alg": "HS256", "kid": "one", "typ": "JWT"}, said)
    mac = hmac.digest(RSA.public_key().public_bytes(*encoding), unsigned.rstrip(".").encode(), "sha256")
    embedded = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER.public_key()))
    forged = {
        "none": raw({"alg": "none", "kid": "one"}, said),
        "None": raw({"alg": "None", "kid": "one"}, said, "x"),
        "no signature": right.rpartition(".")[0] + ".",
        "HMAC by the public key": unsigned + base64.urlsafe_b64encode(mac).decode().rstrip("="),
        "another key": signed(said, OTHER),
        "another key's name": signed(said, OTHER, "two"),
        "another kind of key": signed(said, CURVE, "one", "ES256"),
        "another algorithm": signed(said, RSA, "one", "PS256"),
        "its own key in the head": jwt.encode(said, OTHER, "RS256", headers={"kid": "one", "jwk": embedded}),
        "a key elsewhere": jwt.encode(said, OTHER, "RS256", headers={"kid": "x", "jku": "http://127.0.0.1:9/jwks"}),
        "changed words": ".".join((right.split(".")[0], signed(claims(idp, sub="1"), OTHER).split(".")[1], right.split(".")[2])),
        "no token": "a.b.c",
        "encrypted": "a.b.c.d.e",
    }  # fmt: skip
    assert there.person(right) is not None
    assert {name: there.person(token) for name, token in forged.items()} == dict.fromkeys(forged)


def test_a_published_key_for_another_use_verifies_nothing(idp: Idp) -> None:
    idp.keys = [{**idp.keys[0], "use": "enc"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}, {"kty": "?"}, 7]  # type: ignore[list-item]
    there = issuer(idp)
    assert there.person(signed(claims(idp))) is None
    assert there.person(signed(claims(idp), "secret" * 8, "secret", "HS256")) is None


def test_new_keys_are_found_and_made_up_names_fetch_nothing(idp: Idp) -> None:
    now = [1000.0]
    there = Issuer(IssuerSettings(idp.url, AUDIENCE), clock=lambda: now[0])
    assert there.person(signed(claims(idp))) is not None
    for i in range(50):
        assert there.person(signed(claims(idp), OTHER, f"made-up-{i}")) is None
    assert len(idp.asked) == 2
    idp.publish(OTHER, "two")
    now[0] += AGAIN_S
    assert there.person(signed(claims(idp), OTHER, "two")) is not None
    # A key that is taken back holds no longer than the keys are kept.
    idp.keys = [key for key in idp.keys if key["kid"] != "one"]
    now[0] += KEYS_S + 1
    assert there.person(signed(claims(idp))) is None


def test_keys_hold_a_while_without_the_issuer_and_no_longer(idp: Idp) -> None:
    now = [1000.0]
    there = Issuer(IssuerSettings(idp.url, AUDIENCE), clock=lambda: now[0])
    token = signed(claims(idp))
    assert there.person(token) is not None
    idp.close()
    now[0] += KEYS_S + 1
    assert there.person(token) is not None
    now[0] += STALE_S
    assert there.person(token) is None


@pytest.mark.parametrize(
    "told", [{"issuer": "https://evil.example"}, {"jwks_uri": "http://evil.example/jwks"}, {"jwks_uri": ""}]
)
def test_an_issuer_that_says_it_is_another_is_none(idp: Idp, told: dict[str, Any]) -> None:
    idp.told = told
    assert issuer(idp).person(signed(claims(idp))) is None
    assert idp.asked == ["/.well-known/openid-configuration"]


def test_an_issuer_is_reached_by_https_and_for_somebody() -> None:
    for address in ("http://evil.example", "ftp://x", "file:///etc/passwd", "", "http://localhost.evil.example"):
        with pytest.raises(UsageError, match="https"):
            IssuerSettings(address, AUDIENCE)
    with pytest.raises(UsageError, match="audience"):
        IssuerSettings("https://idp.example", "")
    with pytest.raises(UsageError, match="boss"):
        IssuerSettings("https://idp.example", AUDIENCE, roles={"x": "boss"})


def test_the_service_takes_both_kinds_of_token(idp: Idp, kb: KnowledgeBase) -> None:
    ours, line = new_token("ward", "read")
    app = create_app(kb, tokens=Tokens(None, [line], issuer=issuer(idp)))
    client = TestClient(app, base_url="http://localhost")

    def me(token: str) -> Any:
        return client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json().get("name")

    assert [me(ours), me(signed(claims(idp))), me("wrong")] == ["ward", "oidc:anna", None]
    audit = client.get("/v1/audit", headers={"Authorization": f"Bearer {signed(claims(idp))}"})
    assert audit.status_code == 403
    assert client.get("/v1/me").status_code == 401


def test_the_command_line_wants_all_of_it(capsys: pytest.CaptureFixture[str], kb: KnowledgeBase) -> None:
    serve = ["serve", "--kb", str(kb.path)]
    for wrong in (
        ["--oidc", "https://idp.example"],
        ["--oidc", "http://idp.example", "--oidc-audience", "x"],
        ["--oidc-audience", "x"],
        ["--oidc", "https://idp.example", "--oidc-audience", "x", "--oidc-role", "read"],
        ["--oidc", "https://idp.example", "--oidc-audience", "x", "--oidc-role", "ward=boss"],
    ):
        assert main([*serve, *wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


# --- signing in at the issuer ---------------------------------------------------------------------------------------

CLIENT = "ecg-page"


@pytest.fixture
def page(kb: KnowledgeBase, idp: Idp) -> TestClient:
    there = issuer(idp)
    app = create_app(kb, tokens=Tokens(issuer=there), signing_in=SigningIn(there, CLIENT, "a secret:"))
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def leave(page: TestClient) -> dict[str, str]:
    """What the issuer is told of who leaves for it."""
    answer = page.get("/v1/sign-in/issuer")
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def test_one_signs_in_at_the_issuer_and_comes_back(page: TestClient, idp: Idp) -> None:
    assert page.get("/v1/sign-in").json() == {"needed": True, "issuer": True}
    asked = leave(page)
    assert asked["redirect_uri"] == "http://localhost/v1/sign-in/issuer/back"
    assert (asked["x"], asked["client_id"], asked["code_challenge_method"]) == ("1", CLIENT, "S256")
    # The roles stand in the access token, as Keycloak has it; the other names the person.
    idp.tokens = {
        "id_token": signed(claims(idp, aud=CLIENT, nonce=asked["nonce"], roles=None)),
        "access_token": signed(claims(idp)),
    }
    back = page.get("/v1/sign-in/issuer/back", params={"code": "c", "state": asked["state"]})
    assert (back.status_code, back.headers["location"]) == (303, "/")
    assert page.get("/v1/me").json()["name"] == "oidc:anna"
    (sent,) = idp.shown
    challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).decode().rstrip("=")
    assert challenge == asked["code_challenge"]
    assert base64.b64decode(sent["basic"].split()[1]) == b"ecg-page:a%20secret%3A"
    # What the browser kept counts once.
    assert page.get("/v1/sign-in/issuer/back", params={"code": "c", "state": asked["state"]}).headers["location"] != "/"


@pytest.mark.parametrize(
    "wrong", ["state", "no state", "nonce", "audience", "key", "other person", "no role", "refused"]
)
def test_who_comes_back_with_anything_else_is_not_let_in(page: TestClient, idp: Idp, wrong: str) -> None:
    asked = leave(page)
    said = claims(idp, aud=CLIENT, nonce=asked["nonce"], roles=None)
    shown = claims(idp)
    state = asked["state"]
    if wrong == "state":
        state = "x" * 43
    if wrong == "no state":
        page.cookies.clear()
    if wrong == "nonce":
        said["nonce"] = "x"
    if wrong == "audience":
        said["aud"] = "another"
    if wrong == "other person":
        shown["sub"] = "4712"
    if wrong == "no role":
        shown["roles"] = ["staff"]
    if wrong != "refused":
        idp.tokens = {"id_token": signed(said, OTHER if wrong == "key" else RSA), "access_token": signed(shown)}
    back = page.get("/v1/sign-in/issuer/back", params={"code": "c", "state": state, "next": "//evil.example"})
    assert (back.status_code, back.headers["location"]) == (303, "/#not-let-in")
    assert page.get("/v1/me").status_code == 401


def test_an_issuer_that_sends_people_elsewhere_is_not_followed(page: TestClient, idp: Idp) -> None:
    idp.told = {"authorization_endpoint": "http://evil.example/go"}
    assert page.get("/v1/sign-in/issuer").status_code == 400
