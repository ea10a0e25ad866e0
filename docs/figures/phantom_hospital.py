"""Draws ``docs/figures/phantom_hospital.png``: six simulated ECGs on ECG paper (25 mm/s, 10 mm/mV). Simulated data only.

Run from the repository's root: ``python docs/figures/phantom_hospital.py``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from precordia.simulation import simulate

ECGS = (
    ("Normal", ["NORM"], 25),
    ("Left bundle branch block", ["CLBBB"], 8),
    ("Acute inferior infarction", ["IMI:acute"], 8),
    ("Atrial fibrillation", ["AFIB"], 12),
    ("Atrial flutter", ["AFLT"], 2),
    ("Premature ventricular complex", ["PVC"], 5),
)
LEADS = ("II", "V1", "V5")
SECONDS = 3.2
ROW_MV = 3.0


def main() -> None:
    """Draw and save."""
    figure, axes = plt.subplots(2, 3, figsize=(12.0, 8.6), dpi=80)
    for axis, (title, names, seed) in zip(axes.flat, ECGS, strict=True):
        made = simulate(names, seed=seed, noise="light")
        fs = made.recording.fs
        early = [b.qrs_on_s for b in made.truth.beats if b.kind == "pvc"]
        start = max(0.2, early[0] - 1.1) if early else 0.6
        span = slice(round(start * fs), round((start + SECONDS) * fs))
        t = np.arange(span.stop - span.start) / fs
        bottom = -ROW_MV * (len(LEADS) - 1) - 1.5
        for step, width, colour in ((0.04, 0.25, "#f7d0d0"), (0.2, 0.6, "#eba9a9")):
            axis.vlines(np.arange(0, SECONDS + 0.001, step), bottom, 2.0, colour, lw=width)
            mv = step / 0.4
            axis.hlines(np.arange(np.ceil(bottom / mv) * mv, 2.001, mv), 0, SECONDS, colour, lw=width)
        for row, lead in enumerate(LEADS):
            axis.plot(t, made.recording.lead(lead)[span] - ROW_MV * row, "k", lw=0.9)
            axis.text(0.03, 1.0 - ROW_MV * row, lead, fontsize=10)
        axis.set(xlim=(0, SECONDS), ylim=(bottom, 2.0), title=title)
        axis.set_aspect(0.4)
        axis.axis("off")
    figure.tight_layout(pad=0.6)
    target = Path(__file__).with_suffix(".png")
    figure.savefig(target, metadata={"Software": None})
    print(f"wrote {target.name}, {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
