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

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
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
        if self.data[:2] in _UTF_16:
            return self.data.decode("utf-16", errors="replace")
        return self.data.decode("utf-8-sig", errors="backslashreplace")

    @cached_property
    def is_text(self) -> bool:
        """Whether there are no control characters but white space."""
        if self.data[:2] in _UTF_16:
            return not re.search(r"[\x00-\x08\x0e-\x1f]", self.text)
        return not re.search(rb"[\x00-\x08\x0e-\x1f]", self.data)  # the same, and binary data are not decoded for it

    def may_begin(self, start: bytes) -> bool:
        """Whether ``text`` may begin so, in lower case and after white space: to know it, no binary data are decoded."""
        return self.data[:2] in _UTF_16 or self.data.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(start)

    @cached_property
    def xml_root(self) -> str | None:
        """The local name of the root element, or None when the file does not begin like XML."""
        if not self.may_begin(b"<"):
            return None
        text = self.text
        if not text.lstrip().startswith("<"):
            return None
        at = 0
        while match := _BEFORE_ROOT.match(text, at):
            at = match.end()
        root = _ROOT.match(text, at)
        return root.group(1) if root else None


@dataclass(frozen=True)
class Several:
    """How a format's files that hold several ECGs are read, one at a time.

    Attributes:
        names: What the ECGs in a file are called, in their order; none when the file is one recording, or holds none.
        read: The ECG of a name in a file.
    """

    names: Callable[[Path], tuple[str, ...]]
    read: Callable[[Path, str], Recording]


@dataclass(frozen=True)
class Reader:
    """A file format.

    Attributes:
        name: The format's name, kept in ``Recording.format``.
        sniff: From the beginning of a file: 0 (not this format), 1 (looks like it), 2 (certain).
        read: The recording in a file. It may raise anything; what is not a ``PrecordiaError`` is reported as damage.
        suffixes: File name endings, lower case, under which files of this format go even when damaged.
        several: How files that hold several ECGs are read, or None where a file is always one.
    """

    name: str
    sniff: Callable[[Head], int]
    read: Callable[[Path], Recording]
    suffixes: tuple[str, ...] = ()
    several: Several | None = None
