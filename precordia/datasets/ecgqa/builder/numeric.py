"""ECG-QA's numeric features as words about their normal ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from precordia.core.findings import Measurements

NORMAL_MS: Final[Mapping[str, tuple[float, float]]] = {
    "rr interval": (600.0, 1000.0),
    "p duration": (0.0, 120.0),
    "pr interval": (120.0, 200.0),
    "qrs duration": (60.0, 110.0),
    "qt interval": (330.0, 430.0),
    "qt corrected": (350.0, 450.0),
}
"""The generator's, except QTc, where the released answers follow 350-450 ms (see ``precordia eval ecgqa-numeric``)."""

BELOW: Final = "below the normal range"
WITHIN: Final = "within the normal range"
ABOVE: Final = "above the normal range"


def ranges_of(values_ms: Mapping[str, float | None]) -> dict[str, str]:
    """Each feature that was measured, below, within or above its normal range.

    >>> ranges_of({"qrs duration": 130.0, "p duration": None})
    {'qrs duration': 'above the normal range'}
    """
    out = {}
    for name, (low, high) in NORMAL_MS.items():
        value = values_ms.get(name)
        if value is not None:
            out[name] = BELOW if value < low else ABOVE if value > high else WITHIN
    return out


def features_of(m: Measurements) -> dict[str, float | None]:
    """The six features, ms, from what was measured on all leads."""
    return {
        "rr interval": m.rr_ms,
        "p duration": m.p_ms,
        "pr interval": m.pr_ms,
        "qrs duration": m.qrs_ms,
        "qt interval": m.qt_ms,
        "qt corrected": m.qtc_ms,
    }
