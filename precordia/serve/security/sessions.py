"""Who has signed in at the page: a browser shows a cookie that no script can read, instead of a token.

A cookie is sent by the browser whoever made it ask: it counts only in requests of the service's own page, or typed by hand.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from precordia.serve.security.people import Person

SHIFT_S: Final = 12 * 3600.0
"""Longest time that one is signed in, s."""

IDLE_S: Final = 3600.0
"""Who asks nothing for so long is signed out, s."""

MOST: Final = 10_000
"""Sessions kept; beyond, the one idle longest ends."""

LEAVING_S: Final = 600
"""Longest stay at an issuer, s."""

_LEAVING: Final = "precordia-leaving"
_OWN: Final = ("same-origin", "none")


@dataclass
class _Session:
    who: Callable[[], Person | None]
    began: float
    met: float


class Sessions:
    """Those signed in, in memory: with the service they end.

    Args:
        clock: Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, who: Callable[[], Person | None]) -> str:
        """A new session's secret.

        Args:
            who: Says each time whose it is: a token that is taken out of its file ends the session at once.
        """
        secret = secrets.token_urlsafe(32)
        self._open[_digest(secret)] = _Session(who, self._clock(), self._clock())
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return secret

    def find(self, secret: str) -> Callable[[], Person | None] | None:
        """What says who shows a secret, or None where no such session is open."""
        key, now = _digest(secret), self._clock()
        found = self._open.get(key)
        if found is None:
            return None
        if now - found.began > SHIFT_S or now - found.met > IDLE_S:
            del self._open[key]
            return None
        found.met = now
        self._open.move_to_end(key)
        return found.who

    def end(self, secret: str) -> None:
        """Sign out."""
        self._open.pop(_digest(secret), None)


def session_of(request: Request) -> str | None:
    """The secret that a request of the service's own page shows; None for a page of another site, or none."""
    shown = request.cookies.get(_name(request))
    return shown if shown and request.headers.get("sec-fetch-site", "same-origin") in _OWN else None


def keep_session(request: Request, response: Response, secret: str) -> None:
    """Give a browser the secret of its session: until it is closed, for this service, and for no script."""
    response.set_cookie(_name(request), secret, httponly=True, samesite="strict", secure=_is_secure(request))


def forget_session(request: Request, response: Response) -> None:
    """Take it back."""
    response.delete_cookie(_name(request), httponly=True, samesite="strict", secure=_is_secure(request))


def keep_leaving(request: Request, response: Response, text: str) -> None:
    """Let a browser keep what it must show when it comes back from an issuer, which another site sends it to do (Lax)."""
    response.set_cookie(
        _LEAVING,
        text,
        max_age=LEAVING_S,
        path="/v1/sign-in",
        httponly=True,
        samesite="lax",
        secure=_is_secure(request),
    )


def leaving_of(request: Request) -> str:
    """What a browser that comes back shows."""
    return request.cookies.get(_LEAVING, "")


def forget_leaving(request: Request, response: Response) -> None:
    """It counts once."""
    response.delete_cookie(_LEAVING, path="/v1/sign-in", httponly=True, samesite="lax", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request) -> str:
    # Browsers take this prefix from the very host alone, over TLS: no neighbour can plant a session of its own.
    return "__Host-precordia" if _is_secure(request) else "precordia"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
