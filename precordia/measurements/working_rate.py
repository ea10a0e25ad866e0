"""The rate at which beats are measured, and the span of an average beat."""

from __future__ import annotations

from typing import Final

FS: Final = 250.0
"""Working rate, Hz: a boundary falls within 2 ms of its place, well below the 10 ms by which experts differ (CSE Working
Party, Recommendations for measurement standards in quantitative electrocardiography, Eur Heart J 1985;6:815-825)."""

BEFORE: Final = round(0.45 * FS)
"""Samples of an average beat before its R position."""

AFTER: Final = round(0.65 * FS)
"""Samples of an average beat after its R position."""
