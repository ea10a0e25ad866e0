"""The lead field: Dower's matrix on average, the same for the same person, and electrodes exchanged as physics has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.simulation import simulate
from precordia.simulation.persons import new_person
from precordia.simulation.torso import DOWER, MISPLACEMENTS, misplaced, new_torso


def test_people_vary_about_dower() -> None:
    fields = np.array([new_torso(np.random.default_rng(s)).lead_field for s in range(400)])
    size = np.linalg.norm(DOWER, axis=1, keepdims=True)
    assert (np.abs(fields.mean(axis=0) - DOWER) < 0.05 * size).all()
    assert (fields.std(axis=0) > 0.03 * size).all()


def test_a_person_projects_a_wave_the_same_way_every_time() -> None:
    torso = new_torso(np.random.default_rng(1))
    again = new_torso(np.random.default_rng(1))
    assert np.array_equal(torso.project("t", (0.3, 0.2, -0.1)), again.project("t", (0.3, 0.2, -0.1)))


@pytest.mark.parametrize("kind", MISPLACEMENTS)
def test_misplaced_electrodes_change_the_ecg(kind: str) -> None:
    person = new_person(np.random.default_rng(3))
    right = simulate(seed=3, person=person, noise=None).recording
    wrong = simulate(seed=3, person=replace(person, torso=misplaced(person.torso, kind)), noise=None).recording
    changed = {lead for lead in right.leads if np.abs(right.lead(lead) - wrong.lead(lead)).max() > 0.03}
    limb = {"I", "II", "III", "aVR", "aVL", "aVF"}
    if kind == "LA-RA":
        # Arms exchanged: I upside down, II and III exchanged, aVR and aVL exchanged, aVF and the chest as before.
        assert np.allclose(wrong.lead("I"), -right.lead("I"), atol=1e-5)
        assert np.allclose(wrong.lead("II"), right.lead("III"), atol=1e-5)
        assert np.allclose(wrong.lead("aVR"), right.lead("aVL"), atol=1e-5)
        assert np.allclose(wrong.lead("aVF"), right.lead("aVF"), atol=1e-5)
        assert np.allclose(wrong.lead("V4"), right.lead("V4"), atol=1e-5)
    elif kind == "V2-V3":
        assert changed == {"V2", "V3"}
        assert np.allclose(wrong.lead("V2"), right.lead("V3"), atol=1e-5)
    elif kind == "V1V2 high":
        assert changed == {"V1", "V2"}
        assert wrong.lead("V2").max() < right.lead("V2").max() + 0.5
    else:
        assert changed & (limb if "L" in kind else {"V1", "V2", "V5", "V6"})


def test_unknown_misplacement_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="LA-RA"):
        misplaced(new_torso(np.random.default_rng(0)), "LA-RAA")
