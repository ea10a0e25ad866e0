"""What readers of different formats share: rows of one length, derived limb leads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import LEADS, LIMB_LEADS, derive_limb_leads
from precordia.records.channels import name_channels, to_float32

Rows = Mapping[str, NDArray[np.floating]]


def stack_rows(path: Path, rows: Rows, what: str = "leads") -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Lead names (canonical, distinct) and ``(n_leads, n_samples)`` float32 from rows in mV under the file's names.

    Raises:
        UnusableSignalError: there are no rows, or they are empty.
        UnreadableRecordingError: they differ in length.
    """
    if not rows:
        raise UnusableSignalError(f"{path}: holds no {what}; nothing to read")
    lengths = {row.size for row in rows.values()}
    if len(lengths) > 1:
        raise UnreadableRecordingError(
            f"{path}: its {what} have different lengths ({min(lengths)} to {max(lengths)} samples); the file is damaged"
        )
    if 0 in lengths:
        raise UnusableSignalError(f"{path}: its {what} hold no samples; nothing to read")
    signal = np.stack([to_float32(np.asarray(row, dtype=np.float64)) for row in rows.values()])
    return name_channels(list(rows)), signal


def with_limb_leads(
    leads: tuple[str, ...], signal: NDArray[np.float32]
) -> tuple[tuple[str, ...], NDArray[np.float32], tuple[str, ...]]:
    """The leads in standard order with III, aVR, aVL and aVF derived from I and II when missing, and a note saying so."""
    rows = dict(zip(leads, signal, strict=True))
    missing = [lead for lead in LIMB_LEADS if lead not in rows]
    notes: tuple[str, ...] = ()
    if missing and "I" in rows and "II" in rows:
        derived = derive_limb_leads(rows["I"], rows["II"])
        rows.update({lead: derived[lead] for lead in missing})
        notes = (f"{', '.join(missing)} derived from I and II",)
    order = [lead for lead in LEADS if lead in rows] + [lead for lead in rows if lead not in LEADS]
    return tuple(order), np.stack([rows[lead] for lead in order]), notes


def resample_row(row: NDArray[np.float64], up: int, down: int, n_samples: int) -> NDArray[np.float64]:
    """A lead at ``up / down`` times its rate, ``n_samples`` long, by polyphase resampling; missing samples stay missing."""
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(up, down)
    up, down = up // common, down // common
    if up > 10_000 or down > 10_000:
        raise UnreadableRecordingError(
            f"leads whose rates are as {up} to {down} cannot be brought together; the file is damaged"
        )
    finite = np.isfinite(row)
    out = np.zeros(n_samples)
    found: NDArray[np.float64] = resample_poly(np.where(finite, row, 0.0), up, down, padtype="line")[:n_samples]
    out[: found.size] = found
    if not finite.all():
        nearest = np.minimum(np.arange(n_samples) * down // up, row.size - 1)
        out[~finite[nearest]] = np.nan
    return out
