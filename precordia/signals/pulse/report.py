"""What a user is told of a file that holds a pulse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from precordia.signals.pulse.pressure import Reading, blood_pressure
from precordia.signals.pulse.table import Pulses
from precordia.signals.pulse.transit import transit_time


def report(pulses: Pulses, calibration: Sequence[Reading] = ()) -> dict[str, Any]:
    """What was measured, and of two sites transit time and, by a person's own calibration, blood pressure: JSON values.

    Args:
        pulses: Of a file.
        calibration: Readings of a cuff; without any, no pressure.
    """
    return {"pulse": pulses.analyse().document(), **_of_two_sites(pulses, calibration)}


def _of_two_sites(pulses: Pulses, calibration: Sequence[Reading]) -> dict[str, Any]:
    if pulses.kind != "pulse" or len(pulses.names) < 2:  # colours of one video are of one place
        reason = "one site; pulses of two sites by one clock are needed"
        return {"blood_pressure": {"systolic_mmhg": None, "not_measured": reason}}
    transit = transit_time(pulses.values[0], pulses.values[1], pulses.fs)
    return {
        "transit": {"sites": list(pulses.names[:2]), **transit.document()},
        "blood_pressure": blood_pressure(transit.transit_ms, calibration).document(),
    }
