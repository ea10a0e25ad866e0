"""How often each finding that must not be missed is raised falsely, as reports tell of it: from a run of ``eval urgent``."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError
from precordia.fitting.trained import Trained, written

COMMAND: Final = "precordia eval urgent --set fold=1-8 --out DIR"
_METRIC: Final = "false alarms"
_PART: Final = ", PTB-XL fold 1-8"
_COLUMN: Final = "false_alarms"


def train_alarms(results: Path | str, out: Path | str) -> Trained:
    """Write the table of urgent findings (``urgent.csv``) with the rates of false alarms that an evaluation has found.

    Args:
        results: ``urgent.json``, written by ``precordia eval urgent --set fold=1-8 --out DIR``.
        out: The file to write.

    Raises:
        InputError: there are no such results, or they lack a finding.
    """
    rates = _rates(Path(results))
    table = (resources.files("precordia.judgement") / "urgent.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    if missing := [row["name"] for row in rows if row["name"] not in rates]:
        raise InputError(f"{results}: has no rate of false alarms of {missing[0]}; make it with `{COMMAND}`")
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, _COLUMN: str(round(rates[row["name"]], 4))} for row in rows)
    changed = [row["name"] for row in rows if float(row[_COLUMN]) != round(rates[row["name"]], 4)]
    note = f"{len(rows)} findings, {len(changed)} with another rate than what ships{': ' if changed else ''}{', '.join(changed)}"
    facts: dict[str, object] = {"findings": len(rows), "changed": changed}
    return Trained("alarms", written(out, text.getvalue().encode()), facts, (note,))


def _rates(path: Path) -> dict[str, float]:
    """Name of the finding to the share of ECGs on which it is raised though neither report nor codes state it."""
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        found = [row for row in rows if row["metric"] == _METRIC and row["group"].endswith(_PART)]
        return {row["group"].removesuffix(_PART): float(row["value"]) for row in found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no results of an evaluation that can be read; make them with `{COMMAND}`") from error
