"""The phantom hospital: simulated 12-lead ECGs with known truth, and archives of them written as real files.

One ECG, by the names in ``diagnoses()`` ("AFIB", "CLBBB", "IMI:acute", ...; compatible ones combine)::

    from precordia.simulation import simulate, simulate_batch
    simulated = simulate(["SBRAD", "CLBBB"], seed=7, fs=500)   # SimulatedRecording
    simulated.recording                                        # a Recording, mV
    simulated.truth.findings, simulated.truth.measurements, simulated.truth.beats

Many, for training (a hundred or more a second on one core at 100 Hz)::

    batch = simulate_batch(64, seed=1, fs=100, duration_s=10)  # a plausible mixture of diagnoses, with noise
    batch.signal                                               # (64, 12, 1000) float32, mV, canonical lead order
    batch.truths[0].concepts                                   # ("SR", "LVH")
    noisy = add_noise(batch.signal, 100, "muscle", snr_db=12, rng=numpy.random.default_rng(0))

The same seed gives the same samples; member ``i`` of a batch depends on ``seed`` and ``i`` alone, so a training run may
draw batch after batch with ``first=0, 64, 128, ...``. Everything here is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Archive": "precordia.simulation.hospital",
    "BeatTruth": "precordia.simulation.truth",
    "Noise": "precordia.simulation.noise",
    "Patient": "precordia.simulation.patients",
    "SimulatedBatch": "precordia.simulation.simulator",
    "SimulatedRecording": "precordia.simulation.simulator",
    "Truth": "precordia.simulation.truth",
    "add_noise": "precordia.simulation.noise",
    "diagnosis_names": "precordia.simulation.diagnoses",
    "new_patient": "precordia.simulation.patients",
    "simulate": "precordia.simulation.simulator",
    "simulate_batch": "precordia.simulation.simulator",
    "write_archive": "precordia.simulation.hospital",
    "write_report": "precordia.simulation.reports",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from precordia.simulation.diagnoses import diagnosis_names as diagnosis_names
    from precordia.simulation.hospital import Archive as Archive
    from precordia.simulation.hospital import write_archive as write_archive
    from precordia.simulation.noise import Noise as Noise
    from precordia.simulation.noise import add_noise as add_noise
    from precordia.simulation.patients import Patient as Patient
    from precordia.simulation.patients import new_patient as new_patient
    from precordia.simulation.reports import write_report as write_report
    from precordia.simulation.simulator import SimulatedBatch as SimulatedBatch
    from precordia.simulation.simulator import SimulatedRecording as SimulatedRecording
    from precordia.simulation.simulator import simulate as simulate
    from precordia.simulation.simulator import simulate_batch as simulate_batch
    from precordia.simulation.truth import BeatTruth as BeatTruth
    from precordia.simulation.truth import Truth as Truth


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'precordia.simulation' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
