"""What a user is told of a file that holds a pulse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from precordia.signals.kind import KINDS
from precordia.signals.pulse.analysis import analyse_frames
from precordia.signals.pulse.frames import read_frame_table


def report(path: Path | str) -> dict[str, Any]:
    """The kind of signal, its limits in one line, and what was measured: JSON values.

    Raises:
        UnreadableRecordingError: no frame table.
        UnusableSignalError: too short, or no colour that varies.
    """
    kind = KINDS.get("pulse")
    analysis = analyse_frames(read_frame_table(path))
    return {"kind": kind.name, "limits": kind.limits, "pulse": analysis.document()}
