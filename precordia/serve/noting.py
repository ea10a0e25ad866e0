"""What is asked of the service goes into the audit before the answer goes out."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from precordia.core.errors import PrecordiaError
from precordia.indexing.audit import Audit, Event


class Notes:
    """Adds events to an audit; those that come while others are being written share the next write.

    Args:
        audit: Where to, or None to keep none.
    """

    def __init__(self, audit: Audit | None) -> None:
        self.audit = audit
        self._thread = ThreadPoolExecutor(1, "precordia-audit")
        self._waiting: list[tuple[Event, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, event: Event) -> None:
        """Returns when the event is on the disk.

        Raises:
            PrecordiaError: it cannot be written.
        """
        if self.audit is None:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((event, done))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write(self.audit))
        await done

    def close(self) -> None:
        """Move what is pending into the table."""
        self._thread.shutdown(wait=True)
        if self.audit is not None:
            self.audit.fold()

    async def _write(self, audit: Audit) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, audit.record, [event for event, _ in batch])
            except PrecordiaError as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)
