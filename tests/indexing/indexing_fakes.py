"""A small archive and the parts that turn it into rows, fast and deterministic; also for processes that tests start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Problem, Quality, Recording
from precordia.indexing.builder import build
from precordia.indexing.schema import CaseRow
from precordia.indexing.shard import Stages
from precordia.indexing.signals import encode_signal

DIM = 16


def ecg(seed: int, n_samples: int = 1000, step: float = 1e-3) -> NDArray[np.float32]:
    """``(12, n_samples)`` mV: whole multiples of ``step``."""
    walk = np.random.default_rng(seed).integers(-9, 10, (12, n_samples)).cumsum(axis=1)
    return (walk * step).astype(np.float32)


class FakeEncoder:
    """Sums of the samples, projected by a fixed matrix."""

    dim = DIM
    spec = None

    def __init__(self, fingerprint: str = "fake-encoder-1") -> None:
        self.fingerprint = fingerprint

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        if any(r.duration_s < 1 for r in recordings):
            raise UnusableSignalError("a recording is too short")
        matrix = np.random.default_rng(0).normal(size=(12, DIM))
        rows = [r.signal.astype(np.float64).std(axis=1) @ matrix for r in recordings]
        return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32)


class FakeTextEncoder:
    """Counts of letters."""

    dim = 26
    fingerprint = "fake-text-1"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.array([[1 + t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32)
        out: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return out


def write_archive(folder: Path, n: int) -> None:
    """``n`` arrays with a description beside each: every tenth is damaged, every ninth noisy, every eleventh short."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        length = 50 if i % 11 == 5 else 500
        np.save(folder / f"r{i:03d}.npy", ecg(i, length))
        description = {"patient": f"P{i // 2}", "report": f"Sinus rhythm, variant {i % 7}", "damaged": i % 10 == 3,
                       "noisy": i % 9 == 4, "age": 40 + i, "fold": i % 10}  # fmt: skip
        (folder / f"r{i:03d}.json").write_text(json.dumps(description))


def read(ref: Any, table: Any) -> Recording:
    path = Path(ref.path)
    about = json.loads(path.with_suffix(".json").read_text())
    if about["damaged"]:
        raise UnreadableRecordingError(f"{path}: damaged")
    return Recording(
        signal=np.load(path), fs=100.0, leads=LEADS, recording_id=path.stem, patient_id=about["patient"],
        age=float(about["age"]), report=about["report"], source=str(path), format="npy",
        metadata={"fold": str(about["fold"]), "noisy": str(about["noisy"])},
    )  # fmt: skip


def assess(recording: Recording) -> Quality:
    noisy = recording.metadata["noisy"] == "True"
    problems = (Problem("noisy", (), 0.9, "noise of 3 mV"),) if noisy else ()
    return Quality(0.1 if noisy else 0.9, not noisy, {}, problems)


def measure(recording: Recording) -> Measurements:
    return Measurements(heart_rate_bpm=60.0 + len(recording.recording_id), st_j60_mv={"V1": 0.1})


def label(recording: Recording) -> tuple[Finding, ...]:
    return (Finding("SR"), Finding("CLBBB", "absent", span=(1, 4)))


def state(report: str) -> str:
    return report.lower()


def ancestors(concept: str) -> tuple[str, ...]:
    return ("RHYTHM",) if concept == "SR" else ()


STAGES = Stages(read, assess, measure, label, state, ancestors)


def build_telling(archive: str, kb: str, said: Connection) -> None:
    """A build that tells when it begins, and each shard that is committed."""

    def progress(shards: Iterable[Any], total: int) -> Iterator[Any]:
        for shard in shards:
            yield shard
            said.send("shard")

    said.send("ready")
    build(archive, kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder(), stages=STAGES, workers=1, shard_size=4,
          encoder_name="fake", progress=progress)  # fmt: skip


def row(case_id: int, patient: str = "P1", report: str | None = "Sinus rhythm", **fields: Any) -> CaseRow:
    """A row for the store, without an archive."""
    vector = np.random.default_rng(case_id).normal(size=DIM)
    case = Case(
        case_id=case_id, recording_id=f"r{case_id}", patient_key=patient, report=report, n_leads=12, fs=100.0,
        duration_s=10.0, source=f"/archive/r{case_id}.npy", **fields,
    )  # fmt: skip
    return CaseRow(
        case,
        (vector / np.linalg.norm(vector)).astype(np.float32),
        encode_signal(ecg(case_id), 100.0, LEADS),
        leads=LEADS,
        patient_id=patient,
        statements=report and report.lower(),
    )
