"""What readers of different formats share: rows of one length, strips at their times, derived limb leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import LEADS, LIMB_LEADS, derive_limb_leads
from precordia.records.channels import name_channels, to_float32
from precordia.records.filtering import resampled
from precordia.records.limits import check_shape

Rows = Mapping[str, NDArray[np.floating]]

_SPARSEST: Final = 10
"""Strips further apart than this many times their own length are separate recordings."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Leads that were recorded together.

    Attributes:
        rows: By the file's lead names, mV, all of one length.
        fs: Hz.
        start_s: When it begins, s, on a clock that all strips of a file share; None when the file does not say.
    """

    rows: Rows
    fs: float
    start_s: float | None = None

    @property
    def n_samples(self) -> int:
        """Length of each row."""
        return int(next(iter(self.rows.values())).size)


def join_strips(
    path: Path, strips: Sequence[Strip], what: str = "strips"
) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    """Strips of one recording as lead names, ``(n_leads, n_samples)``, rate and notes.

    Strips with times are laid at them; a lead is NaN where no strip holds it. Without times, those of equal length are
    simultaneous. Strips that do not go with the longest are left out and counted in a note.

    Args:
        path: Named in messages.
        strips: At least one.
        what: What the format calls them, for the notes.

    Raises:
        UnusableSignalError: there is nothing in them.
        UnreadableRecordingError: rows of a strip differ in length, or they span more than is read.
    """
    longest = max(strips, key=lambda strip: (strip.n_samples / strip.fs, len(strip.rows)))
    fitting = [strip for strip in strips if strip.fs == longest.fs]
    first, fs = min((strip.start_s for strip in fitting if strip.start_s is not None), default=0.0), longest.fs
    starts = [first if strip.start_s is None else strip.start_s for strip in fitting]
    offsets = [round((start - first) * fs) for start in starts]
    total = max(offset + strip.n_samples for offset, strip in zip(offsets, fitting, strict=True))
    if not any(offsets) or total > _SPARSEST * sum(strip.n_samples for strip in fitting):
        # At one time, or at times of which nothing is known: only equally long ones are sure to be simultaneous.
        rows = dict(longest.rows)
        together = [longest]
        place = offsets[fitting.index(longest)]
        for strip, offset in zip(fitting, offsets, strict=True):
            same = offset == place and strip.n_samples == longest.n_samples
            if strip is not longest and same and not set(strip.rows) & set(rows):
                rows.update(strip.rows)
                together.append(strip)
        leads, signal = stack_rows(path, rows)
        left = len(strips) - len(together)
        return leads, signal, fs, ((f"left out: {left} {what} of another length, rate or time",) if left else ())
    names = dict.fromkeys(name for strip in fitting for name in strip.rows)
    check_shape(path, len(names), total)
    laid = {name: np.full(total, np.nan) for name in names}
    for strip, offset in sorted(zip(fitting, offsets, strict=True), key=lambda pair: -pair[0].n_samples):
        for name, row in strip.rows.items():
            held = laid[name][offset : offset + row.size]
            held[np.isnan(held)] = row[np.isnan(held)]
    leads, signal = stack_rows(path, laid)
    spans = "; ".join(
        f"{', '.join(name_channels(list(strip.rows)))} from {offset / fs:g} to {(offset + strip.n_samples) / fs:g} s"
        for strip, offset in sorted(zip(fitting, offsets, strict=True), key=lambda pair: pair[1])[:12]
    )
    notes = (f"recorded one after another, not at the same time: {spans}; missing outside",)
    left = len(strips) - len(fitting)
    return leads, signal, fs, (*notes, *((f"left out: {left} {what} of another rate",) if left else ()))


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

    common = gcd(up, down)
    up, down = up // common, down // common
    if up > 10_000 or down > 10_000:
        raise UnreadableRecordingError(
            f"leads whose rates are as {up} to {down} cannot be brought together; the file is damaged"
        )
    finite = np.isfinite(row)
    out = np.zeros(n_samples)
    found: NDArray[np.float64] = resampled(np.where(finite, row, 0.0), up, down)[:n_samples]
    out[: found.size] = found
    if not finite.all():
        nearest = np.minimum(np.arange(n_samples) * down // up, row.size - 1)
        out[~finite[nearest]] = np.nan
    return out
