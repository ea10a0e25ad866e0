"""Pairs of an ECG and the pulse that its beats send to a finger: phantoms, and real ECGs whose beats are turned to pulses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from precordia.core.leads import LEADS
from precordia.core.progress import Progress, silent
from precordia.core.recording import Recording
from precordia.measurements.beats import find_beats
from precordia.measurements.working_rate import FS as BEATS_FS
from precordia.signals.pulse.windows import FS, WINDOW_S, pulse_windows
from precordia.simulation import simulate_batch
from precordia.simulation.pulse import new_vessels, simulate_pulse

if TYPE_CHECKING:
    from precordia.encoders.encoder import SignalEncoder

LENGTH_S: Final = 10.0
PHANTOM_SEED: Final = 2711
HELD_BACK: Final = 10_000_000
"""Number from which phantoms are patients that nothing is trained on."""

FEWEST_BEATS: Final = 4
RHYTHMS: Final = {
    "AFIB": "fibrillation",
    "SR": "sinus",
    "NORM": "sinus",
    "SBRAD": "sinus",
    "STACH": "sinus",
    "SARRH": "sinus",
}
"""Names of diagnoses and PTB-XL's codes to what is told apart; all else is "other"."""

_BATCH: Final = 200


@dataclass(frozen=True, eq=False)
class Pairs:
    """One a row.

    Attributes:
        windows: ``(n, SAMPLES)`` float32, pulses as the encoder is fed.
        vectors: ``(n, dim)`` float32, of the ECGs, unit norm.
        rhythms: ``(n,)`` "sinus", "fibrillation" or "other".
    """

    windows: NDArray[np.float32]
    vectors: NDArray[np.float32]
    rhythms: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.windows)

    def and_(self, other: Pairs) -> Pairs:
        """Both."""
        return Pairs(
            np.concatenate([self.windows, other.windows]),
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.rhythms, other.rhythms]),
        )

    def save(self, path: Path) -> None:
        """To one file."""
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            np.savez(file, windows=self.windows, vectors=self.vectors, rhythms=self.rhythms)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pairs:
        """What :meth:`save` wrote."""
        with np.load(path) as kept:
            return cls(kept["windows"], kept["vectors"], kept["rhythms"])


def phantom_pairs(n: int, encoder: SignalEncoder, *, first: int = 0, progress: Progress = silent) -> Pairs:
    """Patients of the phantom hospital, from a number on."""
    recordings, windows, rhythms = [], [], []
    starts = range(0, n, _BATCH)
    for start in progress(starts, len(starts), "simulating", "batch"):
        batch = simulate_batch(min(_BATCH, n - start), PHANTOM_SEED, first=first + start, duration_s=LENGTH_S)
        for row, truth in enumerate(batch.truths):
            qrs = np.array([beat.qrs_on_s for beat in truth.beats])
            if qrs.size < FEWEST_BEATS:
                continue
            windows.append(pulse_of(qrs, [PHANTOM_SEED, first + start + row]))
            recordings.append(Recording(batch.signal[row], batch.fs, LEADS, f"phantom-{first + start + row}"))
            rhythms.append(rhythm_of(truth.diagnoses))
    return Pairs(np.stack(windows), encoder.embed(recordings), np.array(rhythms))


def real_pairs(recordings: Sequence[Recording], encoder: SignalEncoder, *, progress: Progress = silent) -> Pairs:
    """Real ECGs with the pulses that their beats would have sent to a finger; those of too few beats are left out."""
    kept, windows, rhythms = [], [], []
    for number, recording in enumerate(progress(recordings, len(recordings), "beats to pulses")):
        qrs = beats_of(recording)
        if qrs.size >= FEWEST_BEATS:
            windows.append(pulse_of(qrs, [PHANTOM_SEED, 1, number]))
            kept.append(recording)
            rhythms.append(rhythm_of([code.removeprefix("scp:") for code in recording.codes]))
    return Pairs(np.stack(windows), encoder.embed(kept), np.array(rhythms))


def beats_of(recording: Recording) -> NDArray[np.float64]:
    """Times of the QRS complexes, s."""
    known = np.nan_to_num(recording.signal.astype(np.float64))
    return find_beats(resample_poly(known, round(BEATS_FS), round(recording.fs), axis=1)) / BEATS_FS


def pulse_of(
    qrs_s: NDArray[np.float64], seed: Sequence[int], start_s: float = LENGTH_S - WINDOW_S
) -> NDArray[np.float32]:
    """The window of a simulated pulse of an ECG's beats, ``(SAMPLES,)``, of somebody drawn from a seed.

    It begins ``start_s`` after the ECG: the wave of a beat before the ECG is not known.
    """
    rng = np.random.default_rng(list(seed))
    pulse = simulate_pulse(qrs_s, start_s + WINDOW_S, fs=2 * FS, vessels=new_vessels(rng), rng=rng)
    window: NDArray[np.float32] = pulse_windows(pulse.signal[round(start_s * 2 * FS) :], 2 * FS)[0]
    return window


def rhythm_of(names: Sequence[str]) -> str:
    """Of an ECG with these diagnoses or codes."""
    found = {RHYTHMS[name] for name in names if name in RHYTHMS}
    others = {"AFLT", "PACE", "SVTAC", "PSVT", "SVARR", "BIGU", "TRIGU", "2AVB", "3AVB"} & {
        n.split(":")[0] for n in names
    }
    if "fibrillation" in found:
        return "fibrillation"
    return "sinus" if "sinus" in found and not others else "other"
