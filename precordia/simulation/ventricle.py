"""The phantom's left ventricle as magnetic resonance would measure it, beside its ECG: mass, ejection fraction, volume.

Healthy values by sex: Petersen et al., J Cardiovasc Magn Reson 2017;19:18 (UK Biobank: mass 103 g in men and 70 g in women,
standard deviation a fifth; ejection fraction 58% and 61%, standard deviation 5). What a disease does to them is of plausible
size only, chosen by us: hypertrophy raises mass by a quarter to four fifths, a scar takes 6 to 20 points of ejection fraction
(an anterior one more than an inferior one), left bundle branch block and fibrillation less. A wide QRS goes with some mass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Sex
from precordia.simulation.truth import Truth

MASS_G: Final[dict[Sex, float]] = {"M": 103.0, "F": 70.0}
EJECTION_PCT: Final[dict[Sex, float]] = {"M": 58.0, "F": 61.0}
_SCARS: Final = {"AMI": 14.0, "ASMI": 12.0, "ALMI": 13.0, "LMI": 8.0, "IMI": 7.0, "ILMI": 9.0, "PMI": 7.0}
_OTHERS: Final = {"CLBBB": 9.0, "AFIB": 4.0, "VPACE": 6.0}

MRI_FEATURES: Final = 16
"""Length of :func:`mri_vector`."""

_MIXTURE_SEED: Final = 1895


@dataclass(frozen=True)
class Ventricle:
    """A left ventricle.

    Attributes:
        mass_g: Myocardial mass, g.
        ejection_pct: Ejection fraction, %.
        volume_ml: End-diastolic volume, ml.
    """

    mass_g: float
    ejection_pct: float
    volume_ml: float


def ventricle_of(truth: Truth, seed: int) -> Ventricle:
    """The ventricle of a simulated ECG; the same seed gives the same."""
    rng = np.random.default_rng([seed, 77])
    names = {name.split(":")[0] for name in truth.diagnoses}
    mass = MASS_G[truth.sex] * float(np.exp(0.15 * rng.standard_normal()))
    if "LVH" in names:
        mass *= float(rng.uniform(1.25, 1.8))
    if truth.measurements.qrs_ms is not None:
        mass *= 1.0 + 0.003 * float(np.clip(truth.measurements.qrs_ms - 95.0, -20.0, 60.0))
    lost = sum(size * float(rng.uniform(0.8, 1.5)) for name, size in (_SCARS | _OTHERS).items() if name in names)
    ejection = float(np.clip(EJECTION_PCT[truth.sex] + 5.0 * rng.standard_normal() - lost, 15.0, 78.0))
    # A ventricle that ejects less is larger: the stroke stays near what a body needs.
    volume = (86.0 if truth.sex == "M" else 73.0) * float(np.exp(0.08 * rng.standard_normal())) / (ejection / 100.0)
    return Ventricle(mass, ejection, volume)


def mri_vector(ventricle: Ventricle, seed: int) -> NDArray[np.float32]:
    """``(MRI_FEATURES,)`` float32: what an image encoder might give, a fixed mixture of the ventricle and of as much noise."""
    rng = np.random.default_rng([seed, 78])
    known = np.array(
        [
            (ventricle.mass_g - 90.0) / 25.0, (ventricle.ejection_pct - 57.0) / 9.0, (ventricle.volume_ml - 140.0) / 30.0,
            *rng.standard_normal(5),
        ]
    )  # fmt: skip
    mixture = np.random.default_rng(_MIXTURE_SEED).standard_normal((MRI_FEATURES, known.size)) / np.sqrt(known.size)
    return np.asarray(np.tanh(mixture @ known) + 0.2 * rng.standard_normal(MRI_FEATURES), dtype=np.float32)
