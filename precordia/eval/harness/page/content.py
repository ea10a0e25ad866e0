"""What a results page says, worked out once for HTML and Markdown: the same documents give the same content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from shlex import quote

from precordia.eval.harness.results import Document
from precordia.eval.harness.runner import goal_reached
from precordia.eval.harness.task import Row

MOST_COLUMNS = 6
"""Columns of figures that a page is wide enough for."""

MOST_HEADLINES = 24
"""Figures shown at once where the task names none."""


@dataclass(frozen=True)
class Table:
    """A table of text; the first column is to the left, figures to the right.

    Attributes:
        head: Column names.
        rows: Cells.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One run.

    Attributes:
        run: Its name.
        task: What was run.
        anchor: The name as an id.
        summary, protocol, source, notes: As in the document.
        command: What to type to run it again.
        headline: The figures shown at once.
        shown: Their rows, to be drawn.
        others: All figures, where there are more.
        n_rows: How many figures there are.
        machine: Figures that depend on the machine.
        machine_text: The machine, in words.
        goals: "3 of 4 goals reached", or "".
        missed: Figures that missed their goal, by name.
        facts: Name and value of what is needed to run it again.
    """

    run: str
    task: str
    anchor: str
    summary: str
    protocol: str
    source: str
    notes: tuple[str, ...]
    command: str
    headline: tuple[Table, ...]
    shown: tuple[Row, ...]
    others: tuple[Table, ...]
    n_rows: int
    machine: tuple[Table, ...]
    machine_text: str
    goals: str
    missed: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Content:
    """All of a page.

    Attributes:
        sections: One a run, by name.
        skipped: Runs that lacked something, with the reason.
        facts: What all runs have in common: versions, commit.
    """

    sections: tuple[Section, ...]
    skipped: Mapping[str, str]
    facts: tuple[tuple[str, str], ...]


def content_of(documents: Sequence[Document], skipped: Mapping[str, str] | None = None) -> Content:
    """The page of some documents.

    Args:
        documents: In any order; of two of one run, both are shown.
        skipped: Runs without a document, with the reason.
    """
    ordered = sorted(documents, key=lambda d: d.run or d.task)
    each = [_environment(document) for document in ordered]
    common = {k: v for k, v in each[0].items() if all(e.get(k) == v for e in each)} if each else {}
    anchors: dict[str, int] = {}
    sections = []
    for document, environment in zip(ordered, each, strict=True):
        name = re.sub(r"[^a-z0-9]+", "-", (document.run or document.task).lower()).strip("-")
        anchors[name] = anchors.get(name, 0) + 1
        anchor = name if anchors[name] == 1 else f"{name}-{anchors[name]}"
        own = {k: v for k, v in environment.items() if k not in common}
        sections.append(_section(document, anchor, own))
    missing = {run: reason for run, reason in (skipped or {}).items() if run not in {s.run for s in sections}}
    return Content(tuple(sections), missing, tuple(common.items()))


def short(value: float) -> str:
    """A figure for people: three digits that matter, whole numbers as such.

    >>> [short(x) for x in (0.92861, 12.345, 1234.5, 5.0, 0.00042, float("nan"))]
    ['0.929', '12.3', '1,234', '5', '0.00042', '–']
    """
    if not isfinite(value):
        return "–"
    if abs(value) >= 1000 or value == round(value):
        return f"{value:,.0f}"
    if abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.3g}"


def cell(row: Row) -> str:
    """A figure with its interval."""
    if row.low is None or row.high is None or not (isfinite(row.low) and isfinite(row.high)):
        return short(row.value)
    return f"{short(row.value)} ({short(row.low)} to {short(row.high)})"


def _section(document: Document, anchor: str, environment: Mapping[str, str]) -> Section:
    shown = _headlines(document.rows)
    machine = document.machine
    goals = [reached for row in document.rows if (reached := goal_reached(row)) is not None]
    settings = {k: str(v) for k, v in document.settings.items() if v not in (None, "")}
    facts = {
        "seed": str(document.seed),
        **settings,
        **{f"data: {k}": v for k, v in document.data.items()},
        **environment,
    }
    if document.samples_sha256:
        facts["samples"] = f"{document.n_samples:,} rows, SHA-256 {document.samples_sha256}"
    return Section(
        run=document.run or document.task,
        task=document.task,
        anchor=anchor,
        summary=document.summary,
        protocol=document.protocol,
        source=document.source,
        notes=document.notes,
        command=_command(document),
        headline=tables_of(shown),
        shown=tuple(shown),
        others=tables_of(document.rows) if len(shown) < len(document.rows) else (),
        n_rows=len(document.rows),
        machine=tables_of(machine.rows) if machine else (),
        machine_text=", ".join(f"{k} {v}" for k, v in machine.machine.items()) if machine else "",
        goals=f"{sum(goals)} of {len(goals)} goals reached" if goals else "",
        missed=tuple(
            f"{row.system}, {_measured_name(row.metric, row.group)}"
            for row in document.rows
            if goal_reached(row) is False
        ),
        facts=tuple(facts.items()),
    )


def _headlines(rows: Sequence[Row]) -> list[Row]:
    flagged = [row for row in rows if row.headline]
    return flagged or [row for row in rows if not row.group][:MOST_HEADLINES] or list(rows[: MOST_HEADLINES // 2])


def tables_of(rows: Sequence[Row]) -> tuple[Table, ...]:
    """One table for the figures of systems that were measured alike, in order of appearance."""
    systems: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        systems.setdefault((row.metric, row.group), []).append(row.system)
    blocks: list[tuple[set[str], set[tuple[str, str]]]] = []
    for key, names in sorted(systems.items(), key=lambda item: -len(set(item[1]))):
        # A figure of one system among six columns would be mostly blank.
        fitting = next((b for b in blocks if set(names) == b[0] or (len(set(names)) > 1 and set(names) <= b[0])), None)
        if fitting is None:
            blocks.append((set(names), {key}))
        else:
            fitting[1].add(key)
    parts = [[row for row in rows if (row.metric, row.group) in keys] for _, keys in blocks]
    return tuple(table_of(part) for part in sorted(parts, key=lambda part: rows.index(part[0])))


def table_of(rows: Sequence[Row]) -> Table:
    """Figures by what is measured and by system, whichever way is narrower; a plain list where neither fits the page."""
    systems = list(dict.fromkeys(row.system for row in rows))
    measured = list(dict.fromkeys((row.metric, row.group) for row in rows))
    found = {(row.system, row.metric, row.group): row for row in rows}
    if len(found) < len(rows) or min(len(systems), len(measured)) > MOST_COLUMNS:
        return _list(rows)
    if len(systems) <= MOST_COLUMNS and (len(systems) > 1 or len(measured) > MOST_COLUMNS):
        return by_measure(rows)
    names = [_measured_name(metric, group) for metric, group in measured]
    lines = [
        (
            s,
            _n(sized := [r for k in measured if (r := found.get((s, *k)))]),
            *_cells(found, [s], measured),
            _goals(sized),
        )
        for s in systems
    ]
    return _trimmed(("system", "n", *names, "goal"), lines)


def by_measure(rows: Sequence[Row]) -> Table:
    """A line for all that systems have in one figure."""
    systems = list(dict.fromkeys(row.system for row in rows))
    measured = dict.fromkeys((row.metric, row.group) for row in rows)
    found = {(row.system, row.metric, row.group): row for row in rows}
    lines = []
    for key in measured:
        sized = [found[(system, *key)] for system in systems if (system, *key) in found]
        lines.append((_measured_name(*key), _n(sized), *_cells(found, systems, [key]), _goals(sized)))
    return _trimmed(("", "n", *systems, "goal"), lines)


def _cells(
    found: Mapping[tuple[str, str, str], Row], systems: Sequence[str], measured: Sequence[tuple[str, str]]
) -> list[str]:
    each = [found.get((system, *key)) for system in systems for key in measured]
    return [cell(row) if row else "" for row in each]


def _list(rows: Sequence[Row]) -> Table:
    lines = [
        (row.system, _measured_name(row.metric, row.group), cell(row), f"{row.n:,}" if row.n else "", _goals([row]))
        for row in rows
    ]
    return _trimmed(("system", "", "figure", "n", "goal"), lines)


def _trimmed(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> Table:
    kept = [i for i in range(len(head)) if i == 0 or any(line[i] for line in lines)]
    return Table(tuple(head[i] for i in kept), tuple(tuple(line[i] for i in kept) for line in lines))


def _measured_name(metric: str, group: str) -> str:
    return f"{metric}: {group}" if group else metric


def _n(rows: Sequence[Row]) -> str:
    """How many samples the figures rest on; a range where they differ."""
    sizes = sorted({row.n for row in rows if row.n})
    return "" if not sizes else f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def _goals(rows: Sequence[Row]) -> str:
    out = []
    for row in rows:
        reached = goal_reached(row)
        if reached is not None and row.goal is not None:
            side = "at least" if row.at_least else "at most"
            out.append(f"{side} {short(row.goal)}: {'reached' if reached else 'MISSED'}")
    return "; ".join(dict.fromkeys(out))


def _environment(document: Document) -> dict[str, str]:
    return {
        "precordia": document.precordia,
        "commit": document.git or "not a checkout",
        "python": document.python,
        **dict(document.packages),
    }


def _command(document: Document) -> str:
    words = ["precordia eval", document.task]
    settings = document.settings
    words += ["--kb KB"] if settings.get("kb") else []
    words += [f"--encoder {settings['encoder']}"] if settings.get("encoder") not in (None, "default") else []
    words += [f"--llm {settings['llm']}"] if settings.get("llm") else []
    words += [f"--limit {settings['limit']}"] if settings.get("limit") else []
    words += [f"--seed {document.seed}"] if document.seed != 42 else []
    options = {k.removeprefix("option "): v for k, v in settings.items() if k.startswith("option ")}
    return " ".join([*words, *(f"--set {quote(f'{key}={value}')}" for key, value in options.items())])
