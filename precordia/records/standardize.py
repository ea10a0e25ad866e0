"""The signal contract: what every recording is turned into before an encoder sees it.

The steps, in order, for a :class:`SignalSpec`:

1. Channels that are not among the twelve standard leads are left out, and leads that a model drew.
2. Gaps (NaN, infinities) are bridged linearly, at the ends by the nearest sample. A lead with less than ``min_valid`` of its
   samples is a strip when ``min_duration_s`` of them stand together (a 3 x 4 printout holds 2.5 s of each lead), else left out.
   A lead whose samples are all the same (an electrode that was off) is left out.
3. Limb leads that follow exactly from two others (Einthoven, Goldberger) are derived when missing.
4. The rate becomes ``fs`` by polyphase resampling (a linear-phase anti-alias filter included); the line through a lead's first
   and last sample is taken off before and put back after, so that the ends stay where they are.
5. A zero-phase Butterworth band-pass, second order each way, ``highpass_hz`` to ``lowpass_hz``, after mirroring two seconds at
   the ends (evenly: an outlier in the last sample must not become a step).
6. Outside its samples a strip is zero, as absent samples are in windows.
7. Amplitudes are clipped to +-``clip_mv``; the unit stays mV.

Up to the clip everything is linear: twice the signal gives twice the result, and the laws between limb leads are kept.

:func:`to_windows` then cuts ``window_s`` windows: all leads of the spec in its order, absent leads zero with a mask that
says so, short recordings zero-padded at the end with a mask that says so, long ones covered by at most ``max_windows``
windows spread evenly from the first sample to the last.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnusableSignalError, UsageError
from precordia.core.given import expect_recording
from precordia.core.leads import LEADS, LIMB_FROM_I_II, LIMB_LEADS
from precordia.core.recording import Recording
from precordia.records.filtering import butterworth, resampled, zero_phase

LOWEST_FS = 25.0
"""Lowest sampling rate accepted, Hz: below, no QRS complex shows (most of its energy lies under 25 Hz, its peak near 10)."""


@dataclass(frozen=True)
class SignalSpec:
    """What an encoder is fed. Part of the encoder's fingerprint.

    Attributes:
        fs: Sampling rate, Hz.
        leads: Lead order.
        window_s: Length of a window, s.
        min_duration_s: Shortest recording accepted, s.
        max_windows: Most windows cut from one long recording.
        highpass_hz: Lower corner of the band-pass, Hz.
        lowpass_hz: Upper corner of the band-pass, Hz.
        clip_mv: Largest amplitude kept, mV.
        min_valid: Smallest share of samples present for a lead to count as present.
        version: Raised when the steps change.
    """

    fs: float = 100.0
    leads: tuple[str, ...] = LEADS
    window_s: float = 10.0
    min_duration_s: float = 2.5
    max_windows: int = 12
    highpass_hz: float = 0.5
    lowpass_hz: float = 40.0
    clip_mv: float = 10.0
    min_valid: float = 0.5
    version: int = 1

    def __post_init__(self) -> None:
        unknown = [lead for lead in self.leads if lead not in LEADS]
        if unknown or not self.leads or len(set(self.leads)) != len(self.leads):
            raise UsageError(
                f"signal spec: leads {', '.join(self.leads) or 'none'}; give some of {', '.join(LEADS)}, once each"
            )
        if not 0 < self.highpass_hz < self.lowpass_hz < self.fs / 2:
            raise UsageError(
                f"signal spec: band {self.highpass_hz} to {self.lowpass_hz} Hz at {self.fs} Hz; "
                "the corners must ascend and stay below half the rate"
            )
        if not (0 < self.min_duration_s <= self.window_s and self.max_windows >= 1 and self.clip_mv > 0):
            raise UsageError(
                f"signal spec: windows of {self.window_s} s, at most {self.max_windows}, recordings from "
                f"{self.min_duration_s} s, clip {self.clip_mv} mV; all must be positive and the shortest fit a window"
            )

    @property
    def window_samples(self) -> int:
        """Length of a window, samples."""
        return round(self.window_s * self.fs)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits; equal for equal specs."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Windows:
    """A recording cut to an encoder's input.

    Attributes:
        signal: ``(n_windows, n_leads, n_samples)`` float32, mV; zero where a mask is False.
        leads_present: ``(n_leads,)`` bool.
        samples_present: ``(n_windows, n_samples)`` bool.
    """

    signal: NDArray[np.float32]
    leads_present: NDArray[np.bool_]
    samples_present: NDArray[np.bool_]


def standardize(recording: Recording, spec: SignalSpec | None = None) -> Recording:
    """The recording at the spec's rate, band and amplitude range, standard leads only, in the spec's order, gaps bridged.

    Absent leads stay absent (``leads`` says which are there); nothing is replaced by zeros but what a strip does not hold.
    Standardizing a second time only sharpens the filter's corners.

    Raises:
        UnusableSignalError: shorter than ``spec.min_duration_s``, sampled below :data:`LOWEST_FS`, or none of the standard
            leads has a usable signal.
    """
    global _latest
    expect_recording(recording)
    spec, recording = spec or SignalSpec(), recording.measured
    if _latest is not None and _latest[0]() is recording and _latest[1] == spec:
        return _latest[2]
    standardized = _standardized(recording, spec)
    _latest = (weakref.ref(recording), spec, standardized)
    return standardized


_latest: tuple[weakref.ref[Recording], SignalSpec, Recording] | None = None
"""The last one, while it is held: a question embeds an ECG and lays it over others. Neither can be changed."""


def _standardized(recording: Recording, spec: SignalSpec) -> Recording:
    if recording.duration_s + 1e-9 < spec.min_duration_s:
        raise UnusableSignalError(
            f"recording {recording.recording_id}: lasts {recording.duration_s:.2f} s; "
            f"at least {spec.min_duration_s} s are needed"
        )
    if recording.fs < LOWEST_FS:
        raise UnusableSignalError(
            f"recording {recording.recording_id}: sampled at {recording.fs:g} Hz; below {LOWEST_FS:g} Hz no QRS complex shows; "
            "check the file's rate"
        )
    rows, absent = _bridged_leads(recording, spec)
    if not rows:
        raise UnusableSignalError(
            f"recording {recording.recording_id}: none of the standard leads has a usable signal "
            f"(channels: {', '.join(recording.leads) or 'none'}); {_remedy(recording, spec)}"
        )
    notes = list(recording.notes)
    derived = _derive_missing(rows, absent, spec.leads)
    if derived:
        notes.append(f"{', '.join(derived)} derived from the other limb leads")
    leads = tuple(lead for lead in spec.leads if lead in rows)
    signal = _bandpass(_resample(np.stack([rows[lead] for lead in leads]), recording.fs, spec.fs), spec)
    for row, lead in enumerate(leads):
        if lead in absent:
            nearest = np.arange(signal.shape[1]) * absent[lead].size // signal.shape[1]
            signal[row, absent[lead][nearest]] = 0.0
    np.clip(signal, -spec.clip_mv, spec.clip_mv, out=signal)
    return replace(recording, signal=signal.astype(np.float32), fs=spec.fs, leads=leads, notes=tuple(notes))


def to_windows(recording: Recording, spec: SignalSpec | None = None) -> Windows:
    """A standardized recording as windows with masks.

    Args:
        recording: What :func:`standardize` returned for the same spec.
        spec: The spec.

    Raises:
        UsageError: the recording was not standardized for this spec.
    """
    spec = spec or SignalSpec()
    if recording.fs != spec.fs or not set(recording.leads) <= set(spec.leads):
        raise UsageError(
            f"recording {recording.recording_id}: {recording.fs:g} Hz, leads {', '.join(recording.leads)}; "
            f"standardize it for {spec.fs:g} Hz and {', '.join(spec.leads)} first"
        )
    width, starts = spec.window_samples, window_starts(recording.n_samples, spec)
    rows = [spec.leads.index(lead) for lead in recording.leads]
    present = np.zeros(len(spec.leads), dtype=np.bool_)
    present[rows] = True
    signal = np.zeros((len(starts), len(spec.leads), width), dtype=np.float32)
    valid = np.zeros((len(starts), width), dtype=np.bool_)
    for window, start in enumerate(starts):
        piece = recording.signal[:, start : start + width]
        signal[window, rows, : piece.shape[1]] = piece
        valid[window, : piece.shape[1]] = True
    return Windows(signal, present, valid)


def window_starts(n_samples: int, spec: SignalSpec) -> NDArray[np.int64]:
    """First sample of each window that :func:`to_windows` cuts from a standardized recording of ``n_samples``."""
    width = spec.window_samples
    # A tail shorter than an eighth of a window is not worth a window of its own.
    count = int(np.clip(np.ceil(n_samples / width - 0.125), 1, spec.max_windows))
    return np.linspace(0, max(n_samples - width, 0), count).round().astype(np.int64)


def _remedy(recording: Recording, spec: SignalSpec) -> str:
    if set(recording.leads) & set(spec.leads):
        return f"they are flat, or hold less than {spec.min_duration_s:g} s together"
    return "rename the channels to I, II, ... V6"


def _bridged_leads(
    recording: Recording, spec: SignalSpec
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.bool_]]]:
    """Rows without gaps by lead, and for those that are strips where they have no samples."""
    rows: dict[str, NDArray[np.float32]] = {}
    absent: dict[str, NDArray[np.bool_]] = {}
    known = np.isfinite(recording.signal)
    if known.all():
        of_lead = zip(recording.leads, recording.signal, np.ptp(recording.signal, axis=1) > 0, strict=True)
        return {name: row for name, row, moving in of_lead if moving and name in spec.leads}, absent
    for name, row, finite in zip(recording.leads, recording.signal, known, strict=True):
        if name not in spec.leads:
            continue
        strip = finite.mean() < max(spec.min_valid, 1 / row.size)
        if strip:
            start, end = longest_stretch(row)
            if (end - start) / recording.fs + 1e-9 < spec.min_duration_s:
                continue
        if not finite.all():
            index = np.arange(row.size)
            row = np.interp(index, index[finite], row[finite]).astype(np.float32)
        if row.min() < row.max():
            rows[name] = row
            if strip:
                absent[name] = ~finite
    return rows, absent


def _derive_missing(
    rows: dict[str, NDArray[np.float32]], absent: dict[str, NDArray[np.bool_]], wanted: Sequence[str]
) -> list[str]:
    """Add to ``rows`` the limb leads that any two of the others determine, absent where one of these is; their names."""
    have = [lead for lead in LIMB_LEADS if lead in rows]
    missing = [lead for lead in LIMB_LEADS if lead in wanted and lead not in rows]
    if len(have) < 2 or not missing:
        return []
    basis = np.array([LIMB_FROM_I_II[lead] for lead in have])
    stack = np.stack([rows[lead] for lead in have]).astype(np.float64)
    i_ii = np.linalg.lstsq(basis, stack, rcond=None)[0]
    gone = [absent[lead] for lead in have if lead in absent]
    for lead in missing:
        rows[lead] = (np.array(LIMB_FROM_I_II[lead]) @ i_ii).astype(np.float32)
        if gone:
            absent[lead] = np.logical_or.reduce(gone)
    return missing


def _resample(signal: NDArray[np.float32], fs: float, target: float) -> NDArray[np.float64]:
    if fs > 1000 * target:
        raise UnusableSignalError(
            f"sampling rate {fs:g} Hz is beyond a thousand times {target:g} Hz; check the file's rate"
        )
    # Rates that are no ratio of small numbers (399.75 Hz) are met so closely that 10 s drift by less than a sample.
    ratio = Fraction(target / fs).limit_denominator(10_000)
    wide = signal.astype(np.float64)
    if ratio == 1:
        return wide
    up, down = ratio.numerator, ratio.denominator
    return resampled(wide, up, down)


@lru_cache(maxsize=8)
def _bandpass_sections(fs: float, low: float, high: float) -> NDArray[np.float64]:
    return butterworth(2, (low, high), "bandpass", fs)


def _bandpass(signal: NDArray[np.float64], spec: SignalSpec) -> NDArray[np.float64]:
    sections = _bandpass_sections(spec.fs, spec.highpass_hz, spec.lowpass_hz)
    padlen = min(signal.shape[1] - 1, round(2 * spec.fs))
    return zero_phase(sections, signal, padlen)


def longest_stretch(row: NDArray[np.floating]) -> tuple[int, int]:
    """First sample and end of the longest run of finite samples in ``row``, ``(n_samples,)``; (0, 0) when there is none.

    >>> longest_stretch(np.array([np.nan, 1.0, 2.0, np.nan, 3.0]))
    (1, 3)
    """
    edges = np.diff(np.concatenate(([0], np.isfinite(row).astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not starts.size:
        return 0, 0
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])
