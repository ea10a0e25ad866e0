"""What can be said of each lead: gaps, flat stretches, rails, noise, and whether it beats with the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.records.order import median
from precordia.records.peaks import moving_mean, peaks_of
from precordia.records.quality.view import FS, LARGEST, View, in_blocks

FLAT_MV = 0.011
"""Peak-to-peak amplitude within half a second below which a lead shows nothing (two steps of 5 µV)."""

FLAT_BLOCKS = 4
"""Half-second blocks in a row that must show nothing: longer than the pause between T and the next P at 30 beats a minute."""

LIVE_MV = 0.01
"""Smallest QRS envelope for a lead to take part in the consensus, mV."""


BEFORE, AFTER = 20, 30
"""What lies around a beat, samples of the view: P to T, and artefacts between."""

HISS_FS = 400.0
"""Rate from which second differences show noise rather than the QRS complex, Hz."""


@dataclass(frozen=True, eq=False)
class LeadFacts:
    """One number a lead for each question; arrays of ``(n_leads,)``.

    Attributes:
        missing: Share of samples that are not finite.
        flat: Share of the time without any signal.
        railed: Share of samples at a limit of the amplifier.
        agreement: Correlation of the lead's QRS envelope with the median envelope of all, -1 to 1; 0 for a dead lead.
            With fewer than three live leads, their likeness.
        likeness: How alike the lead's own beats are: correlation of all that lies around them with the median beat, -1 to 1.
        noise: Median amplitude above 28 Hz relative to the QRS amplitude.
        noise_peak: The same for the worst half second.
        hiss: White noise at the recording's own rate relative to the QRS amplitude; 0 below :data:`HISS_FS`.
        drift_mv: Peak to peak baseline wander, mV.
        qrs_mv: Amplitude in the QRS band, mV (98th percentile of the absolute value).
        beats: ``(n_beats,)`` samples of the view at which the leads' median QRS envelope peaks, at most 200 a minute; none
            without a live lead.
    """

    missing: NDArray[np.float64]
    flat: NDArray[np.float64]
    railed: NDArray[np.float64]
    agreement: NDArray[np.float64]
    likeness: NDArray[np.float64]
    noise: NDArray[np.float64]
    noise_peak: NDArray[np.float64]
    hiss: NDArray[np.float64]
    drift_mv: NDArray[np.float64]
    qrs_mv: NDArray[np.float64]
    beats: NDArray[np.intp]


def audible_noise(facts: LeadFacts) -> NDArray[np.float64]:
    """``(n_leads,)`` the larger of noise and hiss, relative to the QRS amplitude, or to 0.4 times that of the median lead where a
    lead's own is smaller: a lead at right angles to the heart is not noisy for it."""
    own = facts.qrs_mv + 0.01
    fair = np.maximum(own, 0.4 * median(own))
    out: NDArray[np.float64] = np.maximum(facts.noise, facts.hiss) * own / fair
    return out


def lead_facts(view: View, signal: NDArray[np.float32], fs: float) -> LeadFacts:
    """The facts of each row.

    Args:
        view: The recording at 100 Hz, in mV.
        signal: ``(n_leads, n_samples)`` the same rows as stored, for the rails and the hiss.
        fs: Their sampling rate, Hz.
    """
    qrs_mv = _percentile(np.abs(view.qrs), 0.98)
    power = np.sqrt(np.square(in_blocks(view.noise, 50)).mean(axis=2))
    scale = qrs_mv + 0.01
    agreement, likeness, beats = _agreement(view.qrs, qrs_mv)
    return LeadFacts(
        missing=1 - view.finite,
        flat=flat_share(view.wide),
        railed=railed_share(signal),
        agreement=agreement,
        likeness=likeness,
        noise=median(power, axis=1) / scale,
        noise_peak=power.max(axis=1) / scale,
        hiss=_hiss_mv(signal, fs) * view.factor / scale if fs >= HISS_FS else np.zeros(len(view.leads)),
        drift_mv=np.ptp(view.drift, axis=1).astype(np.float64),
        qrs_mv=qrs_mv,
        beats=beats,
    )


def flat_share(wide: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of half-second blocks that lie in runs of at least :data:`FLAT_BLOCKS` without signal."""
    blocks = in_blocks(wide, round(FS / 2))
    still = np.ptp(blocks, axis=2) <= FLAT_MV
    need = min(FLAT_BLOCKS, still.shape[1])
    starts = np.lib.stride_tricks.sliding_window_view(still, need, axis=1).all(axis=2)
    inside = np.zeros_like(still)
    for offset in range(need):
        inside[:, offset : offset + starts.shape[1]] |= starts
    share: NDArray[np.float64] = inside.mean(axis=1)
    return share


def railed_share(signal: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of samples exactly at a lead's largest or smallest value, where they pile up there as clipping makes them.

    A pile counts when it holds at least 0.3% of the samples and twice what lies within the next twentieth of the range:
    a coarse but honest signal thins out towards its extremes.
    """
    if not np.isfinite(signal).all():
        signal = np.where(np.isfinite(signal), signal, np.nan).astype(np.float32)
        if np.isnan(signal).all(axis=1).any():
            signal = np.where(np.isnan(signal).all(axis=1, keepdims=True), np.float32(0), signal)
    top = np.fmax.reduce(signal, axis=1, keepdims=True)
    bottom = np.fmin.reduce(signal, axis=1, keepdims=True)
    span = top - bottom
    share = np.zeros(signal.shape[0])
    for edge, sign in ((top, 1), (bottom, -1)):
        depth = sign * (edge - signal)
        at = (depth == 0).mean(axis=1)
        near = (depth <= 0.05 * span).mean(axis=1) - at
        share += np.where((at >= 0.003) & (at >= 2 * near) & (span[:, 0] > 0), at, 0)
    return share


def _hiss_mv(signal: NDArray[np.float32], fs: float) -> NDArray[np.float64]:
    """White noise, root mean square: from second differences, in the quieter half of quarter seconds, in the signal's unit."""
    bend = np.clip(np.nan_to_num(signal, posinf=0, neginf=0), -LARGEST, LARGEST)
    bend = bend[:, 2:] - 2 * bend[:, 1:-1] + bend[:, :-2]
    blocks = in_blocks(bend, round(fs / 4))
    level: NDArray[np.float64] = median(np.sqrt(np.square(blocks).mean(axis=2)), axis=1).astype(np.float64)
    return level / math.sqrt(6)


def _agreement(
    qrs: NDArray[np.float32], qrs_mv: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """The facts ``agreement``, ``likeness`` and ``beats``."""
    relative, live = _envelopes(qrs, qrs_mv)
    if not live.any():
        return np.zeros(qrs.shape[0]), np.zeros(qrs.shape[0]), np.zeros(0, dtype=np.intp)
    consensus = median(relative[live], axis=0)
    beats = _peaks(consensus)
    likeness = np.where(live, _likeness(qrs, beats), 0)
    if live.sum() < 3:
        return likeness, likeness, beats
    consensus = consensus - consensus.mean()
    relative = relative - relative.mean(axis=1, keepdims=True)
    size = np.sqrt(np.square(relative).sum(axis=1) * np.square(consensus).sum())
    agreement = np.divide(relative @ consensus, size, out=np.zeros(qrs.shape[0]), where=(size > 0) & live)
    return agreement, likeness, beats


def _envelopes(qrs: NDArray[np.float32], qrs_mv: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """QRS envelopes over 100 ms, each relative to its own height and at most 1.5, and which leads are live."""
    envelope = moving_mean(np.abs(qrs), round(FS / 10))
    height = np.maximum(_percentile(envelope, 0.95), 1e-3)[:, None].astype(np.float32)
    return np.minimum(envelope / height, np.float32(1.5)), qrs_mv > LIVE_MV


def _likeness(qrs: NDArray[np.float32], beats: NDArray[np.intp]) -> NDArray[np.float64]:
    """The fact ``likeness``; 0 with fewer than three beats."""
    peaks = beats[(beats >= BEFORE) & (beats < qrs.shape[1] - AFTER)]
    if peaks.size < 3:
        return np.zeros(qrs.shape[0])
    pieces = qrs[:, peaks[:, None] + np.arange(-BEFORE, AFTER)].astype(np.float64)
    middle = median(pieces, axis=1)[:, None]
    size = np.sqrt(np.square(pieces).sum(axis=(1, 2)) * np.square(middle).sum(axis=(1, 2)) * peaks.size)
    out: NDArray[np.float64] = np.divide(
        (pieces * middle).sum(axis=(1, 2)), size, out=np.zeros(len(qrs)), where=size > 0
    )
    return out


def _peaks(consensus: NDArray[np.float32]) -> NDArray[np.intp]:
    height = 0.5 * float(_percentile(consensus[None], 0.98)[0])
    return peaks_of(consensus, max(height, 1e-6), round(0.3 * FS))


def _percentile(x: NDArray[np.float32], share: float) -> NDArray[np.float64]:
    """A row's value below which ``share`` of it lies; by partition, which is faster than ``np.percentile``."""
    k = min(x.shape[1] - 1, int(share * x.shape[1]))
    return np.partition(x, k, axis=1)[:, k].astype(np.float64)
