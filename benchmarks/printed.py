"""Keep the tables that a benchmark prints, for pages: ``python -m benchmarks.printed NAME [ARGUMENTS]``.

Runs ``python -m benchmarks.NAME ARGUMENTS`` (a name with dots is a module as it stands), shows what it prints, and writes its
tables with command, commit, machine and versions to docs/results/benchmarks/NAME.json. A page has them between
``<!-- printed NAME -->`` and ``<!-- end -->``, and names a figure of them as it names a row of results (``benchmarks.figures``,
which writes both anew): the head of its column, of its line, and where several lines begin alike, the cell after that:
``<!-- from scale: disk, GB; 1,000,000 -->``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.machine import commit, machine, table, versions
from precordia.eval.harness.task import Row

KEPT: Final = Path(__file__).parents[1] / "docs" / "results" / "benchmarks"
NUMBER: Final = r"[+-]?\d[\d,]*(?:\.\d+)?"
FIGURE: Final = re.compile(rf"(?P<value>{NUMBER})(?: \((?P<low>{NUMBER})(?:-| to )(?P<high>{NUMBER})\))?")

Table = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Printed:
    """What one run of a benchmark printed.

    Attributes:
        command: What was typed.
        commit: What was measured.
        machine: Processor, cores, memory, system and Python.
        versions: Of the packages that tell.
        tables: Lines of cells; the first of each table is its head.
    """

    command: str
    commit: str
    machine: str
    versions: str
    tables: Sequence[Table]

    @property
    def markdown(self) -> str:
        """The tables, and whence they are."""
        said = f"`{self.command}`, at {self.commit} on {self.machine}"
        return "\n\n".join([*(table(lines) for lines in self.tables), said])

    @property
    def rows(self) -> Sequence[Row]:
        """Each cell that begins with a number, with its interval: its column as system, its line as metric."""
        return [row for lines in self.tables for row in _rows(lines)]


def main(arguments: Sequence[str]) -> int:
    """Run a benchmark and keep its tables."""
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit(__doc__)
    name, *rest = arguments
    command = ["python", "-m", name if "." in name else f"benchmarks.{name}", *rest]
    said = subprocess.run([sys.executable, *command[1:]], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(said, end="")
    shown = ["DATA" if Path(word).is_absolute() else word for word in command]
    keep(name.rpartition(".")[2], Printed(" ".join(shown), commit(), machine(), versions(), tables(said)))
    return 0


def keep(name: str, printed: Printed, folder: Path = KEPT) -> None:
    """Write what was printed."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(printed), ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept(folder: Path = KEPT) -> dict[str, Printed]:
    """What was kept, by the benchmark's name."""
    return {
        path.stem: Printed(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))
    }


def tables(said: str) -> list[Table]:
    """The Markdown tables of a text."""
    found: list[list[list[str]]] = [[]]
    for line in said.splitlines():
        if not line.startswith("|"):
            found.append([])
        elif not re.fullmatch(r"[|:\s-]+", line):
            found[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return [lines for lines in found if lines]


def _rows(lines: Table) -> Iterator[Row]:
    head, *body = lines
    alike = Counter(line[0] for line in body)
    for line in body:
        for column, cell in zip(head[1:], line[1:], strict=True):
            figure = FIGURE.match(cell)
            if figure:
                value, *interval = (float(x.replace(",", "")) for x in figure.groups() if x)
                low, high = interval or (None, None)
                yield Row(column, line[0], value, low, high, group=line[1] if alike[line[0]] > 1 else "")


def fill(text: str, printed: Iterable[tuple[str, Printed]]) -> str:
    """A page with the tables of benchmarks between their marks."""
    for name, run in printed:
        between = re.compile(rf"(<!-- printed {re.escape(name)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        text = between.sub(lambda marks, run=run: marks[1] + run.markdown + marks[2], text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
