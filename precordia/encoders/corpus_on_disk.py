"""Training data that does not fit in memory: standardized windows in flat files that are mapped, not read.

A folder holds ``signal.f16`` (a window a recording, ``(n_leads, n_samples)`` float16 in mV), ``samples.u1`` and ``leads.u1``
(masks), ``sizes.f32`` (standard deviation of each lead) and ``entries.jsonl`` (id, patient, report, metadata, or why a
recording is not used, and a hash of the signal). Files only grow while they are made, in blocks that are complete once
their entries are written: a killed run goes on after the last one. ``corpus.json`` says what the files were made from;
with ``"complete": true`` they are opened without reading any recording.

The split is made when the folder is opened, so that recipes with different folds share it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError
from precordia.core.protocols import Executor
from precordia.encoders.amplitudes import typical_of, typical_scales
from precordia.encoders.corpus import Corpus, Entry, Split, prepare
from precordia.encoders.sources import Source, reading
from precordia.records.standardize import SignalSpec

VERSION = 1
BLOCK: Final = 256
"""Recordings a block: what a kill may cost, and what a reading process is given at once."""

Show = Callable[[Iterable[Any], int], Iterator[Any]]
"""Passes blocks through, given the number of them, showing progress."""


def bytes_of(n: int, spec: SignalSpec) -> int:
    """Memory that ``n`` recordings take in a corpus in memory, bytes."""
    return n * len(spec.leads) * spec.window_samples * 4


def key_of(source: Source, spec: SignalSpec) -> str:
    """Sixteen hexadecimal digits that name the folder of a source: equal for equal files and spec."""
    return hashlib.sha256(f"{VERSION}|{spec.fingerprint}|{source.stamp()}".encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class MappedSignals:
    """Signals by row, read from disk when asked for.

    Attributes:
        stored: ``(n_stored, n_leads, n_samples)`` float16, mV, mapped.
        rows: ``(n,)`` int64, which of the stored ones each row is.
        scales: Row to factors ``(n_leads,)`` for the rows that were scaled lead by lead.
    """

    stored: NDArray[np.float16]
    rows: NDArray[np.int64]
    scales: Mapping[int, NDArray[np.float32]]

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, n_leads, n_samples)``."""
        return (len(self.rows), *self.stored.shape[1:])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(rows), n_leads, n_samples)`` float32, mV."""
        out = np.asarray(self.stored[self.rows[rows]]).astype(np.float32)
        for place, row in enumerate(np.asarray(rows).tolist()):
            if row in self.scales:
                out[place] *= self.scales[row][:, None]
        return out


def open_corpus(
    folder: Path,
    source: Source,
    spec: SignalSpec,
    *,
    exclude: Mapping[str, Sequence[str]] | None = None,
    hold_out: Mapping[str, Sequence[str]] | None = None,
    executor: Executor | None = None,
    show: Show | None = None,
) -> Corpus:
    """The corpus of a source, its files made first where they are not complete.

    Several processes may ask at once: one makes the files, the others wait.

    Args:
        folder: Holds one folder a source, named by :func:`key_of`.
        source: What to read.
        spec: The signal contract.
        exclude: See :func:`precordia.encoders.corpus.gather`.
        hold_out: Likewise.
        executor: Reads blocks; by default this process.
        show: Shows progress.

    Raises:
        InputError: nothing usable, nothing left to train on, or the files cannot be read or written.
    """
    from filelock import FileLock

    place = folder / key_of(source, spec)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / "write.lock"):
            if not _is_complete(place):
                _make(place, source, spec, executor, show)
        return _open(place, spec, exclude or {}, hold_out or {})
    except OSError as error:
        raise InputError(
            f"{place}: cannot be used to keep the training data ({error.strerror or type(error).__name__}); "
            "free some space or name another folder with --cache"
        ) from error


@dataclass(frozen=True)
class _Reader:
    """Reads and standardizes a block of recordings; pickled to reading processes."""

    source: Source
    spec: SignalSpec

    def __call__(self, block: tuple[int, int]) -> _Block:
        entries, signals, samples, leads, sizes = [], [], [], [], []
        for number in range(*block):
            entry, windows = prepare(reading(self.source, number), self.spec)
            line: dict[str, Any] = asdict(entry)
            if windows is not None:
                stored = windows.signal[0].astype("<f2")
                line["hash"] = hashlib.sha256(stored.tobytes() + windows.samples_present[0].tobytes()).hexdigest()[:32]
                signals.append(stored.tobytes())
                samples.append(windows.samples_present[0].tobytes())
                leads.append(windows.leads_present.tobytes())
                size = np.where(windows.leads_present, windows.signal[0].std(axis=1), np.nan)
                sizes.append(size.astype("<f4").tobytes())
            entries.append(json.dumps(line, ensure_ascii=True) + "\n")
        joined = {"signal.f16": signals, "samples.u1": samples, "leads.u1": leads, "sizes.f32": sizes}
        return _Block({name: b"".join(parts) for name, parts in joined.items()}, "".join(entries).encode("ascii"))


@dataclass(frozen=True)
class _Block:
    """What a block adds to each file, and its entries."""

    parts: Mapping[str, bytes]
    entries: bytes


def _row_bytes(spec: SignalSpec) -> dict[str, int]:
    leads, samples = len(spec.leads), spec.window_samples
    return {"signal.f16": 2 * leads * samples, "samples.u1": samples, "leads.u1": leads, "sizes.f32": 4 * leads}


def _make(place: Path, source: Source, spec: SignalSpec, executor: Executor | None, show: Show | None) -> None:
    done = _cut_to_whole_blocks(place, spec)
    _describe(place, source, spec, complete=False)
    blocks = [(start, min(start + BLOCK, len(source))) for start in range(done, len(source), BLOCK)]
    reader = _Reader(source, spec)
    results: Iterable[_Block] = executor.map(reader, blocks) if executor else map(reader, blocks)
    files: dict[str, IO[bytes]] = {name: (place / name).open("ab") for name in (*_row_bytes(spec), "entries.jsonl")}
    try:
        for result in show(results, len(blocks)) if show else results:
            for name, content in result.parts.items():
                files[name].write(content)
                files[name].flush()
            files["entries.jsonl"].write(result.entries)
            files["entries.jsonl"].flush()
        for file in files.values():
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()
    _describe(place, source, spec, complete=True)


def _cut_to_whole_blocks(place: Path, spec: SignalSpec) -> int:
    """Cut the files back to the last whole block that all of them have; how many recordings that is."""
    path = place / "entries.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    used = np.cumsum([not json.loads(line)["reason"] for line in lines]) if lines else np.zeros(0, dtype=int)
    whole = len(lines) // BLOCK * BLOCK
    for name, size in _row_bytes(spec).items():
        file = place / name
        rows = file.stat().st_size // size if file.is_file() else 0
        while whole and used[whole - 1] > rows:
            whole -= BLOCK
    path.write_bytes(b"".join(lines[:whole]))
    for name, size in _row_bytes(spec).items():
        with (place / name).open("ab") as file_:
            file_.truncate(size * int(used[whole - 1]) if whole else 0)
    return whole


def _describe(place: Path, source: Source, spec: SignalSpec, *, complete: bool) -> None:
    part = place / "corpus.part"
    values = {"format": "precordia-corpus", "version": VERSION, "spec": spec.fingerprint, "recordings": len(source),
              "complete": complete}  # fmt: skip
    part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    part.replace(place / "corpus.json")


def _is_complete(place: Path) -> bool:
    path = place / "corpus.json"
    try:
        return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8"))["complete"])
    except (ValueError, KeyError, TypeError):
        return False


def _open(
    place: Path, spec: SignalSpec, exclude: Mapping[str, Sequence[str]], hold_out: Mapping[str, Sequence[str]]
) -> Corpus:
    entries, hashes, stored_as = [], [], []
    count = 0
    with (place / "entries.jsonl").open("rb") as file:
        for line in file:
            values = json.loads(line)
            hashes.append(values.pop("hash", ""))
            entries.append(Entry(**values))
            stored_as.append(count)
            count += not values["reason"]
    n_leads, n_samples = len(spec.leads), spec.window_samples
    split = Split.of(entries, exclude, hold_out)
    rows = np.array([stored_as[i] for i in split.rows], dtype=np.int64)
    kept = [entries[i] for i in split.rows]
    stored = np.memmap(place / "signal.f16", dtype="<f2", mode="r", shape=(count, n_leads, n_samples))
    samples = np.memmap(place / "samples.u1", dtype=bool, mode="r", shape=(count, n_samples))
    leads = np.fromfile(place / "leads.u1", dtype=bool).reshape(count, n_leads)[rows]
    sizes = np.fromfile(place / "sizes.f32", dtype="<f4").reshape(count, n_leads)[rows]
    calibrated = np.array([entry.calibrated for entry in kept])
    typical = typical_of(sizes[calibrated & ~split.held_out])
    scales = {
        int(row): typical_scales(np.asarray(stored[rows[row]], dtype=np.float32), leads[row], typical).astype(
            np.float32
        )
        for row in np.flatnonzero(~calibrated)
    }
    digest = hashlib.sha256(f"on disk|{VERSION}|{spec.fingerprint}".encode())
    for place_, position in enumerate(split.rows):
        entry = kept[place_]
        digest.update(f"{entry.recording_id}|{entry.text}|{split.held_out[place_]}|{entry.calibrated}".encode())
        digest.update(hashes[position].encode())
    return Corpus(
        tuple(e.recording_id for e in kept), tuple(e.patient for e in kept), MappedSignals(stored, rows, scales), leads,
        MappedMasks(samples, rows), calibrated, typical, tuple(e.text for e in kept), split.held_out, split.rejected,
        digest.hexdigest(), spec.fs,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class MappedMasks:
    """Masks by row, read from disk when asked for.

    Attributes:
        stored: ``(n_stored, n_samples)`` bool, mapped.
        rows: ``(n,)`` int64, which of the stored ones each row is.
    """

    stored: NDArray[np.bool_]
    rows: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """``(len(rows), n_samples)`` bool."""
        return np.asarray(self.stored[self.rows[rows]])
