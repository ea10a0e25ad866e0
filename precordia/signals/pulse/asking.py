"""A pulse as a question to an archive of ECGs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.signals.kind import KINDS, SignalKind
from precordia.signals.pulse.analysis import PulseAnalysis
from precordia.signals.pulse.encoder import SHIPPED, load_pulse_encoder
from precordia.signals.pulse.table import Pulses

FOUND: Final = (
    "What is found are ECGs whose beats come in a like way, to look at: whether a pulse fibrillates is told better by its "
    "measured irregularity."
)


@dataclass(frozen=True, eq=False)
class PulseQuestion:
    """A pulse that an archive is asked with.

    Attributes:
        vector: ``(dim,)`` float32 of unit norm, in the ECG encoder's space.
        kind: A pulse, or a video.
        analysis: What was measured of it.
    """

    vector: NDArray[np.float32]
    kind: SignalKind
    analysis: PulseAnalysis

    @property
    def how(self) -> str:
        """How the vector was made."""
        return f"pulse: {self.analysis.channel}"

    @property
    def told(self) -> str:
        """The one line for a user."""
        return f"{self.kind.limits} {FOUND}"

    @property
    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.kind.document([FOUND]), "pulse": self.analysis.document()}


def question_of(pulses: Pulses, encoder_fingerprint: str, folder: Path | str = SHIPPED) -> PulseQuestion:
    """What to search an index of ECG vectors with.

    Args:
        pulses: Of a file.
        encoder_fingerprint: Of the ECG encoder that made the index.
        folder: Of the pulse encoder.

    Raises:
        UnusableSignalError: the pulse is too poor to be measured, or too short.
        MismatchError: the pulse encoder was trained for another ECG encoder.
    """
    encoder = load_pulse_encoder(encoder_fingerprint, folder)
    found, pulse = pulses.best()
    vector: NDArray[np.float32] = encoder.embed([pulse], pulses.fs)[0]
    return PulseQuestion(vector, KINDS.get(pulses.kind), found)
