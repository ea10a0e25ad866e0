"""WFDB: a header and 16-bit samples (signal format 16; header(5) and signal(5) of the WFDB Applications Guide)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precordia.core.recording import Recording
from precordia.simulation.writers.steps import as_steps

GAIN_PER_MV = 400


def write(stem: Path, recording: Recording) -> Path:
    """Write ``<stem>.hea`` and ``<stem>.dat``; the header's path."""
    samples = as_steps(recording.signal, 1.0 / GAIN_PER_MV)
    stem.with_suffix(".dat").write_bytes(np.ascontiguousarray(samples.T).astype("<i2").tobytes())
    when = f" {recording.time:%H:%M:%S %d/%m/%Y}" if recording.time else ""
    lines = [f"{stem.name} {recording.n_leads} {recording.fs:g} {recording.n_samples}{when}"]
    for name, row in zip(recording.leads, samples, strict=True):
        checksum = int(row.astype(np.int64).sum()) & 0xFFFF
        signed = checksum - 0x10000 if checksum >= 0x8000 else checksum
        lines.append(f"{stem.name}.dat 16 {GAIN_PER_MV}(0)/mV 16 0 {int(row[0]) if row.size else 0} {signed} 0 {name}")
    facts = {
        "Age": None if recording.age is None else f"{recording.age:g}",
        "Sex": {"F": "Female", "M": "Male", None: None}[recording.sex],
        "Patient": recording.patient_id,
        "Device": recording.device,
        "Report": recording.report,
    }
    lines += [f"# {key}: {value}" for key, value in facts.items() if value]
    header = stem.with_suffix(".hea")
    header.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return header
