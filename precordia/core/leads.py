"""The twelve standard leads, their spellings, and the algebra between the limb leads.

Einthoven: ``III = II - I``. Goldberger: ``aVR = -(I + II) / 2``, ``aVL = I - II / 2``, ``aVF = II - I / 2``.
(Kligfield et al., Recommendations for the standardization and interpretation of the electrocardiogram, part I,
Circulation 2007;115:1306-1324.)
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEADS: Final = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The canonical names, in the canonical order."""

LIMB_LEADS: Final = LEADS[:6]
CHEST_LEADS: Final = LEADS[6:]

LIMB_FROM_I_II: Final[dict[str, tuple[float, float]]] = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
"""Each limb lead as ``a * I + b * II``."""

_CANONICAL: Final = {lead.upper(): lead for lead in LEADS}
_PREFIX: Final = re.compile(
    r"^(?:\d+:)?(?:(?:E[CK]G|ABLEITUNG|D[EÉ]RIVATION|DERIVACI[OÓ]N|DERIVAZIONE)(?:-|[ _]+))?"
    r"(?:(?:MDC[ _]ECG[ _])?LEAD(?:-|[ _]*))?",
    re.IGNORECASE,
)
"""What stands before a lead's name; the hyphen of "Lead -aVR" belongs to the lead."""
_ROMAN: Final = {"L1": "I", "L2": "II", "L3": "III", "D1": "I", "D2": "II", "D3": "III",
                 "DI": "I", "DII": "II", "DIII": "III", "C1": "V1", "C2": "V2", "C3": "V3", "C4": "V4", "C5": "V5",
                 "C6": "V6", "MLI": "I", "MLII": "II", "MLIII": "III"}  # fmt: skip


def canonical_lead(name: str) -> str | None:
    """The canonical name of a lead as spelled by a file, or None when it is not one of the twelve.

    A bare number is none: "ECG 1" and "ECG 2" are the channels of a Holter or a sleep study, on electrodes of their own.

    >>> canonical_lead("avr"), canonical_lead("MDC_ECG_LEAD_V3"), canonical_lead("Lead II"), canonical_lead("ECG 1")
    ('aVR', 'V3', 'II', None)
    """
    bare = _PREFIX.sub("", name.strip()).strip().replace("_", "").replace(" ", "").upper()
    bare = _ROMAN.get(bare, bare)
    if bare in ("-AVR", "AVR-"):
        return None
    return _CANONICAL.get(bare)


def derive_limb_leads(i: NDArray[np.float32], ii: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """All six limb leads from I and II.

    Args:
        i: Lead I, mV.
        ii: Lead II, mV, as long as ``i``.
    """
    return {lead: (a * i + b * ii).astype(np.float32) for lead, (a, b) in LIMB_FROM_I_II.items()}
