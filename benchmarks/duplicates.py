"""How far copies of an ECG and ECGs of other people are apart, for the near-duplicate threshold.

    python -m benchmarks.duplicates DATA

Prints percentiles of the overlap correlation of all leads, of the few leads that are compared first, and of the cosine
similarity, over the PTB-XL records of folds 1-8 that exist at both rates; and whom the first look would let pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfiltfilt

from precordia.core.recording import Recording
from precordia.encoders import load_encoder
from precordia.records.read import read_recording
from precordia.records.standardize import standardize
from precordia.retrieval.duplicates import COPY_CORRELATION, SCREEN, SCREEN_CORRELATION, overlap_correlation

N_RECORDS = 200
PERCENTILES = (0, 1, 5, 50, 95, 99, 99.9, 100)


def _filtered(recording: Recording) -> Recording:
    sections = butter(2, (1.0, 25.0), "bandpass", fs=recording.fs, output="sos")
    return replace(recording, signal=sosfiltfilt(sections, recording.signal, axis=1).astype(np.float32))


def _drowned(recording: Recording) -> Recording:
    """A fifth of the ECG drowned in noise of 1 mV on every lead."""
    signal, n = recording.signal.copy(), recording.n_samples
    noise = np.random.default_rng(int(recording.content_hash[:8], 16)).normal(size=(len(signal), n // 5))
    signal[:, n // 2 : n // 2 + n // 5] += noise.astype(np.float32)
    return replace(recording, signal=signal)


COPIES: dict[str, Callable[[Recording], Recording]] = {
    "inverted": lambda r: replace(r, signal=-r.signal),
    "half gain": lambda r: replace(r, signal=r.signal * np.float32(0.5)),
    "4 s crop": lambda r: replace(r, signal=r.signal[:, round(1.4 * r.fs) : round(5.4 * r.fs)]),
    "filtered 1-25 Hz": _filtered,
    "a fifth drowned": _drowned,
    "limb leads": lambda r: replace(r, signal=r.signal[:6], leads=r.leads[:6]),
}


def main(data: Path) -> None:
    """Print the table."""
    headers = sorted((data / "ptbxl" / "records500").rglob("*_hr.hea"))
    fine = [read_recording(path.with_suffix("")) for path in headers[: N_RECORDS + 60]]
    fine = [r for r in fine if int(r.metadata.get("strat_fold", "1")) <= 8][:N_RECORDS]
    coarse = [read_recording(Path(r.source.replace("records500", "records100").replace("_hr", "_lr"))) for r in fine]
    rows = {"the 100 Hz version": coarse} | {name: [make(r) for r in fine] for name, make in COPIES.items()}
    encoder = load_encoder()
    originals, vectors = [standardize(r) for r in fine], encoder.embed(fine)
    print(f"{len(fine)} records; percentiles {PERCENTILES}")
    for name, copies in rows.items():
        overlap = [overlap_correlation(a, standardize(b)) for a, b in zip(originals, copies, strict=True)]
        first_look = [overlap_correlation(a, standardize(b, SCREEN)) for a, b in zip(originals, copies, strict=True)]
        of_copies = [first for first, whole in zip(first_look, overlap, strict=True) if whole >= COPY_CORRELATION]
        print(f"first look at {len(of_copies)} copies told by all leads: least {min(of_copies):.3f}")
        cosine = (vectors * encoder.embed(copies)).sum(axis=1)
        _print(f"copy: {name}", overlap, cosine)
    patients = [r.patient_id for r in fine]
    pairs = [(i, j) for i in range(len(fine)) for j in range(i) if patients[i] != patients[j]]
    overlap = [overlap_correlation(originals[i], originals[j]) for i, j in pairs]
    screened = [standardize(r, SCREEN) for r in fine]
    passed = np.mean([overlap_correlation(originals[i], screened[j]) >= SCREEN_CORRELATION for i, j in pairs])
    print(f"first look at other patients: {passed:.1%} pass")
    _print("another patient", overlap, np.array([vectors[i] @ vectors[j] for i, j in pairs]))
    visits = [(i, j) for i in range(len(fine)) for j in range(i) if patients[i] == patients[j]]
    if visits:
        overlap = [overlap_correlation(originals[i], originals[j]) for i, j in visits]
        _print(
            f"same patient, another ECG ({len(visits)})",
            overlap,
            np.array([vectors[i] @ vectors[j] for i, j in visits]),
        )


def _print(name: str, overlap: list[float], cosine: np.ndarray) -> None:
    print(name)
    print("  overlap", " ".join(f"{x:6.3f}" for x in np.percentile(overlap, PERCENTILES)))
    print("  cosine ", " ".join(f"{x:6.3f}" for x in np.percentile(cosine, PERCENTILES)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name the folder that holds ptbxl/: python -m benchmarks.duplicates DATA")
    main(Path(sys.argv[1]))
