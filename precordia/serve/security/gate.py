"""What every request passes before anything looks at it: whose page sent it, how often its sender asks, and how slowly.

A page of another site can make a browser send requests to this machine, and by DNS rebinding even read the answers under a
name of its own: hence the list of names that the service answers to, and the look at where a writing request comes from.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from precordia.serve.answers import encoded

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Names of one's own machine."""

BODY_S: Final = 60.0
"""Longest time that a body may take to arrive, s."""

BODY_BYTES: Final = 66 * 2**20
"""Largest body: an upload of the largest kind, and a little."""

WORDS_BYTES: Final = 2**20
"""Largest body of an address that takes words: it is read before anyone asks who sends it."""

WORDS: Final = ("/v1/chat", "/v1/reviews", "/v1/jobs", "/v1/sign-in")
"""Addresses that take words."""

RATE: Final = 100.0
"""Requests a second of one address; twice as many at once."""

ONCE: Final = (b"host", b"authorization", b"content-length", b"content-type", b"origin", b"transfer-encoding")
"""What a request says once: a proxy before us might go by the other one."""

AT_ONCE: Final = 64
"""Requests of one address that are answered at a time: streams that nobody reads take no one else's connections."""

_REMEMBERED: Final = 10_000
_SAFE: Final = ("GET", "HEAD")
_TEXT: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    b"content-security-policy": _TEXT.encode(),
    b"cache-control": b"no-store",
}


@dataclass
class Buckets:
    """How much each of many has left: so much at once, and so much more a second.

    Attributes:
        rate: A second.
        burst: At once.
        clock: Seconds, from anywhere.
    """

    rate: float
    burst: float
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, who: str) -> bool:
        """Whether one has something left; takes it."""
        left = self.left(who)
        self._left[who] = (max(left - 1, 0.0), self.clock())
        self._left.move_to_end(who)
        # Those who have not asked for longest have all back anyway.
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return left >= 1

    def left(self, who: str) -> float:
        """How much one has left."""
        before, when = self._left.get(who, (self.burst, self.clock()))
        return min(self.burst, before + (self.clock() - when) * self.rate)


class Gate:
    """The first of the middlewares.

    Args:
        app: What lies behind.
        hosts: The names that the service answers to, without ports.
        rate: Requests a second of one address.
        body_s: Longest time that a body may take to arrive, s.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] = LOOPBACK, rate: float = RATE, body_s: float = BODY_S
    ) -> None:
        self.app = app
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)
        self._buckets = Buckets(rate, 2 * rate)
        self._body_s = body_s
        self._at_work: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sending = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(sending, *refusal)
            return
        address = _address(scope)
        self._at_work[address] += 1
        try:
            await self._pass_on(scope, receive, sending)
        finally:
            self._at_work[address] -= 1
            if not self._at_work[address]:
                del self._at_work[address]

    async def _pass_on(self, scope: Scope, receive: Receive, sending: Send) -> None:
        limit = WORDS_BYTES if scope["path"] in WORDS else BODY_BYTES
        patience = _Patience(receive, self._body_s, limit)
        refused = False

        async def answering(message: Message) -> None:
            nonlocal refused
            # Whatever the application makes of a body that was cut off, this is what is said of it.
            if patience.refusal is None:
                await sending(message)
            elif not refused:
                refused = True
                await _refuse(sending, *patience.refusal)

        try:
            await self.app(scope, patience, answering)
        except CutOff as error:
            if not refused:
                await _refuse(sending, *error.refusal)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        said = [name for name, _ in scope["headers"]]
        if any(said.count(name) > 1 for name in ONCE) or {b"content-length", b"transfer-encoding"} <= set(said):
            return 400, "a request says one thing once: its host, its length, its token"
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        if _name_of(host) not in self._hosts:
            return 421, "this service does not answer to that name: start it with --allow-host NAME"
        if not self._buckets.take(_address(scope)) or self._at_work[_address(scope)] >= AT_ONCE:
            return 429, "too many requests: ask again in a second"
        return None if scope["method"] in _SAFE else _foreign(scope, host)


def _foreign(scope: Scope, host: str) -> tuple[int, str] | None:
    """Why a request that may change something comes from another site's page; None where it does not."""
    headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return 403, "a page of another site may not ask this"
    if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "a page of another site may not ask this"
    return None


class CutOff(Exception):
    """A body did not arrive in time, or goes on beyond its limit.

    Args:
        status: What it is refused with.
        message: Why, one line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.refusal = (status, message)


class _Patience:
    """Receives a body, and not for ever."""

    def __init__(self, receive: Receive, body_s: float, limit: int) -> None:
        self._receive, self._body_s, self._limit, self._left = receive, body_s, limit, limit
        self._until = time.monotonic() + body_s
        self._whole = False
        self.refusal: tuple[int, str] | None = None

    async def __call__(self) -> Message:
        if self._whole:  # what is waited for now is the end of the connection
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(self._until - time.monotonic(), 0.001))
        except TimeoutError:
            raise self._cut_off(408, f"the body took longer than {self._body_s:g} s") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._cut_off(413, f"the body is larger than {self._limit / 2**20:g} MiB")
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _cut_off(self, status: int, message: str) -> CutOff:
        self.refusal = (status, message)
        return CutOff(status, message)


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", ())}
            more = [(name, value) for name, value in _HEADERS.items() if name not in there]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, message: str) -> None:
    content = encoded({"error": message})
    # Whatever of a body is still on its way is not waited for.
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
        *([(b"retry-after", b"1")] if status == 429 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _name_of(host: str) -> str:
    """A host without its port.

    >>> _name_of("localhost:8645"), _name_of("[::1]:80"), _name_of("::1")
    ('localhost', '::1', '::1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
