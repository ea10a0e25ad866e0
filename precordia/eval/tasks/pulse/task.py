"""``precordia eval pulse``: rate, intervals and variability of a pulse beside a chest strap's and an ECG's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from precordia.core import bootstrap
from precordia.datasets import bidmc, welltory
from precordia.eval.harness.results import hash_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.pulse.aligned import pair
from precordia.eval.tasks.pulse.baselines import spectral_rate, spectral_rate_of_video
from precordia.measurements.beats import find_beats
from precordia.measurements.working_rate import FS as ECG_FS
from precordia.signals.pulse.analysis import PulseAnalysis, analyse_frames, analyse_pulse, normal_intervals
from precordia.signals.pulse.frames import read_frame_table

CARD: Final = TaskCard(
    name="pulse",
    summary="pulse: rate, intervals and variability from video and oximeter beside strap and ECG",
    protocol=(
        "Welltory's fingertip videos 1-14 beside the RR intervals of a chest strap, whose clock is aligned by the one shift "
        "within 6 s that brings the beats nearest. Constants were chosen on the odd subjects; the even ones are held back. "
        "BIDMC record 01: PLETH beside the QRS complexes of its leads, by pieces of 60 s. Intervals are errors of each "
        "strap interval that a pulse interval lies on (within 30% of its middle); 95% intervals by subject. "
        "Baselines: the highest spectral peak for the rate and as every interval, the odd subjects' mean variability."
    ),
    source=f"{welltory.CARD.citation} ({welltory.CARD.licence}); {bidmc.CARD.citation} ({bidmc.CARD.licence})",
    code=__name__,
    headline=("rate error*", "RR error*"),
)

PIECE_S: Final = 60.0
Sample = Mapping[str, object]


class PulseTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        self.card.check_options(settings.options)
        folder = settings.data / welltory.CARD.place
        filmed = welltory.read_filmed(folder)[: settings.limit]
        samples = [
            sample for one in settings.progress(filmed, len(filmed), "Welltory", "video") for sample in _video(one)
        ]
        samples = _with_usual_variability(samples)
        file = settings.data / bidmc.CARD.place / "bidmc_01_Signals.csv"
        monitored = _monitor(bidmc.read_monitored(file))
        rows = [row for group in ("odd subjects", "even subjects") for row in _rows(samples, group, settings.seed)]
        rows += _rows(monitored, "BIDMC 01", settings.seed, goals=False)
        rows += [
            Row("precordia", f"{name}, subject {sample['patient']}", float(str(sample[key])), n=1, group=str(sample["group"]))
            for sample in samples
            if sample["system"] == "precordia" and sample["measured"]
            for name, key in (("rate error, bpm", "rate_error"), ("median RR error, ms", "rr_error"))
        ]  # fmt: skip
        kept = [s for s in samples if s["system"] == "precordia"]
        unmeasured = [str(s["patient"]) for s in kept if not s["measured"]]
        return Result(
            task=CARD.name,
            rows=tuple(rows),
            notes=(
                f"not measured for poor signal: {', '.join(f'subject {n}' for n in unmeasured) or 'nobody'}; "
                "their errors are in no row of precordia's",
                "Young and mostly healthy volunteers in sinus rhythm, one telephone video each; one oximeter record.",
                "The shift between the clocks is fitted to the beats: constant delays are in no error.",
            ),
            samples=[*samples, *monitored],
            data={"welltory": hash_of([folder], folder), "bidmc_01": hash_of([file], file.parent)},
        )


PULSE: Final = PulseTask()


def _video(one: welltory.Filmed) -> list[Sample]:
    table = read_frame_table(one.video)
    found = analyse_frames(table)
    reference_s = np.r_[0.0, np.cumsum(one.rr_ms)] / 1000.0 + table.time_s[0]
    group = "odd subjects" if one.number % 2 else "even subjects"
    span = (float(table.time_s[0]), float(table.time_s[-1]))
    return _compared(str(one.number), group, found, reference_s, span, spectral_rate_of_video(table))


def _monitor(one: bidmc.Monitored) -> list[Sample]:
    fs = one.ecg.fs
    ecg = resample_poly(one.ecg.signal.astype(np.float64), round(ECG_FS), round(fs), axis=1)
    peaks = find_beats(ecg) / ECG_FS
    samples: list[Sample] = []
    for start in np.arange(0.0, one.pulse.size / fs - PIECE_S + 1.0, PIECE_S):
        piece = one.pulse[round(start * fs) : round((start + PIECE_S) * fs)]
        found = analyse_pulse(piece, fs, ("PLETH",), start_s=float(start))
        # The pulse may come later than its beat by more than the piece's end.
        inside = peaks[(peaks > start - 2.0) & (peaks < start + PIECE_S + 2.0)]
        span = (float(start), float(start + PIECE_S))
        samples += _compared(f"01, {start:g} s", "BIDMC 01", found, inside, span, spectral_rate(piece, fs))
    return samples


def _compared(
    who: str,
    group: str,
    found: PulseAnalysis,
    reference_s: NDArray[np.float64],
    span: tuple[float, float],
    spectral: float,
) -> list[Sample]:
    """Errors of the pulse, and of the spectral baseline, of one recording."""
    ends, rr = found.intervals
    both = pair(ends, rr, found.beats.time_s, reference_s, span) if found.beats.time_s.size > 2 else None
    moved = reference_s + (both.lag_s if both else 0.0)
    inside = np.diff(moved)[(moved[:-1] >= span[0]) & (moved[1:] <= span[1])] * 1000.0
    rate = 60000.0 / float(inside.mean())
    sdnn, rmssd = _variability(inside)
    none = float("nan")
    ok = found.measured and both is not None and both.pulse_ms.size > 0
    errors = np.abs(both.pulse_ms - both.reference_ms) if ok and both is not None else np.zeros(0)
    shared = {"sample": who, "patient": who, "group": group, "sdnn": sdnn, "rmssd": rmssd, "rate": rate}
    mine = {
        **shared, "system": "precordia", "measured": ok, "quality": found.quality,
        "rate_error": abs(found.rate_bpm - rate) if ok and found.rate_bpm is not None else none,
        "rr_error": float(np.median(errors)) if ok else none,
        "rr_covered": errors.size / max(inside.size, 1),
        "sdnn_error": none if not ok or found.sdnn_ms is None else abs(found.sdnn_ms - sdnn),
        "rmssd_error": none if not ok or found.rmssd_ms is None else abs(found.rmssd_ms - rmssd),
    }  # fmt: skip
    baseline = {
        **shared, "system": "spectral peak", "measured": True, "quality": none, "rate_error": abs(spectral - rate),
        "rr_error": float(np.median(np.abs(inside - 60000.0 / spectral))), "rr_covered": 1.0,
        "sdnn_error": none, "rmssd_error": none,
    }  # fmt: skip
    return [mine, baseline]


def _variability(rr: NDArray[np.float64]) -> tuple[float, float]:
    """SDNN and RMSSD of a strap's intervals by the rule that the pulse's follow, ms."""
    normal = normal_intervals(rr)
    steps = np.diff(rr)[normal[1:] & normal[:-1]]
    return float(rr[normal].std(ddof=1)), float(np.sqrt(np.mean(steps**2)))


def _with_usual_variability(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with a system more: the odd subjects' mean SDNN and RMSSD for everybody."""
    once = [s for s in samples if s["system"] == "precordia"]
    odd = [s for s in once if s["group"] == "odd subjects"] or once
    usual = {key: float(np.mean([float(str(s[key])) for s in odd])) for key in ("rate", "sdnn", "rmssd")}
    errors = [
        {
            **s, "system": "usual", "measured": True, "quality": float("nan"), "rr_covered": 1.0,
            "rr_error": abs(60000.0 / usual["rate"] - 60000.0 / float(str(s["rate"]))),
            **{f"{key}_error": abs(usual[key] - float(str(s[key]))) for key in usual},
        }
        for s in once
    ]  # fmt: skip
    return [*samples, *errors]


_FIGURES: Final = (
    ("rate error, bpm", "rate_error", 2.0),
    ("RR error, median of a recording, ms", "rr_error", 25.0),
    ("SDNN error, ms", "sdnn_error", None),
    ("RMSSD error, ms", "rmssd_error", None),
)


def _rows(samples: Sequence[Sample], group: str, seed: int, *, goals: bool = True) -> list[Row]:
    here = [s for s in samples if s["group"] == group]
    rows = []
    for system in dict.fromkeys(str(s["system"]) for s in here):
        of = [s for s in here if s["system"] == system]
        if system == "precordia":
            e = bootstrap.rate([bool(s["measured"]) for s in of], seed=seed)
            rows.append(Row(system, "measured", e.value, e.low, e.high, e.n, group))
            e = bootstrap.mean([float(str(s["rr_covered"])) for s in of], seed=seed)
            rows.append(Row(system, "reference's intervals covered", e.value, e.low, e.high, e.n, group))
        for name, key, goal in _FIGURES:
            values = np.array([float(str(s[key])) for s in of])
            values = values[np.isfinite(values)]
            if values.size:
                e = bootstrap.mean(values, seed=seed)
                wanted = goal if goals and system == "precordia" else None
                rows.append(Row(system, f"{name}, mean", e.value, e.low, e.high, e.n, group, wanted, at_least=False))
                rows.append(
                    Row(system, f"{name}, worst", float(values.max()), n=values.size, group=group, at_least=False)
                )
    return rows
