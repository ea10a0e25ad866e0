"""Replies held to a list: at each step a model may only write a token that some allowed reply goes on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from precordia.core.errors import UsageError


@dataclass
class _Node:
    next: dict[int, _Node] = field(default_factory=dict)
    ends: int | None = None  # which one ends here


_Place = tuple[_Node, int, frozenset[int]]
"""A place in the trie, how much of ``join`` is written, and which replies have been given."""


class TokenTrie:
    """Allowed replies as token sequences.

    Args:
        replies: Token ids of each allowed reply.
        end: The token that closes a reply.
        join: Token ids between two replies, where several may be given one after the other; None for one reply alone. Empty:
            they follow one another directly. One that is given a second time is the last: a writer that begins to repeat
            itself has no more to say, and what it is held to beside that is more often wrong.

    Raises:
        UsageError: there is no reply, or an empty one.
    """

    def __init__(self, replies: Iterable[Sequence[int]], end: int, join: Sequence[int] | None = None) -> None:
        self._root, self._end, self._join = _Node(), end, None if join is None else tuple(join)
        for number, ids in enumerate(replies):
            if not ids:
                raise UsageError("a reply that is allowed has no token")
            node = self._root
            for i in ids:
                node = node.next.setdefault(int(i), _Node())
            node.ends = number
        if not self._root.next:
            raise UsageError("no reply is allowed: give at least one choice")

    def allowed(self, written: Sequence[int]) -> list[int]:
        """Tokens that may follow what was written, ascending; ``end`` alone after anything that is not allowed."""
        places: list[_Place] = [(self._root, 0, frozenset())]
        for token in written:
            places = [(after, n, given) for place in places for t, after, n, given in self._ways(place) if t == token]
        found = {token for place in places for token, *_ in self._ways(place)}
        if any(node.ends is not None and not joined for node, joined, _ in places):
            found.add(self._end)
        return sorted(found) or [self._end]

    def _ways(self, place: _Place) -> Iterator[tuple[int, _Node, int, frozenset[int]]]:
        """Each token that a place goes on with, and the place after it."""
        node, joined, given = place
        join = self._join or ()
        if joined < len(join) and joined:
            yield join[joined], node, joined + 1, given
            return
        if joined:
            node = self._root
        for token, after in node.next.items():
            yield token, after, 0, given
        if joined or self._join is None or node.ends is None or node.ends in given:
            return
        given = given | {node.ends}
        if join:
            yield join[0], node, 1, given
        else:
            yield from self._ways((self._root, 0, given))
