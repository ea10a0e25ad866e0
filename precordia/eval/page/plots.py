"""Interval plots as SVG: a dot for a figure, a line for its 95% interval, one panel a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from precordia.eval.page.content import short
from precordia.eval.task import Row

STYLE = Path(__file__).with_name("plot.css")

MOST_PANELS = 8
MOST_LINES = 16
WIDTH, LABELS, RIGHT = 760, 300, 96
LINE, TITLE, AXIS, GAP = 22, 30, 26, 14
COLOURS = 6
_LETTERS = 46


def draw(rows: Sequence[Row], *, standalone: bool = False) -> str:
    """The figures of a section as one SVG; "" where there is nothing to compare.

    Args:
        rows: Those shown at once; metrics with one figure are drawn only where there are no others.
        standalone: With its own style, for a file; a page has it already.
    """
    systems = list(dict.fromkeys(row.system for row in rows))
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        if math.isfinite(row.value):
            by_metric.setdefault(row.metric, []).append(row)
    several = {metric: lines for metric, lines in by_metric.items() if len(lines) > 1}
    chosen = several or {metric: lines for metric, lines in by_metric.items() if _interval(lines[0])}
    panels = [(metric, lines[:MOST_LINES], len(lines)) for metric, lines in chosen.items()][:MOST_PANELS]
    if not panels:
        return ""
    body, y = [], 0
    for metric, lines, total in panels:
        body.append(_panel(metric, lines, total, systems, y))
        y += TITLE + LINE * len(lines) + AXIS + GAP
    said = escape(f"Interval plots of {', '.join(metric for metric, _, _ in panels)}")
    style = f"<style>{STYLE.read_text('utf-8')}</style>" if standalone else ""
    ground = f'<rect class="ground" width="{WIDTH}" height="{y}"/>' if standalone else ""
    size = f' width="{WIDTH}" height="{y}"' if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {y}"{size} role="img" '
        f'aria-label="{said}">{style}{ground}{"".join(body)}</svg>'
    )


def _panel(metric: str, lines: Sequence[Row], total: int, systems: Sequence[str], top: int) -> str:
    low, high, step = _axis(lines)
    left, right = LABELS, WIDTH - RIGHT

    def x(value: float) -> float:
        return round(left + (right - left) * (min(max(value, low), high) - low) / (high - low), 1)

    more = f" (first {len(lines)} of {total})" if total > len(lines) else ""
    out = [f'<text class="title" x="0" y="{top + 19}">{escape(metric)}{more}</text>']
    first, last = top + TITLE, top + TITLE + LINE * len(lines)
    for i in range(round((high - low) / step) + 1):
        at = low + i * step
        out.append(f'<line class="grid" x1="{x(at)}" x2="{x(at)}" y1="{first}" y2="{last}"/>')
        out.append(f'<text class="tick" x="{x(at)}" y="{last + 16}">{_tick(at, step)}</text>')
    for i, row in enumerate(lines):
        y = first + LINE * i + LINE // 2
        colour = f"c{systems.index(row.system) % COLOURS}"
        label = f"{row.system}, {row.group}" if row.group else row.system
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
