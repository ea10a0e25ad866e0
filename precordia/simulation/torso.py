"""From the heart's dipole to the leads: the lead field of one person, and electrodes put in the wrong place.

Axes are Frank's: x to the left, y to the feet, z to the back. The mean lead field is Dower's matrix (Dower, Machado,
Osborne, On deriving the electrocardiogram from vectorcardiographic leads, Clin Cardiol 1980;3:87-95; the same figures
are inverted in Edenbrandt, Pahlm, J Electrocardiol 1988;21:361-367). People differ: each row is scaled and turned a
little, and every wave sees a slightly different field, which stands for what a single moving dipole cannot say.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnknownNameError
from precordia.core.leads import CHEST_LEADS, LEADS, LIMB_FROM_I_II

INDEPENDENT: Final = ("I", "II", *CHEST_LEADS)
"""The eight leads that are not sums of others."""

DOWER: Final = np.array(
    [
        [0.632, -0.235, 0.059],  # I
        [0.235, 1.066, -0.132],  # II
        [-0.515, 0.157, -0.917],  # V1
        [0.044, 0.164, -1.387],  # V2
        [0.882, 0.098, -1.277],  # V3
        [1.213, 0.127, -0.601],  # V4
        [1.125, 0.127, -0.086],  # V5
        [0.831, 0.076, 0.230],  # V6
    ]
)
"""mV on each independent lead per mV of the Frank dipole (x, y, z)."""

NON_DIPOLAR: Final = 0.07
"""Relative standard deviation of the lead field from wave to wave."""

NEAR: Final = {"outflow": np.array([0.02, 0.02, 1.0, 1.0, 0.30, 0.06, 0.02, 0.02])}
"""What the independent leads see of a source close beneath the chest wall, as a share of a distant one's: the right ventricular
outflow lies under V1 and V2 (Nagase et al., J Am Coll Cardiol 2002;39:1992-1995). A wave's last word names the source."""


def _twelve_from_eight() -> NDArray[np.float64]:
    matrix = np.zeros((12, 8))
    for row, lead in enumerate(LEADS):
        if lead in LIMB_FROM_I_II:
            matrix[row, :2] = LIMB_FROM_I_II[lead]
        else:
            matrix[row, INDEPENDENT.index(lead)] = 1.0
    return matrix


TWELVE_FROM_EIGHT: Final = _twelve_from_eight()
"""``(12, 8)``: the twelve leads, in canonical order, from the independent eight."""

MISPLACEMENTS: Final = ("LA-RA", "LA-LL", "RA-LL", "V1-V2", "V2-V3", "V5-V6", "V1V2 high")
"""Electrodes exchanged, or V1 and V2 one intercostal space too high."""


@dataclass(frozen=True, eq=False)
class Torso:
    """One person's lead field.

    Attributes:
        lead_field: ``(8, 3)``, mV on the independent leads per mV of dipole.
        key: Draws the departures from a dipole; the same key, the same person.
        exchange: ``(8, 8)`` applied last: the identity, or electrodes exchanged.
    """

    lead_field: NDArray[np.float64]
    key: int
    exchange: NDArray[np.float64]
    _seen: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)

    def field_of(self, name: str) -> NDArray[np.float64]:
        """The lead field that a wave of that name sees, ``(8, 3)``."""
        if name not in self._seen:
            rng = np.random.default_rng([self.key, zlib.crc32(name.encode())])
            departure = 1.0 + NON_DIPOLAR * rng.standard_normal(self.lead_field.shape)
            near = NEAR.get(name.split(" ")[-1], np.ones(len(INDEPENDENT)))
            self._seen[name] = self.exchange @ (self.lead_field * departure * near[:, None])
        return self._seen[name]

    def project(self, name: str, vector: tuple[float, float, float]) -> NDArray[np.float64]:
        """What a wave's peak dipole (mV) makes on the independent leads, ``(8,)`` mV."""
        out: NDArray[np.float64] = self.field_of(name) @ np.asarray(vector)
        return out


def new_torso(rng: np.random.Generator, *, attenuation: float = 1.0) -> Torso:
    """A person's torso.

    Args:
        rng: Draws the person.
        attenuation: Below 1 for a large chest (distance and fat weaken every lead; the chest leads most).
    """
    gain = np.exp(rng.normal(0.0, [0.05, 0.05, 0.12, 0.12, 0.12, 0.12, 0.10, 0.10]))
    gain *= attenuation ** np.array([0.6, 0.6, 1, 1, 1, 1, 1, 1])
    size = np.linalg.norm(DOWER, axis=1, keepdims=True)
    turned = DOWER + rng.normal(0.0, 0.06, DOWER.shape) * size
    return Torso(turned * gain[:, None], int(rng.integers(2**31)), np.eye(8))


def misplaced(torso: Torso, kind: str) -> Torso:
    """The same person with electrodes put wrong.

    Raises:
        UnknownNameError: ``kind`` is none of :data:`MISPLACEMENTS`.
    """
    if kind not in MISPLACEMENTS:
        raise UnknownNameError("misplacement", kind, MISPLACEMENTS)
    if kind == "V1V2 high":
        rows = torso.lead_field.copy()
        for row in (2, 3):
            # From the second or third space the heart is seen from above: smaller r, negative P, rSr' more often
            # (Garcia-Niebla et al., Ann Noninvasive Electrocardiol 2009;14:389-403).
            size = np.linalg.norm(rows[row])
            rows[row] += size * np.array([-0.05, -0.35, 0.12])
        return replace(torso, lead_field=rows)
    return replace(torso, exchange=_exchange(kind) @ torso.exchange)


def _exchange(kind: str) -> NDArray[np.float64]:
    """``(8, 8)``: independent leads as recorded from independent leads as they should be."""
    electrodes = ("RA", "LA", "LL", *CHEST_LEADS)
    # Potentials against RA: LA = I, LL = II, chest electrode = V + Wilson's terminal (I + II) / 3.
    potential = np.zeros((9, 8))
    potential[1, 0] = potential[2, 1] = 1.0
    potential[3:, 2:] = np.eye(6)
    potential[3:, :2] = 1.0 / 3.0
    a, b = (electrodes.index(name) for name in kind.split("-"))
    potential[[a, b]] = potential[[b, a]]
    recorded = np.zeros((8, 9))
    recorded[0, [1, 0]] = 1.0, -1.0
    recorded[1, [2, 0]] = 1.0, -1.0
    recorded[2:, 3:] = np.eye(6)
    recorded[2:, :3] = -1.0 / 3.0
    out: NDArray[np.float64] = recorded @ potential
    return out
