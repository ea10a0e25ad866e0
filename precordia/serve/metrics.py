"""Counts for Prometheus: requests by address and status, and how long they took. Nothing of what was asked."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the classes of durations, s."""


@dataclass
class Metrics:
    """What has been answered since the start."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    classes: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * (len(_BOUNDS) + 1)))
    seconds: Counter[str] = field(default_factory=Counter)
    at_work: int = 0

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One answer."""
        self.requests[method, path, status] += 1
        self.classes[path][bisect_left(_BOUNDS, seconds)] += 1
        self.seconds[path] += seconds  # type: ignore[assignment]

    def text(self, n_cases: int) -> str:
        """In Prometheus's text format, 0.0.4."""
        lines = ["# TYPE precordia_requests_total counter"]
        for (method, path, status), n in sorted(self.requests.items()):
            lines.append(f'precordia_requests_total{{method="{method}",path="{path}",status="{status}"}} {n}')
        lines.append("# TYPE precordia_request_seconds histogram")
        for path, counts in sorted(self.classes.items()):
            below = 0
            for bound, n in zip((*map(str, _BOUNDS), "+Inf"), counts, strict=True):
                below += n
                lines.append(f'precordia_request_seconds_bucket{{path="{path}",le="{bound}"}} {below}')
            lines.append(f'precordia_request_seconds_sum{{path="{path}"}} {self.seconds[path]:.6f}')
            lines.append(f'precordia_request_seconds_count{{path="{path}"}} {below}')
        lines += ["# TYPE precordia_requests_at_work gauge", f"precordia_requests_at_work {self.at_work}"]
        lines += ["# TYPE precordia_cases gauge", f"precordia_cases {n_cases}"]
        return "\n".join(lines) + "\n"


class Counting:
    """Counts what passes.

    Args:
        app: What lies behind.
        metrics: Where to.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self._metrics.at_work += 1
        try:
            await self.app(scope, receive, sending)
        finally:
            self._metrics.at_work -= 1
            # The address as it is written down, with no id in it; whatever else was asked for is one.
            path = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
            self._metrics.count(method, path, status, time.perf_counter() - began)
