"""``precordia eval pulse-drawing``: synthetic ECGs beside those that were recorded with the pulse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.eval.frechet import Space, frechet, space_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.fitting.signals.pulse_flow import HELD_BACK, Beside, monitored_beside, phantoms_beside
from precordia.measurements.beats import find_beats
from precordia.measurements.working_rate import FS as BEATS_FS
from precordia.signals.pulse.beats import find_beats as find_waves
from precordia.signals.pulse.flow import FlowNetwork
from precordia.signals.pulse.synthetic import FS, SHIPPED, draw_all, load_flow
from precordia.signals.pulse.windows import FS as PULSE_FS

KNOWN: Final = 300
PHANTOMS: Final = 300
REACH_S: Final = 0.15
"""How far a drawn ECG may be moved as a whole: a body's own delay between heart and finger is in no pulse."""

NEAR_S: Final = 0.06
BEFORE_S, AFTER_S = 0.3, 0.5
"""Of the mean beat around its QRS complex, s."""

DRAWS: Final = 100
"""Of the bootstrap of a Fréchet distance."""

Rows = NDArray[np.float32]

CARD: Final = TaskCard(
    name="pulse-drawing",
    summary="synthetic ECGs drawn from pulses: correlation, kept beats, Fréchet distance",
    protocol=(
        "Nine seconds of lead II, at 100 Hz and no unit, drawn from a pulse: of phantoms that nothing was trained on (simulated "
        "pulses), and of the second half of BIDMC 01, whose first half was trained on. Each drawn ECG is moved as a whole by up to "
        "0.15 s to where it correlates best. Beats: QRS complexes found by one detector in both; a recorded one is kept where a "
        "drawn one is within 0.06 s, and intervals between kept neighbours are compared. Fréchet distance: stretches of 1 s on 16 "
        "principal components of other recorded ones. Beside the flow: the pulse's own latent decoded without it, and the "
        "training's mean beat at the usual delay before each wave of the pulse. 95% intervals by patient; BIDMC's by stretch."
    ),
    source="simulated; Pimentel et al., IEEE Trans Biomed Eng 2017;64:1914 (ODC-By 1.0); after PPGFlowECG, arXiv 2509.19774",
    code=__name__,
    headline=("correlation*", "beats kept*"),
)


class PulseDrawingTask:
    """See :class:`precordia.eval.harness.task.Task`."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        if unknown := set(settings.options) - {"model"}:
            raise UsageError(f"task pulse-drawing has no setting {', '.join(sorted(unknown))}")
        network = load_flow(settings.options.get("model", SHIPPED))
        n = settings.limit or PHANTOMS
        parts = {
            "phantoms": (
                phantoms_beside(min(KNOWN, 2 * n), progress=settings.progress),
                phantoms_beside(n, first=HELD_BACK, progress=settings.progress),
            ),
            "BIDMC 01, second half": tuple(monitored_beside(settings.data, last_half=half) for half in (False, True)),
        }
        rows: list[Row] = []
        samples: list[dict[str, Any]] = []
        for group, (known, asked) in parts.items():
            drawn = {
                "latent flow": draw_all(network, _whole(asked).pulses, settings.seed),
                "latent of the pulse, no flow": _decoded(network, _whole(asked).pulses),
                "mean beat": MeanBeat(_whole(known)).drawn(_whole(asked).pulses),
            }
            found, own = _rows(drawn, _whole(asked).ecgs, _whole(known).ecgs, group, settings.seed)
            rows += found
            samples += own
        return Result(
            CARD.name,
            tuple(rows),
            (
                "What is drawn is synthetic: no figure here says that anything of it may be read.",
                "BIDMC 01 is one patient, of whom the model saw the minutes before.",
            ),
            samples,
            {"model": settings.options.get("model", "shipped")},
        )


PULSE_DRAWING: Final = PulseDrawingTask()


def _whole(pairs: Beside) -> Beside:
    """A whole number of latents of each."""
    n = pairs.pulses.shape[1] // 4 * 4
    return Beside(pairs.ecgs[:, : 2 * n], pairs.pulses[:, :n])


def _decoded(network: FlowNetwork, pulses: Rows) -> Rows:
    with torch.inference_mode():
        out: Rows = network.decoded(network.aligned(network.led_by(torch.from_numpy(pulses)))).numpy()
    return out


class MeanBeat:
    """The usual beat at the usual delay before each wave of a pulse.

    Args:
        known: Pairs from which both are taken.
    """

    def __init__(self, known: Beside) -> None:
        before, after = round(BEFORE_S * FS), round(AFTER_S * FS)
        beats, delays = [], []
        for ecg, pulse in zip(known.ecgs, known.pulses, strict=True):
            peaks, waves = beats_of(ecg), find_waves(pulse.astype(np.float64), PULSE_FS).time_s
            beats += [
                ecg[i - before : i + after] for i in np.rint(peaks * FS).astype(int) if before <= i <= ecg.size - after
            ]
            later = [waves[waves > peak][:1] - peak for peak in peaks]
            delays += [float(one[0]) for one in later if one.size and one[0] < 0.6]
        self.beat = np.mean(beats, axis=0)
        self.delay_s = float(np.median(delays))

    def drawn(self, pulses: Rows) -> Rows:
        """ECGs ``(n, 2 * n_samples)``."""
        out = np.zeros((len(pulses), 2 * pulses.shape[1]), dtype=np.float32)
        before = round(BEFORE_S * FS)
        for row, pulse in zip(out, pulses, strict=True):
            for wave in find_waves(pulse.astype(np.float64), PULSE_FS).time_s:
                start = round((float(wave) - self.delay_s) * FS) - before
                first, last = max(start, 0), min(start + self.beat.size, row.size)
                if last > first:
                    row[first:last] = self.beat[first - start : last - start]
        return out


def beats_of(ecg: Rows) -> NDArray[np.float64]:
    """Times of the QRS complexes, s, of one lead ``(n,)`` at 100 Hz."""
    return find_beats(resample_poly(ecg.astype(np.float64), round(BEATS_FS), round(FS))[None]) / BEATS_FS


def aligned(drawn: Rows, true: Rows) -> tuple[Rows, float]:
    """The drawn ECG moved as a whole to where it correlates best, and that correlation; 0 where it is flat."""
    reach = round(REACH_S * FS)
    best, moved = -2.0, drawn
    inside = slice(reach, true.size - reach)
    for step in range(-reach, reach + 1):
        now = np.roll(drawn, step)
        spread = float(now[inside].std() * true[inside].std())
        found = float(np.mean((now[inside] - now[inside].mean()) * (true[inside] - true[inside].mean()))) / max(
            spread, 1e-9
        )
        if found > best:
            best, moved = found, now
    return moved, best


def _rows(
    drawn: Mapping[str, Rows], true: Rows, known: Rows, group: str, seed: int
) -> tuple[list[Row], list[dict[str, Any]]]:
    rows: list[Row] = []
    samples: list[dict[str, Any]] = []
    space = space_of(known)
    features = space.features(true)
    halves = np.arange(len(true)) % 2 == 0
    between = frechet(_flat(features[halves]), _flat(features[~halves]))
    rows.append(
        Row("recorded, half against half", "Fréchet distance", between, n=len(true), group=group, at_least=False)
    )
    peaks = [beats_of(one) for one in true]
    for system, ecgs in drawn.items():
        moved = [aligned(one, recorded) for one, recorded in zip(ecgs, true, strict=True)]
        kept = [_kept(beats_of(one), own) for (one, _), own in zip(moved, peaks, strict=True)]
        e = bootstrap.mean([r for _, r in moved], seed=seed)
        rows.append(Row(system, "correlation after alignment", e.value, e.low, e.high, e.n, group))
        e = bootstrap.ratio([hit for hit, _, _ in kept], [own.size for own in peaks], seed=seed)
        rows.append(Row(system, "beats kept within 60 ms", e.value, e.low, e.high, e.n, group))
        e = bootstrap.ratio([hit for hit, _, _ in kept], [said for _, said, _ in kept], seed=seed)
        rows.append(Row(system, "drawn beats that are there", e.value, e.low, e.high, e.n, group))
        errors = [float(np.median(rr)) for _, _, rr in kept if rr.size]
        e = bootstrap.mean(errors, seed=seed)
        rows.append(
            Row(system, "RR error, median of each, ms, mean", e.value, e.low, e.high, e.n, group, at_least=False)
        )  # fmt: skip
        rows.append(_distance(system, space, np.stack([one for one, _ in moved]), features, group, seed))
        samples += [
            {"sample": f"{group} {i}", "patient": f"{group} {i}", "system": system, "correlation": r}
            for i, (_, r) in enumerate(moved)
        ]
    return rows, samples


def _distance(system: str, space: Space, moved: Rows, features: NDArray[np.float64], group: str, seed: int) -> Row:
    found = space.features(moved)

    def distance(rows: NDArray[np.intp]) -> float:
        return frechet(_flat(found[rows]), _flat(features[rows]))

    e = bootstrap.statistic(distance, len(found), seed=seed, resamples=DRAWS)
    return Row(system, "Fréchet distance", e.value, e.low, e.high, e.n, group, at_least=False)


def _kept(drawn: NDArray[np.float64], true: NDArray[np.float64]) -> tuple[int, int, NDArray[np.float64]]:
    """Recorded beats that were drawn, beats drawn, and errors of intervals between neighbours both drawn, ms."""
    if not (drawn.size and true.size):
        return 0, drawn.size, np.zeros(0)
    nearest = drawn[np.abs(true[:, None] - drawn).argmin(axis=1)]
    hit = np.abs(nearest - true) <= NEAR_S
    both = hit[1:] & hit[:-1]
    return int(hit.sum()), drawn.size, np.abs(np.diff(nearest) - np.diff(true))[both] * 1000.0


def _flat(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return features.reshape(-1, features.shape[-1])
