"""What is shown holds nothing that a terminal or an eye would obey, and everything else as it was."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.display import shown

HIDDEN = [
    "\x1b[2J\x1b[31m", "\x9b31m", "\r", "\n", "\x00", "\x7f", "\x08", "\u202e", "\u2066", "\u200b", "\u200d", "\u2028",
    "\ufeff", "\U000e0041", "\ue000", "\xad", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_would_be_obeyed_is_written_out(hidden: str) -> None:
    out = shown(f"Doe{hidden}, John")
    assert out.isprintable()
    assert out.startswith("Doe\\")
    assert out.endswith(", John")


@pytest.mark.parametrize(
    "text", ["Müller, Jürgen", "ритм синусовый", "QRS 90 ms, ΔT 0,2 mV – größer", "心電図", "a\xa0b", ""]
)
def test_words_of_any_language_stay(text: str) -> None:
    assert shown(text) == text


def test_line_breaks_stay_where_they_are_wanted() -> None:
    assert shown("a\n\tb\rc", keep="\n\t") == "a\n\tb\\rc"


@given(st.text())
def test_all_that_is_shown_is_printable_or_a_blank(text: str) -> None:
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown(text))
    assert shown(shown(text)) == shown(text)
