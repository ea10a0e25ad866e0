"""The page in short, as Markdown: one table a task. Plots, all other figures, protocols and sources are in the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from precordia.eval.harness.page.content import Content, Section, Table, by_measure
from precordia.eval.harness.page.html import LEAD

COMMAND: Final = "precordia eval report RESULTS --out results.html --markdown docs/results.md"

MOST_LINES: Final = 120
"""Lines of the summary; tables are as long as they leave room for, a row each at least."""

MOST_ROWS: Final = 5
"""Rows of a task's table."""

MOST_CELLS: Final = 5
"""Columns beside a figure's name."""

MOST_OF_OURS: Final = 2
"""Columns of ours that go before those of others."""

MOST_MISSED: Final = 4
"""Figures that missed their goal named beside a task's table."""


def write_markdown(content: Content, path: Path) -> None:
    """Write the summary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(content), "utf-8")


def markdown(content: Content) -> str:
    """The summary as text."""
    sections = sorted(content.sections, key=lambda section: section.task)
    tasks = [list(runs) for _, runs in groupby(sections, key=lambda section: section.task)]
    wanted = [min(MOST_ROWS, len(by_measure(run.shown).rows)) for run, *_ in tasks]
    rows = [min(1, most) for most in wanted]
    spare = MOST_LINES - len(_lines(content, tasks, rows))
    for more in range(2, MOST_ROWS + 1):
        for i, most in enumerate(wanted):
            if more <= most and spare > 0:
                rows[i], spare = more, spare - 1
    return "\n".join(_lines(content, tasks, rows)) + "\n"


def _lines(content: Content, tasks: Sequence[Sequence[Section]], rows: Sequence[int]) -> list[str]:
    written = (
        f"Written by `{COMMAND}`, which puts every figure, plots, protocols, sources and limits into the HTML page."
    )
    lines = ["# Results", "", " ".join([written, *LEAD]), ""]
    for runs, most_rows in zip(tasks, rows, strict=True):
        lines += _task(runs, most_rows)
    for run, reason in content.skipped.items():
        lines += (f"**{_escape(run)}** was not run: {_escape(reason)}.", "")
    return [*lines, "; ".join(f"{_escape(name)} {_escape(value)}" for name, value in content.facts)]


def _task(runs: Sequence[Section], most_rows: int) -> Iterator[str]:
    """A task by its first run, which is the one that bears its name alone; the others are named."""
    run, *others = runs
    missed = f", missed by: {'; '.join(run.missed[:MOST_MISSED])}" if run.missed else ""
    missed += f"; {more} more" if (more := len(run.missed) - MOST_MISSED) > 0 else ""
    goals = f" {run.goals}{missed}." if run.goals else ""
    table = by_measure(run.shown)
    left = len(table.rows) - most_rows
    inside = [f"{left} more line{'s' * (left > 1)}"] * (left > 0)
    inside += [f"the run {other.run}" for other in others]
    beside = f"; in the HTML page {', '.join(inside)}" if inside else ""
    said = f"**{run.run}**: {_sentence(run.summary)}{goals} `{run.command}`{beside}"
    yield from (*_table(_narrow(table, most_rows, _ours(run)), said), "")


def _ours(run: Section) -> Sequence[str]:
    """Systems that goals were set to, and those that bear our name."""
    names = dict.fromkeys(row.system for row in run.shown if row.goal is not None)
    return [*names, *dict.fromkeys(row.system for row in run.shown if row.system.startswith("precordia"))]


def _narrow(table: Table, most_rows: int, ours: Sequence[str]) -> Table:
    """The rows and columns that there is room for: goals that were missed, and ours beside others."""
    at = {name: i for i, name in enumerate(table.head)}
    rows = sorted(table.rows, key=lambda row: ("MISSED" not in row[-1], not any(row[at[name]] for name in ours)))
    rows = rows[:most_rows]
    names = [name for name in table.head[1:] if any(row[at[name]] for row in rows)]
    first = [*dict.fromkeys(name for name in ours if name in names)][:MOST_OF_OURS]
    names.sort(key=lambda name: (name not in ("n", "goal"), name not in first, name in ours))
    columns = [0, *sorted(at[name] for name in names[:MOST_CELLS])]
    systems = [i for i in columns[1:] if table.head[i] not in ("n", "goal")]
    shown = [row for row in table.rows if row in rows and any(row[i] for i in systems)]
    return Table(tuple(table.head[i] for i in columns), tuple(tuple(row[i] for i in columns) for row in shown))


def _table(table: Table, corner: str) -> Iterator[str]:
    """A table with what it is about in its corner: a line of its own, and the blank one after it, would cost two rows."""
    yield _line([corner, *table.head[1:]])
    yield "|" + "|".join("---:" if i else "---" for i in range(len(table.head))) + "|"
    yield from map(_line, table.rows)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_escape(text) for text in cells)} |"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
