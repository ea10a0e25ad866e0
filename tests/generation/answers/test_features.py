"""The numbers of an ECG that answers are read from: each in its place, with what is not known left open."""

from __future__ import annotations

import numpy as np
import pytest
from precedents import evidence_of, query_recording

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.encoders import load_encoder
from precordia.generation.answers.disturbance import disturbance
from precordia.generation.answers.features import (
    N_LEAD,
    N_NOISE,
    features_of,
)
from precordia.generation.answers.fitted import Belief, shipped, shipped_for
from precordia.measurements.feature_vector import AMPLITUDES, MEASURED_FROM, N_MEASURED

RECORDING = query_recording(10.0)


def test_measurements_stand_where_their_names_say() -> None:
    measured = Measurements(
        qrs_ms=120.0, axis_deg=90.0, st_j60_mv={"V2": 0.2}, rhythm_regularity="irregular", paced=True,
        criteria={"cornell_lvh": True},
    )  # fmt: skip
    found = features_of(RECORDING, measured, np.zeros(4, np.float32))
    assert found.measured.shape == (N_MEASURED,)
    at = {name: [i for i, n in enumerate(MEASURED_FROM) if n == name] for name in MEASURED_FROM}
    assert found.measured[at["qrs_ms"]].tolist() == [120.0]
    assert found.measured[at["axis_deg"]] == pytest.approx([0.0, 1.0], abs=1e-9)
    assert found.measured[at["st_j60_mv"]][LEADS.index("V2")] == 0.2
    assert np.isnan(found.measured[at["st_j60_mv"]]).sum() == 11
    assert found.measured[at["rhythm_regularity"]].tolist() == [1.0]
    assert found.measured[at["paced"]].tolist() == [1.0]
    assert found.measured[at["criteria"]].sum() == 1.0
    assert np.isnan(found.measured[at["pr_ms"]]).all()


def test_a_lead_has_its_disturbances_and_amplitudes() -> None:
    noise = disturbance(RECORDING)
    found = features_of(RECORDING, Measurements(t_mv={"V5": -0.3}), np.zeros(4, np.float32))
    assert found.noise.shape == (N_NOISE,)
    assert found.leads.shape == (12, N_LEAD)
    n = noise.shape[1]
    assert np.allclose(found.leads[:, :n], noise)
    assert np.allclose(found.leads[:, n : 2 * n], noise - noise.mean(axis=0))
    t = 2 * n + AMPLITUDES.index("t_mv")
    assert found.leads[LEADS.index("V5"), [t, t + len(AMPLITUDES)]] == pytest.approx([-0.3, 0.09])
    assert np.isnan(found.leads[0, t])
    assert np.allclose(found.noise[:n], noise.mean(axis=0))
    assert np.allclose(found.noise[n : 2 * n], noise.max(axis=0))


def test_what_ships_fits_the_encoder_that_ships() -> None:
    """Fails when weights were replaced without ``precordia train answers``."""
    encoder = load_encoder("default")
    fitted = shipped_for(encoder.fingerprint)
    assert fitted is not None
    assert set(fitted.curves) == set(fitted.risk) == {"verify", "choose", "query"}
    assert set(fitted.curves) <= set(fitted.least_confidence)
    assert all(0.5 <= least <= 1.01 for least in fitted.least_confidence.values())
    belief = Belief(fitted, features_of(RECORDING, Measurements(), encoder.embed([RECORDING])[0]), evidence_of())
    for members in fitted.groups.values():
        assert all(0 < belief.probability(target) < 1 for target in members)


def test_what_ships_is_read_once() -> None:
    assert shipped() is shipped()
