"""Runs a task by name and sets its figures out for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from precordia.core.errors import InputError
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.results import Document, document_of
from precordia.eval.harness.task import Result, Row, Settings


def run(name: str, settings: Settings) -> tuple[Document, Result]:
    """Run a task.

    Raises:
        UnknownNameError: there is no such task.
        InputError: data that the task needs are not there.
    """
    task = TASKS.get(name)
    try:
        result = task.run(settings)
    except FileNotFoundError as error:
        missing = error.filename or error
        raise InputError(
            f"task {name}: {missing} is not there; give the folder of ECGs with --data or $PRECORDIA_DATA "
            f"(now {settings.data})"
        ) from error
    return document_of(task, result, settings), result


def goal_reached(row: Row) -> bool | None:
    """Whether a figure reaches its goal; None when it has none. A figure that is not a number reaches nothing."""
    if row.goal is None:
        return None
    return row.value >= row.goal if row.at_least else row.value <= row.goal


def table(rows: Sequence[Row]) -> str:
    """The figures as an aligned table; columns that are empty throughout are left out."""
    head = ("system", "group", "metric", "value", "95% interval", "n", "goal")
    body = [
        (row.system, row.group, row.metric, figure(row.value), _interval(row), str(row.n or ""), _goal(row))
        for row in rows
    ]
    kept = [i for i in range(len(head)) if any(cells[i] for cells in body)]
    lines = [tuple(cells[i] for i in kept) for cells in [head, *body]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(kept))]
    right = {"value", "95% interval", "n"}
    out = [
        "  ".join(
            cell.rjust(width) if head[i] in right else cell.ljust(width)
            for cell, width, i in zip(line, widths, kept, strict=True)
        ).rstrip()
        for line in lines
    ]
    out.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(out)


def figure(value: float) -> str:
    """A figure to four significant digits, whole numbers as such.

    >>> figure(0.91234), figure(12.5), figure(25137.0), figure(float("nan"))
    ('0.9123', '12.5', '25137', '-')
    """
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000 or value == round(value):
        return f"{value:.0f}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.4g}"


def _interval(row: Row) -> str:
    if row.low is None or row.high is None or not (math.isfinite(row.low) and math.isfinite(row.high)):
        return ""
    return f"{figure(row.low)} to {figure(row.high)}"


def _goal(row: Row) -> str:
    reached = goal_reached(row)
    if reached is None or row.goal is None:
        return ""
    sign = ">=" if row.at_least else "<="
    return f"{sign} {figure(row.goal)} {'reached' if reached else 'MISSED'}"
