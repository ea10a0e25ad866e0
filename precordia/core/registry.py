"""A table from names to things, loaded only when asked for.

One registry holds one idea (readers, objectives, language models, tasks). An entry is either the thing itself or a
``"module:attribute"`` string that is imported on first use, so that listing the names costs nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

from precordia.core.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to things of one kind.

    Args:
        kind: What the registry holds, in the singular; used in messages.
        entries: Name to thing, or to ``"module:attribute"``.

    >>> Registry("answer", {"yes": 1, "no": 0}).get("yess")
    Traceback (most recent call last):
    ...
    precordia.core.errors.UnknownNameError: unknown answer 'yess'; did you mean 'yes'? (choices: no, yes)
    """

    def __init__(self, kind: str, entries: Mapping[str, T | str]) -> None:
        self.kind = kind
        self._entries: dict[str, T | str] = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def add(self, name: str, entry: T | str) -> None:
        """Register one more entry; a later entry of the same name replaces the earlier."""
        self._entries[name] = entry

    @contextmanager
    def with_entry(self, name: str, entry: T | str) -> Iterator[None]:
        """One more entry for a while, as where an extension is tried out; afterwards all is as it was."""
        before = self._entries
        self._entries = {**before, name: entry}
        try:
            yield
        finally:
            self._entries = before

    def get(self, name: str) -> T:
        """The thing registered as ``name``.

        Raises:
            UnknownNameError: nothing is registered under that name.
        """
        try:
            entry = self._entries[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._entries) from None
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = cast(T, getattr(importlib.import_module(module), attribute))
            self._entries[name] = entry
        return entry
