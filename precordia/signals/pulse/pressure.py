"""Blood pressure from the transit time between two sites, where a person's own calibration is given: never without one.

Stiffer vessels under more pressure carry the wave faster; how much is each person's own, so that pressure needs readings of a
cuff beside transit times (Mukkamala et al., IEEE Trans Biomed Eng 2015;62:1879): pressure is a line in the inverse of the transit
time, through that person's readings. A calibration is a CSV file with a line a reading::

    transit_ms,systolic_mmhg
    45,125
    62,119
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from precordia.core.errors import InputError
from precordia.signals.pulse.transit import LONGEST_S

FEWEST_READINGS: Final = 2
FEWEST_SPREAD_MS: Final = 5.0
"""Transit times of a calibration have to differ by more: a phase is no finer than that."""

REACH: Final = 0.25
"""How far beyond the calibration's transit times, as a share of their range, a pressure is still told."""

_COLUMNS: Final = ("transit_ms", "systolic_mmhg")
_LOWEST_MMHG, _HIGHEST_MMHG = 50.0, 260.0
_LONGEST_MS: Final = LONGEST_S * 1000.0


@dataclass(frozen=True)
class Reading:
    """One reading of a cuff beside a transit time of the same person at the same two sites.

    Attributes:
        transit_ms: Of either sign: which site came first.
        systolic_mmhg: mmHg.

    Raises:
        InputError: no cuff gives it, or no body such a transit time.
    """

    transit_ms: float
    systolic_mmhg: float

    def __post_init__(self) -> None:
        if not (0.0 < abs(self.transit_ms) <= _LONGEST_MS and _LOWEST_MMHG <= self.systolic_mmhg <= _HIGHEST_MMHG):
            raise InputError(
                f"{self.transit_ms:g} ms at {self.systolic_mmhg:g} mmHg is no reading of a cuff "
                f"(to {_LONGEST_MS:g} ms, {_LOWEST_MMHG:g} to {_HIGHEST_MMHG:g} mmHg)"
            )


@dataclass(frozen=True)
class Pressure:
    """What a transit time says of the pressure.

    Attributes:
        systolic_mmhg: None where it was not measured.
        error_mmhg: How far the calibration's own readings lie from its line (root mean square); None of two readings, through
            which any line passes.
        reason: Why it was not measured, else empty.
    """

    systolic_mmhg: float | None
    error_mmhg: float | None = None
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON; a pressure that was not measured is null, and says why."""
        found = {"systolic_mmhg": _tenths(self.systolic_mmhg), "calibration_error_mmhg": _tenths(self.error_mmhg)}
        return {**found, "not_measured": self.reason} if self.reason else found


def blood_pressure(transit_ms: float | None, calibration: Sequence[Reading] | None) -> Pressure:
    """Systolic pressure by a person's own calibration, or why it was not measured.

    Args:
        transit_ms: Of now, at the sites of the calibration; None where it was not measured.
        calibration: That person's readings; None or none where there are none.

    >>> blood_pressure(50.0, None).reason
    'pressure needs a calibration, a cuff beside transit times of the same person'
    """
    if not calibration:
        return _unmeasured("pressure needs a calibration, a cuff beside transit times of the same person")
    if transit_ms is None:
        return _unmeasured("no transit time")
    times = np.array([abs(reading.transit_ms) for reading in calibration])
    if times.size < FEWEST_READINGS or np.ptp(times) < FEWEST_SPREAD_MS:
        return _unmeasured(
            f"the calibration needs {FEWEST_READINGS} readings whose transit times differ by {FEWEST_SPREAD_MS:g} ms or more"
        )
    if len({reading.transit_ms > 0 for reading in calibration} | {transit_ms > 0}) > 1:
        return _unmeasured("the sites are not in the order of the calibration: transit times have both signs")
    now, room = abs(transit_ms), REACH * float(np.ptp(times))
    low, high = times.min() - room, times.max() + room
    if not low <= now <= high:
        return _unmeasured(f"{now:.0f} ms lie beyond what the calibration covers ({low:.0f} to {high:.0f} ms)")
    read = np.array([reading.systolic_mmhg for reading in calibration])
    slope, level = np.polyfit(1.0 / times, read, 1)
    left = read - (slope / times + level)
    error = float(np.sqrt(left @ left / (times.size - 2))) if times.size > FEWEST_READINGS else None
    return Pressure(float(slope / now + level), error)


def read_calibration(path: Path | str) -> tuple[Reading, ...]:
    """The readings of a CSV file with the columns ``transit_ms`` and ``systolic_mmhg``.

    Raises:
        InputError: no such file, no such columns, no reading, or something that is none.
    """
    place = Path(path)
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            names, rows = tuple(table.fieldnames or ()), list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{place}: no calibration that can be read; give a CSV file ({', '.join(_COLUMNS)})"
        ) from error
    if not set(_COLUMNS) <= set(names) or not rows:
        raise InputError(f"{place}: a calibration needs the columns {' and '.join(_COLUMNS)}, and a line a reading")
    readings = []
    for line, row in enumerate(rows, start=2):
        try:
            readings.append(Reading(*(float(row[name]) for name in _COLUMNS)))
        except (TypeError, ValueError):
            raise InputError(f"{place}: line {line}: not two numbers") from None
        except InputError as error:
            raise InputError(f"{place}: line {line}: {error}") from None
    return tuple(readings)


def readings_of(text: str) -> tuple[Reading, ...]:
    """The same written as ``45:125, 62:119``: transit time in ms, then mmHg.

    Raises:
        InputError: it is not, or something is no reading.
    """
    pairs = [part.partition(":") for part in text.split(",")]
    try:
        numbers = [(float(transit), float(systolic)) for transit, _, systolic in pairs]
    except ValueError:
        raise InputError(f"{text[:80]}: no calibration; write transit time in ms and mmHg: 45:125,62:119") from None
    return tuple(Reading(*pair) for pair in numbers)


def _unmeasured(reason: str) -> Pressure:
    return Pressure(None, None, reason)


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
