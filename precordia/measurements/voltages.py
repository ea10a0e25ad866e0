"""Amplitudes of Q, R, S and T and the level of the ST segment in each lead, and the voltage criteria for hypertrophy and low
voltage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS, LIMB_LEADS
from precordia.core.recording import Sex
from precordia.measurements.analysis import Bounds
from precordia.measurements.raw_beat import RawBeat
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median

SMALLEST_R_MV: Final = 0.05
"""An upward deflection below this is no R wave: the complex is a QS."""

QS_SHARE: Final = 0.25
"""Nor is one that follows an initial trough and is this small a share of it."""

AFTER_J_S: Final = 0.060
"""J + 60 ms, as exercise and monitoring guidelines read it (Fletcher et al., Circulation 2013;128:873-934)."""

AT_J_S: Final = 0.008
"""The J point itself, where the universal definition of infarction reads elevation (Thygesen et al., Circulation
2018;138:e618-e651): the first 16 ms after the QRS complex, so that its last slope does not count."""

WINDOW_S: Final = 0.008
"""The level is a mean over this long on either side, s."""


@dataclass(frozen=True)
class Voltages:
    """Amplitudes by lead, mV; depths as positive numbers.

    Attributes:
        r: Tallest upward deflection of the QRS complex.
        s: Deepest downward deflection after it, or of a QS complex.
        q: Deepest downward deflection before it.
    """

    r: Mapping[str, float]
    s: Mapping[str, float]
    q: Mapping[str, float]


def voltages(beat: RawBeat, bounds: Bounds) -> Voltages:
    """Amplitudes in the average beat, within each lead's own QRS boundaries."""
    r: dict[str, float] = {}
    s: dict[str, float] = {}
    q: dict[str, float] = {}
    complexes = beat.between(float(np.nanmin(bounds.qrs_on)), float(np.nanmax(bounds.qrs_off)))
    for k, lead in enumerate(beat.leads):
        r[lead], s[lead], q[lead] = _qrs_amplitudes(complexes[k])
    return Voltages(r, s, q)


def t_amplitudes(average: NDArray[np.float64], leads: Sequence[str], bounds: Bounds) -> dict[str, float]:
    """Lead to signed height of the T wave against the PR segment, mV; a lead without one is left out.

    Args:
        average: ``(n_leads, n)``, mV, the average beat at the working rate.
        leads: Names, one per row.
        bounds: Of its waves.
    """
    rows = np.flatnonzero(np.isfinite(bounds.t_peak))
    onset = BEFORE + round(finite_median(bounds.qrs_on))
    zeros = average[rows, max(0, onset - 5) : max(1, onset - 1)].mean(axis=1)
    near = BEFORE + bounds.t_peak[rows].astype(np.intp)[:, None] + np.arange(-2, 3)
    heights = average[rows[:, None], np.minimum(near, average.shape[1] - 1)].mean(axis=1) - zeros
    return {leads[k]: _rounded(height) for k, height in zip(rows.tolist(), heights.tolist(), strict=True)}


def _qrs_amplitudes(x: NDArray[np.float64]) -> tuple[float, float, float]:
    """R height, S (or QS) depth and Q depth of one complex: what goes down first is Q, what follows an R is S."""
    trough = int(np.argmin(x))
    r, depth = max(0.0, float(x.max())), max(0.0, -float(x[trough]))
    before = float(x[: trough + 1].max())
    if before >= SMALLEST_R_MV:
        first = int(np.argmax(x[: trough + 1]))
        return _rounded(r), _rounded(depth), _rounded(max(0.0, -float(x[: first + 1].min())))
    if r < max(SMALLEST_R_MV, QS_SHARE * depth):
        return _rounded(r), _rounded(depth), _rounded(depth)
    return _rounded(r), _rounded(max(0.0, -float(x[int(np.argmax(x)) :].min()))), _rounded(depth)


def _rounded(mv: float) -> float:
    return round(mv, 4)


def criteria(volts: Voltages, sex: Sex | None, qrs_ms: float | None) -> dict[str, bool]:
    """Voltage criteria by name; one whose leads (or sex, where it decides) are missing is left out.

    Thresholds: Hancock et al., Recommendations part V, Circulation 2009;119:e251-e261, table 1; Peguero et al.,
    J Am Coll Cardiol 2017;69:1694-1703 for ``peguero_lo_presti_lvh``; low voltage as in the same recommendations.
    """
    r, s = volts.r, volts.s
    out: dict[str, bool] = {}
    if {"V1", "V5", "V6"} & r.keys() >= {"V1"} and {"V5", "V6"} & r.keys():
        lateral_r = max(r[lead] for lead in ("V5", "V6") if lead in r)
        lateral_s = max(s[lead] for lead in ("V5", "V6") if lead in s)
        out["sokolow_lyon_lvh"] = s["V1"] + lateral_r >= 3.5
        out["sokolow_lyon_rvh"] = r["V1"] + lateral_s >= 1.05
    if {"aVL", "V3"} <= r.keys():
        cornell = r["aVL"] + s["V3"]
        _by_sex(out, "cornell_lvh", cornell, sex, female=2.0, male=2.8)
        if qrs_ms is not None and sex is not None:
            out["cornell_product_lvh"] = (cornell + (0.8 if sex == "F" else 0.0)) * qrs_ms >= 244.0
    if "aVL" in r:
        out["avl_lvh"] = r["aVL"] > 1.1
    if {"I", "III"} <= r.keys():
        out["gubner_lvh"] = r["I"] + s["III"] > 2.5
    if set(CHEST_LEADS) <= r.keys():
        _by_sex(out, "peguero_lo_presti_lvh", max(s.values()) + s["V4"], sex, female=2.3, male=2.8)
        out["low_voltage_chest"] = all(_span(volts, lead) < 1.0 for lead in CHEST_LEADS)
    if set(LIMB_LEADS) <= r.keys():
        out["low_voltage_limb"] = all(_span(volts, lead) < 0.5 for lead in LIMB_LEADS)
    return out


def _span(volts: Voltages, lead: str) -> float:
    return volts.r[lead] + max(volts.s[lead], volts.q[lead])


def _by_sex(out: dict[str, bool], name: str, mv: float, sex: Sex | None, *, female: float, male: float) -> None:
    """Set a criterion whose threshold depends on sex; with the sex unknown only where both thresholds agree."""
    if sex is not None:
        out[name] = mv > (female if sex == "F" else male)
    elif mv > male:
        out[name] = True
    elif mv <= female:
        out[name] = False


def st_level(beat: RawBeat, bounds: Bounds, after_s: float = AFTER_J_S) -> dict[str, float]:
    """Lead to ST level, mV against the PR segment; the J point is the median QRS offset over the leads."""
    at = beat.zero + round((finite_median(bounds.qrs_off) / FS + after_s) * beat.fs)
    width = max(1, round(WINDOW_S * beat.fs))
    pieces = beat.signal[:, max(0, at - width) : max(0, at + width + 1)]
    if not pieces.shape[1]:
        return {}
    levels = zip(beat.leads, pieces.mean(axis=1).tolist(), strict=True)
    return {lead: round(level, 4) for lead, level in levels if math.isfinite(level)}
