"""The listening socket: connections that do nothing are closed, and give way to those that do."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S: Final = 10.0
"""How long a connection may take to send the head of a request, and to send none, s."""

REQUEST_S: Final = 900.0
"""Longest time of one request: a reader that takes nothing of its answer is not waited for any longer, s."""

MAX_CONNECTIONS: Final = 512
"""Connections kept; who comes then takes the place of the one that has been idle longest."""

HEAD_BYTES: Final = 32 * 1024
"""Longest head of a request, bytes: `where` and `text` stand in it."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to patience.

    uvicorn bounds how long a connection may be idle between requests, not before the first one, nor while a head trickles in.
    """

    head_s = HEAD_S
    max_connections = MAX_CONNECTIONS
    _timer: asyncio.TimerHandle | None = None
    _idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        self._wait_for_head()
        if len(self.connections) > self.max_connections:
            idle = [c for c in self.connections if isinstance(c, PatientProtocol) and c._idle_since is not None]
            oldest = min(idle, key=lambda c: c._idle_since or 0.0, default=self)
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self._stop_timer()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """What has arrived: a whole head ends the wait for it."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._idle_since = None
            self._start_timer(REQUEST_S)

    def on_response_complete(self) -> None:
        """The answer is out: from here on the next head is waited for."""
        self._wait_for_head()
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._idle_since = self.loop.time()
        self._start_timer(self.head_s)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def server_of(
    app: Any,
    host: str,
    port: int,
    *,
    tls: tuple[Path, Path] | None = None,
    proxies: tuple[str, ...] = (),
) -> uvicorn.Server:
    """A server that is ready to run.

    Args:
        app: The application.
        host: Address to listen on.
        port: Likewise.
        tls: Certificate chain and key, PEM, or None for none.
        proxies: Addresses whose word on who the client is, and on TLS, is taken.
    """
    _allow_files()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        # No access log: paths and questions may name patients.
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies) or None,
        timeout_keep_alive=int(HEAD_S),
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ssl_certfile=None if tls is None else tls[0],
        ssl_keyfile=None if tls is None else tls[1],
    )
    return uvicorn.Server(config)


def _allow_files() -> None:
    """As many open files as this user may have: connections are files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
