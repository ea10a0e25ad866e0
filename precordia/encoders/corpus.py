"""Training data: recordings as one block of standardized windows, with their words, patients and split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import patient_key_of
from precordia.core.errors import InputError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize, to_windows

AMPLITUDE = "amplitude"
"""Metadata key; "relative" marks a recording whose leads were scaled one by one, so that mV are lost."""

LIMB = slice(0, 6)


@dataclass(frozen=True, eq=False)
class Corpus:
    """One row a recording (its first window).

    Attributes:
        ids: Recording ids.
        patients: Patient keys.
        signal: ``(n, n_leads, n_samples)`` float32, mV.
        leads: ``(n, n_leads)`` bool.
        samples: ``(n, n_samples)`` bool.
        calibrated: ``(n,)`` bool, False where amplitudes are typical ones rather than measured.
        typical_mv: ``(n_leads,)`` the median standard deviation of each lead over the calibrated recordings, mV.
        texts: Report, or None.
        held_out: ``(n,)`` bool.
        rejected: What was left out, with the reason.
        data_hash: SHA-256 over ids, signals, texts and split.
    """

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    signal: NDArray[np.float32]
    leads: NDArray[np.bool_]
    samples: NDArray[np.bool_]
    calibrated: NDArray[np.bool_]
    typical_mv: NDArray[np.float32]
    texts: tuple[str | None, ...]
    held_out: NDArray[np.bool_]
    rejected: tuple[tuple[str, str], ...]
    data_hash: str

    def __len__(self) -> int:
        return len(self.ids)


def gather(
    recordings: Iterable[Recording],
    spec: SignalSpec,
    *,
    exclude: Mapping[str, Sequence[str]] | None = None,
    hold_out: Mapping[str, Sequence[str]] | None = None,
) -> Corpus:
    """Standardize recordings and split them by patient.

    A patient with any recording in the held-out values is held out as a whole; one with any recording in the excluded
    values is left out as a whole.

    Raises:
        InputError: nothing usable, or nothing left to train on.
    """
    kept, rejected, excluded = [], [], set()
    exclude, hold_out = exclude or {}, hold_out or {}
    for recording in recordings:
        if _listed(recording, exclude):
            excluded.add(patient_key_of(recording))
            rejected.append((recording.recording_id, "excluded by the recipe"))
            continue
        try:
            windows = to_windows(standardize(recording, spec), spec)
        except UnusableSignalError as error:
            rejected.append((recording.recording_id, str(error)))
            continue
        kept.append((recording, windows))
    rejected += [(r.recording_id, "patient excluded") for r, _ in kept if patient_key_of(r) in excluded]
    kept = [(r, w) for r, w in kept if patient_key_of(r) not in excluded]
    if not kept:
        raise InputError(
            f"no usable recording to train on ({len(rejected)} left out); check --data and the recipe's exclude"
        )
    aside = {patient_key_of(r) for r, _ in kept if _is_held_out(r, hold_out)}
    held_out = np.array([patient_key_of(r) in aside for r, _ in kept])
    signal = np.stack([w.signal[0] for _, w in kept])
    leads = np.stack([w.leads_present for _, w in kept])
    samples = np.stack([w.samples_present[0] for _, w in kept])
    calibrated = np.array([r.metadata.get(AMPLITUDE) != "relative" for r, _ in kept])
    if held_out.all():
        raise InputError("every recording is held out; nothing is left to train on: check the recipe's hold_out")
    typical = _typical_amplitudes(signal, leads, calibrated & ~held_out)
    for relative in np.flatnonzero(~calibrated):
        signal[relative] = typical_amplitudes(signal[relative], leads[relative], typical)
    texts = tuple(r.report.strip() if r.report and r.report.strip() else None for r, _ in kept)
    ids = tuple(r.recording_id for r, _ in kept)
    digest = hashlib.sha256()
    for row, recording_id in enumerate(ids):
        digest.update(f"{recording_id}|{texts[row]}|{held_out[row]}|{calibrated[row]}".encode())
        digest.update(np.rint(signal[row] * 1e3).astype("<i4").tobytes())
    return Corpus(
        ids, tuple(patient_key_of(r) for r, _ in kept), signal, leads, samples, calibrated, typical, texts, held_out,
        tuple(rejected), digest.hexdigest(),
    )  # fmt: skip


def typical_amplitudes(
    signal: NDArray[np.float32], leads: NDArray[np.bool_], typical_mv: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A recording whose leads were scaled one by one, at typical amplitudes.

    The ratios between limb leads follow from Einthoven's and Goldberger's laws: they are the scales under which the six
    leads satisfy them best. Chest leads get the typical amplitude of their lead.

    Args:
        signal: ``(12, n_samples)``, any unit, leads in the standard order.
        leads: ``(12,)`` which are there.
        typical_mv: ``(12,)`` standard deviation of each lead, mV.
    """
    sizes = signal.std(axis=1)
    scales = np.where((sizes > 0) & leads, typical_mv / np.maximum(sizes, 1e-12), 0.0)
    if leads[LIMB].all() and (sizes[LIMB] > 0).all():
        units = signal[LIMB] / sizes[LIMB, None]
        gram = units @ units.T / units.shape[1]
        # I - II + III = 0, I + II + 2 aVR = 0, 2 I - II - 2 aVL = 0, 2 II - I - 2 aVF = 0 for scaled leads.
        laws = np.array(
            [[1, -1, 1, 0, 0, 0], [1, 1, 0, 2, 0, 0], [2, -1, 0, 0, -2, 0], [-1, 2, 0, 0, 0, -2]], dtype=float
        )
        residual = sum((law[:, None] * gram * law[None, :] for law in laws), np.zeros((6, 6)))
        ratios = np.linalg.eigh(residual)[1][:, 0]
        ratios *= np.sign(ratios.sum()) or 1.0
        if (ratios > 0).all():
            size = np.exp(np.log(typical_mv[LIMB]).mean() - np.log(ratios).mean())
            scales[LIMB] = ratios * size / sizes[LIMB]
    out: NDArray[np.float32] = (signal * scales[:, None]).astype(np.float32)
    return out


def _typical_amplitudes(
    signal: NDArray[np.float32], leads: NDArray[np.bool_], rows: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Median standard deviation of each lead; 0.15 mV (the median in PTB-XL) where no calibrated recording has it."""
    sizes = np.where(leads, signal.std(axis=2), np.nan)[rows]
    out = np.full(signal.shape[1], 0.15, dtype=np.float32)
    for lead, column in enumerate(sizes.T):
        known = column[np.isfinite(column)]
        if known.size:
            out[lead] = max(float(np.median(known)), 1e-3)
    return out


def _listed(recording: Recording, values: Mapping[str, Sequence[str]]) -> bool:
    return any(recording.metadata.get(key) in wanted for key, wanted in values.items())


def _is_held_out(recording: Recording, hold_out: Mapping[str, Sequence[str]]) -> bool:
    if any(key in recording.metadata for key in hold_out):
        return _listed(recording, hold_out)
    return hashlib.sha256(patient_key_of(recording).encode()).digest()[0] < 32
