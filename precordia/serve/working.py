"""Jobs that are started from the page: each in a process of its own, which outlives neither its work nor is ended by ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import BusyError, UsageError
from precordia.indexing.jobs import KINDS, Job, jobs, new_id, stop
from precordia.serve.answers import without_folders

NICE: Final = 10
"""How far a job stands back behind questions."""


class Works:
    """The jobs of one knowledge base.

    Args:
        kb: Its folder.
        archives: Name to folder that administrators may build from: nobody names another path from afar.
    """

    def __init__(self, kb: Path, archives: Mapping[str, Path] | None = None) -> None:
        self._kb, self._archives = kb, dict(archives or {})
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def archives(self) -> tuple[str, ...]:
        """Names of what may be built from."""
        return tuple(self._archives)

    def all(self) -> list[Job]:
        """The latest first."""
        self._children = [child for child in self._children if child.poll() is None]
        return jobs(self._kb)

    def start(self, kind: str, archive: str | None, by: str) -> str:
        """Begin a job; its id.

        Raises:
            UsageError: there is no such kind, or no such archive.
            BusyError: another job runs.
        """
        if kind not in KINDS:
            raise UsageError(f"unknown job {kind[:20]!r} (choices: {', '.join(KINDS)})")
        if kind != "build" and archive is not None:
            raise UsageError("a build alone has an archive")
        if kind == "build" and archive not in self._archives:
            known = ", ".join(self._archives) or "none; the service is started with --archive DIR"
            raise UsageError(f"there is no archive {(archive or '')[:60]!r} to build from (choices: {known})")
        if any(job.state == "running" for job in self.all()) or self._children:
            raise BusyError("a job runs already: wait until it has ended")
        name = new_id()
        command = [sys.executable, "-m", "precordia.serve.job", str(self._kb), kind, name, by]
        command += [str(self._archives[archive])] if archive is not None else []
        # In a session of its own: the end of the service, or its Ctrl-C, is not the end of a build.
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._children.append(child)
        return name

    def stop(self, job: str, by: str) -> None:
        """End a job that runs, also one of the command line; what it has finished is kept.

        Raises:
            UsageError: no such job runs.
        """
        stop(self._kb, job, by)

    def close(self) -> None:
        """Let go of those that have ended; the others go on."""
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0)


def job_document(job: Job, whole: bool) -> dict[str, Any]:
    """A job as plain values.

    Args:
        job: The job.
        whole: With the place of what is built from.
    """
    told = job.told if whole else without_folders(job.told)
    return {**asdict(job), "told": told, **({"path": job.source} if whole else {})}
