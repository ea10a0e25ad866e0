"""Video as a frame table: the mean red, green and blue of each frame with its time, one line a frame."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError

COLOURS: Final = ("red", "green", "blue")
FS: Final = 100.0
"""Rate that frames are brought to, Hz: beats are placed between frames by interpolation anyway."""

SHORTEST_S: Final = 5.0
_MOST_BYTES: Final = 256 * 2**20
_HEADER: Final = re.compile(
    r"\s*\"?(?:time|t|timestamp)(?:\s*[\[(]?\s*(?P<unit>ms|s)\s*[\])]?)?\"?\s*(?P<mark>[,;\t])"
    r"\s*\"?r(?:ed)?\"?\s*(?P=mark)\s*\"?g(?:reen)?\"?\s*(?P=mark)\s*\"?b(?:lue)?\"?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class FrameTable:
    """A video's mean colours.

    Attributes:
        time_s: ``(n,)`` float64, s, rising.
        colours: ``(3, n)`` float64, mean red, green and blue, in the camera's own units.
        source: The file.
    """

    time_s: NDArray[np.float64]
    colours: NDArray[np.float64]
    source: str = ""

    @property
    def duration_s(self) -> float:
        """First to last frame, s."""
        return float(self.time_s[-1] - self.time_s[0])

    def pulses(self) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Names of the colours that vary, and their pulses ``(n_colours, n_samples)`` at :data:`FS`, blood volume upwards.

        More blood absorbs more light (Allen, Physiol Meas 2007;28:R1), so that a pulse is a darker frame.
        """
        at = np.arange(self.time_s[0], self.time_s[-1], 1.0 / FS)
        kept = [row for row in range(3) if float(np.ptp(self.colours[row])) > 0.0]
        rows = [-np.interp(at, self.time_s, self.colours[row]) for row in kept]
        return tuple(COLOURS[row] for row in kept), np.array(rows).reshape(len(kept), at.size)


def is_frame_table(path: Path | str) -> bool:
    """Whether a file begins like a frame table: a line of names, time, red, green, blue."""
    place = Path(path)
    if not place.is_file():
        return False
    with place.open("rb") as file:
        first = file.read(256).split(b"\n", 1)[0]
    return _HEADER.fullmatch(first.decode("utf-8-sig", errors="replace").rstrip("\r")) is not None


def read_frame_table(path: Path | str) -> FrameTable:
    """The frames of a text table with the columns time, red, green, blue.

    Times without a unit are ms, or s where frames would follow each other in less than a millisecond.
    Frames whose time does not rise are left out: some telephones deliver the same one twice.

    Raises:
        UnreadableRecordingError: no such file, no such columns, or something else than numbers in them.
        UnusableSignalError: less than :data:`SHORTEST_S`, or no colour that varies.
    """
    place = Path(path)
    if not is_frame_table(place):
        raise UnreadableRecordingError(
            f"{place}: no frame table; give a text file whose first line is time,red,green,blue and a line for each frame"
        )
    if place.stat().st_size > _MOST_BYTES:
        raise UnreadableRecordingError(f"{place}: larger than {_MOST_BYTES >> 20} MiB; cut the video")
    first, _, body = place.read_text(encoding="utf-8-sig", errors="replace").partition("\n")
    header = _HEADER.fullmatch(first.rstrip("\r"))
    assert header is not None
    try:
        rows = np.loadtxt(io.StringIO(body), delimiter=header["mark"], dtype=np.float64, ndmin=2)
    except ValueError:
        raise UnreadableRecordingError(f"{place}: something else than four numbers a line; export it again") from None
    if rows.shape[0] < 2 or rows.shape[1] != 4:
        raise UnusableSignalError(f"{place}: {rows.shape[0]} frames of {rows.shape[1]} columns; film longer")
    rows = rows[np.isfinite(rows).all(axis=1)]
    step = float(np.median(np.diff(rows[:, 0]))) if len(rows) > 1 else 0.0
    unit = (header["unit"] or ("s" if 0.0 < step < 1.0 else "ms")).lower()
    time = rows[:, 0] / (1.0 if unit == "s" else 1000.0)
    new = np.r_[True, time[1:] > np.maximum.accumulate(time)[:-1]] if time.size else np.zeros(0, dtype=np.bool_)
    table = FrameTable(time[new], np.ascontiguousarray(rows[new, 1:].T), str(place))
    if table.time_s.size < 2 or table.duration_s < SHORTEST_S:
        raise UnusableSignalError(f"{place}: shorter than {SHORTEST_S:g} s; film longer")
    if not np.ptp(table.colours, axis=1).any():
        raise UnusableSignalError(f"{place}: no colour varies; film a fingertip or a face in steady light")
    return table
