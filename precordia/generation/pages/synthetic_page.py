"""A page with an ECG that a model drew beside a pulse, a watermark across all of it."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from precordia.generation.pages.page import TEMPLATES
from precordia.signals.pulse.synthetic import FS, LEAD, WARNING, WATERMARK, SyntheticEcg
from precordia.signals.pulse.windows import FS as PULSE_FS

_ROW_S = 10.0
"""Seconds a row."""

_WIDTH, _HEIGHT = 1000.0, 90.0
"""Of a trace, in the drawing's own unit: no millimetres, since nothing is to be measured on it."""

_STYLE = (
    ".trace{fill:none;stroke-width:1.4;stroke-linejoin:round}.drawn{stroke:#8a5a00;stroke-dasharray:5 2}.pulse{stroke:#35618a}"
    ".mark{fill:#b00020;fill-opacity:.22;font:bold 60px sans-serif;text-anchor:middle}.name{fill:#555;font:13px sans-serif}"
)


def render_synthetic(ecg: SyntheticEcg, name: str) -> str:
    """The page as text, one file without links.

    Args:
        ecg: As :func:`~precordia.signals.pulse.synthetic.draw_ecg` returns it.
        name: What to call the pulse.
    """
    title = f"{WATERMARK} ECG drawn from the pulse {escape(name)}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n"
        f"<style>{(TEMPLATES / 'page.css').read_text(encoding='utf-8')}{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}</h1>"
        '<p class="disclaimer">Made by Precordia. Not a medical device.</p></header>\n'
        f'<p class="warning" role="note">{WARNING}</p><figure class="sheet">{_drawing(ecg)}'
        f"<figcaption>Dashed: lead {LEAD} as is usual beside such a pulse, no unit. Below it, the pulse. {WARNING}</figcaption>"
        "</figure>\n</body>\n</html>\n"
    )


def _drawing(ecg: SyntheticEcg) -> str:
    """Rows of ten seconds, each with its own watermark, so that no part can be cut out without one."""
    rows = max(1, int(np.ceil(ecg.drawn.size / FS / _ROW_S)))
    size = 2.0 * _HEIGHT + 30.0
    parts = []
    for row in range(rows):
        top = row * size
        drawn, pulse = (_piece(x, fs, row) for x, fs in ((ecg.drawn, FS), (ecg.pulse, PULSE_FS)))
        parts += [
            f'<text class="name" x="4" y="{top + 14:.0f}">{WATERMARK} {LEAD}, {row * _ROW_S:g} s</text>',
            f'<path class="trace drawn" d="{_path(drawn, FS, top + 20.0, 2.0)}"/>',
            f'<path class="trace pulse" d="{_path(pulse, PULSE_FS, top + 20.0 + _HEIGHT, 4.0)}"/>',
            *(f'<text class="mark" x="{x:.0f}" y="{top + _HEIGHT:.0f}">{WATERMARK}</text>' for x in (250, 750)),
        ]
    box = f"0 0 {_WIDTH:.0f} {rows * size:.0f}"
    return f'<svg viewBox="{box}" role="img" aria-label="{WATERMARK} ECG and the pulse it was drawn from">{"".join(parts)}</svg>'


def _piece(x: NDArray[np.float32], fs: float, row: int) -> NDArray[np.float32]:
    return x[round(row * _ROW_S * fs) : round((row + 1) * _ROW_S * fs)]


def _path(x: NDArray[np.float32], fs: float, top: float, most: float) -> str:
    """An SVG path within the row: ``most`` at its top, ``-most`` at its foot."""
    at = np.arange(x.size) / fs * _WIDTH / _ROW_S
    level = top + _HEIGHT * (0.5 - 0.5 * np.clip(x / most, -1.0, 1.0))
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(at, level, strict=True)) if x.size else "M0 0"
