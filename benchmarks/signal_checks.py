"""CPU time of quality check and standardization, a record on one core, at several rates and lengths.

    python -m benchmarks.signal_checks

The signals are simulated beats with noise: neither depends on what the heart does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.machine import description
from precordia.core.leads import LEADS, derive_limb_leads
from precordia.core.recording import Recording
from precordia.records.quality import assess
from precordia.records.standardize import standardize, to_windows

CASES = ((100.0, 10.0), (257.0, 10.0), (500.0, 10.0), (1000.0, 10.0), (2000.0, 10.0), (500.0, 60.0), (500.0, 300.0))
REPEATS = 50


def recording(fs: float, duration_s: float) -> Recording:
    """Twelve leads of beats and noise."""
    rng = np.random.default_rng(0)
    t = np.arange(round(fs * duration_s)) / fs
    beat = np.exp(-0.5 * ((t % 0.85 - 0.3) / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((t % 0.85 - 0.56) / 0.05) ** 2)
    rows = [(g * beat + rng.normal(0, 0.01, t.size)).astype(np.float32) for g in (0.7, 1, -0.3, 0.4, 0.8, 1.2, 1.3, 1)]
    return Recording(np.stack([*derive_limb_leads(rows[0], rows[1]).values(), *rows[2:]]), fs, LEADS, "made")


def median_ms(work: Callable[[], object]) -> float:
    """Median CPU time, ms."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * float(np.median(times))


def main() -> None:
    """Print the table."""
    print(description())
    print(f"{'rate, Hz':>8}  {'length, s':>9}  {'assess, ms':>10}  {'standardize and cut, ms':>23}")
    for fs, duration in CASES:
        r = recording(fs, duration)
        assessed, cut = median_ms(lambda r=r: assess(r)), median_ms(lambda r=r: to_windows(standardize(r)))  # type: ignore[misc]
        print(f"{fs:8g}  {duration:9g}  {assessed:10.2f}  {cut:23.2f}")


if __name__ == "__main__":
    main()
