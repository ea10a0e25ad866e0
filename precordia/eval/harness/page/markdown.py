"""The page in short, as Markdown: one table a task. Plots, all other figures, protocols and sources are in the HTML page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from precordia.eval.harness.page.content import Content, Section, Table
from precordia.eval.harness.page.html import LEAD

COMMAND: Final = "precordia eval report RESULTS --out results.html --markdown docs/results.md"

MOST_LINES: Final = 120
"""Lines of the summary; tables are as long as they leave room for, a row each at least."""

MOST_ROWS: Final = 5
"""Rows of a task's table."""

MOST_CELLS: Final = 4
"""Columns of figures of a task's table."""

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
    wanted = [min(MOST_ROWS, len(run.headline[0].rows)) if run.headline else 0 for run, *_ in tasks]
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
    goals = f" {_escape(run.goals + missed)}." if run.goals else ""
    left = sum(len(table.rows) for table in run.headline) - most_rows
    inside = [f"{left} more line{'s' * (left > 1)}"] * (left > 0)
    inside += [f"the run {_escape(other.run)}" for other in others]
    beside = f"; in the HTML page {', '.join(inside)}" if inside else ""
    yield from (f"**{_escape(run.run)}**: {_sentence(run.summary)}{goals} `{run.command}`{beside}", "")
    if run.headline:
        yield from (*_table(_narrow(run.headline[0], most_rows)), "")


def _narrow(table: Table, most_rows: int) -> Table:
    """The rows and columns that there is room for: goals that were missed, ours, the goal, and of the others the first."""
    missed = {row[0] for row in table.rows if "MISSED" in row[-1]}
    rows = _chosen([row[0] for row in table.rows], most_rows, missed)
    columns = [0, *(i + 1 for i in _chosen(table.head[1:], MOST_CELLS, {"n", "goal"}))]
    return Table(tuple(table.head[i] for i in columns), tuple(tuple(table.rows[r][i] for i in columns) for r in rows))


def _chosen(names: Sequence[str], most: int, first: Collection[str]) -> list[int]:
    """Places of the names to keep, in their order."""
    wanted = sorted(range(len(names)), key=lambda i: (names[i] not in first, not names[i].startswith("precordia"), i))
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
