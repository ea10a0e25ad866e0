"""A recording of few leads with the others drawn beside them, each marked as inferred."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize, to_windows, window_starts
from precordia.signals.leads.drawers import Stored, load_drawer
from precordia.signals.leads.independent import agreeing


def draw_leads(recording: Recording, drawer: Stored | str | Path = "network") -> Recording:
    """The recording at 100 Hz, in the band of the signal contract, with all twelve leads; ``inferred_leads`` were drawn.

    Recorded leads stay as standardizing leaves them, and limb leads that follow exactly from two others are derived, not
    drawn. A drawn lead shows what is usual beside the recorded ones. It is for looking at: :func:`~precordia.measure` and
    every judgement pass over it.

    Args:
        recording: Any leads, from 2.5 s to two minutes.
        drawer: What draws: loaded, or the name or folder of one.

    Raises:
        UnusableSignalError: a recording is too short, or has none of the standard leads.
        UnknownNameError: there is no such drawer.
        CheckpointError: the drawer cannot be read.
    """
    spec = SignalSpec()
    ready = standardize(recording, spec)
    stored = drawer if isinstance(drawer, Stored) else load_drawer(drawer)
    windows = to_windows(ready, spec)
    given = windows.leads_present
    inferred = tuple(lead for lead, there in zip(LEADS, given, strict=True) if not there)
    if not inferred:
        return ready
    independent = stored.drawer.draw(windows.signal, np.tile(given, (len(windows.signal), 1)))
    # Windows overlap where they do not divide a recording: where they do, samples are the mean of what was drawn.
    total = np.zeros((len(LEADS), ready.n_samples), dtype=np.float64)
    count = np.zeros(ready.n_samples)
    for start, drawn, signal in zip(window_starts(ready.n_samples, spec), independent, windows.signal, strict=True):
        width = min(spec.window_samples, ready.n_samples - start)
        total[:, start : start + width] += agreeing(signal, given, drawn)[:, :width]
        count[start : start + width] += 1
    signal = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    signal[given] = ready.signal
    note = f"{', '.join(inferred)} inferred from {', '.join(ready.leads)} by the {stored.name} drawer: for looking at, not evidence"
    return replace(ready, signal=signal, leads=LEADS, inferred_leads=inferred, notes=(*ready.notes, note))
