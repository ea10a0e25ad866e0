"""What a user is told of a file that holds a pulse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from precordia.signals.pulse.table import Pulses
from precordia.signals.pulse.transit import Reading, Transit, systolic_mmhg, transit_time


def report(pulses: Pulses, calibration: Sequence[Reading] = ()) -> dict[str, Any]:
    """What was measured, and of two sites transit time and, by a person's own calibration, blood pressure: JSON values.

    Args:
        pulses: Of a file.
        calibration: Readings of a cuff; none is "not measured".
    """
    return {"pulse": pulses.analyse().document(), "blood_pressure": _pressure(pulses, calibration)}


def _pressure(pulses: Pulses, calibration: Sequence[Reading]) -> dict[str, Any]:
    sites = pulses.names[:2] if pulses.kind == "pulse" else ()  # colours of one video are of one place
    if len(sites) < 2:
        return {"systolic_mmhg": "not measured", "reason": "one site: pulses of two sites by one clock are needed"}
    transit = transit_time(pulses.values[0], pulses.values[1], pulses.fs)
    pressure = systolic_mmhg(transit, calibration)
    told = "not measured" if pressure is None else round(pressure, 1)
    return {
        "sites": list(sites),
        "transit_ms": "not measured" if transit.transit_s is None else round(1000 * transit.transit_s, 1),
        "coherence": round(transit.coherence, 3),
        "systolic_mmhg": told,
        "reason": "" if pressure is not None else _why(transit, calibration),
    }


def _why(transit: Transit, calibration: Sequence[Reading]) -> str:
    if transit.transit_s is None:
        return transit.reason
    if not calibration:
        return "no calibration: give readings of this person's cuff at transit times of these two sites"
    return "the calibration does not cover this transit time: two readings at different ones around it are needed"
