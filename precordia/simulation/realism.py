"""How far simulated normal ECGs resemble PTB-XL's: ``python -m precordia.simulation.realism DATA`` prints the comparison.

Normals of PTB-XL (coded NORM at 100% and SR, 500 Hz, folds 1 to 8) and simulated normals of the same ages and sexes go
through the same measuring layer; for each figure the table gives mean and standard deviation of both and the
Kolmogorov-Smirnov distance between them (0: the same distribution, 1: disjoint).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording, Sex
from precordia.datasets import ptbxl
from precordia.measurements import measure
from precordia.records.read import read_recording
from precordia.simulation.simulator import simulate

BANDS_HZ = ((0.5, 3.0), (3.0, 8.0), (8.0, 15.0), (15.0, 30.0), (30.0, 45.0), (55.0, 120.0))


def features(recording: Recording) -> dict[str, float]:
    """Figures of one recording: intervals (ms), rate, axes (degrees), amplitudes (mV), share of power by band (%)."""
    m = measure(recording)
    out = {k: v for k, v in m.scalars().items() if v is not None and k not in ("n_beats",)}
    for lead in LEADS:
        if lead in m.r_mv:
            out[f"R {lead} mV"], out[f"S {lead} mV"] = m.r_mv[lead], m.s_mv[lead]
        if lead in m.st_j60_mv:
            out[f"ST {lead} mV"] = m.st_j60_mv[lead]
    power = _power(recording)
    total = sum(power.values())
    out["RMS mV"] = float(np.sqrt((recording.signal.astype(np.float64).std(axis=1) ** 2).mean()))
    return out | {f"{low:g}-{high:g} Hz %": 100.0 * power[low, high] / total for low, high in power}


def _power(recording: Recording) -> dict[tuple[float, float], float]:
    x = recording.signal.astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    spectrum = (np.abs(np.fft.rfft(x * np.hanning(x.shape[1]), axis=1)) ** 2).mean(axis=0)
    f = np.fft.rfftfreq(x.shape[1], 1.0 / recording.fs)
    return {(low, high): float(spectrum[(f >= low) & (f < high)].sum()) for low, high in BANDS_HZ}


def real_normals(data: Path, limit: int) -> Iterator[Recording]:
    """PTB-XL's normal ECGs at 500 Hz.

    Raises:
        InputError: the folder holds no PTB-XL.
    """
    table, _ = ptbxl.read_table(data / "ptbxl")
    found = 0
    for row in table.values():
        path = data / "ptbxl" / row["filename_hr"]
        codes = ptbxl.codes_of(row)
        adult = 18.0 <= float(row["age"] or 0) <= 89.0
        if codes.get("NORM") == 100.0 and set(codes) <= {"NORM", "SR"} and ptbxl.fold_of(row) <= 8 and adult:
            if not path.with_suffix(".hea").is_file():
                continue
            recording = read_recording(path)
            yield Recording(
                recording.signal,
                recording.fs,
                recording.leads,
                recording.recording_id,
                age=float(row["age"]),
                sex="F" if row["sex"] == "1" else "M",
            )
            found += 1
            if found >= limit:
                return


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The Kolmogorov-Smirnov distance."""
    both = np.sort(np.concatenate([a, b]))
    below = [np.searchsorted(np.sort(x), both, side="right") / x.size for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def compare(real: Sequence[Recording], seed: int) -> str:
    """The comparison as a Markdown table."""
    made = []
    for i, recording in enumerate(real):
        sex: Sex = recording.sex or "F"
        made.append(simulate(["NORM"], seed=seed + i, age=recording.age, sex=sex).recording)
    ours, theirs = [features(r) for r in made], [features(r) for r in real]
    lines = ["| figure | PTB-XL normal | simulated normal | distance |", "|---|---|---|---|"]
    for key in dict.fromkeys(k for f in theirs for k in f):
        a, b = (np.array([f[key] for f in fs if key in f and np.isfinite(f[key])]) for fs in (theirs, ours))
        if min(a.size, b.size) > 10:
            lines.append(
                f"| {key} | {a.mean():.2f} ± {a.std():.2f} | {b.mean():.2f} ± {b.std():.2f} | {distance(a, b):.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="compare simulated normal ECGs with PTB-XL's")
    parser.add_argument("data", type=Path, help="folder that holds ptbxl/")
    parser.add_argument("-n", type=int, default=200, help="how many ECGs of each (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    real = list(real_normals(args.data, args.n))
    print(f"{len(real)} ECGs each, seed {args.seed}\n")
    print(compare(real, args.seed))


if __name__ == "__main__":
    main()
