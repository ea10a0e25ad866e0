"""What a reader is: how it recognises a file, and how it turns one into a recording."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from precordia.core.recording import Recording

HEAD_BYTES: Final = 16384
"""How much of a file is looked at to recognise it."""

_BEFORE_ROOT: Final = re.compile(
    r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)", re.DOTALL | re.IGNORECASE
)
_ROOT: Final = re.compile(r"\s*<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Attributes:
        path: The file.
        data: Its first ``HEAD_BYTES`` bytes.
        size: Its size, bytes.
    """

    path: Path
    data: bytes
    size: int

    @cached_property
    def text(self) -> str:
        """``data`` as text; never fails (UTF-16 by its byte order mark, else UTF-8 with undecodable bytes escaped)."""
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return self.data.decode("utf-16", errors="replace")
        return self.data.decode("utf-8-sig", errors="backslashreplace")

    @cached_property
    def is_text(self) -> bool:
        """Whether there are no control characters but white space."""
        return not re.search(r"[\x00-\x08\x0e-\x1f]", self.text)

    @cached_property
    def xml_root(self) -> str | None:
        """The local name of the root element, or None when the file does not begin like XML."""
        text = self.text
        if not text.lstrip().startswith("<"):
            return None
        at = 0
        while match := _BEFORE_ROOT.match(text, at):
            at = match.end()
        root = _ROOT.match(text, at)
        return root.group(1) if root else None


@dataclass(frozen=True)
class Reader:
    """A file format.

    Attributes:
        name: The format's name, kept in ``Recording.format``.
        sniff: From the beginning of a file: 0 (not this format), 1 (looks like it), 2 (certain).
        read: The recording in a file. It may raise anything; what is not a ``PrecordiaError`` is reported as damage.
        suffixes: File name endings, lower case, under which files of this format go even when damaged.
    """

    name: str
    sniff: Callable[[Head], int]
    read: Callable[[Path], Recording]
    suffixes: tuple[str, ...] = ()
