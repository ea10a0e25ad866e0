"""Speed and size by commit: ``python -m benchmarks.history`` writes the table of docs/benchmarks.md anew.

``make benchmarks`` (``python -m benchmarks.budgets --track FILE``) adds a line of JSON for its run to
docs/results/benchmarks.jsonl: commit, machine, versions and the rows of its table. Runs of one machine can be compared,
and only where nothing else ran on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.encoder_page import fill
from benchmarks.machine import table

RUNS: Final = Path(__file__).parents[1] / "docs" / "results" / "benchmarks.jsonl"
PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SHOWN: Final = 4
"""Runs beside each other on the page; the file keeps all."""


@dataclass(frozen=True)
class Run:
    """One run of the budgets.

    Attributes:
        commit: What was measured.
        machine: Processor, cores, memory, system and Python.
        versions: Of the packages that tell.
        rows: What, budget, figure and the naive way's figure.
    """

    commit: str
    machine: str
    versions: str
    rows: Sequence[Sequence[str]]


def track(file: Path, run: Run) -> None:
    """Add a run to a file."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(run), ensure_ascii=False) + "\n")


def tracked(file: Path = RUNS) -> list[Run]:
    """All runs, in their order."""
    return [Run(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def by_commit(runs: Sequence[Run]) -> str:
    """A line a figure: its budget today, the newest runs, the newest first, and what the naive way took in the newest run."""
    newest = runs[: -SHOWN - 1 : -1]
    figures = [{what: figure for what, _, figure, _ in run.rows} for run in newest]
    asked = {what: (budget, naive) for run in reversed(newest) for what, budget, _, naive in run.rows}
    return table(
        [
            ("what", "budget", *(run.commit for run in newest), "the naive way"),
            *((what, budget, *(of.get(what, "") for of in figures), naive) for what, (budget, naive) in asked.items()),
        ]
    )


def page(text: str, runs: Sequence[Run]) -> str:
    """docs/benchmarks.md with the runs' table and machines."""
    machines = "\n".join(f"- `{run.commit}`: {run.machine}; {run.versions}" for run in reversed(runs[-SHOWN:]))
    return fill(text, "runs", f"{by_commit(runs)}\n\n{machines}")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), tracked()), encoding="utf-8")
