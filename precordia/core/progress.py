"""How long work says how far it is, without knowing who watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes items through while it shows how far along they are."""

    def __call__(self, items: Iterable[T], total: int | None, label: str, unit: str = "ECG") -> Iterator[T]:
        """The items as they come.

        Args:
            items: What long work goes through.
            total: How many there are, or None.
            label: What is being done.
            unit: What an item is.
        """
        ...


def silent(items: Iterable[T], total: int | None, label: str, unit: str = "ECG") -> Iterator[T]:
    """Progress that nobody watches."""
    yield from items
