"""One job in a process of its own: ``python -m precordia.serve.job KB KIND ID BY [ARCHIVE]``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from precordia.indexing.jobs import Recorder, Stopped
from precordia.serve.working import NICE


def build(kb: Path, archive: str, record: Recorder) -> None:
    """Add what is new in a folder."""
    from precordia.knowledge_base import KnowledgeBase

    there = KnowledgeBase.open(kb)
    report = there.add(archive, progress=lambda shards, total: record.progress(shards, total, "building", "shard"))
    record.tell(report.summary())


def refit(kb: Path, _: str, record: Recorder) -> None:
    """Fit the models of the archive's findings anew."""
    from precordia.knowledge_base import KnowledgeBase

    record.stage("fitting")
    there = KnowledgeBase.open(kb)
    models = there.refit()
    record.tell("too few cases for models" if models is None else str(models.promise))


def check(kb: Path, _: str, record: Recorder) -> None:
    """Whether everything stored is what was written; nothing is mended."""
    from precordia.indexing.integrity import check
    from precordia.judgement import models

    record.stage("checking")
    report = check(kb, verifiers={models.FOLDER: models.damaged})
    told = f"{report.n_files} files, {report.n_bytes / 1e6:.1f} MB: "
    told += (
        f"{len(report.problems)} problems, {report.n_lost} rows lost" if report.problems else "all as it was written"
    )
    record.tell(told)


WORK = {"build": build, "refit": refit, "check": check}
"""Kind of job to what does it."""


def main(kb: str, kind: str, name: str, by: str, archive: str = "") -> None:
    """Do it, and keep its record."""
    os.nice(NICE)
    with suppress(Stopped), Recorder(Path(kb), kind, archive, by, name) as record:  # type: ignore[arg-type]
        WORK[kind](Path(kb), archive, record)


if __name__ == "__main__":
    main(*sys.argv[1:])
