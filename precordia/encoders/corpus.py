"""Training data: recordings as one block of standardized windows, with their words, patients and split.

:func:`gather` keeps the block in memory; :mod:`precordia.encoders.corpus_on_disk` for archives that do not fit there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import patient_key_of
from precordia.core.errors import InputError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.encoders.amplitudes import typical_amplitudes, typical_of
from precordia.records.standardize import SignalSpec, Windows, standardize, to_windows

AMPLITUDE = "amplitude"
"""Metadata key; "relative" marks a recording whose leads were scaled one by one, so that mV are lost."""


class Block(Protocol):
    """Signals by row, in memory or on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, n_leads, n_samples)``."""
        ...

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(rows), n_leads, n_samples)`` float32, mV."""
        ...


class Masks(Protocol):
    """Masks of samples by row, in memory or on disk."""

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """``(len(rows), n_samples)`` bool."""
        ...


@dataclass(frozen=True)
class Unusable:
    """A recording that cannot be used: which, and why."""

    recording_id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Corpus:
    """One row a recording (its first window).

    Attributes:
        ids: Recording ids.
        patients: Patient keys.
        signal: ``(n, n_leads, n_samples)`` float32, mV; an array, or blocks on disk that are read by row.
        leads: ``(n, n_leads)`` bool.
        samples: ``(n, n_samples)`` bool.
        calibrated: ``(n,)`` bool, False where amplitudes are typical ones rather than measured.
        typical_mv: ``(n_leads,)`` the median standard deviation of each lead over the calibrated recordings, mV.
        texts: Report, or None.
        held_out: ``(n,)`` bool.
        rejected: What was left out, with the reason.
        data_hash: SHA-256 over ids, signals, texts and split.
        fs: Sampling rate of ``signal``, Hz.
    """

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    signal: Block
    leads: NDArray[np.bool_]
    samples: Masks
    calibrated: NDArray[np.bool_]
    typical_mv: NDArray[np.float32]
    texts: tuple[str | None, ...]
    held_out: NDArray[np.bool_]
    rejected: tuple[tuple[str, str], ...]
    data_hash: str
    fs: float = SignalSpec().fs

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Entry:
    """What a corpus knows of a recording besides its signal; ``reason`` says why it cannot be used, or is empty."""

    recording_id: str
    patient: str
    text: str | None
    metadata: Mapping[str, str]
    reason: str = ""

    @classmethod
    def of(cls, recording: Recording) -> Entry:
        """That of a recording."""
        text = recording.report.strip() if recording.report and recording.report.strip() else None
        metadata = {k: str(v) for k, v in recording.metadata.items()}
        return cls(recording.recording_id, patient_key_of(recording), text, metadata)

    @property
    def calibrated(self) -> bool:
        """Whether amplitudes are true mV."""
        return self.metadata.get(AMPLITUDE) != "relative"


@dataclass(frozen=True, eq=False)
class Split:
    """Which entries are learned from and which only watched.

    Attributes:
        rows: Positions of the entries that are used.
        held_out: ``(len(rows),)`` bool.
        rejected: Recording and reason of the others.
    """

    rows: tuple[int, ...]
    held_out: NDArray[np.bool_]
    rejected: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, entries: Sequence[Entry], exclude: Mapping[str, Sequence[str]], hold_out: Mapping[str, Sequence[str]]
    ) -> Split:
        """By patient; see :func:`gather`.

        Raises:
            InputError: nothing usable, or nothing left to train on.
        """
        excluded = {e.patient for e in entries if _listed(e.metadata, exclude)}
        rejected, rows = [], []
        for position, entry in enumerate(entries):
            if _listed(entry.metadata, exclude):
                rejected.append((entry.recording_id, "excluded by the recipe"))
            elif entry.reason:
                rejected.append((entry.recording_id, entry.reason))
            elif entry.patient in excluded:
                rejected.append((entry.recording_id, "patient excluded"))
            else:
                rows.append(position)
        if not rows:
            raise InputError(
                f"no usable recording to train on ({len(rejected)} left out); check --data and the recipe's exclude"
            )
        aside = {entries[row].patient for row in rows if _is_held_out(entries[row], hold_out)}
        held_out = np.array([entries[row].patient in aside for row in rows])
        if held_out.all():
            raise InputError("every recording is held out; nothing is left to train on: check the recipe's hold_out")
        return cls(tuple(rows), held_out, tuple(rejected))


def gather(
    recordings: Iterable[Recording | Unusable],
    spec: SignalSpec,
    *,
    exclude: Mapping[str, Sequence[str]] | None = None,
    hold_out: Mapping[str, Sequence[str]] | None = None,
) -> Corpus:
    """Standardize recordings and split them by patient, in memory.

    A patient with any recording in the held-out values is held out as a whole; one with any recording in the excluded
    values is left out as a whole.

    Raises:
        InputError: nothing usable, or nothing left to train on.
    """
    exclude, hold_out = exclude or {}, hold_out or {}
    entries: list[Entry] = []
    windows: list[Windows | None] = []
    for recording in recordings:
        if not isinstance(recording, Unusable) and _listed(recording.metadata, exclude):
            entries.append(Entry.of(recording))
            windows.append(None)
            continue
        entry, found = prepare(recording, spec)
        entries.append(entry)
        windows.append(found)
    split = Split.of(entries, exclude, hold_out)
    kept = [(entries[i], window) for i in split.rows if (window := windows[i]) is not None]
    signal = np.stack([w.signal[0] for _, w in kept])
    leads = np.stack([w.leads_present for _, w in kept])
    samples = np.stack([w.samples_present[0] for _, w in kept])
    calibrated = np.array([e.calibrated for e, _ in kept])
    held_out = split.held_out
    typical = typical_of(np.where(leads, signal.std(axis=2), np.nan)[calibrated & ~held_out])
    for relative in np.flatnonzero(~calibrated):
        signal[relative] = typical_amplitudes(signal[relative], leads[relative], typical)
    texts = tuple(e.text for e, _ in kept)
    ids = tuple(e.recording_id for e, _ in kept)
    digest = hashlib.sha256()
    for row, recording_id in enumerate(ids):
        digest.update(f"{recording_id}|{texts[row]}|{held_out[row]}|{calibrated[row]}".encode())
        digest.update(np.rint(signal[row] * 1e3).astype("<i4").tobytes())
    return Corpus(
        ids, tuple(e.patient for e, _ in kept), signal, leads, samples, calibrated, typical, texts, held_out,
        split.rejected, digest.hexdigest(), spec.fs,
    )  # fmt: skip


def prepare(recording: Recording | Unusable, spec: SignalSpec) -> tuple[Entry, Windows | None]:
    """What is known of a recording besides its signal, and its windows; None, with the reason, if it cannot be used."""
    if isinstance(recording, Unusable):
        return Entry(recording.recording_id, "", None, {}, recording.reason), None
    entry = Entry.of(recording)
    try:
        return entry, to_windows(standardize(recording, spec), spec)
    except UnusableSignalError as error:
        return replace(entry, reason=str(error)), None


def _listed(metadata: Mapping[str, Any], values: Mapping[str, Sequence[str]]) -> bool:
    return any(metadata.get(key) in wanted for key, wanted in values.items())


def _is_held_out(entry: Entry, hold_out: Mapping[str, Sequence[str]]) -> bool:
    if any(key in entry.metadata for key in hold_out):
        return _listed(entry.metadata, hold_out)
    return hashlib.sha256(entry.patient.encode()).digest()[0] < 32
