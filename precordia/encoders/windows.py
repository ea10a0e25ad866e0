"""ECGs as the network is fed them, one window each, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.encoders.network import Inputs
from precordia.records.standardize import SignalSpec, standardize, to_windows


@dataclass(frozen=True, eq=False)
class Ecgs:
    """The first window of each of some recordings.

    Attributes:
        signal: ``(n, n_leads, n_samples)`` float32, mV, zero where there is none.
        leads: ``(n, n_leads)`` bool, which leads are there.
        samples: ``(n, n_samples)`` bool, which samples are there.
    """

    signal: NDArray[np.float32]
    leads: NDArray[np.bool_]
    samples: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.signal)

    @classmethod
    def of(cls, recordings: Iterable[Recording], spec: SignalSpec) -> Ecgs:
        """Standardized and cut.

        Raises:
            UnusableSignalError: a recording is too short or has none of the standard leads.
        """
        windows = [to_windows(standardize(recording, spec), spec) for recording in recordings]
        shape = (len(spec.leads), spec.window_samples)
        return cls(
            np.array([w.signal[0] for w in windows], dtype=np.float32).reshape(-1, *shape),
            np.array([w.leads_present for w in windows], dtype=np.bool_).reshape(-1, shape[0]),
            np.array([w.samples_present[0] for w in windows], dtype=np.bool_).reshape(-1, shape[1]),
        )

    def inputs(self, rows: NDArray[np.intp]) -> Inputs:
        """Some of them, in true mV."""
        parts = (self.signal[rows], self.leads[rows], self.samples[rows], np.ones(len(rows), dtype=np.bool_))
        return Inputs(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))
