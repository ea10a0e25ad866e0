"""Signing in at an OpenID Connect issuer: the browser goes there and comes back with a code, which is exchanged for tokens.

Authorization code with PKCE (RFC 6749, 4.1; RFC 7636, S256; OpenID Connect Core, 3.1). No address to return to is ever taken
from a request, so that nobody is sent anywhere else; the tokens never reach the browser.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from precordia.serve.security.oidc import Issuer, fetch
from precordia.serve.security.people import Person

SCOPE: Final = "openid profile email"

Exchange = Callable[[urllib.request.Request], Mapping[str, Any]]


@dataclass(frozen=True)
class Leaving:
    """What a browser keeps while its person is at the issuer.

    Attributes:
        state: Comes back with the code: who did not leave from here does not come back here.
        nonce: Stands in the identity token.
        verifier: Of PKCE: a code alone is worth nothing.
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Self:
        """Three secrets."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @classmethod
    def of_text(cls, text: str) -> Self | None:
        """As :meth:`text` gave it, or None."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    def text(self) -> str:
        """All three as one word."""
        return f"{self.state}.{self.nonce}.{self.verifier}"


class SigningIn:
    """Sends people to an issuer, and says who comes back.

    Args:
        issuer: Whose tokens are taken.
        client: The name that this service is registered by there.
        secret: What it shows there besides, or None for a public client.
        exchange: Sends a request, gives the JSON object of the answer.
    """

    def __init__(self, issuer: Issuer, client: str, secret: str | None = None, exchange: Exchange = fetch) -> None:
        self._issuer, self._client, self._secret, self._exchange = issuer, client, secret, exchange

    def address(self, left: Leaving, back: str) -> str:
        """Where to send who wants to sign in.

        Args:
            left: What their browser keeps meanwhile.
            back: Where they come back to, as it is registered at the issuer.

        Raises:
            UsageError: the issuer cannot be reached.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(left.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": left.state,
            "nonce": left.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        there = self._issuer.endpoint("authorization_endpoint")
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"

    def person(self, code: str, state: str, left: Leaving, back: str) -> Person | None:
        """Who comes back with a code; None where it did not leave from this browser, is not accepted, or gives no role.

        Raises:
            UsageError: the issuer cannot be reached.
        """
        if not hmac.compare_digest(state.encode(), left.state.encode()):
            return None
        try:
            answer = self._exchange(self._request(code, left.verifier, back))
        except (OSError, ValueError):
            return None
        said = self._issuer.claims(str(answer.get("id_token", "")), self._client)
        if said is None or not hmac.compare_digest(str(said.get("nonce", "")).encode(), left.nonce.encode()):
            return None
        # Roles stand in one token or the other, as the issuer has it; both are about the same person.
        shown = self._issuer.claims(str(answer.get("access_token", "")))
        same = shown is not None and shown["sub"] == said["sub"]
        return self._issuer.person_of(said) or (self._issuer.person_of(shown) if shown is not None and same else None)

    def _request(self, code: str, verifier: str, back: str) -> urllib.request.Request:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._secret is not None:
            pair = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return urllib.request.Request(self._issuer.endpoint("token_endpoint"), urlencode(sent).encode(), headers)
