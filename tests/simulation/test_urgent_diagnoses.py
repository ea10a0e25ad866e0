"""What must not be missed, as the phantom hospital makes it: P rate, RR, QRS width, spikes and shapes, read off the signal."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.concepts import label_report, vocabulary
from precordia.core.leads import LEADS
from precordia.simulation import SimulatedRecording, Truth, simulate, simulate_batch, write_report
from precordia.simulation.population import URGENT, draw_diagnoses, draw_urgent

SEEDS = (1, 2, 3, 4, 5)
FS = 1000


def clean(name: str, seed: int, fs: float = FS) -> SimulatedRecording:
    return simulate([name], seed=seed, fs=fs, noise=None)


def rr_ms(truth: Truth) -> NDArray[np.float64]:
    return np.diff([b.qrs_on_s for b in truth.beats]) * 1000


def pr_ms(truth: Truth) -> NDArray[np.float64]:
    """From the last P wave before each QRS."""
    p = np.array(truth.p_waves_s)
    return np.array([(b.qrs_on_s - p[p < b.qrs_on_s].max()) * 1000 for b in truth.beats if (p < b.qrs_on_s).any()])


def beat(made: SimulatedRecording, lead: str, number: int = 1) -> NDArray[np.float64]:
    """One lead from 100 ms before a QRS, against its level there."""
    start = round(made.truth.beats[number].qrs_on_s * FS) - 100
    piece = made.recording.signal[LEADS.index(lead), start : start + 700].astype(float)
    return piece - piece[90:97].mean()


def width_ms(x: NDArray[np.float64]) -> float:
    """Width of the tallest wave at half its height, ms."""
    top = int(x.argmax())
    below = np.flatnonzero(x < x[top] / 2)
    return float(below[below > top].min() - below[below < top].max())


def slope_ms(made: SimulatedRecording) -> float:
    """QRS width by the slope of the signal, ms: of the first beats the narrowest, where no P wave of its own time falls on it."""
    return min(slope_of_beat_ms(made, number) for number in (1, 2, 3))


def slope_of_beat_ms(made: SimulatedRecording, number: int) -> float:
    piece = np.array([beat(made, lead, number)[60:330] for lead in ("I", "II", "V1", "V2", "V5", "V6")])
    where = np.flatnonzero((np.abs(np.diff(piece, axis=1)) > 0.006).any(axis=0))
    return float(where[-1] - where[0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "lowest", "highest"), [("2AVB", 2, 2), ("HAVB", 2, 4), ("MOB2", 1, 2)])
def test_second_degree_block_loses_p_waves_at_a_constant_pr(name: str, lowest: int, highest: int, seed: int) -> None:
    truth = clean(name, seed).truth
    pp = np.diff(truth.p_waves_s)
    assert 60 <= 60 / pp.mean() <= 120
    steps = rr_ms(truth) / (1000 * pp.mean())
    assert np.abs(steps - steps.round()).max() < 0.12  # each RR is a whole number of PP
    assert lowest <= steps.round().min() <= steps.round().max() <= highest
    assert steps.round().max() >= 2
    assert np.ptp(pr_ms(truth)) < 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["3AVB", "3AVB:wide"])
def test_third_degree_block_parts_atria_and_ventricles(name: str, seed: int) -> None:
    made = clean(name, seed)
    truth = made.truth
    assert rr_ms(truth).std() < 0.03 * rr_ms(truth).mean()
    assert 60 / np.diff(truth.p_waves_s).mean() > 1.1 * (truth.measurements.heart_rate_bpm or 999)
    assert truth.measurements.pr_ms is None
    assert np.ptp(pr_ms(truth)) > 100
    rate = truth.measurements.heart_rate_bpm or 0
    assert 25 <= rate <= 55
    width = slope_ms(made)
    assert (width > 115) == (name == "3AVB:wide"), width


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_p_waves_are_in_the_signal(seed: int) -> None:
    made = clean("HAVB", seed)
    led = {b.p_on_s for b in made.truth.beats}
    quiet = [p for p in made.truth.p_waves_s if p not in led and 0.1 < p < 9.7 and not near_beat(made.truth, p)]
    assert quiet
    for p in quiet:
        at = round(p * FS)
        piece = made.recording.lead("II")[at - 20 : at + 130].astype(float)
        assert np.ptp(piece) > 0.03


def near_beat(truth: Truth, p: float) -> bool:
    return any(b.qrs_on_s - 0.3 < p < (b.t_off_s or b.qrs_on_s + 0.5) + 0.05 for b in truth.beats)


@pytest.mark.parametrize("seed", SEEDS)
def test_ventricular_tachycardia_is_wide_fast_and_regular(seed: int) -> None:
    made = clean("VT", seed)
    truth = made.truth
    assert 120 <= (truth.measurements.heart_rate_bpm or 0) <= 220
    assert rr_ms(truth).std() < 10
    assert slope_ms(made) >= 110
    assert len(truth.p_waves_s) < len(truth.beats)
    assert {b.kind for b in truth.beats} == {"ventricular"}


def test_ventricular_tachycardia_varies_and_mostly_shows_its_p_waves() -> None:
    truths = [clean("VT", seed, 100).truth for seed in range(20)]
    assert 0.4 < np.mean([bool(t.p_waves_s) for t in truths]) < 1
    assert len({round(t.measurements.axis_deg or 0, -1) for t in truths}) > 6


@pytest.mark.parametrize("seed", SEEDS)
def test_preexcited_fibrillation_is_irregular_fast_and_of_varying_width(seed: int) -> None:
    truth = clean("AFIB:WPW", seed).truth
    rr = rr_ms(truth)
    assert (truth.measurements.heart_rate_bpm or 0) > 135
    assert rr.std() > 35
    assert rr.min() < 300
    widths = {b.kind: b.qrs_off_s - b.qrs_on_s for b in truth.beats}
    assert widths["conducted"] + 0.02 < widths["partly preexcited"] < widths["sinus"] - 0.015
    assert widths["conducted"] < 0.12 < widths["sinus"]
    assert not truth.p_waves_s


@pytest.mark.parametrize("fs", [100, 500])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_paced_beat_follows_a_spike(fs: int, seed: int) -> None:
    made = clean("VPACE", seed, fs)
    inside = [b for b in made.truth.beats if 0.1 < b.qrs_on_s < 9.8]
    for b in inside:
        assert min(abs(b.qrs_on_s - s) for s in made.truth.spikes_s) < 0.006
    sharp = np.abs(np.diff(made.recording.signal, n=2, axis=1)).max(axis=0)
    at = np.array([round(s * fs) for s in made.truth.spikes_s if 0.1 < s < 9.8])
    near = np.array([sharp[a - 3 : a + 3].max() for a in at])
    assert near.min() > (0.8 if fs == 500 else 0.1)


@pytest.mark.parametrize("seed", range(8))
def test_a_failing_pacemaker_stimulates_in_vain_or_leaves_a_pause(seed: int) -> None:
    truth = clean("PFAIL", seed, 500).truth
    on = np.array([b.qrs_on_s for b in truth.beats])
    alone = [s for s in truth.spikes_s if not ((on > s - 0.3) & (on < s + 0.12)).any() and s < 9.8]
    assert len(alone) >= 2 or rr_ms(truth).max() > 1500
    assert (truth.measurements.heart_rate_bpm or 99) < 65


@pytest.mark.parametrize("seed", SEEDS)
def test_hyperkalaemia_raises_and_narrows_t_and_flattens_p(seed: int) -> None:
    ill, well = clean("HYPERK", seed), clean("SR", seed)
    assert (ill.truth.measurements.pr_ms or 0) > (well.truth.measurements.pr_ms or 0)
    assert (ill.truth.measurements.qrs_ms or 0) > (well.truth.measurements.qrs_ms or 0)
    for lead in ("V3", "V4"):
        t_ill, t_well = (beat(made, lead)[250:550] for made in (ill, well))
        assert t_ill.max() > 1.5 * t_well.max()
        assert width_ms(t_ill) < 0.75 * width_ms(t_well)


@pytest.mark.parametrize("seed", SEEDS)
def test_severe_hyperkalaemia_is_a_sine_wave(seed: int) -> None:
    made = clean("HYPERK:severe", seed)
    assert not made.truth.p_waves_s
    assert (made.truth.measurements.qrs_ms or 0) > 160
    assert slope_ms(made) > 140


@pytest.mark.parametrize("seed", SEEDS)
def test_brugada_is_coved_under_v1_and_v2_only(seed: int) -> None:
    made = clean("BRUG", seed)
    j = 100 + round(made.truth.measurements.qrs_ms or 0)
    coved = []
    for lead in ("V1", "V2"):
        x = beat(made, lead)
        coved.append(x[j] >= 0.2 and x[j] > x[j + 40] > x[j + 80] and x[j + 120 : j + 320].min() < -0.05)
    assert any(coved)
    assert all(abs(beat(made, lead)[j + 20]) < 0.15 for lead in ("I", "II", "V5", "V6"))


@pytest.mark.parametrize("seed", SEEDS)
def test_long_qt_of_500(seed: int) -> None:
    assert (clean("LNGQT:500", seed).truth.measurements.qtc_ms or 0) >= 500


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "opposite"), [("IMI:acute", ("aVL",)), ("LMI:acute", ("III", "aVF"))])
def test_st_elevation_has_its_reciprocal(name: str, opposite: tuple[str, ...], seed: int) -> None:
    st = clean(name, seed).truth.measurements.st_j60_mv
    assert min(st[lead] for lead in opposite) < -0.04
    assert max(st.values()) >= 0.1


def test_an_urgent_mixture_has_them_all_and_the_usual_one_none() -> None:
    rng = np.random.default_rng(0)
    urgent = {name for _ in range(600) for name in draw_urgent(rng, 60, "F")}
    assert set(URGENT) <= urgent
    new = {name for name in URGENT if not name.endswith(":acute")}
    assert not new & {name for _ in range(600) for name in draw_diagnoses(rng, 60, "F")}
    batch = simulate_batch(12, 4, draw=draw_urgent)
    assert np.isfinite(batch.signal).all()
    assert all(set(t.diagnoses) & set(URGENT) for t in batch.truths)


def test_earlier_seeds_give_the_same_patients() -> None:
    batch = simulate_batch(4, 3)
    assert [t.diagnoses for t in batch.truths] == KNOWN
    assert [len(t.beats) for t in batch.truths] == KNOWN_BEATS
    assert np.abs(batch.signal).mean(axis=(1, 2)) == pytest.approx(KNOWN_LEVELS, abs=2e-5)


KNOWN: list[tuple[str, ...]] = [("SR", "PVC"), ("SR", "PVC"), ("SR", "PAC"), ("LVH", "SR")]
KNOWN_BEATS: list[int] = [12, 10, 10, 11]
KNOWN_LEVELS: list[float] = [0.11106, 0.082, 0.07253, 0.11077]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", [n for n in URGENT if not n.endswith(":acute")])
def test_reports_say_it_in_words_that_are_read_back(name: str, language: str) -> None:
    truth, known = clean(name, 9, 100).truth, vocabulary()
    wanted = set(truth.concepts) - {"SR", "SBRAD", "LAD", "RAD"}
    for seed in range(12):
        text = write_report(truth, np.random.default_rng(seed), language)  # type: ignore[arg-type]
        said = {f.concept for f in label_report(text) if f.status != "absent"}
        assert wanted <= said | {a for c in said for a in known.ancestors(c)}, (text, said)
