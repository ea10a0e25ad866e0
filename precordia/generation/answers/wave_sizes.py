"""Numbers that are read off several leads or measurements, for tables that say beside which a finding is there or is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from precordia.core.findings import Measurements

_LIMB: Final = ("I", "II", "III")
_INFERIOR: Final = ("II", "III", "aVF")
_SEPTAL: Final = ("V1", "V2", "V3")
_LATERAL: Final = ("I", "V6")
_UPRIGHT: Final = ("I", "II", "aVL", "aVF", "V3", "V4", "V5", "V6")
"""Leads in which the T wave of a healthy adult is upright or flat."""


@dataclass(frozen=True)
class WaveSize:
    """A number over leads, or of two measurements.

    Attributes:
        of: The measurements that it is read off, by their names.
        read: The number; raises KeyError or ValueError where a lead is not measured.
    """

    of: tuple[str, ...]
    read: Callable[[Measurements], float]

    def value(self, m: Measurements) -> float | None:
        """The number, or None where a lead that it needs was not measured."""
        try:
            return self.read(m)
        except (KeyError, ValueError):
            return None


def _all(values: Mapping[str, float], but: str = "") -> list[float]:
    """What was measured in all leads, one left out; nothing where any is missing: an unmeasured lead may show it."""
    return [value for lead, value in values.items() if lead != but] if len(values) == _TWELVE else []


def _known(value: float | None) -> float:
    if value is None:
        raise ValueError
    return value


_TWELVE: Final = 12
_RV: Final = ("r_mv", "s_mv")

WAVE_SIZES: Final[Mapping[str, WaveSize]] = {
    "limb_mv": WaveSize(
        ("r_mv", "s_mv", "q_mv"), lambda m: max(max(m.r_mv[lead], m.q_mv[lead]) + m.s_mv[lead] for lead in _LIMB)
    ),
    "sokolow_mv": WaveSize(_RV, lambda m: m.s_mv["V1"] + max(m.r_mv["V5"], m.r_mv["V6"])),
    "cornell_mv": WaveSize(_RV, lambda m: m.r_mv["aVL"] + m.s_mv["V3"]),
    "r_avl_mv": WaveSize(("r_mv",), lambda m: m.r_mv["aVL"]),
    "r_v1_mv": WaveSize(("r_mv",), lambda m: m.r_mv["V1"]),
    "r_less_s_v1_mv": WaveSize(_RV, lambda m: m.r_mv["V1"] - m.s_mv["V1"]),
    "s_v6_share": WaveSize(_RV, lambda m: m.s_mv["V6"] / max(m.r_mv["V6"], 0.01)),
    "s_i_share": WaveSize(_RV, lambda m: m.s_mv["I"] / max(m.r_mv["I"], 0.01)),
    "q_any_mv": WaveSize(("q_mv",), lambda m: max(_all(m.q_mv, but="aVR"))),
    "q_inferior_mv": WaveSize(("q_mv",), lambda m: max(m.q_mv[lead] for lead in _INFERIOR)),
    "q_septal_mv": WaveSize(("q_mv",), lambda m: max(m.q_mv[lead] for lead in _SEPTAL)),
    "q_lateral_mv": WaveSize(("q_mv",), lambda m: max(m.q_mv[lead] for lead in _LATERAL)),
    "r_inferior_mv": WaveSize(("r_mv",), lambda m: min(m.r_mv["II"], m.r_mv["aVF"])),
    "r_v2_mv": WaveSize(("r_mv",), lambda m: m.r_mv["V2"]),
    "r_v3_mv": WaveSize(("r_mv",), lambda m: m.r_mv["V3"]),
    "st_highest_mv": WaveSize(("st_j_mv", "st_j60_mv"), lambda m: max(max(_all(m.st_j_mv)), max(_all(m.st_j60_mv)))),
    "st_inferior_mv": WaveSize(("st_j_mv",), lambda m: max(m.st_j_mv[lead] for lead in _INFERIOR)),
    "st_septal_mv": WaveSize(("st_j_mv",), lambda m: max(m.st_j_mv[lead] for lead in _SEPTAL)),
    "st_lowest_mv": WaveSize(
        ("st_j_mv", "st_j60_mv"), lambda m: min(min(_all(m.st_j_mv, but="aVR")), min(_all(m.st_j60_mv, but="aVR")))
    ),
    "st_j60_lowest_mv": WaveSize(("st_j60_mv",), lambda m: min(_all(m.st_j60_mv, but="aVR"))),
    "rr_odd_sd_ms": WaveSize(("rr_sd_ms",), lambda m: _known(m.rr_sd_ms) - _known(m.rr_usual_sd_ms)),
    "t_lowest_mv": WaveSize(("t_mv",), lambda m: min(m.t_mv[lead] for lead in _UPRIGHT)),
}
"""By the names that the tables give them; mV, ms, or a share."""
