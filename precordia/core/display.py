"""Text made safe to look at: characters that a terminal, a page or an eye would obey are written out.

A name or a report may hold an escape sequence that recolours or rewrites a terminal, a mark that turns the reading
direction ("exe.fdp"), a character without width that makes two names look alike, or a line break that forges a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable


def spell(character: str) -> str:
    r"""A character as Python would write it in a string.

    >>> spell("\x1b"), spell("\u202e")
    ('\\x1b', '\\u202e')
    """
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def shown(text: str, *, keep: str = "", spelled: Callable[[str], str] = spell) -> str:
    r"""The text with control, formatting, private, unassigned and surrogate characters and line ends written out.

    Args:
        text: Untrusted.
        keep: Such characters that may stay, where whoever shows the text knows what to do with them: line breaks on a page.
        spelled: How a character is written out.

    >>> shown("Doe\x1b[2J, J\u202ehn\nP0001")
    'Doe\\x1b[2J, J\\u202ehn\\nP0001'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep or unicodedata.category(c) == "Zs" else spelled(c) for c in text)
