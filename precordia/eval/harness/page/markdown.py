"""The page in short, as Markdown: one table a run. Plots, all other figures, protocols and sources are in the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from precordia.eval.harness.page.content import Content, Section, Table
from precordia.eval.harness.page.html import LEAD

COMMAND: Final = "precordia eval report RESULTS --out results.html --markdown docs/results.md"

MOST_ROWS: Final = 5
"""Rows of a run's table."""

MOST_CELLS: Final = 4
"""Columns of figures of a run's table."""


def write_markdown(content: Content, path: Path) -> None:
    """Write the summary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(content), "utf-8")


def markdown(content: Content) -> str:
    """The summary as text."""
    written = f"Written by `{COMMAND}`, which puts every figure, plots, protocols and sources into the HTML page."
    lines = ["# Results", "", written, ""]
    for paragraph in LEAD:
        lines += [paragraph, ""]
    for section in content.sections:
        lines += _section(section)
    for run, reason in content.skipped.items():
        lines += [f"**{_escape(run)}** was not run: {_escape(reason)}.", ""]
    lines += ["; ".join(f"{_escape(name)} {_escape(value)}" for name, value in content.facts)]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    goals = f" {section.goals[:1].upper()}{section.goals[1:]}." if section.goals else ""
    left = sum(len(table.rows) for table in section.headline) - MOST_ROWS
    more = f", and {left} more lines in the HTML page" if left > 0 else ""
    yield from (f"## {section.run}", "", f"{_sentence(section.summary)}{goals} `{section.command}`{more}", "")
    if section.headline:
        yield from (*_table(_narrow(section.headline[0])), "")


def _narrow(table: Table) -> Table:
    """The rows and columns that there is room for: ours, the goal, and of the others the first."""
    rows = _chosen([row[0] for row in table.rows], MOST_ROWS)
    columns = [0, *(i + 1 for i in _chosen(table.head[1:], MOST_CELLS))]
    return Table(tuple(table.head[i] for i in columns), tuple(tuple(table.rows[r][i] for i in columns) for r in rows))


def _chosen(names: Sequence[str], most: int) -> list[int]:
    """Places of the names to keep, in their order."""
    wanted = sorted(
        range(len(names)), key=lambda i: (names[i] not in ("n", "goal") and not names[i].startswith("precordia"), i)
    )
    return sorted(wanted[:most])


def _table(table: Table) -> Iterator[str]:
    yield _line(table.head)
    yield "|" + "|".join("---:" if i else "---" for i in range(len(table.head))) + "|"
    yield from map(_line, table.rows)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_escape(text) for text in cells)} |"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _sentence(text: str) -> str:
    return _escape(text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))
