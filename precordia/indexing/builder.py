"""An archive to a knowledge base: scan, shards, rows, one transaction a shard.

Shards are fixed by the sorted list of recordings, not by the number of workers or by what an earlier run has finished,
and their results are committed in order: however a build is interrupted and resumed, it ends with the same knowledge base.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import MismatchError
from precordia.core.protocols import Encoder, Executor, Host, TextEncoder
from precordia.engine.executors import EXECUTORS
from precordia.indexing.addresses import folder_of
from precordia.indexing.bucket import publish
from precordia.indexing.changed_sources import Stamp, stamps_of
from precordia.indexing.durable import make_folder
from precordia.indexing.intake import plural, take_in
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.migrations import bring_up_to_date
from precordia.indexing.schema import CASE_SCHEMA, Reject
from precordia.indexing.shard import Shard, ShardResult, ShardRunner, Stages
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.writer import PRESENT
from precordia.records.places import name_of
from precordia.records.readers.sidecar import assuming
from precordia.signals.door import STRIDE_S

if TYPE_CHECKING:
    from precordia.encoders.encoder import SignalEncoder
    from precordia.encoders.network import SignalNetwork
    from precordia.encoders.on_device import Stack
    from precordia.records.scan import RecordRef
    from precordia.records.tables import ReportTable

Progress = Callable[[Iterable[Any], int], Iterator[Any]]
"""Wraps the results of shards and their number: yields them on, showing progress."""

LARGEST_SHARD: Final = 128
"""Recordings a transaction: what a crash may cost, and what two table commits are spread over."""

SMALLEST_SHARD: Final = 16
"""In small archives, so that every worker has something to do."""


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        n_seen: Recordings found in the source (after ``where``).
        n_added: Cases added.
        n_present: Recordings that were there already.
        n_rejected: Recordings not kept; the reject table says why.
        wall_s: Time it took, s.
        seconds: Stage to time spent on it, s, added over workers.
        n_updated: Cases whose file or row in the report table had changed.
        n_rejected_before: Those of ``n_present`` that were not kept when they were met before.
        formats: Format to the number of recordings found.
        passed_over: What else was seen, that is no recording: kind of file to number. Those that could be mistaken for one
            (HDF5, PDF, tables) stand among the rejects, too.
        join: How the report table fits, as one line, or None without a table.
        n_windows: Cases added besides that are stretches of long recordings.
    """

    n_seen: int
    n_added: int
    n_present: int
    n_rejected: int
    wall_s: float
    seconds: Mapping[str, float] = field(default_factory=dict)
    n_updated: int = 0
    n_rejected_before: int = 0
    formats: Mapping[str, int] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    join: str | None = None
    n_windows: int = 0

    def __repr__(self) -> str:
        return f"BuildReport({self.summary()})"

    @property
    def kept_nothing(self) -> bool:
        """Whether the source holds nothing that is in the knowledge base now."""
        return self.n_added + self.n_updated + self.n_present - self.n_rejected_before == 0

    @property
    def rate(self) -> float:
        """Recordings read a second."""
        return (self.n_added + self.n_updated + self.n_rejected) / self.wall_s if self.wall_s > 0 else 0.0

    def summary(self) -> str:
        """One line for people."""
        updated = f"{self.n_updated} updated, " if self.n_updated else ""
        windows = f"{plural(self.n_windows, 'window')} of long recordings besides, " if self.n_windows else ""
        before = f" ({self.n_rejected_before} before)" if self.n_rejected_before else ""
        return (
            f"{self.n_added} added, {windows}{updated}{self.n_present - self.n_rejected_before} there already, "
            f"{self.n_rejected} not kept{before} in {self.wall_s:.1f} s ({self.rate:.0f} a second){self._passed()}"
        )

    def found(self) -> str:
        """What was found, for people."""
        formats = ", ".join(f"{n} {name}" for name, n in self.formats.items())
        return f"{plural(self.n_seen, 'recording')} found{f': {formats}' if formats else ''}{self._passed()}"

    def _passed(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.passed_over.items())
        return f"; passed over: {kinds}" if kinds else ""

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "rate": self.rate}


def build(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    kb_path: Path | str,
    *,
    encoder: Encoder | str = "default",
    text_encoder: TextEncoder | None = None,
    reports: ReportTable | str | os.PathLike[str] | None = None,
    where: str | None = None,
    mapping: Any = None,
    workers: int | None = None,
    progress: Progress | None = None,
    encoder_name: str | None = None,
    text_encoder_name: str | None = None,
    executor: Executor | str = "local",
    stages: Stages | None = None,
    keep_poor: bool = False,
    retry_rejects: bool = False,
    wait_s: float = 10.0,
    shard_size: int | None = None,
    arrays: Mapping[str, Any] | None = None,
    stride_s: float = STRIDE_S,
) -> BuildReport:
    """Add an archive's recordings to a knowledge base, making it if there is none; resumable, idempotent.

    Args:
        source: A folder, file, glob pattern, or a list of these.
        kb_path: The knowledge base.
        encoder: The encoder, or a name or path to load it by.
        text_encoder: Embeds the reports, or None to leave them out of search by meaning.
        reports: A report table, or its file; by default a known one beside the archive.
        where: Take only the recordings for whose row of the report table this SQL condition is true; without a table,
            the condition is over the cases' own columns.
        mapping: How to read ``reports``.
        workers: Processes, None for one a core.
        progress: Wraps the shards.
        encoder_name: What the manifest calls the encoder; by default ``encoder`` if it is a name.
        text_encoder_name: Likewise.
        executor: Runs the shards: an object, or a name in :data:`~precordia.engine.executors.EXECUTORS`.
        stages: What is done to each recording.
        keep_poor: Keep recordings of unacceptable quality, too.
        retry_rejects: Read again what was rejected before.
        wait_s: How long to wait for another writer, s.
        shard_size: Recordings a transaction; None chooses by the number of recordings alone.
        arrays: What is known of arrays (NPY, CSV, HDF5, ...) that do not say it themselves: ``fs``, ``units``, ``leads``.
        stride_s: Of long recordings, from one stretch that is kept as a case of its own to the next, s, beside those that
            show events; 0 keeps those alone.

    Raises:
        BusyError: another process is writing.
        MismatchError: the knowledge base was built with another encoder.
        FilterError: ``where`` is not valid.
        UsageError: ``reports`` joins nothing, or has neither reports nor codes.
        UnreadableRecordingError: there is no such source.
        UnknownNameError: there is no such executor.
    """
    started = time.perf_counter()
    start = EXECUTORS.get(executor) if isinstance(executor, str) else _running(executor)
    spent: dict[str, float] = {}
    name = encoder_name or (encoder if isinstance(encoder, str) else "custom")
    manifest = _manifest(encoder, name, text_encoder, text_encoder_name)
    kb_path = folder_of(kb_path)
    if Manifest.exists(kb_path):
        bring_up_to_date(kb_path, wait_s)
        _create_or_check(kb_path, manifest, wait_s)  # before what may be a long scan
    clock = time.perf_counter()
    with assuming(arrays or {}):
        intake = take_in(source, reports, mapping, where)
        _add_up(spent, {"scan": time.perf_counter() - clock})
        _create_or_check(kb_path, manifest, wait_s)
        store = DeltaCaseStore(kb_path)
        with store.writing(wait_s) as writer, _encoding(executor, encoder) as forward:
            Manifest.load(kb_path).check_like(
                manifest, kb_path
            )  # another may have embedded it anew while this one waited
            if retry_rejects:
                writer.forget_rejects()
            clock = time.perf_counter()
            refs, duplicates = list(intake.refs), intake.duplicates
            known = stamps_of(refs, intake.to_workers)
            stamps = {path: stamp.digest for path, stamp in known.items()}
            rejects_before = set() if retry_rejects else set(store.rejects())
            sources_before = {(r.source, r.source_stamp) for r in rejects_before if r.stage != PRESENT and r.of_whole}
            read = writer.were_read([ref.path for ref in refs], [stamps[ref.path] for ref in refs])
            done = {ref for ref, was_read in zip(refs, read, strict=True) if was_read}
            refused = intake.rejects()
            new = [reject for reject in refused if reject not in rejects_before]
            _add_up(spent, {"scan": time.perf_counter() - clock})
            twins = [
                Reject(
                    ref.path,
                    reason,
                    "scan",
                    "Duplicate",
                    name_of(ref.path),
                    known[ref.path].patient_key,
                    stamps[ref.path],
                )
                for ref, reason in duplicates.items()
                if ref not in done
            ]
            writer.append(CASE_SCHEMA.empty_table(), _no_signals(), [*twins, *new, *intake.passed_over()])
            wanted = [ref for ref in refs if ref not in duplicates]
            shards = list(_shards(wanted, done, known, shard_size))
            runner = ShardRunner(
                encoder, intake.to_workers, None, keep_poor, stages or Stages(), arrays, stride_s, forward, text_encoder
            )
            added, updated, windows, rejected = 0, 0, 0, len(twins) + len(new)
            before = len(refused) - len(new) + sum((ref.path, stamps[ref.path]) in sources_before for ref in done)
            present = len(done) + len(refused) - len(new)
            for result in _results(runner, shards, workers, start, progress):
                _add_up(spent, result.seconds)
                result = _selected(result, intake.row_filter)
                clock = time.perf_counter()
                became = writer.append(result.cases, result.signals, result.rejects)
                publish(kb_path)
                _add_up(spent, {"store": time.perf_counter() - clock})
                added, updated = added + became.n_added, updated + became.n_updated
                windows += became.n_windows
                present, rejected = present + became.n_present, rejected + sum(r.of_whole for r in result.rejects)
            clock = time.perf_counter()
            writer.tidy_rejects({**dict.fromkeys(intake.containers, "read"), **stamps})
            writer.finish()
            _add_up(spent, {"store": time.perf_counter() - clock})
    return BuildReport(
        n_seen=len(refs) + len(refused),
        n_added=added,
        n_present=present,
        n_rejected=rejected,
        wall_s=time.perf_counter() - started,
        seconds=spent,
        n_updated=updated,
        n_rejected_before=before,
        formats=intake.formats,
        passed_over=intake.survey.counts,
        join=intake.join.line() if intake.join else None,
        n_windows=windows,
    )


def _manifest(encoder: Encoder | str, name: str, text_encoder: TextEncoder | None, text_name: str | None) -> Manifest:
    if isinstance(encoder, str):
        from precordia.encoders import load_encoder

        encoder = load_encoder(encoder)
    return Manifest.of(encoder, name, text_encoder, text_name or "custom")


def _create_or_check(path: Path, manifest: Manifest, wait_s: float) -> None:
    make_folder(path)
    if not Manifest.exists(path):
        with locked(path, WRITE_LOCK, wait_s, "creating it"):
            if not Manifest.exists(path):
                DeltaCaseStore.create(path)
                manifest.save(path)
    there = Manifest.load(path)
    there.check_like(manifest, path)
    there.keep_copy(path)
    if there.text_encoder_fingerprint and not manifest.text_encoder_fingerprint:
        raise MismatchError(
            f"knowledge base {path}: its reports are embedded by text encoder {there.text_encoder!r}; add to it with that "
            "text encoder, or new reports could not be found by meaning"
        )


def _shards(
    refs: list[RecordRef], done: set[RecordRef], known: Mapping[str, Stamp], size: int | None
) -> Iterator[Shard]:
    size = size or min(LARGEST_SHARD, max(SMALLEST_SHARD, -(-len(refs) // 16)))
    for start in range(0, len(refs), size):
        left = tuple(ref for ref in refs[start : start + size] if ref not in done)
        if left:
            stamps = [known[ref.path] for ref in left]
            digests, patients = tuple(s.digest for s in stamps), tuple(s.patient_key for s in stamps)
            yield Shard(f"of {left[0].path}", left, digests, patients)


def _results(
    runner: ShardRunner,
    shards: list[Shard],
    workers: int | None,
    start: Callable[[int | None, int], Executor],
    progress: Progress | None,
) -> Iterator[ShardResult]:
    if not shards:
        return iter(())
    results = start(workers, len(shards)).map(runner, shards)
    return progress(results, len(shards)) if progress else results


@contextmanager
def _encoding(
    executor: Executor | str, encoder: Encoder | str
) -> Iterator[Callable[[Stack], NDArray[np.float32]] | None]:
    """Where the encoder's network runs for all readers, where the executor has GPUs to share; else None."""
    from precordia.encoders.encoder import SignalEncoder

    if isinstance(executor, Host) and executor.gpus and isinstance(encoder, (str, SignalEncoder)):
        from precordia.encoders.on_device import BATCH, DeviceForward

        with executor.hosting(partial(DeviceForward, partial(_network_of, encoder)), BATCH) as forward:
            yield forward
    else:
        yield None


def _network_of(encoder: SignalEncoder | str) -> SignalNetwork:
    from precordia.encoders import load_encoder

    return (load_encoder(encoder) if isinstance(encoder, str) else encoder).network


def _running(executor: Executor) -> Callable[[int | None, int], Executor]:
    """An executor that is there already, in the form of one that is to be started."""
    return lambda workers, n_shards: executor


def _selected(result: ShardResult, where: str | None) -> ShardResult:
    """Only the cases for which a condition over their own columns is true."""
    if not where:
        return result
    from precordia.indexing.filters import select_rows

    mask = select_rows(result.cases, where)
    return ShardResult(result.cases.filter(mask), result.signals.filter(mask), result.rejects, result.seconds)


def _no_signals() -> pa.Table:
    from precordia.indexing.schema import SIGNAL_SCHEMA

    return SIGNAL_SCHEMA.empty_table()


def _add_up(total: dict[str, float], part: Mapping[str, float]) -> None:
    for stage, seconds in part.items():
        total[stage] = total.get(stage, 0.0) + seconds
