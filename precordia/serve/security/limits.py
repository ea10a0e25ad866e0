"""How often a token may be guessed, and how much of bodies may be on its way at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from precordia.serve.security.gate import Buckets
from precordia.serve.security.people import Person

GUESSES: Final = 10
"""Wrong tokens that one address may show at once; one more every six seconds."""

ARRIVING_BYTES: Final = 512 * 2**20
"""Most bytes of bodies in memory before they are worked on."""


class Guesses:
    """Who has shown wrong tokens, by address.

    An address that has shown too many is not let in by a right one either, or guessing could go on; but who was let in from
    there before is, so that one fool behind a proxy does not lock out the ward.

    Args:
        clock: Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(1 / 6, GUESSES, clock)
        self._known: dict[tuple[str, str], None] = {}

    def may_go_on(self, address: str, person: Person | None, showed: bool) -> bool:
        """Whether a request is looked at; ``person`` is whom its token names, ``showed`` whether it showed one."""
        if person is None:
            return not showed or self._buckets.take(address)
        who = (address, person.name)
        if who in self._known:
            return True
        if self._buckets.left(address) < 1:
            return False
        self._known[who] = None
        while len(self._known) > 10_000:
            self._known.pop(next(iter(self._known)))
        return True


@dataclass
class Arriving:
    """Room in memory for bodies.

    Attributes:
        limit: Bytes of all together.
    """

    limit: int = ARRIVING_BYTES
    taken: int = 0

    @contextmanager
    def room(self) -> Iterator[_Share]:
        """Room for one body, given back at the end."""
        share = _Share(self)
        try:
            yield share
        finally:
            self.taken -= share.taken


@dataclass
class _Share:
    of: Arriving
    taken: int = field(default=0)

    def take(self, n: int) -> bool:
        """Whether there is room for so many bytes more; takes it."""
        if self.of.taken + n > self.of.limit:
            return False
        self.of.taken += n
        self.taken += n
        return True
