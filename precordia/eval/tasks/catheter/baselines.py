"""What needs no model of electrograms: lines and splines over what is hidden, the cycle before it, and measured cycles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from precordia.signals.catheter.cycles import measure_cycles
from precordia.signals.catheter.tokens import FS

Row = NDArray[np.float32]
Fill = Callable[[Row, NDArray[np.bool_]], Row]
"""An electrogram ``(n,)`` and what is hidden of it, to all of it."""

_CYCLE_S: Final = (0.1, 1.1)
_FEWEST: Final = 40
"""Pairs of shown samples one cycle apart, for that cycle to be tried."""


def along_a_line(row: Row, hidden: NDArray[np.bool_]) -> Row:
    """A straight line from the last shown sample to the next."""
    at = np.arange(row.size)
    return np.interp(at, at[~hidden], row[~hidden]).astype(np.float32)


def along_a_spline(row: Row, hidden: NDArray[np.bool_]) -> Row:
    """A natural cubic spline through the shown samples; a line beyond the outermost."""
    at = np.arange(row.size)
    shown = at[~hidden]
    out = along_a_line(row, hidden)
    inside = hidden & (at > shown[0]) & (at < shown[-1])
    out[inside] = CubicSpline(shown, row[~hidden], bc_type="natural")(at[inside])
    return out


def one_cycle_away(row: Row, hidden: NDArray[np.bool_]) -> Row:
    """What was one cycle before, or after where that is hidden too; else a line.

    The cycle is the lag at which shown samples correlate best.
    """
    out = along_a_line(row, hidden)
    shown = (~hidden).astype(np.float64)
    centred = np.where(hidden, 0.0, row - row[~hidden].mean())
    best, lag = -1.0, 0
    for step in range(round(_CYCLE_S[0] * FS), round(_CYCLE_S[1] * FS)):
        both = shown[step:] * shown[:-step]
        a, b = centred[step:] * both, centred[:-step] * both
        found = float(a @ b) / max(float(a @ a) * float(b @ b), 1e-12) ** 0.5 if both.sum() >= _FEWEST else -1.0
        if found > best:
            best, lag = found, step
    for at in np.flatnonzero(hidden) if lag else ():
        for there in (at - lag, at + lag):
            if 0 <= there < row.size and not hidden[there]:
                out[at] = row[there]
                break
    return out


FILLS: Final[dict[str, Fill]] = {
    "linear": along_a_line, "cubic spline": along_a_spline, "one cycle away": one_cycle_away
}  # fmt: skip


def cycle_features(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(n, 4)``: log cycle length, irregularity, dominant frequency, regularity; the median where one was not measured."""
    out = np.full((len(rows), 4), np.nan)
    for row, values in zip(rows, out, strict=True):
        found = measure_cycles(row)
        values[2:] = found.dominant_hz, found.regularity
        if found.cycle_ms is not None:
            values[0] = np.log(found.cycle_ms)
        if found.irregularity is not None:
            values[1] = found.irregularity
    usual = np.nanmedian(out, axis=0) if np.isfinite(out).any() else np.zeros(4)
    return np.where(np.isfinite(out), out, usual)


def cycles_tell(
    known: NDArray[np.float32], fibrillating: NDArray[np.bool_], asked: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How probable fibrillation is by measured cycles, ``(n,)``: boosted trees, since both slow and fast rhythms are regular."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.08, random_state=0)
    model.fit(cycle_features(known), fibrillating)
    return np.asarray(model.predict_proba(cycle_features(asked))[:, 1])
