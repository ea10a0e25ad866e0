"""Fill the figures of pages from results: ``python -m benchmarks.figures [PAGE ...]`` (default: README and docs).

A figure that comes from a file of docs/results is followed by a comment that names its row: the file, then the row's
system, metric and group (left out where it is empty). An interval in brackets between the two is that row's::

    0.668 (0.633-0.704)<!-- from report-consensus: precordia; micro F1 of findings; PTB-XL -->

The same comment on a line of its own holds the table below it, each cell that begins with a number, by what stands at
the head of its column and of its row, or by a comment there where people read other words::

    <!-- from report-consensus: {column}; micro F1 of findings; {row} -->
    | F1 of findings | Precordia | nearest report | goal <!-- - --> |
    |---|---|---|---|
    | LUDB 51-100 <!-- LUDB --> | 0.354 (0.300-0.405) | 0.349 | 0.37 |

Tables that a benchmark printed (``benchmarks.printed``) have rows, too: column, line.

``goal of`` before a system is the row's goal. ``-`` at a head says that the column is not from results, ``*`` stands for
anything, ``&`` joins the rows of several figures in each cell, ``{row1}`` and ``{row2}`` are what stands before and after a
semicolon at the head of a row. Case does not count, and exactly one row must answer. Decimals, sign, percent and how an
interval is written stay as they are: an author writes 0.000 and runs the command. The tests hold what stands there to the
rows, and let no other score stand on a page, but in decisions, which keep what was known on their day, and on a line, or below
a head, that says why::

    Tang et al. report 0.846<!-- not held: published -->

"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks import printed
from precordia.core.errors import InputError
from precordia.eval.harness.results import read
from precordia.eval.harness.task import Row

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "docs" / "results"
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

NUMBER: Final = r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?"
FIGURE: Final = (
    rf"(?P<value>{NUMBER})(?P<unit> ?%|)(?P<bold>\**)"
    rf"(?: \((?P<low>{NUMBER})(?P<to>-| to )(?P<high>{NUMBER})(?P<close>(?: ?%)?\)))?"
)
NAMED: Final = r"<!-- from (?P<file>[\w-]+): (?P<row>[^>]+) -->"
IN_TEXT: Final = re.compile(rf"(?<![\w.,+-]){FIGURE}(?P<after>\**{NAMED})")
IN_CELL: Final = re.compile(rf"(?P<before>[\s*,;±/(]*){FIGURE}")
ABOVE: Final = re.compile(rf"^{NAMED}$")
GOAL: Final = "goal of "
SCORE: Final = re.compile(r"(?<![\d.])[01]\.(?:\d{3}|\d\d(?= \([+-]?\d))(?!\d| mV)")
SCORE_IN_CELL: Final = re.compile(r"(?<![\d.])[01]\.\d{2,3}(?!\d| m?V| m?s)")
"""Shares, scores and their like, which results are told in: to three places, or to two before an interval or in a cell that
begins with a number."""
NOT_HELD: Final = re.compile(r"<!-- not held: ([^>]+) -->")
CELLS: Final = re.compile(r"(?<!\\)\|")

Writer = Callable[[re.Match[str], Row], str]


def main() -> int:
    """Fill what refers to results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES)
    for page in parser.parse_args().pages:
        try:
            page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")
        except InputError as error:
            raise SystemExit(f"{page}: {error}") from None
    return 0


def as_in_results(written: re.Match[str], row: Row) -> str:
    """A figure as its row has it, written as it was."""
    scale = 100 if written["unit"] else 1
    interval = ""
    if written["low"] is not None:
        if row.low is None or row.high is None:
            raise InputError(f"{row.system}; {row.metric}; {row.group} has no interval")
        low, high = _like(written["low"], row.low * scale), _like(written["high"], row.high * scale)
        interval = f" ({low}{written['to']}{high}{written['close']}"
    return f"{_like(written['value'], row.value * scale)}{written['unit']}{written['bold']}{interval}"


def _like(before: str, value: float) -> str:
    decimals = len(before.partition(".")[2])
    sign = "+" if before.startswith("+") else ""
    return f"{round(value, decimals) + 0.0:{sign},.{decimals}f}"


def fill(text: str, write: Writer = as_in_results) -> str:
    """The page with each figure that a comment names, and each table that a benchmark printed, written anew.

    Raises:
        InputError: a comment follows no figure, or names no row or several.
    """
    return "\n".join(_lines(printed.fill(text, printed.kept().items()).split("\n"), write))


def not_held(text: str) -> list[str]:
    """The scores of a page that no results file holds, and of which it does not say why; what is below "goal" was not measured."""
    made = re.sub(r"<!-- (?:table|printed) .*?<!-- end -->", "", text, flags=re.DOTALL)
    found: list[str] = []
    head: Sequence[str] = ()
    for line in fill(made, lambda figure, row: "").split("\n"):
        head = (head or CELLS.split(line)) if line.startswith("|") else ()
        if not head:
            found += [] if NOT_HELD.search(line) else SCORE.findall(line)
            continue
        cells = CELLS.split(line)
        if not NOT_HELD.search(cells[1]):
            measured = [i for i, over in enumerate(head) if not NOT_HELD.search(over) and not over.startswith(" goal")]
            found += [score for i in measured for score in _scores(cells[i]) if not NOT_HELD.search(cells[i])]
    return found


def _scores(cell: str) -> list[str]:
    return (SCORE_IN_CELL if IN_CELL.match(cell) else SCORE).findall(cell)


def _lines(lines: Sequence[str], write: Writer) -> Iterator[str]:
    above: re.Match[str] | None = None
    head: Sequence[str] = ()
    for line in lines:
        if above and line.startswith("|"):
            cells = CELLS.split(line)
            if not head:
                head = cells
            elif not line.startswith("|--"):
                line = "|".join(_row(cells, head, above, write))
        else:
            above, head = ABOVE.match(line), ()
            if not above:
                line = _in_text(line, write)
        yield line


def _in_text(line: str, write: Writer) -> str:
    changed, n = IN_TEXT.subn(lambda m: write(m, row_of(m["file"], m["row"])) + m["after"], line)
    if n != len(re.findall(NAMED, line)):
        raise InputError(f"a comment that names a row does not follow a figure: {line}")
    return changed


def _row(cells: Sequence[str], head: Sequence[str], above: re.Match[str], write: Writer) -> Iterator[str]:
    yield from cells[:2]
    for cell, over in zip(cells[2:], head[2:], strict=True):
        column, row = _named(over), _named(cells[1])
        reference = above["row"]
        parts = {
            "{column}": column,
            "{row}": row,
            **dict(zip(("{row1}", "{row2}"), (*row.split("; "), ""), strict=False)),
        }
        for _ in range(2):
            for name, part in parts.items():
                reference = reference.replace(name, part)
        named = [] if column == "-" else reference.split(" & ")
        yield "".join(_cell(cell, above["file"], named, write))


def _cell(cell: str, file: str, references: Sequence[str], write: Writer) -> Iterator[str]:
    at = 0
    for reference in references:
        figure = IN_CELL.match(cell, at)
        if not figure:
            break
        yield figure["before"] + write(figure, row_of(file, reference))
        at = figure.end()
    yield cell[at:]


def _named(cell: str) -> str:
    """What a head says to results: its comment, else its words."""
    comment = re.search(r"<!-- (.*?) -->", cell)
    return comment[1] if comment else cell.strip(" *`")


def row_of(file: str, reference: str) -> Row:
    """The one row of a results file that ``[goal of ]SYSTEM; METRIC[; GROUP]`` names, its goal for value where that is asked.

    Raises:
        InputError: there is no such file, no such row or more than one, or it has no goal.
    """
    if file not in results():
        raise InputError(f"docs/results has no {file}.json; it has {', '.join(results())}")
    if reference.startswith(GOAL):
        row = row_of(file, reference.removeprefix(GOAL))
        if row.goal is None:
            raise InputError(f"{reference.removeprefix(GOAL)} has no goal in docs/results/{file}.json")
        return replace(row, value=row.goal, low=None, high=None)
    parts = [part.lower() for part in (*reference.split("; "), "")[:3]]
    found = [
        row
        for row in results()[file]
        if all(
            fnmatchcase(said.lower(), part)
            for said, part in zip((row.system, row.metric, row.group), parts, strict=True)
        )
    ]
    if len(found) != 1:
        raise InputError(f"{len(found)} rows of docs/results/{file}.json are {reference!r}, not one")
    return found[0]


@cache
def results() -> Mapping[str, Sequence[Row]]:
    """Rows by the name of their file, of tasks and of benchmarks."""
    tasks = {path.stem: read(path).rows for path in sorted(RESULTS.glob("*.json"))}
    return {**tasks, **{name: run.rows for name, run in printed.kept().items()}}


if __name__ == "__main__":
    raise SystemExit(main())
