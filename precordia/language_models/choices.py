"""Replies held to a list: at each step a model may only write a token that some allowed reply goes on with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from precordia.core.errors import UsageError


@dataclass
class _Node:
    next: dict[int, _Node] = field(default_factory=dict)
    ends: bool = False


class TokenTrie:
    """Allowed replies as token sequences.

    Args:
        replies: Token ids of each allowed reply.
        end: The token that closes a reply.
        join: Token ids between two replies, where several may be given one after the other; None for one reply alone.
            Empty: they follow one another directly.

    Raises:
        UsageError: there is no reply, or an empty one.
    """

    def __init__(self, replies: Iterable[Sequence[int]], end: int, join: Sequence[int] | None = None) -> None:
        self._root, self._end, self._join = _Node(), end, None if join is None else tuple(join)
        for ids in replies:
            if not ids:
                raise UsageError("a reply that is allowed has no token")
            node = self._root
            for i in ids:
                node = node.next.setdefault(int(i), _Node())
            node.ends = True
        if not self._root.next:
            raise UsageError("no reply is allowed: give at least one choice")

    def allowed(self, written: Sequence[int]) -> list[int]:
        """Tokens that may follow what was written, ascending; ``end`` alone after anything that is not allowed."""
        places: list[tuple[_Node, int]] = [(self._root, 0)]  # a place in the trie, and how much of `join` is written
        for token in written:
            places = [after for place in places for after in self._step(place, int(token))]
        found = {token for place in places for token in self._options(place)}
        if any(node.ends and not joined for node, joined in places):
            found.add(self._end)
        return sorted(found) or [self._end]

    def _options(self, place: tuple[_Node, int]) -> Iterable[int]:
        node, joined = place
        if joined:
            join = self._join or ()
            return (join[joined],) if joined < len(join) else self._root.next
        return [*node.next, *self._after(node)]

    def _after(self, node: _Node) -> Iterable[int]:
        if not node.ends or self._join is None:
            return ()
        return self._join[:1] if self._join else self._root.next

    def _step(self, place: tuple[_Node, int], token: int) -> list[tuple[_Node, int]]:
        node, joined = place
        if joined:
            join = self._join or ()
            if joined < len(join):
                return [(node, joined + 1)] if join[joined] == token else []
            return [(self._root.next[token], 0)] if token in self._root.next else []
        after = [(node.next[token], 0)] if token in node.next else []
        if node.ends and self._join is not None:
            if self._join:
                after += [(node, 1)] if self._join[0] == token else []
            elif token in self._root.next:
                after.append((self._root.next[token], 0))
        return after
