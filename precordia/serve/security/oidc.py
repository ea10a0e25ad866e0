"""Tokens of an OpenID Connect issuer: verified by the keys that it publishes, with the role that one of its claims gives.

Who has signed in at the hospital's issuer sends the token that was issued for this service (its audience) as a bearer token.
Only signatures by public keys count: ``none`` and shared secrets are not among the algorithms, whatever a token's head says.
PyJWT verifies; keys are fetched from the issuer alone, over TLS but on this machine, and kept for a while.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from precordia.core.errors import MissingExtraError, UsageError
from precordia.serve.security.gate import LOOPBACK
from precordia.serve.security.people import ROLES, Person

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by public keys (RFC 7518, 3.1; RFC 8037)."""

CLAIM: Final = "roles"
"""The claim that holds groups or roles; points lead into it (``realm_access.roles``)."""

KEYS_S: Final = 600.0
"""How long keys are used before they are fetched again, s."""

STALE_S: Final = 3600.0
"""How long they are used where the issuer cannot be reached, s."""

AGAIN_S: Final = 30.0
"""How often keys are fetched at most, s: a made-up key's name must not send the service to the issuer each time."""

_LEEWAY_S: Final = 30.0
_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 2**18
_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_NAME: Final = re.compile(r"[\w.@-]{1,60}")

Fetch = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class IssuerSettings:
    """Whose tokens are taken.

    Attributes:
        url: The issuer, as its tokens name it (``iss``).
        audience: What its tokens must be made out for (``aud``).
        claim: Where the roles stand; see :data:`CLAIM`.
        roles: What stands there to a role of the service.
    """

    url: str
    audience: str
    claim: str = CLAIM
    roles: Mapping[str, str] = field(default_factory=lambda: {f"precordia-{role}": role for role in ROLES})

    def __post_init__(self) -> None:
        _check_address(self.url)
        if not self.audience:
            raise UsageError("an issuer's tokens are made out for somebody: name --oidc-audience")
        unknown = sorted(set(self.roles.values()) - set(ROLES))
        if unknown:
            raise UsageError(f"unknown role {unknown[0][:20]!r} (choices: {', '.join(ROLES)})")


class Issuer:
    """Says who shows a token of an issuer.

    Args:
        settings: Whose tokens are taken.
        fetch: Address to JSON document.
        clock: Seconds, from anywhere.

    Raises:
        MissingExtraError: PyJWT or cryptography is not installed.
    """

    def __init__(
        self, settings: IssuerSettings, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            import cryptography  # noqa: F401  PyJWT knows public keys by it
            import jwt
        except ImportError:
            raise MissingExtraError("pyjwt", "oidc", "tokens of an OpenID Connect issuer") from None
        self._jwt = jwt
        self._settings, self._fetch, self._clock = settings, fetch or _fetch, clock
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._told: Mapping[str, Any] = {}
        self._fetched, self._tried = -STALE_S, -AGAIN_S

    def person(self, token: str) -> Person | None:
        """Who shows a token; None where it is not the issuer's, not for us, out of date, or gives no role."""
        said = self.claims(token)
        return None if said is None else self.person_of(said)

    def claims(self, token: str, audience: str | None = None) -> Mapping[str, Any] | None:
        """What a token says; None where it is not the issuer's, not for an audience (by default ours), or out of date."""
        if not _JWT.fullmatch(token):
            return None
        jwt = self._jwt
        try:
            head = jwt.get_unverified_header(token)
            key = self._key(str(head.get("kid", "")))
            if key is None or head.get("alg") not in ALGORITHMS:
                return None
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=[key.algorithm_name],
                audience=audience or self._settings.audience,
                issuer=self._settings.url,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        return claims

    def endpoint(self, name: str) -> str:
        """One of the addresses that the issuer publishes.

        Raises:
            UsageError: it cannot be reached, or publishes none that is safe.
        """
        with self._lock:
            self._look()
            address = str(self._told.get(name, ""))
        _check_address(address)
        return address

    def person_of(self, claims: Mapping[str, Any]) -> Person | None:
        """Whom claims name; None where they give no role."""
        stated: Any = claims
        for part in self._settings.claim.split("."):
            stated = stated.get(part) if isinstance(stated, Mapping) else None
        values = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
        roles = [
            self._settings.roles[value] for value in values if isinstance(value, str) and value in self._settings.roles
        ]
        names = (str(claims.get(name, "")) for name in ("preferred_username", "email", "sub"))
        name = next((name for name in names if _NAME.fullmatch(name)), None)
        if not roles or name is None:
            return None
        # No name of the file of tokens has a colon: the audit never takes one for the other.
        return Person(f"oidc:{name}", max(roles, key=ROLES.index))

    def _key(self, kid: str) -> Any:
        """The issuer's key of a name, or its only one for a token that names none."""
        with self._lock:
            now = self._look(unknown=bool(kid) and kid not in self._keys)
            if now - self._fetched > STALE_S:
                return None
            if kid:
                return self._keys.get(kid)
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _look(self, unknown: bool = False) -> float:
        """Fetch what is old or lacks a key, but not too often; the time."""
        now = self._clock()
        if (now - self._fetched > KEYS_S or unknown) and now - self._tried >= AGAIN_S:
            self._tried = now
            self._refresh(now)
        return now

    def _refresh(self, now: float) -> None:
        settings = self._settings
        try:
            told = self._fetch(f"{settings.url.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != settings.url:
                return
            address = str(told.get("jwks_uri", ""))
            _check_address(address)
            found = self._fetch(address).get("keys", [])
        except (OSError, ValueError, UsageError, AttributeError):
            # The keys that are at hand hold for a while longer; see STALE_S.
            return
        self._keys = {name: key for one in found if (key := self._public(one)) and (name := key.key_id or "only")}
        self._fetched, self._told = now, told

    def _public(self, document: Any) -> Any:
        """A published key that may verify signatures; None for any other."""
        try:
            key = self._jwt.PyJWK(document)
        except (self._jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError):
            return None
        fits = key.algorithm_name in ALGORITHMS and document.get("use", "sig") == "sig"
        return key if fits else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from the issuer, not from where it sends us."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _fetch(address: str) -> Mapping[str, Any]:
    return fetch(urllib.request.Request(address))


def fetch(request: urllib.request.Request) -> Mapping[str, Any]:
    """The JSON object that an address answers with.

    Raises:
        OSError: it cannot be reached, or refuses.
        ValueError: its answer is none.
    """
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        content = answer.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError("too long")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _check_address(address: str) -> None:
    """Refuse addresses whose answer others could change on its way.

    Raises:
        UsageError: it is neither ``https`` nor on this machine.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UsageError(f"{address[:80]}: an issuer is reached by https")
