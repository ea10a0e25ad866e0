"""Channel names, voltage units and plain values as files spell them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import canonical_lead
from precordia.core.recording import Sex

MV_PER_UNIT: Final = {"mv": 1.0, "uv": 1e-3, "nv": 1e-6, "v": 1e3}
"""Millivolt per unit, by the unit's name in lower case (the micro sign written as u)."""

_SEX: Final[dict[str, Sex]] = {"m": "M", "male": "M", "man": "M", "männlich": "M",
                               "f": "F", "female": "F", "w": "F", "woman": "F", "weiblich": "F"}  # fmt: skip

_DATES: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d")
_TIMES: Final = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%H%M%S", "%H%M%S.%f")


def mv_per_unit(unit: str) -> float | None:
    """Millivolt per ``unit``, or None when it is no voltage.

    >>> mv_per_unit("uV"), mv_per_unit("µV"), mv_per_unit("mmHg")
    (0.001, 0.001, None)
    """
    return MV_PER_UNIT.get(unit.strip().lower().replace("µ", "u").replace("μ", "u").replace("microv", "uv"))


def name_channels(names: Sequence[str]) -> tuple[str, ...]:
    """Canonical lead names where the channels are standard leads, else the file's own; all distinct.

    >>> name_channels(["i", "MLII", "ECG", "ECG", "II"])
    ('I', 'II', 'ECG', 'ECG (2)', 'II (2)')
    """
    taken: dict[str, int] = {}
    out = []
    for position, raw in enumerate(names):
        name = canonical_lead(raw) or raw.strip() or f"channel {position + 1}"
        taken[name] = taken.get(name, 0) + 1
        unique = name if taken[name] == 1 else f"{name} ({taken[name]})"
        while unique in out:
            taken[name] += 1
            unique = f"{name} ({taken[name]})"
        out.append(unique)
    return tuple(out)


def parse_sex(text: object) -> Sex | None:
    """ "F" or "M" from a file's spelling, or None.

    >>> parse_sex("Female"), parse_sex("m"), parse_sex("U")
    ('F', 'M', None)
    """
    return _SEX.get(str(text).strip().lower())


def parse_age(text: object) -> float | None:
    """Age in years, or None when there is none; ages above 120, by which archives hide those over 89, become 90.

    >>> parse_age("56"), parse_age("300"), parse_age("NaN"), parse_age("034Y"), parse_age("6 months")
    (56.0, 90.0, None, 34.0, 0.5)
    """
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)", str(text).lower())
    if not match:
        return None
    value, unit = float(match.group(1)), match.group(2)[:1]
    value /= {"m": 12.0, "w": 365.25 / 7, "d": 365.25, "h": 365.25 * 24}.get(unit, 1.0)
    if not math.isfinite(value):
        return None
    return 90.0 if value > 120 else value


def parse_time(date: str, time: str = "") -> datetime | None:
    """A date, with its time of day where there is one, in the spellings that ECG files use; None when it is neither.

    >>> parse_time("15/08/1994", "17:27:45")
    datetime.datetime(1994, 8, 15, 17, 27, 45)
    """
    day = next((found for form in _DATES if (found := _strptime(date, form))), None)
    if day is None or not 1800 <= day.year <= 2200:
        return None
    clock = next((found for form in _TIMES if time and (found := _strptime(time, form))), None)
    return day if clock is None else datetime.combine(day.date(), clock.time())


def _strptime(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), form)
    except ValueError:
        return None


def one_line(text: str) -> str:
    """Text with all white space runs as one blank and control characters gone."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]+", " ", text).split())


def to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Float32, with what overflows or is infinite marked missing (NaN)."""
    with np.errstate(all="ignore"):
        out: NDArray[np.float32] = values.astype(np.float32)
    out[~np.isfinite(out)] = np.nan
    return out
