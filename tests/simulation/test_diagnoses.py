"""The classic criteria, measured on the simulated signals with a ruler of the test's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.simulation import SimulatedRecording, simulate
from precordia.simulation.diagnoses.infarctions import TERRITORIES

SEEDS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Ruler:
    """Mean clean beat of a recording, baseline taken just before the QRS; times in ms from the QRS onset."""

    beat: NDArray[np.float64]
    qrs_ms: float

    def qrs(self, lead: str) -> NDArray[np.float64]:
        return self.beat[LEADS.index(lead), 100 : 100 + round(self.qrs_ms)]

    def r(self, lead: str) -> float:
        return float(max(0.0, self.qrs(lead).max()))

    def s(self, lead: str) -> float:
        return float(max(0.0, -self.qrs(lead).min()))

    def level(self, lead: str, after_j_ms: float) -> float:
        return float(self.beat[LEADS.index(lead), 100 + round(self.qrs_ms + after_j_ms)])

    def t(self, lead: str) -> float:
        late = self.beat[LEADS.index(lead), 100 + round(self.qrs_ms) + 100 : 100 + 430]
        return float(late[np.abs(late).argmax()])

    @property
    def axis_deg(self) -> float:
        net = {lead: self.r(lead) - self.s(lead) for lead in ("I", "aVF")}
        return float(np.degrees(np.arctan2(net["aVF"] * 2 / np.sqrt(3), net["I"])))


def clean(names: list[str], seed: int, **options: float) -> SimulatedRecording:
    return simulate(names, seed=seed, fs=1000, noise=None, **options)  # type: ignore[arg-type]


def ruler(made: SimulatedRecording) -> Ruler:
    signal = made.recording.signal.astype(float)
    beats = []
    for b in made.truth.beats:
        start = round(b.qrs_on_s * 1000) - 100
        if b.kind in ("sinus", "paced") and start >= 0 and start + 600 <= signal.shape[1]:
            piece = signal[:, start : start + 600]
            beats.append(piece - piece[:, 90:97].mean(axis=1, keepdims=True))
    assert beats
    mean = np.mean(beats, axis=0)
    qrs = made.truth.measurements.qrs_ms
    assert qrs is not None
    return Ruler(mean, qrs)


def activity_ms(made: SimulatedRecording) -> float:
    """QRS width by the slope of the signal, independent of the truth."""
    mean = ruler(made).beat[:, 60:330]
    steep = np.abs(np.diff(mean, axis=1)).max(axis=0) > 0.004
    steep[:5] = False
    where = np.flatnonzero(steep)
    return float(where[-1] - where[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_normal(seed: int) -> None:
    made = clean(["NORM"], seed)
    m, look = made.truth.measurements, ruler(made)
    assert 60 <= (m.heart_rate_bpm or 0) <= 100
    assert 120 <= (m.pr_ms or 0) <= 200
    assert (m.qrs_ms or 999) < 110
    assert -30 <= look.axis_deg <= 90
    assert look.s("V1") + max(look.r("V5"), look.r("V6")) < 3.5
    assert all(look.t(lead) > 0.05 for lead in ("I", "II", "V4", "V5", "V6"))
    assert look.r("V1") < look.s("V1")
    assert look.r("V5") > look.s("V5")


@pytest.mark.parametrize("seed", SEEDS)
def test_left_bundle_branch_block(seed: int) -> None:
    made = clean(["CLBBB"], seed)
    look = ruler(made)
    assert activity_ms(made) >= 110
    assert (made.truth.measurements.qrs_ms or 0) >= 120
    for lead in ("I", "V6"):
        assert look.r(lead) > 0.3
        assert look.s(lead) < 0.2 * look.r(lead)  # neither Q nor S
        assert (look.qrs(lead) > 0.5 * look.r(lead)).sum() >= 55  # broad
        assert look.t(lead) < 0.1  # discordant
    assert look.s("V1") > 3 * look.r("V1")


@pytest.mark.parametrize("seed", SEEDS)
def test_right_bundle_branch_block(seed: int) -> None:
    made = clean(["CRBBB"], seed)
    look = ruler(made)
    assert (made.truth.measurements.qrs_ms or 0) >= 120
    last = round(0.6 * look.qrs_ms)
    assert look.qrs("V1")[last:].max() > 0.2  # R' late
    assert look.qrs("V6")[last:].min() < -0.08  # S late
    assert look.qrs("I")[last:].min() < -0.05
    incomplete = clean(["IRBBB"], seed).truth.measurements.qrs_ms
    assert incomplete is not None
    assert 100 <= incomplete < 120


@pytest.mark.parametrize("seed", SEEDS)
def test_fascicular_blocks_turn_the_axis(seed: int) -> None:
    left = clean(["LAFB"], seed)
    assert -90 <= ruler(left).axis_deg <= -44
    assert "LAD" in left.truth.concepts
    assert (left.truth.measurements.qrs_ms or 999) < 120
    right = clean(["LPFB"], seed)
    assert ruler(right).axis_deg >= 90
    assert "RAD" in right.truth.concepts


@pytest.mark.parametrize("seed", SEEDS)
def test_hypertrophies(seed: int) -> None:
    for name in ("LVH", "LVH:strain"):
        look = ruler(clean([name], seed))
        assert look.s("V1") + max(look.r("V5"), look.r("V6")) >= 3.5
    assert look.t("V6") < -0.05
    assert look.level("V6", 60) < 0
    look = ruler(clean(["RVH"], seed))
    assert look.r("V1") >= 0.7
    assert look.r("V1") > look.s("V1")
    assert look.axis_deg > 90


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("territory", TERRITORIES, ids=lambda t: t.concept)
def test_acute_infarction_shows_in_its_territory(territory: object, seed: int) -> None:
    concept, leads = territory.concept, territory.leads  # type: ignore[attr-defined]
    look = ruler(clean([f"{concept}:acute"], seed))
    levels = [look.level(lead, 40) for lead in leads]
    if concept == "PMI":
        assert sum(level <= -0.05 for level in levels) >= 2
    else:
        assert sum(level >= 0.1 for level in levels) >= 2
        assert look.level("aVR", 40) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_inferior_injury_is_mirrored_in_avl(seed: int) -> None:
    look = ruler(clean(["IMI:acute"], seed))
    assert look.level("III", 40) > 0.1
    assert look.level("aVL", 40) < -0.05


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("territory", [t for t in TERRITORIES if t.concept != "PMI"], ids=lambda t: t.concept)
def test_old_infarction_leaves_q_waves(territory: object, seed: int) -> None:
    made = clean([f"{territory.concept}:old"], seed)  # type: ignore[attr-defined]
    look = ruler(made)
    pathological = 0
    for lead in territory.leads:  # type: ignore[attr-defined]
        x = look.qrs(lead)
        up = np.flatnonzero(x > 0.02)
        q = x[: up[0]] if up.size else x
        pathological += int((q < -0.02).sum() >= 28 and q.size > 0 and q.min() <= -0.09)
    assert pathological >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_ischaemia(seed: int) -> None:
    look = ruler(clean(["ISC_"], seed))
    assert sum(look.level(lead, 60) <= -0.08 for lead in ("II", "V4", "V5", "V6")) >= 2
    look = ruler(clean(["ISCAN"], seed))
    assert sum(look.t(lead) < -0.08 for lead in ("V2", "V3", "V4")) >= 2
    look = ruler(clean(["INVT"], seed))
    assert sum(look.t(lead) < -0.06 for lead in ("I", "V4", "V5", "V6")) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_low_voltage(seed: int) -> None:
    look = ruler(clean(["LVOLT"], seed))
    assert all(look.r(lead) + look.s(lead) < 0.5 for lead in LEADS[:6])
    assert all(look.r(lead) + look.s(lead) < 1.0 for lead in LEADS[6:])


@pytest.mark.parametrize("seed", SEEDS)
def test_intervals(seed: int) -> None:
    assert (clean(["1AVB"], seed).truth.measurements.pr_ms or 0) > 200
    long = clean(["LNGQT"], seed)
    assert (long.truth.measurements.qtc_ms or 0) > 460
    preexcited = clean(["WPW"], seed)
    assert (preexcited.truth.measurements.pr_ms or 999) < 120
    assert (preexcited.truth.measurements.qrs_ms or 0) >= 110
    assert activity_ms(preexcited) > 60


@pytest.mark.parametrize("seed", SEEDS)
def test_rates_and_rhythms(seed: int) -> None:
    assert (clean(["SBRAD"], seed).truth.measurements.heart_rate_bpm or 99) < 60
    assert (clean(["STACH"], seed).truth.measurements.heart_rate_bpm or 0) > 100
    swing = np.diff(clean(["SARRH"], seed).truth.r_peaks_s)
    assert swing.max() - swing.min() > 0.12
    fibrillating = clean(["AFIB"], seed, duration_s=30)
    rr = np.diff(fibrillating.truth.r_peaks_s)
    assert rr.std() / rr.mean() > 0.1
    assert abs(np.corrcoef(rr[:-1], rr[1:])[0, 1]) < 0.5  # no pattern
    assert fibrillating.truth.measurements.pr_ms is None
    assert all(b.p_on_s is None for b in fibrillating.truth.beats)


@pytest.mark.parametrize("seed", SEEDS)
def test_flutter_saws_in_lead_ii_between_the_beats(seed: int) -> None:
    made = clean(["AFLT"], seed, duration_s=20)
    rr = np.diff(made.truth.r_peaks_s)
    spectrum = np.abs(np.fft.rfft(made.recording.lead("III") - made.recording.lead("III").mean()))
    f = np.fft.rfftfreq(made.recording.n_samples, 1e-3)
    band = (f > 3.9) & (f < 5.6)
    rate = 60 * f[band][spectrum[band].argmax()]
    assert 235 <= rate <= 335
    ratio = rr * rate / 60
    assert np.abs(ratio - np.rint(ratio)).max() < 0.2
    assert set(np.rint(ratio)) <= {2, 3, 4}


@pytest.mark.parametrize("seed", SEEDS)
def test_premature_beats(seed: int) -> None:
    for name, kind in (("PVC", "pvc"), ("PAC", "pac")):
        beats = clean([name], seed).truth.beats
        early = [i for i, b in enumerate(beats) if b.kind == kind]
        assert early
        usual = np.median(np.diff([b.r_s for b in beats]))
        for i in early:
            width = beats[i].qrs_off_s - beats[i].qrs_on_s
            assert width >= 0.12 if kind == "pvc" else width < 0.12
            if i > 0:
                assert beats[i].qrs_on_s - beats[i - 1].qrs_on_s < 0.85 * usual
            if 0 < i < len(beats) - 1:
                assert beats[i + 1].qrs_on_s - beats[i].qrs_on_s > usual


@pytest.mark.parametrize("seed", SEEDS)
def test_pacing_spikes_precede_wide_beats(seed: int) -> None:
    made = clean(["PACE"], seed)
    steep = np.abs(np.diff(made.recording.signal.astype(float), axis=1)).max(axis=0)
    for beat in made.truth.beats:
        on = round(beat.qrs_on_s * 1000)
        if 20 < on < made.recording.n_samples - 200:
            assert steep[on - 10 : on + 4].max() > 3 * steep[on + 10 : on + 200].max()
    assert (made.truth.measurements.qrs_ms or 0) >= 120


def test_the_measuring_layer_agrees() -> None:
    from precordia.measurements import measure

    off: dict[str, list[float]] = {"heart_rate_bpm": [], "pr_ms": [], "qrs_ms": [], "qt_ms": [], "axis_deg": []}
    for seed, name in enumerate(["NORM", "SBRAD", "CLBBB", "CRBBB", "LAFB", "LVH", "IMI:old", "1AVB", "LNGQT", "NORM"]):
        made = simulate([name], seed=70 + seed, noise="light")
        measured = measure(made.recording)
        for field, errors in off.items():
            a, b = getattr(measured, field), getattr(made.truth.measurements, field)
            if a is not None and b is not None:
                errors.append(abs(a - b))
    assert min(map(len, off.values())) >= 9
    limits = {"heart_rate_bpm": 1.0, "pr_ms": 12.0, "qrs_ms": 14.0, "qt_ms": 14.0, "axis_deg": 6.0}
    for field, limit in limits.items():
        assert np.median(off[field]) < limit, field
