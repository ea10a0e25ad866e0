"""Bipolar electrograms of the atria as a catheter records them: activations, their shapes, the far ventricles, noise.

Nothing here was fitted to recordings: rates and shapes are those that others published.

- **Activations** follow a basic cycle length with phase-resetting noise (the next activation counts from this one) and
  phase-preserving noise (it does not), as in simulated test electrograms of Grzeda et al., Heart Rhythm 2009;6:1475.
  Sinus rhythm has 60 to 110 a minute with premature activations in some. Typical flutter has cycles of 190 to 250 ms whose
  length varies by 2% at most (Saoudi et al., Eur Heart J 2001;22:1162). Fibrillation has cycles of 130 to 250 ms (Konings et al.,
  Circulation 1994;89:1665: 136 to 174 ms when induced; Sanders et al., Circulation 2005;112:789: 5 to 8 Hz where it persists),
  shortest near the pulmonary veins.
- **Fibrillation is organised at times** (31% of the time, Atienza et al., JACC 2011;57:1081): cycles and shapes repeat then;
  between, shapes change from cycle to cycle.
- **Shapes**: a local activation is a biphasic deflection of 20 to 45 ms. Of fibrillation's, 77% are single, 7% and 10% are doubles
  (under and over 10 ms apart) and 6% fragmented (Konings et al., Circulation 1997;95:1231), more where complex fractionated
  electrograms are found (Nademanee et al., JACC 2004;43:2044). Doubles also stand along a line of block in flutter, and a
  scarred wall gives fractionated electrograms in sinus rhythm: shape alone does not tell fibrillation.
- **The ventricles** are seen from afar as slow waves, most in the coronary sinus: after each atrial activation by 120 to 220 ms
  in sinus rhythm, after every second to fourth in flutter, irregularly in fibrillation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

FS: Final = 1000.0
DURATION_S: Final = 2.0
RHYTHMS: Final = ("sinus", "flutter", "fibrillation")
_SHARES: Final = (0.35, 0.25, 0.40)
SITES: Final = ("high right atrium", "coronary sinus", "left atrial appendage", "pulmonary vein", "posterior wall")
_FAR: Final = dict(zip(SITES, (0.15, 0.7, 0.35, 0.1, 0.2), strict=True))
"""Size of the ventricles' wave over the atrial deflection's, usual for the site: the coronary sinus lies on the groove."""

_FRAGMENTED: Final = dict(zip(SITES, (0.06, 0.12, 0.04, 0.12, 0.15), strict=True))
"""Share of fragmented activations in fibrillation."""

ORGANISED: Final = 0.31
_DOUBLES: Final = 0.17
_MARGIN_S: Final = 0.5
"""Simulated before and after what is kept, so that no filter's edge is in it."""


@dataclass(frozen=True)
class Laboratory:
    """What amplifier and catheter add.

    Attributes:
        noise: Standard deviation of broadband noise over the usual deflection, at most.
        mains: Size of the mains' hum over the usual deflection, at most.
        high_pass_hz: Of the amplifier.
    """

    noise: float = 0.06
    mains: float = 0.05
    high_pass_hz: float = 1.0


USUAL: Final = Laboratory()
ANOTHER: Final = Laboratory(noise=0.15, mains=0.12, high_pass_hz=30.0)
"""A noisier one with the high-pass that many laboratories use for bipolar electrograms."""


@dataclass(frozen=True, eq=False)
class Electrograms:
    """One patient's electrogram a row, and what is true of it.

    Attributes:
        signal: ``(n, DURATION_S * FS)`` float32, usual deflection 1.
        rhythms: ``(n,)`` of :data:`RHYTHMS`.
        sites: ``(n,)`` of :data:`SITES`.
        activations: Times of local activation of each, s.
    """

    signal: NDArray[np.float32]
    rhythms: NDArray[np.str_]
    sites: NDArray[np.str_]
    activations: tuple[NDArray[np.float64], ...]

    def __len__(self) -> int:
        return len(self.signal)


def simulate_electrograms(n: int, seed: int, *, first: int = 0, laboratory: Laboratory = USUAL) -> Electrograms:
    """Electrograms of patients from a number on; a patient's is the same however many are asked for."""
    rows, rhythms, sites, times = [], [], [], []
    for number in range(first, first + n):
        rng = np.random.default_rng([seed, number])
        rhythm, site = str(rng.choice(RHYTHMS, p=_SHARES)), str(rng.choice(SITES))
        row, activations = _electrogram(rhythm, site, laboratory, rng)
        rows.append(row)
        rhythms.append(rhythm)
        sites.append(site)
        times.append(activations)
    return Electrograms(np.stack(rows).astype(np.float32), np.array(rhythms), np.array(sites), tuple(times))


def _electrogram(
    rhythm: str, site: str, laboratory: Laboratory, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    out = np.zeros(round((DURATION_S + 2 * _MARGIN_S) * FS))
    times, organised = _ACTIVATIONS[rhythm](site, rng)
    usual = _shape(rng, *_usual_form(rhythm, site, rng))
    for time, repeats in zip(times, organised, strict=True):
        shape = usual if repeats else _shape(rng, *_form_in_fibrillation(site, rng))
        size = rng.normal(1.0, 0.05 if repeats else 0.25)
        for at, width, height in shape:
            _add(out, time + at, width, size * height)
    far = _FAR[site] * float(rng.uniform(0.0, 2.0))
    width = float(rng.uniform(0.018, 0.035))
    for time in _ventricles(rhythm, times, rng):
        _add(out, time, width, far)
        _add(out, time + 0.3, 2.5 * width, -0.25 * far)
    t = np.arange(out.size) / FS
    out += laboratory.mains * float(rng.uniform()) * np.sin(2 * np.pi * 50.0 * t + float(rng.uniform(0, 7)))
    out += laboratory.noise * float(rng.uniform(0.15, 1.0)) * rng.standard_normal(out.size)
    sections = signal.butter(2, laboratory.high_pass_hz, "high", fs=FS, output="sos")
    kept = signal.sosfiltfilt(sections, out)[round(_MARGIN_S * FS) : -round(_MARGIN_S * FS)]
    return np.asarray(kept), times[(times >= 0) & (times < DURATION_S)]


Train = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Times of activation, s, and whether each repeats the usual shape."""


def _sinus(site: str, rng: np.random.Generator) -> Train:
    times = _train(float(rng.uniform(0.545, 1.0)), 0.03, 0.004, rng)
    if rng.random() < 0.25:
        early = rng.random(times.size) < 0.25
        # A premature activation resets the sinus node: those after it count from it.
        times = times - np.cumsum(early * float(rng.uniform(0.2, 0.45)) * np.median(np.diff(times)))
    return times, np.ones(times.size, dtype=np.bool_)


def _flutter(site: str, rng: np.random.Generator) -> Train:
    times = _train(float(rng.uniform(0.19, 0.25)), float(rng.uniform(0.003, 0.02)), 0.002, rng)
    return times, np.ones(times.size, dtype=np.bool_)


def _fibrillation(site: str, rng: np.random.Generator) -> Train:
    cycle = float(rng.uniform(0.13, 0.21 if site == "pulmonary vein" else 0.25))
    times = _train(cycle, float(rng.uniform(0.05, 0.18)), 0.008, rng)
    # Organised stretches of about six cycles, so often that they make up their share of the time.
    stays, share = 1.0 - 1.0 / 6.0, float(np.clip(rng.normal(ORGANISED, 0.18), 0.0, 0.9))
    organised = np.zeros(times.size, dtype=np.bool_)
    now = rng.random() < share
    for row in range(times.size):
        organised[row] = now
        leave = (1.0 - stays) * (1.0 if now else share / max(1.0 - share, 1e-9))
        now ^= rng.random() < min(leave, 1.0)
    steps = np.diff(times)
    steps = np.where(organised[1:], cycle + 0.25 * (steps - cycle), steps)
    return times[0] + np.concatenate([[0.0], np.cumsum(steps)]), organised


_ACTIVATIONS: Final = {"sinus": _sinus, "flutter": _flutter, "fibrillation": _fibrillation}


def _train(cycle_s: float, resetting: float, preserving_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Activations from before the beginning to after the end, s."""
    n = int((DURATION_S + 2.0) / (0.6 * cycle_s)) + 3
    steps = cycle_s * np.maximum(1.0 + resetting * rng.standard_normal(n), 0.55)
    times = -1.0 - float(rng.uniform()) * cycle_s + np.cumsum(steps)
    return np.asarray(times + preserving_s * rng.standard_normal(n))


def _usual_form(rhythm: str, site: str, rng: np.random.Generator) -> tuple[int, float]:
    """Components and their spread, s, of what repeats: along a line of block two, in a scar many."""
    if rhythm == "fibrillation":
        return _form_in_fibrillation(site, rng)
    kind = rng.random()
    if kind < 0.12:
        return int(rng.integers(3, 7)), float(rng.uniform(0.04, 0.09))
    return (2, float(rng.uniform(0.02, 0.08))) if kind < (0.35 if rhythm == "flutter" else 0.2) else (1, 0.0)


def _form_in_fibrillation(site: str, rng: np.random.Generator) -> tuple[int, float]:
    kind = rng.random()
    if kind < _FRAGMENTED[site]:
        return int(rng.integers(3, 8)), float(rng.uniform(0.05, 0.12))
    return (2, float(rng.uniform(0.005, 0.05))) if kind < _FRAGMENTED[site] + _DOUBLES else (1, 0.0)


def _shape(rng: np.random.Generator, components: int, spread_s: float) -> list[tuple[float, float, float]]:
    """Each component's time, s, width, s, and height; they make 1 together."""
    at = (
        np.sort(rng.uniform(-0.5, 0.5, components)) * spread_s
        if components > 2
        else np.linspace(0, spread_s, components)
    )
    heights = rng.uniform(0.4, 1.0, components) * np.where(rng.random(components) < 0.5, 1.0, -1.0)
    widths = rng.uniform(0.004, 0.008, components)
    return list(zip(at.tolist(), widths.tolist(), (heights / np.abs(heights).max()).tolist(), strict=True))


def _ventricles(rhythm: str, atria: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """When they beat, s."""
    conduction = float(rng.uniform(0.12, 0.22))
    if rhythm == "sinus":
        return atria + conduction
    if rhythm == "flutter":
        return atria[:: int(rng.integers(2, 5))] + conduction
    intervals = rng.uniform(0.4, 0.8) * np.maximum(1.0 + 0.22 * rng.standard_normal(12), 0.55)
    return np.asarray(-1.0 + np.cumsum(intervals))


def _add(out: NDArray[np.float64], time_s: float, width_s: float, height: float) -> None:
    """A biphasic deflection, the derivative of a Gaussian, peaks at ``height``."""
    middle = time_s + _MARGIN_S
    first, last = (int(np.clip((middle + k * 5.0 * width_s) * FS, 0, out.size)) for k in (-1, 1))
    x = (np.arange(first, last) / FS - middle) / width_s
    out[first:last] -= height * x * np.exp(0.5 - 0.5 * x**2)
