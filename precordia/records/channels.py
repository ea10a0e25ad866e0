"""Channel names, voltage units and dates as files spell them. Age and sex stand in ``people``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS, canonical_lead

_PREFIXES: Final = {
    "": 1e3,
    "m": 1.0,
    "milli": 1.0,
    "mili": 1.0,
    "u": 1e-3,
    "micro": 1e-3,
    "mikro": 1e-3,
    "n": 1e-6,
    "nano": 1e-6,
}
"""Millivolt per volt with each prefix; the micro sign is written as u."""
_VOLT: Final = re.compile(r"(?:mdc[ _-]?dim[ _-]?)?([a-z]*?)[ _-]?v(?:ol(?:ts?|tios?)?)?\.?")
_MICRO: Final = re.compile("(?:Â|Ã‚)?µ|(?:Î¼|μ|ﾂｵ)")
"""The two micro signs, and what becomes of them when UTF-8 is taken for an 8-bit character set."""

LARGEST_MV: Final = 40.0
"""Largest believable median peak-to-peak amplitude of a recording's leads, mV; in microvolts it begins near 100."""

_OTHER_SIGNAL: Final = re.compile(
    r"^(ppg|pleth\w*|abp|art|ibp|nibp|bp|cvp|pap?|icp|resp\w*|airflow|flow|spo2|sao2|co2|etco2|temp\w*|gsr|eda|emg\w*|eog\w*|eeg\w*"
    r"|acc\w*|marker|event\w*|trigger|annotation\w*|status|battery|hr|rr)\b",
    re.IGNORECASE,
)
"""Names of channels that are no ECG, for files that give no unit or a wrong one."""

_NUMBERED: Final = re.compile(r"^(?:lead[ _]*|e[ck]g[ _]*)?([123])$", re.IGNORECASE)

_DATES: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y",
                 "%Y年%m月%d日")  # fmt: skip
_SHORTEST_DATE: Final = 6
"""Four digits of a year, one of a month, one of a day."""
_TIMES: Final = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%H%M%S", "%H%M%S.%f")


def mv_per_unit(unit: str) -> float | None:
    """Millivolt per ``unit``, or None when it is no voltage (an empty unit is none).

    >>> mv_per_unit("uV"), mv_per_unit("µV"), mv_per_unit("mVolt"), mv_per_unit("millivolts"), mv_per_unit("mmHg")
    (0.001, 0.001, 1.0, 1.0, None)
    """
    match = _VOLT.fullmatch(_MICRO.sub("u", unit.strip()).lower())
    return _PREFIXES.get(match.group(1)) if match else None


def assumed_unit(rows: Iterable[NDArray[np.floating]]) -> tuple[str, float]:
    """The unit, mV or uV, that makes amplitudes those of an ECG, and its millivolts; for files that give none.

    >>> assumed_unit([np.array([0.0, 900.0, -200.0, 0.0])])
    ('uV', 0.001)
    """
    spreads = [np.ptp(np.nanpercentile(row, (0.5, 99.5))) for row in rows if np.isfinite(row).any()]
    alive = [spread for spread in spreads if spread > 0]
    middle = float(np.median(alive)) if alive else 1.0
    return ("uV", 1e-3) if middle > LARGEST_MV else ("mV", 1.0)


def is_other_signal(name: str) -> bool:
    """Whether a channel's name says that it is no ECG (pulse, pressure, breathing, markers).

    >>> is_other_signal("PLETH"), is_other_signal("II")
    (True, False)
    """
    return bool(_OTHER_SIGNAL.match(name.strip()))


def name_channels(names: Sequence[str]) -> tuple[str, ...]:
    """Canonical lead names where the channels are standard leads, else the file's own; all distinct.

    A number alone names no lead ("ECG 1" of a Holter or a sleep study); beside augmented or chest leads, 1, 2 and 3 are
    I, II and III.

    >>> name_channels(["i", "MLII", "ECG", "ECG", "II"]), name_channels(["ECG 1", "ECG 2"])
    (('I', 'II', 'ECG', 'ECG (2)', 'II (2)'), ('ECG 1', 'ECG 2'))
    """
    leads = [canonical_lead(raw) for raw in names]
    if any(lead in LEADS[3:] for lead in leads) and not {"I", "II", "III"} & set(leads):
        numbers = [_NUMBERED.match(raw.strip()) for raw in names]
        leads = [
            lead or (number and LEADS[int(number.group(1)) - 1]) for lead, number in zip(leads, numbers, strict=True)
        ]
    taken: dict[str, int] = {}
    out: list[str] = []
    for position, (raw, lead) in enumerate(zip(names, leads, strict=True)):
        name = lead or raw.strip() or f"channel {position + 1}"
        taken[name] = taken.get(name, 0) + 1
        unique = name if taken[name] == 1 else f"{name} ({taken[name]})"
        while unique in out:
            taken[name] += 1
            unique = f"{name} ({taken[name]})"
        out.append(unique)
    return tuple(out)


def standard_if_unnamed(names: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...]]:
    """The names, or the standard twelve when there are twelve channels of which none has a name, and a note saying so."""
    if len(names) == len(LEADS) and not any(name.strip() for name in names):
        return LEADS, ("lead names not given: taken in standard order",)
    return names, ()


def parse_time(date: str, time: str = "") -> datetime | None:
    """A date, with its time of day where there is one, in the spellings that ECG files use; None when it is neither.

    >>> parse_time("15/08/1994", "17:27:45")
    datetime.datetime(1994, 8, 15, 17, 27, 45)
    """
    if len(date) < _SHORTEST_DATE:  # most cells are ages and the like
        return None
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
