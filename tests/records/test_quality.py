from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from precordia import assess
from precordia.core.leads import CHEST_LEADS, LEADS, LIMB_LEADS, derive_limb_leads
from precordia.core.recording import Quality, Recording
from precordia.simulation import simulate
from precordia.simulation.pulse import Vessels, simulate_pulse


def heart(fs: float = 500.0, duration_s: float = 10.0, noise_mv: float = 0.01, seed: int = 0) -> Recording:
    """A normal heart: an electrical vector that turns left and down, seen by twelve leads."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs * duration_s)) / fs
    phase = t % 0.85
    # (time s, width s, x left, y down, z front): P, Q, R, S, T.
    waves = [(0.15, 0.025, 0.08, 0.12, 0.02), (0.285, 0.008, -0.1, -0.05, 0.25), (0.31, 0.012, 0.9, 0.9, -0.1),
             (0.335, 0.012, -0.1, -0.05, -0.7), (0.57, 0.045, 0.25, 0.2, 0.2)]  # fmt: skip
    vector = np.zeros((3, t.size))
    for at, width, *axes in waves:
        vector += np.array(axes)[:, None] * np.exp(-0.5 * ((phase - at) / width) ** 2)
    electrodes = {"I": (1, 0, 0), "II": (0.45, 1, 0), "V1": (-0.5, 0.2, 1.2), "V2": (-0.1, 0.2, 1.6), "V3": (0.5, 0.3, 1.3),
                  "V4": (1.1, 0.4, 0.7), "V5": (1.2, 0.4, 0.2), "V6": (1.1, 0.4, -0.1)}  # fmt: skip
    rows = {lead: np.array(axis) @ vector + rng.normal(0, noise_mv, t.size) for lead, axis in electrodes.items()}
    limbs = derive_limb_leads(rows["I"].astype(np.float32), rows["II"].astype(np.float32))
    signal = np.stack([limbs.get(lead, rows.get(lead)) for lead in LEADS])
    return Recording(signal.astype(np.float32), fs, LEADS, "made")


def with_rows(recording: Recording, **rows: object) -> Recording:
    signal = recording.signal.copy()
    for lead, values in rows.items():
        signal[recording.leads.index(lead)] = values
    return replace(recording, signal=signal)


def kinds(quality: Quality) -> dict[str, tuple[str, ...]]:
    return {problem.kind: problem.leads for problem in quality.problems}


def test_a_pulse_under_the_name_of_a_lead_is_no_ecg() -> None:
    beats = np.arange(-2.0, 12.0, 0.8)
    wave = simulate_pulse(beats, 10.0, fs=100.0, vessels=Vessels(sensor=0.01), rng=np.random.default_rng(1)).signal
    found = assess(Recording(wave[None].astype(np.float32), 100.0, ("I",), "pulse"))
    assert (found.acceptable, found.problems[0].kind) == (False, "smooth")
    wide = simulate("HYPERK:severe", seed=2, fs=250).recording
    for row, lead in enumerate(wide.leads):
        assert "smooth" not in kinds(assess(replace(wide, signal=wide.signal[[row]], leads=(lead,))))


@pytest.mark.parametrize("fs", [50, 100, 257, 500, 1000, 2000])
def test_a_clean_recording_has_no_problem(fs: float) -> None:
    found = assess(heart(fs))
    assert found.problems == ()
    assert found.acceptable
    assert found.score > 0.9
    assert set(found.lead_scores) == set(LEADS)
    assert min(found.lead_scores.values()) > 0.9


@pytest.mark.parametrize("rate_bpm", [30, 70, 180])
def test_slow_and_fast_hearts_without_noise_are_not_flat(rate_bpm: float) -> None:
    beat = heart(500, 0.6, 0.0).signal[:, :300]
    beat = beat - beat[:, :1]
    period = round(500 * 60 / rate_bpm)
    signal = np.zeros((12, 5000 + period), np.float32)
    for start in range(0, 5000, period):
        signal[:, start : start + min(300, period)] += beat[:, : min(300, period)]
    found = assess(Recording(signal[:, :5000], 500, LEADS, "made"))
    assert "flat" not in kinds(found)
    assert found.acceptable


def test_flat_leads_are_named_and_the_rest_still_serves() -> None:
    found = assess(with_rows(heart(), V2=1.3, V5=0.0))
    assert kinds(found)["flat"] == ("V2", "V5")
    assert found.lead_scores["V2"] == found.lead_scores["V5"] == 0
    assert found.lead_scores["V1"] > 0.9
    assert found.acceptable
    assert found.score < assess(heart()).score


def test_a_recording_without_any_signal_is_unacceptable() -> None:
    for value in (0.0, 5.0, np.nan, np.inf):
        found = assess(replace(heart(), signal=np.full((12, 5000), value, np.float32)))
        assert (found.score, found.acceptable) == (0, False)
        assert found.problems


def test_a_stretch_without_signal_is_a_problem_of_its_share() -> None:
    recording = heart()
    half = recording.lead("V3").copy()
    half[2500:] = half[2500]
    found = assess(with_rows(recording, V3=half))
    assert kinds(found)["flat"] == ("V3",)
    assert found.lead_scores["V3"] == pytest.approx(0.5, abs=0.1)


def test_clipped_leads_are_saturated_and_coarse_ones_are_not() -> None:
    recording = heart()
    assert kinds(assess(with_rows(recording, V4=np.clip(recording.lead("V4"), -1, 0.6))))["saturated"] == ("V4",)
    coarse = replace(recording, signal=np.round(recording.signal * 50) / 50)
    assert "saturated" not in kinds(assess(coarse))


def test_missing_samples_are_counted() -> None:
    recording = heart()
    signal = recording.signal.copy()
    signal[6, :1000] = np.nan
    found = assess(replace(recording, signal=signal))
    assert kinds(found) == {"nan": ("V1",)}
    assert "20.0%" in found.problems[0].message
    assert found.lead_scores["V1"] == pytest.approx(0.8)


@pytest.mark.parametrize("lead", ["I", "aVL"])
def test_a_gap_in_a_limb_lead_breaks_no_law(lead: str) -> None:
    gap = heart().lead(lead).copy()
    gap[1003:2500] = np.nan
    gap[4000] = np.nan
    assert kinds(assess(with_rows(heart(), **{lead: gap}))) == {"nan": (lead,)}
    wrong = with_rows(heart(), **{lead: gap * 1.3})
    assert set(kinds(assess(wrong))) & {"einthoven", "goldberger"}


def test_a_lead_without_any_sample_is_missing_rather_than_flat() -> None:
    assert kinds(assess(with_rows(heart(), III=np.nan))) == {"nan": ("III",)}


def test_noise_is_found_where_it_is() -> None:
    recording = heart()
    rng = np.random.default_rng(1)
    found = assess(with_rows(recording, V6=recording.lead("V6") + rng.normal(0, 1.5, 5000)))
    assert kinds(found)["noisy"] == ("V6",)
    assert found.lead_scores["V6"] < 0.6
    assert min(found.lead_scores[lead] for lead in LEADS[:11]) > 0.9


@pytest.mark.parametrize("fs", [100, 257, 500, 1000])
def test_noise_as_large_as_the_waves_is_found_at_any_rate(fs: float) -> None:
    recording = heart(fs)
    rng = np.random.default_rng(2)
    for lead in ("V1", "V5"):
        x = recording.lead(lead)
        noise = rng.normal(0, 0.4 * np.ptp(x), x.size)
        assert kinds(assess(with_rows(recording, **{lead: x + noise})))["noisy"] == (lead,)


def test_noise_throughout_is_unacceptable() -> None:
    for duration in (5, 10, 60):
        signal = np.random.default_rng(0).normal(0, 0.5, (12, 250 * duration)).astype(np.float32)
        found = assess(Recording(signal, 250, LEADS, "noise"))
        assert not found.acceptable
        assert found.score < 0.02


@pytest.mark.parametrize("n_leads", [1, 2])
def test_noise_in_few_leads_scores_below_an_ecg_in_few_leads(n_leads: int) -> None:
    leads = ("I", "II")[:n_leads]
    noise = np.random.default_rng(0).normal(0, 0.5, (n_leads, 5000)).astype(np.float32)
    ecg = assess(Recording(heart().signal[:n_leads], 500, leads, "ecg"))
    assert ecg.score > 0.9
    assert assess(Recording(noise, 500, leads, "noise")).score < 0.5


@pytest.mark.parametrize(("factor", "says"), [(1000.0, "microvolts"), (200.0, "counts"), (0.001, "multiply")])
def test_wrong_units_are_told_from_small_and_large_hearts(factor: float, says: str) -> None:
    recording = heart(noise_mv=0.005)
    found = assess(replace(recording, signal=recording.signal * np.float32(factor)))
    assert found.problems[0].kind == "units"
    assert says in found.problems[0].message
    assert not found.acceptable
    for honest in (0.2, 4.0):
        assert "units" not in kinds(assess(replace(recording, signal=recording.signal * np.float32(honest))))


def test_a_limb_lead_of_another_gain_breaks_einthovens_law() -> None:
    recording = heart()
    found = kinds(assess(with_rows(recording, II=recording.lead("II") * 1.2)))
    assert found["einthoven"] == ("I", "II", "III")


@pytest.mark.parametrize("lead", ["aVR", "aVL", "aVF"])
def test_an_augmented_lead_of_another_gain_breaks_goldbergers_law(lead: str) -> None:
    recording = heart()
    found = kinds(assess(with_rows(recording, **{lead: recording.lead(lead) * 1.5})))
    assert found == {"goldberger": (lead,)}


def test_exchanged_and_inverted_names_are_guessed() -> None:
    recording = heart()
    exchanged = with_rows(recording, aVL=recording.lead("aVF"), aVF=recording.lead("aVL"))
    assert "aVL looks like aVF, aVF looks like aVL" in assess(exchanged).problems[0].message
    inverted = with_rows(recording, aVR=-recording.lead("aVR"))
    assert "aVR looks like -aVR" in assess(inverted).problems[0].message


def test_augmented_leads_alone_must_sum_to_zero() -> None:
    recording = heart()
    leads = ("aVR", "aVL", "aVF", "V1", "V2", "V3")
    augmented = replace(recording, signal=np.stack([recording.lead(lead) for lead in leads]), leads=leads)
    assert set(kinds(assess(augmented))) == {"missing_lead"}
    assert kinds(assess(with_rows(augmented, aVL=augmented.lead("aVL") * 2)))["goldberger"] == leads[:3]


def test_rounding_to_5_microvolts_breaks_no_law() -> None:
    recording = heart()
    assert kinds(assess(replace(recording, signal=np.round(recording.signal * 200) / 200))) == {}


def exchange(r: Recording) -> Recording:
    return with_rows(r, I=-r.lead("I"), II=r.lead("III"), III=r.lead("II"), aVR=r.lead("aVL"), aVL=r.lead("aVR"))


def test_exchanged_arm_electrodes_are_found_and_exchanging_again_repairs() -> None:
    recording = heart()
    found = assess(exchange(recording))
    assert set(kinds(found)) == {"electrode_swap"}
    assert found.acceptable
    assert kinds(assess(exchange(exchange(recording)))) == {}


def test_dextrocardia_is_not_taken_for_exchanged_electrodes_alone() -> None:
    """A mirrored heart inverts I and turns the chest leads to the right side: they no longer foretell the left."""
    recording = heart()
    right = {"V3": "V5", "V4": "V5", "V5": "V6", "V6": "V6"}
    mirrored = with_rows(exchange(recording), **{lead: -0.7 * recording.lead(seen) for lead, seen in right.items()})
    assert "electrode_swap" not in kinds(assess(mirrored))


def test_leads_that_cannot_be_derived_are_missing() -> None:
    recording = heart()
    eight = ("I", "II", *CHEST_LEADS)
    found = assess(replace(recording, signal=np.stack([recording.lead(lead) for lead in eight]), leads=eight))
    assert found.problems == ()
    limbs = assess(replace(recording, signal=recording.signal[:6], leads=LIMB_LEADS))
    assert kinds(limbs) == {"missing_lead": CHEST_LEADS}
    assert limbs.acceptable
    single = assess(replace(recording, signal=recording.signal[1:2], leads=("II",)))
    assert kinds(single) == {"missing_lead": tuple(lead for lead in LEADS if lead != "II")}
    assert single.acceptable


def test_other_channels_are_not_judged() -> None:
    recording = heart()
    extended = replace(recording, signal=np.vstack([recording.signal, np.zeros((1, 5000))]), leads=(*LEADS, "Pleth"))
    assert assess(extended) == assess(recording)
    alone = assess(replace(recording, signal=recording.signal[:1], leads=("Pleth",)))
    assert (alone.score, alone.acceptable) == (0, False)
    assert kinds(alone)["missing_lead"] == LEADS


def test_the_order_of_the_leads_does_not_matter() -> None:
    recording = with_rows(heart(), V2=0.0)
    turned = replace(recording, signal=recording.signal[::-1], leads=LEADS[::-1])
    one, other = assess(recording), assess(turned)
    assert other.score == pytest.approx(one.score, abs=1e-4)
    assert other.lead_scores == pytest.approx(one.lead_scores, abs=1e-3)


@pytest.mark.parametrize(("duration", "acceptable"), [(0, False), (2.4, False), (2.5, True), (4, True)])
def test_short_recordings_say_so(duration: float, acceptable: bool) -> None:
    found = assess(heart(duration_s=duration))
    assert "short" in kinds(found)
    assert found.acceptable is acceptable


def test_problems_come_worst_first_with_severities_in_range() -> None:
    recording = heart(duration_s=5)
    found = assess(with_rows(recording, V1=0.0, V2=np.nan, II=recording.lead("II") * 3))
    severities = [problem.severity for problem in found.problems]
    assert severities == sorted(severities, reverse=True)
    assert {"flat", "nan", "einthoven", "short"} <= set(kinds(found))


@pytest.mark.parametrize("fs", [0.01, 10])
def test_a_rate_that_cannot_carry_an_ecg_is_refused_cheaply(fs: float) -> None:
    found = assess(Recording(np.ones((12, 700), np.float32), fs, LEADS, "slow"))
    assert (found.score, found.acceptable, found.problems[0].kind) == (0, False, "units")


@settings(max_examples=60, deadline=None)
@given(
    signal=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.integers(0, 700)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
        fill=st.sampled_from([np.float32(0), np.float32(1e30), np.float32(np.nan), np.float32(-1e-30)]),
    ),
    fs=st.floats(0.01, 1e6),
)
def test_nothing_that_a_file_may_hold_makes_it_fail(signal: np.ndarray, fs: float) -> None:
    found = assess(Recording(signal, fs, LEADS[: signal.shape[0]], "any"))
    assert 0 <= found.score <= 1
    assert all(0 <= score <= 1 for score in found.lead_scores.values())
    assert all(0 <= problem.severity <= 1 and problem.message for problem in found.problems)
