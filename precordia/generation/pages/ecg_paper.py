"""An ECG on ECG paper, as SVG whose user unit is the millimetre.

Paper speed 25 mm/s and gain 10 mm/mV, grid lines every 1 mm and every 5 mm, a calibration pulse of 1 mV and 0.2 s at the
left of each row, and the standard display of three rows by four columns with a rhythm strip below (Kligfield et al.,
Recommendations for the standardization and interpretation of the electrocardiogram, part I, Circulation
2007;115:1306-1324). The columns follow one another in time, as on a cart's printout, when the recording is long enough.
Printed at 100 %, a millimetre is a millimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording

STANDARD_GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
"""Rows and columns of the standard display."""

SCALE = 100
"""Path units a millimetre: traces are rounded to 0.01 mm, that is 1 µV and 0.4 ms."""


@dataclass(frozen=True)
class PaperSettings:
    """How an ECG is drawn.

    Attributes:
        speed_mm_s: Paper speed, mm/s.
        gain_mm_mv: Gain, mm/mV.
        duration_s: Time shown, s; a longer recording is shown from its start.
        rhythm_lead: Lead of the strip below the grid, or None for none.
        margin_mm: White around the rows, mm.
        row_mm: Least distance between rows, mm; grows in 5 mm steps up to ``max_row_mm`` where deflections are large.
        max_row_mm: Largest distance between rows, mm.
        max_mv: Deflections beyond this are cut off, mV.
        draw_fs: Samples beyond this rate are not drawn, Hz.
        fine_grid: Whether the 1 mm lines are drawn.
        labels_mm: Height of the lead names, mm.
    """

    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    duration_s: float = 10.0
    rhythm_lead: str | None = "II"
    margin_mm: float = 5.0
    row_mm: float = 25.0
    max_row_mm: float = 35.0
    max_mv: float = 6.0
    draw_fs: float = 500.0
    fine_grid: bool = True
    labels_mm: float = 3.2


STRIP = PaperSettings(draw_fs=125.0, fine_grid=False, labels_mm=6.0, margin_mm=5.0, row_mm=20.0, max_row_mm=25.0)
"""For the small ECG of a precedent, meant to be scaled down."""


@dataclass(frozen=True, eq=False)
class _Cell:
    """One lead's stretch of paper: where it starts (mm from the row's start) and its samples (mV)."""

    lead: str
    x_mm: float
    width_mm: float
    samples: NDArray[np.float32] | None
    inferred: bool = False


def layout_of(recording: Recording) -> tuple[tuple[str, ...], ...]:
    """Lead names by row: three rows of four, or one lead a row when fewer than six standard leads are there.

    Channels that are not standard leads are shown only when there are no standard ones.
    """
    standard = [lead for lead in LEADS if lead in recording.leads]
    if len(standard) >= 6:
        return STANDARD_GRID
    return tuple((lead,) for lead in (standard or list(recording.leads)[:12]))


def draw(recording: Recording, settings: PaperSettings | None = None, *, title: str | None = None) -> str:
    """The recording as one ``<svg>`` element; colours come from CSS classes (``paper``, ``fine``, ``bold``, ``trace``).

    Args:
        recording: Any leads, rate and duration. Missing samples break the trace; absent leads leave their place empty.
        settings: How to draw.
        title: Read out by screen readers; made from the recording when None.
    """
    settings = settings or PaperSettings()
    rows = _rows(recording, settings)
    step = _row_step(rows, settings)
    pulse_mm = 10.0
    seconds = max(min(recording.duration_s, settings.duration_s), 1.0) if len(rows[0]) == 1 else settings.duration_s
    inner = pulse_mm + seconds * settings.speed_mm_s
    width = _up_to_5(inner + 2 * settings.margin_mm)
    # Baselines lie on a 5 mm line.
    first = _up_to_5(settings.margin_mm + step / 2)
    height = _up_to_5(first + (len(rows) - 0.5) * step + settings.margin_mm)
    title = title or describe(recording, settings)
    parts = [
        f'<svg class="ecg" xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}"><title>{escape(title)}</title>',
        _grid(width, height, settings.fine_grid),
    ]
    for index, row in enumerate(rows):
        baseline = first + index * step
        parts.append(_pulse(settings.margin_mm, baseline, settings))
        for cell in row:
            parts.append(_draw_cell(cell, settings.margin_mm + pulse_mm, baseline, step, recording.fs, settings))
    parts.append("</svg>")
    return "".join(parts)


def describe(recording: Recording, settings: PaperSettings | None = None) -> str:
    """What is drawn and at which scale, in one line."""
    settings = settings or PaperSettings()
    measured = recording.measured.leads
    leads = "12-lead ECG" if set(LEADS) <= set(measured) else f"ECG, leads {', '.join(measured[:12])}"
    if recording.inferred_leads:
        leads += f" (inferred by a model, not recorded: {', '.join(recording.inferred_leads)})"
    shown = min(recording.duration_s, settings.duration_s)
    part = (
        f"first {shown:g} s of {recording.duration_s:.3g} s"
        if recording.duration_s > shown + 0.05
        else f"{shown:.3g} s"
    )
    return f"{leads}, {part}, {settings.speed_mm_s:g} mm/s, {settings.gain_mm_mv:g} mm/mV"


def _rows(recording: Recording, settings: PaperSettings) -> list[list[_Cell]]:
    n_shown = min(recording.n_samples, round(settings.duration_s * recording.fs))
    centred = {lead: _centred(recording.lead(lead), settings.max_mv) for lead in recording.leads}
    rows = []
    grid = layout_of(recording)
    for names in grid:
        column_s = settings.duration_s / len(names)
        # Columns follow one another in time; a short recording shows its first seconds in every column.
        in_time = recording.duration_s >= settings.duration_s * 0.95
        row = []
        for column, lead in enumerate(names):
            start = round(column * column_s * recording.fs) if in_time else 0
            # One sample more joins the columns without a gap.
            stop = min(start + round(column_s * recording.fs) + 1, n_shown)
            samples = centred[lead][start:stop] if lead in centred else None
            place = column * column_s * settings.speed_mm_s, column_s * settings.speed_mm_s
            row.append(_Cell(lead, *place, samples, lead in recording.inferred_leads))
        rows.append(row)
    if len(grid[0]) > 1 and settings.rhythm_lead in centred:
        lead = str(settings.rhythm_lead)
        width, drawn = settings.duration_s * settings.speed_mm_s, lead in recording.inferred_leads
        rows.append([_Cell(lead, 0.0, width, centred[lead][:n_shown], drawn)])
    return rows


def _centred(samples: NDArray[np.float32], max_mv: float) -> NDArray[np.float32]:
    """Samples with the lead's median at zero, so that an electrode offset does not move a row; NaN stays NaN."""
    finite = samples[np.isfinite(samples)]
    if finite.size == 0:
        return np.full_like(samples, np.nan)
    clipped: NDArray[np.float32] = np.clip(samples - np.median(finite), -max_mv, max_mv).astype(np.float32)
    return np.where(np.isfinite(samples), clipped, np.float32(np.nan))


def _row_step(rows: Sequence[Sequence[_Cell]], settings: PaperSettings) -> float:
    """Distance between rows, mm: room for the usual deflections, in steps of 5 mm."""
    extents = []
    for row in rows:
        for cell in row:
            if cell.samples is not None and np.isfinite(cell.samples).any():
                extents.append(float(np.nanmax(cell.samples) - np.nanmin(cell.samples)))
    need = np.quantile(extents, 0.8) * settings.gain_mm_mv + 6 if extents else 0.0
    return float(np.clip(np.ceil(need / 5) * 5, settings.row_mm, settings.max_row_mm))


def _up_to_5(mm: float) -> float:
    return float(np.ceil(mm / 5 - 1e-9) * 5)


def _grid(width: float, height: float, fine: bool) -> str:
    def lines(step: int, skip: int) -> str:
        xs = [x for x in range(0, round(width) + 1, step) if not skip or x % skip]
        ys = [y for y in range(0, round(height) + 1, step) if not skip or y % skip]
        return "".join([f"M{x} 0v{height:g}" for x in xs] + [f"M0 {y}h{width:g}" for y in ys])

    fine_lines = f'<path class="fine" d="{lines(1, 5)}"/>' if fine else ""
    return (
        f'<rect class="paper" width="{width:g}" height="{height:g}"/>{fine_lines}<path class="bold" d="{lines(5, 0)}"/>'
    )


def _pulse(x: float, baseline: float, settings: PaperSettings) -> str:
    """1 mV for 0.2 s, with the baseline before and after."""
    wide, high = 0.2 * settings.speed_mm_s, settings.gain_mm_mv
    return f'<path class="trace pulse" d="M{x:g} {baseline:g}h1v{-high:g}h{wide:g}v{high:g}h1"/>'


def _draw_cell(cell: _Cell, left: float, baseline: float, step: float, fs: float, settings: PaperSettings) -> str:
    x = left + cell.x_mm
    absent = cell.samples is None or not np.isfinite(cell.samples).any()
    label_y = baseline - min(step / 2 - settings.labels_mm, 11.5)
    note = ' <tspan class="absent">not recorded</tspan>' if absent else ""
    note = ' <tspan class="inferred">inferred</tspan>' if cell.inferred else note
    text = f'<text x="{x + 1:g}" y="{label_y:g}" font-size="{settings.labels_mm:g}">{escape(cell.lead)}{note}</text>'
    tick = f'<path class="trace tick" d="M{x:g} {baseline - 2.5:g}v5"/>' if cell.x_mm > 0 else ""
    if absent or cell.samples is None:
        return tick + text
    path = _path(cell.samples, fs, settings)
    return (
        f'{tick}<path class="trace{" inferred" if cell.inferred else ""}" data-lead="{escape(cell.lead, quote=True)}" '
        f'transform="translate({x:g} {baseline:g}) scale({1 / SCALE:g})" d="{path}"/>{text}'
    )


def _path(samples: NDArray[np.float32], fs: float, settings: PaperSettings) -> str:
    """Relative path data in hundredths of a millimetre; positions are rounded before they are differenced: no drift."""
    every = max(int(np.ceil(fs / settings.draw_fs - 1e-9)), 1)
    index = np.arange(0, samples.size, every)
    values = samples[index].astype(np.float64)
    x = np.rint(index / fs * settings.speed_mm_s * SCALE).astype(int)
    y = np.rint(np.where(np.isfinite(values), -values, 0.0) * settings.gain_mm_mv * SCALE).astype(int)
    finite = np.isfinite(values)
    dx, dy = np.diff(x), np.diff(y)
    commands = []
    for i in range(index.size):
        if not finite[i]:
            continue
        if i == 0 or not finite[i - 1]:
            commands.append(f"M{x[i]} {y[i]}l0 0")
        else:
            # After "l" further pairs are implied; a minus sign separates by itself.
            commands.append(f" {dx[i - 1]}" + (f"{dy[i - 1]}" if dy[i - 1] < 0 else f" {dy[i - 1]}"))
    return "".join(commands)
