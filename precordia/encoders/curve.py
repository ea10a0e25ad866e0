"""The learning curve: one CSV row an epoch, cut back to the epochs that are kept when training goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path


class Curve:
    """Losses by epoch in a CSV file; a loss that an epoch does not have is left empty.

    Args:
        path: The file; made on the first epoch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, str]]:
        """What is in the file."""
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def latest(self) -> dict[str, float]:
        """The last value of each column, from whichever epoch measured it."""
        return {name: float(value) for row in self.rows() for name, value in row.items() if name != "epoch" and value}

    def cut(self, epochs: int) -> None:
        """Keep the first ``epochs`` epochs."""
        self._write([row for row in self.rows() if int(row["epoch"]) <= epochs])

    def add(self, epoch: int, losses: Mapping[str, float]) -> None:
        """Add an epoch; losses are written with six significant digits."""
        self._write([*self.rows(), {"epoch": str(epoch), **{k: f"{v:.6g}" for k, v in losses.items()}}])

    def _write(self, rows: list[dict[str, str]]) -> None:
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        names = list(dict.fromkeys(name for row in rows for name in row))
        part = self.path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        part.replace(self.path)
