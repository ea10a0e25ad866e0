"""What callers of the simulator rely on: determinism, shapes, truth that fits the signal, and clear refusals."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import UnknownNameError, UsageError
from precordia.core.leads import LEADS, LIMB_FROM_I_II
from precordia.simulation import diagnosis_names, simulate, simulate_batch
from precordia.simulation.diagnoses import CATALOGUE, compatible, resolve


def test_same_seed_same_signal_and_another_seed_another() -> None:
    a, b, c = (simulate(["AFIB", "CRBBB"], seed=s, fs=250) for s in (3, 3, 4))
    assert a.recording.content_hash == b.recording.content_hash != c.recording.content_hash
    assert a.truth == b.truth


def test_shape_unit_and_names() -> None:
    made = simulate(seed=1, fs=500, duration_s=7.5)
    assert made.recording.leads == LEADS
    assert made.recording.signal.shape == (12, 3750)
    assert 0.5 < np.abs(made.recording.signal).max() < 6.0
    assert made.truth.concepts == ("NORM", "SR")


@pytest.mark.parametrize("diagnosis", ["NORM", "AFIB", "AFLT", "PACE", "PVC", "IMI:acute"])
def test_limb_leads_obey_einthoven_and_goldberger_before_noise(diagnosis: str) -> None:
    recording = simulate([diagnosis], seed=5, noise="none").recording
    for lead, (a, b) in LIMB_FROM_I_II.items():
        expected = a * recording.lead("I").astype(float) + b * recording.lead("II")
        assert np.abs(recording.lead(lead) - expected).max() < 1e-6


def test_batch_members_do_not_depend_on_the_batch() -> None:
    whole = simulate_batch(6, 11)
    assert whole.signal.shape == (6, 12, 1000)
    assert whole.signal.dtype == np.float32
    assert np.isfinite(whole.signal).all()
    part = simulate_batch(2, 11, first=4)
    assert np.array_equal(part.signal, whole.signal[4:])
    assert part.truths == whole.truths[4:]
    assert len({m.tobytes() for m in whole.signal}) == 6


def test_batch_takes_diagnoses() -> None:
    batch = simulate_batch(2, 0, diagnoses=[["AFIB"], ["CLBBB", "SBRAD"]])
    assert batch.truths[0].concepts == ("AFIB",)
    assert set(batch.truths[1].concepts) >= {"CLBBB", "SBRAD"}


@pytest.mark.parametrize("name", diagnosis_names())
def test_every_diagnosis_can_be_simulated(name: str) -> None:
    truth = simulate([name], seed=21, fs=100, noise=None).truth
    named = {f.concept for f in CATALOGUE[name].findings} if name != "NORM" else {"NORM"}
    assert named <= set(truth.concepts)
    assert ("NORM" in truth.concepts) == (name in ("NORM", "SR"))


def test_beats_lie_in_order_and_their_waves_in_theirs() -> None:
    truth = simulate(["PVC", "1AVB"], seed=8, duration_s=20).truth
    assert len(truth.beats) > 12
    assert list(truth.r_peaks_s) == sorted(truth.r_peaks_s)
    for beat in truth.beats:
        assert beat.qrs_on_s < beat.r_s < beat.qrs_off_s
        if beat.p_on_s is not None and beat.p_off_s is not None:
            assert beat.p_on_s < beat.p_off_s < beat.qrs_on_s
        if beat.t_on_s is not None and beat.t_off_s is not None:
            assert beat.qrs_off_s <= beat.t_on_s < beat.t_off_s
        if beat.kind == "pvc":
            assert beat.p_on_s is None


def test_r_peaks_and_quiet_baseline_are_where_the_truth_says() -> None:
    made = simulate(seed=31, noise=None)
    energy = np.sqrt((made.recording.signal.astype(float) ** 2).mean(axis=0))
    fs = made.recording.fs
    for beat in made.truth.beats:
        around = slice(max(0, round((beat.r_s - 0.06) * fs)), round((beat.r_s + 0.06) * fs))
        assert abs(np.argmax(energy[around]) + around.start - beat.r_s * fs) <= 0.02 * fs
        if beat.p_off_s is not None:
            segment = made.recording.signal[:, round((beat.p_off_s + 0.002) * fs) : round((beat.qrs_on_s - 0.002) * fs)]
            assert segment.size == 0 or np.abs(segment).max() < 0.03


def test_age_and_sex_are_as_asked_and_drawn_otherwise() -> None:
    made = simulate(seed=2, age=33, sex="M")
    assert (made.recording.age, made.recording.sex) == (33, "M")
    drawn = {(simulate(seed=s, fs=100, duration_s=2).truth.sex) for s in range(8)}
    assert drawn == {"F", "M"}


def test_unknown_and_incompatible_diagnoses_are_refused_with_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'AFIB'"):
        simulate(["AFIBB"], seed=0)
    with pytest.raises(UsageError, match=r"CLBBB.*LAFB|LAFB.*CLBBB"):
        simulate(["CLBBB", "LAFB"], seed=0)
    with pytest.raises(UsageError, match="AFIB"):
        simulate(["SR", "AFIB"], seed=0)
    with pytest.raises(UsageError, match="NORM"):
        simulate(["NORM", "LVH"], seed=0)
    with pytest.raises(UsageError, match="100 Hz"):
        simulate(seed=0, fs=20)
    with pytest.raises(UsageError, match="100 Hz"):
        simulate_batch(1, 0, fs=50)


def test_infarction_is_old_unless_called_acute() -> None:
    assert [d.name for d in resolve(["IMI"])] == ["IMI:old", "SR"]
    assert compatible(["CRBBB", "LAFB", "1AVB", "PVC"])
    assert not compatible(["AFIB", "1AVB"])


def test_findings_are_concepts_of_the_vocabulary() -> None:
    from precordia.concepts import vocabulary

    known = vocabulary()
    for diagnosis in CATALOGUE.values():
        for finding in diagnosis.findings:
            assert known.ancestors(finding.concept) is not None
