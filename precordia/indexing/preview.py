"""What a build would do, from names, the report table and a bounded sample of recordings: nothing is written."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from precordia.core.protocols import Encoder
from precordia.indexing.intake import Intake, plural
from precordia.indexing.schema import Reject
from precordia.indexing.shard import Shard, ShardRunner, Stages

if TYPE_CHECKING:
    from precordia.records.scan import RecordRef

SAMPLE: Final = 48
"""Most recordings that are read for a preview."""

CHUNK: Final = 8
BUDGET_S: Final = 5.0
"""Time after the first chunk after which no further recordings are read, s."""

_LEAST_A_FORMAT: Final = 2
_STARTUP_S: Final = 3.0
"""What a build costs besides its recordings: workers that start, and tables that are closed, s. Measured on 2 cores."""

_TEXT_STARTUP_S, _TEXT_S = 4.0, 0.02
"""What embedding reports costs, once and for each that says something new, s. MiniLM, measured on 2 cores."""


@dataclass(frozen=True)
class Expected:
    """A kind of reject that a build would have.

    Attributes:
        error: The error's class, or "PoorQuality", "Duplicate".
        n: How many; of the recordings read where ``sampled``, else of all.
        reason: The reason of the first.
        sampled: Whether only a sample was looked at.
    """

    error: str
    n: int
    reason: str
    sampled: bool


@dataclass(frozen=True)
class Preview:
    """What a build would do.

    Attributes:
        n_recordings: Recordings found (after ``where``).
        formats: Format to the number of recordings.
        passed_over: Kind of file to the number passed over.
        join: How the report table fits, as one line, or None without a table.
        table: The same as plain values.
        n_sampled: Recordings that were read.
        rejects: What would not be kept, and why.
        seconds: Estimate of the time with ``workers`` processes, s; None when nothing was read.
        bytes: Estimate of the space, bytes; None when nothing was read.
        workers: Processes that the estimate is for.
    """

    n_recordings: int
    formats: Mapping[str, int]
    passed_over: Mapping[str, int]
    join: str | None
    table: Mapping[str, Any] | None
    n_sampled: int
    rejects: tuple[Expected, ...]
    seconds: float | None
    bytes: float | None
    workers: int

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        formats = ", ".join(f"{n} {name}" for name, n in self.formats.items())
        out = [f"{plural(self.n_recordings, 'recording')}{f': {formats}' if formats else ''}"]
        if self.join:
            out.append(self.join)
        if self.passed_over:
            out.append(f"passed over: {', '.join(f'{n} {kind}' for kind, n in self.passed_over.items())}")
        for one in self.rejects:
            of = f"{one.n} of {self.n_sampled} looked at" if one.sampled else str(one.n)
            out.append(f"will not be kept: {of} ({one.error}), for example {one.reason}")
        if self.seconds is not None and self.bytes is not None:
            out.append(
                f"estimate from {plural(self.n_sampled, 'recording')}: {_time(self.seconds)} with "
                f"{plural(self.workers, 'process', 'es')}, "
                f"{_size(self.bytes)} of disk"
            )
        return out


def preview(
    intake: Intake,
    *,
    encoder: Encoder | str = "default",
    workers: int | None = None,
    arrays: Mapping[str, Any] | None = None,
    stages: Stages | None = None,
) -> Preview:
    """What building from ``intake`` would do.

    Args:
        intake: What there is, by :func:`~precordia.indexing.intake.take_in`.
        encoder: The encoder, or a name or path to load it by.
        workers: Processes, None for one a core.
        arrays: What is known of arrays that do not say it (``fs``, ``units``, ``leads``).
        stages: What is done to each recording.
    """
    from precordia.engine.local import available_cores

    wanted = [ref for ref in intake.refs if ref not in intake.duplicates]
    runner = ShardRunner(encoder, intake.to_workers, None, False, stages or Stages(), arrays)
    rejects: list[Reject] = []
    n_read, spent, size, started = 0, 0.0, 0, 0.0
    statements: set[str] = set()
    sample = _sample(wanted)
    for start in range(0, len(sample), CHUNK):
        chunk = tuple(sample[start : start + CHUNK])
        result = runner(Shard(f"of {chunk[0].path}", chunk, ("",) * len(chunk), (None,) * len(chunk)))
        rejects.extend(result.rejects)
        n_read, spent = n_read + len(chunk), spent + sum(result.seconds.values())
        size += result.signals.nbytes + result.cases.nbytes
        statements.update(filter(None, result.cases.column("statements").to_pylist()))
        started = started or time.perf_counter()  # the first chunk loads the encoder
        if time.perf_counter() - started > BUDGET_S:
            break
    processes = workers or available_cores()
    share = len(wanted) / n_read if n_read else 0.0
    return Preview(
        n_recordings=len(intake.refs),
        formats=intake.formats,
        passed_over=intake.survey.counts,
        join=intake.join.line() if intake.join else None,
        table=intake.join.document() if intake.join else None,
        n_sampled=n_read,
        rejects=(*_grouped(_certain(intake), False), *_grouped(rejects, n_read < len(wanted))),
        seconds=_seconds(spent * share / max(1, min(processes, len(wanted))), len(statements) * share)
        if n_read
        else None,
        bytes=size * share if n_read else None,
        workers=processes,
    )


def _seconds(reading: float, statements: float) -> float:
    return _STARTUP_S + reading + (_TEXT_STARTUP_S + _TEXT_S * statements if statements else 0.0)


def _certain(intake: Intake) -> list[Reject]:
    """What is known without reading."""
    copies = [
        Reject(ref.path, f"{ref.path}: {reason}", "scan", "Duplicate") for ref, reason in intake.duplicates.items()
    ]
    return [*intake.rejects(), *copies]


def _grouped(rejects: Sequence[Reject], sampled: bool) -> list[Expected]:
    by_error: dict[str, list[Reject]] = defaultdict(list)
    for reject in rejects:
        by_error[reject.error].append(reject)
    return [Expected(error, len(same), same[0].reason, sampled) for error, same in by_error.items()]


def _sample(refs: Sequence[RecordRef]) -> list[RecordRef]:
    """Recordings spread evenly over the archive, of every format some."""
    by_format: dict[str, list[RecordRef]] = defaultdict(list)
    for ref in refs:
        by_format[ref.format].append(ref)
    chosen: list[RecordRef] = []
    for same in by_format.values():
        n = min(len(same), max(_LEAST_A_FORMAT, SAMPLE * len(same) // max(1, len(refs))))
        chosen.extend(same[i * len(same) // n] for i in range(n))
    return sorted(chosen, key=lambda ref: (os.path.basename(ref.path)[::-1], ref))  # noqa: PTH119 - spread, in case time runs out


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def _size(n: float) -> str:
    return f"about {n / 2**20:.1f} MiB" if n < 2**30 else f"about {n / 2**30:.1f} GiB"
