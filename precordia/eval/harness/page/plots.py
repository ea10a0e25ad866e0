"""Interval plots as SVG: a dot for a figure, a line for its 95% interval, one panel a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from precordia.eval.harness.page.content import short
from precordia.eval.harness.task import Row

STYLE = Path(__file__).with_name("plot.css")

MOST_PANELS = 12
MANY_GROUPS = 6
MOST_LINES = 16
WIDTH, LABELS, RIGHT = 760, 320, 84
LINE, TITLE, AXIS, GAP = 22, 30, 26, 14
COLOURS = 6
_LETTERS = 44


def draw(rows: Sequence[Row], *, standalone: bool = False) -> str:
    """The figures of a section as one SVG; "" where there is nothing to compare.

    Args:
        rows: Those shown at once; metrics with one figure are drawn only where there are no others.
        standalone: With its own style, for a file; a page has it already.
    """
    systems = list(dict.fromkeys(row.system for row in rows))
    panels = _panels([row for row in rows if math.isfinite(row.value)])[:MOST_PANELS]
    if not panels:
        return ""
    body, y = [], 0
    for title, lines, total in panels:
        body.append(_panel(title, lines, total, systems, y))
        y += TITLE + LINE * len(lines) + AXIS + GAP
    said = escape(f"Interval plots of {', '.join(title for title, _, _ in panels)}")
    style = f"<style>{STYLE.read_text('utf-8')}</style>" if standalone else ""
    ground = f'<rect class="ground" width="{WIDTH}" height="{y}"/>' if standalone else ""
    size = f' width="{WIDTH}" height="{y}"' if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {y}"{size} role="img" '
        f'aria-label="{said}">{style}{ground}{"".join(body)}</svg>'
    )


def _panels(rows: Sequence[Row]) -> list[tuple[str, Sequence[Row], int]]:
    """Title, lines and number of all lines: systems side by side where several were measured, else parts of the data.

    Of many parts, only the first system's figures are drawn, side by side.
    """
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.metric, set()).add(row.group)
    found: dict[str, list[Row]] = {}
    for row in rows:
        compared = sum((r.metric, r.group) == (row.metric, row.group) for r in rows) > 1
        if compared and row.group and len(groups[row.metric]) > MANY_GROUPS:
            if row.system == rows[0].system:
                found.setdefault(f"{row.metric}: {row.system}", []).append(row)
        else:
            title = f"{row.metric}: {row.group}" if compared and row.group else row.metric
            found.setdefault(title, []).append(row)
    several = {title: lines for title, lines in found.items() if len(lines) > 1}
    chosen = several or {title: lines for title, lines in found.items() if _interval(lines[0])}
    return [(title, lines[:MOST_LINES], len(lines)) for title, lines in chosen.items()]


def _panel(title: str, lines: Sequence[Row], total: int, systems: Sequence[str], top: int) -> str:
    low, high, step = _axis(lines)
    left, right = LABELS, WIDTH - RIGHT

    def x(value: float) -> float:
        return round(left + (right - left) * (min(max(value, low), high) - low) / (high - low), 1)

    more = f" (first {len(lines)} of {total})" if total > len(lines) else ""
    out = [f'<text class="title" x="0" y="{top + 19}">{escape(title)}{more}</text>']
    alone = len({row.system for row in lines}) == 1 and len(lines) > 1
    grouped = len({row.group for row in lines}) > 1
    first, last = top + TITLE, top + TITLE + LINE * len(lines)
    for i in range(round((high - low) / step) + 1):
        at = low + i * step
        out.append(f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="{first}" y2="{last}"/>')
        out.append(f'<text class="tick" x="{x(at)}" y="{last + 16}">{_tick(at, step)}</text>')
    for i, row in enumerate(lines):
        y = first + LINE * i + LINE // 2
        colour = f"c{systems.index(row.system) % COLOURS}"
        label = (
            ", ".join(part for part in ("" if alone else row.system, row.group if grouped else "") if part)
            or row.system
        )
        out.append(
            f'<text class="label" x="{left - 12}" y="{y + 4}">{escape(_cut(label))}<title>{escape(label)}</title></text>'
        )
        if row.goal is not None:
            goal = x(row.goal)
            out.append(
                f'<line class="goal" x1="{goal}" x2="{goal}" y1="{y - 9}" y2="{y + 9}"><title>goal</title></line>'
            )
        ends = _interval(row)
        if ends:
            out.append(f'<line class="bar {colour}" x1="{x(ends[0])}" x2="{x(ends[1])}" y1="{y}" y2="{y}"/>')
        out.append(f'<circle class="dot {colour}" cx="{x(row.value)}" cy="{y}" r="4.5"/>')
        out.append(f'<text class="value" x="{right + 12}" y="{y + 4}">{short(row.value)}</text>')
    return "".join(out)


def _interval(row: Row) -> tuple[float, float] | None:
    if row.low is None or row.high is None or not (math.isfinite(row.low) and math.isfinite(row.high)):
        return None
    return row.low, row.high


def _axis(lines: Sequence[Row]) -> tuple[float, float, float]:
    """Ends and step: round numbers around all figures and intervals."""
    values = [value for row in lines for value in (row.value, *(_interval(row) or ()), *_goal(row))]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def _goal(row: Row) -> tuple[float, ...]:
    return () if row.goal is None else (row.goal,)


def _tick(value: float, step: float) -> str:
    digits = max(
        0,
        -math.floor(math.log10(step) + 1e-9) + (1 if round(step / 10 ** math.floor(math.log10(step)), 3) == 2.5 else 0),
    )
    return f"{value + 0.0:,.{digits}f}".replace("-0.0", "0.0") if abs(value) < 1e-12 else f"{value:,.{digits}f}"


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
