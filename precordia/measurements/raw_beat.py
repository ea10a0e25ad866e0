"""The commonest beat averaged from the recording as it was read: what amplitudes are measured on.

Filters that help to find boundaries lower R waves and move the ST segment (Kligfield et al., Circulation
2007;115:1306-1324), so amplitudes come from the unfiltered samples, each beat against its own PR segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.measurements.analysis import Analysis
from precordia.measurements.pacing import bridge_spikes
from precordia.measurements.working_rate import FS
from precordia.records.order import finite_median, median

BASELINE_S: Final = (0.020, 0.004)
"""The piece of the PR segment that counts as zero: from 20 to 4 ms before the QRS onset, s."""

MAX_BEATS: Final = 60


@dataclass(frozen=True, eq=False)
class RawBeat:
    """An average beat at the recording's own rate.

    Attributes:
        signal: ``(n_leads, n)`` float64, mV against the PR segment.
        leads: Names, one per row; a lead whose beats all have missing samples is left out.
        fs: Hz.
        zero: Column of the R position.
    """

    signal: NDArray[np.float64]
    leads: tuple[str, ...]
    fs: float
    zero: int

    def between(self, start: float, stop: float) -> NDArray[np.float64]:
        """Columns from ``start`` to ``stop``, both samples at the working rate from the R position."""
        a = self.zero + round(start / FS * self.fs)
        b = self.zero + round(stop / FS * self.fs)
        return self.signal[:, max(a, 0) : max(b, a + 1, 1)]


def raw_beat(recording: Recording, one: Analysis) -> RawBeat | None:
    """The average of the commonest beats of a stretch; None when none lies wholly inside the recording."""
    fs = recording.fs
    bounds, members = one.bounds[0], one.families[0].members
    centres = np.rint((one.stretch.start_s + one.beats[members] / FS) * fs).astype(np.int64)
    onset = round(finite_median(bounds.qrs_on) / FS * fs)
    back = max(2, round(BASELINE_S[0] * fs))
    before = -round(float(np.nanmin(bounds.qrs_on)) / FS * fs) + max(back, round(0.03 * fs))
    after = round((float(np.nanmax(bounds.qrs_off)) / FS + 0.1) * fs)
    whole = centres[(centres >= before) & (centres + after < recording.n_samples)][:MAX_BEATS]
    if not whole.size:
        return None
    rows = [recording.leads.index(lead) for lead in one.stretch.leads]
    columns = whole[:, None] + np.arange(-before, after)
    pieces = _without_spikes(recording, one, rows)[:, columns].astype(np.float64)
    a = before + onset - back
    b = before + onset - round(BASELINE_S[1] * fs)
    pieces -= pieces[:, :, a : max(b, a + 1)].mean(axis=2, keepdims=True)
    complete = np.asarray(np.isfinite(pieces).all(axis=2), dtype=np.bool_)
    if complete.all():
        return RawBeat(median(pieces, axis=1), one.stretch.leads, fs, before)
    usable = np.flatnonzero(complete.any(axis=1))
    if not usable.size:
        return None
    average = np.stack([median(pieces[k, complete[k]], axis=0) for k in usable])
    return RawBeat(average, tuple(one.stretch.leads[k] for k in usable), fs, before)


def _without_spikes(recording: Recording, one: Analysis, rows: list[int]) -> NDArray[np.floating]:
    """The leads as they were read, pacemaker spikes bridged: in an average a stimulus becomes an R wave."""
    signal = recording.signal[rows]
    if not one.stretch.spikes_s.size:
        return signal
    spikes = np.rint((one.stretch.start_s + one.stretch.spikes_s) * recording.fs).astype(np.int64)
    return bridge_spikes(signal.astype(np.float64), spikes, recording.fs)
