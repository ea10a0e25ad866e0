"""A small archive, parts that turn it into rows at once, and all that can be asked of what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Quality, Recording
from precordia.indexing.builder import BuildReport, build
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.manifest import Manifest
from precordia.indexing.shard import Stages
from precordia.indexing.store import DeltaCaseStore

DIM: Final = 16
TEXT_DIM: Final = 26
NEEDLE: Final = "zqxj"
"""Stands in everything that is of the patient who is erased."""

PATIENT: Final = "PATIENT-ZQXJ"
SECRETS: Final = (3, 11)
"""Numbers of that patient's recordings; the second is of poor quality and among the rejects."""


def write_archive(folder: Path, first: int, n: int) -> None:
    """``n`` arrays from number ``first`` on, a description beside each; every eighth cannot be read."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + n):
        walk = np.random.default_rng(i).integers(-9, 10, (12, 500)).cumsum(axis=1)
        name = f"{NEEDLE}{i}" if i in SECRETS else f"r{i}"
        np.save(folder / f"{name}.npy", (walk * 1e-3).astype(np.float32))
        about = {
            "patient": PATIENT if i in SECRETS else f"P{i // 2}",
            "report": f"{NEEDLE} words" if i in SECRETS else f"Sinus rhythm, variant {i % 5}",
            "damaged": i % 8 == 3 and i not in SECRETS,
            "poor": i == SECRETS[1],
            "age": 40 + i % 50,
        }
        (folder / f"{name}.json").write_text(json.dumps(about))


class _Encoder:
    dim = DIM
    fingerprint = "faults-1"
    spec = None

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        matrix = np.random.default_rng(0).normal(size=(12, DIM))
        rows = [r.signal.astype(np.float64).std(axis=1) @ matrix for r in recordings]
        return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32).reshape(-1, DIM)


class _TextEncoder:
    dim = TEXT_DIM
    fingerprint = "faults-text-1"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.array([[1 + t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32)
        out: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return out


def _read(ref: Any, table: Any) -> Recording:
    path = Path(ref.path)
    about = json.loads(path.with_suffix(".json").read_text())
    if about["damaged"]:
        raise UnreadableRecordingError(f"{path}: damaged")
    return Recording(
        signal=np.load(path),
        fs=100.0,
        leads=LEADS,
        recording_id=path.stem,
        patient_id=about["patient"],
        age=float(about["age"]),
        report=about["report"],
        source=str(path),
        format="npy",
        metadata={"site": "one", "poor": str(about["poor"])},
    )


def _assess(recording: Recording) -> Quality:
    poor = recording.metadata["poor"] == "True"
    return Quality(0.1 if poor else 0.9, not poor, {}, ())


def _measure(recording: Recording) -> Measurements:
    return Measurements(heart_rate_bpm=60.0 + len(recording.recording_id))


def _label(recording: Recording) -> tuple[Finding, ...]:
    return (Finding("SR"),)


STAGES: Final = Stages(_read, _assess, _measure, _label, str.lower, lambda concept: ())


def build_archive(archive: Path, kb: Path, shard: int = 6, wait_s: float = 60.0) -> BuildReport:
    """Add the archive to a knowledge base."""
    return build(
        archive,
        kb,
        encoder=_Encoder(),
        text_encoder=_TextEncoder(),
        stages=STAGES,
        workers=1,
        shard_size=shard,
        encoder_name="faults",
        text_encoder_name="letters",
        wait_s=wait_s,
    )


def open_indexes(kb: Path) -> int:
    """Bring every index up to date, as a first question does; the number of vectors."""
    store = DeltaCaseStore(kb)
    open_word_index(store)
    open_vector_index(store, "text", TEXT_DIM)
    return len(open_vector_index(store, "signal", DIM))


@dataclass(frozen=True)
class Everything:
    """All that can be asked of a knowledge base.

    Attributes:
        manifest: What built it.
        cases: Id to case.
        signals: Id to the hash of its samples, once whole and once as one lead.
        stored: Ids of the rows of the signal table, a row each.
        rejects: Source, stage and error of what was not kept.
        answers: What searches and filters find.
    """

    manifest: Any
    cases: dict[int, Any]
    signals: dict[int, tuple[bytes, bytes]]
    stored: list[int]
    rejects: list[tuple[str, str, str]]
    answers: dict[str, Any] = field(default_factory=dict)


def everything(kb: Path) -> Everything:
    """Ask all of it."""
    manifest, store = Manifest.load(kb), DeltaCaseStore(kb)
    ids = store.ids.tolist()
    near = open_vector_index(store, "signal", manifest.dim).search(np.eye(DIM, dtype=np.float32)[:3], 5)
    texts = open_vector_index(store, "text", manifest.text_dim or 0).search(np.eye(TEXT_DIM, dtype=np.float32)[:2], 5)
    return Everything(
        manifest,
        dict(zip(ids, store.get(ids), strict=True)),
        {i: (store.recording(i).signal.tobytes(), store.waveform(i, ("V2",)).signal.tobytes()) for i in ids},
        sorted(store._signal_rows.ids.tolist()),
        sorted((r.source, r.stage, r.error) for r in store._all_rejects()),
        {
            "near": (near[0].tolist(), near[1].tolist()),
            "texts": (texts[0].tolist(), texts[1].tolist()),
            "words": open_word_index(store).search("variant 3", 5),
            "old": store.select("age > 50").tolist(),
            "site": store.select("site = 'one'").tolist(),
        },
    )


def needles_left(kb: Path) -> list[str]:
    """Files that still hold something of the patient, as bytes or as a decoded value."""
    import pyarrow.parquet as pq

    left: list[str] = []
    for file in sorted(kb.rglob("*")):
        if not file.is_file():
            continue
        content = file.name.encode() + file.read_bytes()
        if file.suffix == ".parquet" and file.parent.name != "_delta_log":
            with file.open("rb") as stream:
                content += repr(pq.read_table(stream).to_pydict()).encode()
        if NEEDLE.encode() in content.lower():
            left.append(file.relative_to(kb).as_posix())
    return left
