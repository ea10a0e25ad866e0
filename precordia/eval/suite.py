"""Every task on the data that are here, one document a run, resumable: what ``precordia eval all`` does.

A run whose document is there already with the same inputs (code that the task may load, data, settings, seed, versions)
is kept. One that lacks data leaves its reason in ``RUN.skipped`` and the others go on. Processor times are kept in
``seconds.tsv``, apart from the results, and only decide what starts first.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from precordia.core.errors import InputError, PrecordiaError
from precordia.core.progress import silent
from precordia.eval.archive_kb import archive_kb, content_of
from precordia.eval.harness import results, runner
from precordia.eval.harness.code_hash import code_hash
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Settings

SKIPPED_SUFFIX = ".skipped"
SECONDS = "seconds.tsv"
Status = Literal["done", "kept", "skipped", "failed"]


@dataclass(frozen=True)
class Run:
    """One run of a task.

    Attributes:
        task: The task's name.
        options: Its own settings.
        wants_kb: Whether it is given the knowledge base.
    """

    task: str
    options: Mapping[str, str]
    wants_kb: bool

    @property
    def name(self) -> str:
        """The task's name with its settings; names the files."""
        return "+".join([self.task, *(f"{key}={value}" for key, value in sorted(self.options.items()))])


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        run: Its name.
        status: "done"; "kept": the document that is there has the same inputs; "skipped": something that it needs is not
            there; "failed": an error that should not be.
        seconds: By the clock.
        cpu_seconds: Of the processor, in this process.
        message: The reason, or "".
    """

    run: str
    status: Status
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    message: str = ""


def runs_of(names: Sequence[str] = ()) -> list[Run]:
    """The runs of the named tasks, or of all that have any; a named task without runs of its own is run as it is.

    Raises:
        UnknownNameError: there is no such task.
    """
    out = []
    for name in names or list(TASKS):
        try:
            card = TASKS.get(name).card
        except ImportError:  # said again, and why, where it is run
            out.append(Run(name, {}, False))
            continue
        for options in card.runs or (({},) if names else ()):
            out.append(Run(name, dict(options), card.wants_kb))
    return out


def run_all(runs: Sequence[Run], settings: Settings, folder: Path, workers: int = 1) -> Iterator[Outcome]:
    """Run them, and yield what became of each as it ends.

    Args:
        runs: What to run.
        settings: For all; each run's own options are added. Without a knowledge base, runs that want one are given one
            over PTB-XL's folds 1-8, built in ``folder`` when it is not there.
        folder: Where documents go.
        workers: Processes; with 1, all is done in this one.

    Raises:
        InputError: there is no folder of data.
    """
    if not settings.data.is_dir():
        raise InputError(f"{settings.data}: no such folder; give the folder of ECGs with --data or $PRECORDIA_DATA")
    folder.mkdir(parents=True, exist_ok=True)
    data = results.hash_of([settings.data], settings.data)
    inputs = {run.name: inputs_of(run, settings, data) for run in runs}
    pending = [run for run in runs if not _is_kept(folder / f"{run.name}.json", inputs[run.name])]
    yield from (Outcome(run.name, "kept") for run in runs if run not in pending)
    if settings.kb is None and any(run.wants_kb for run in pending):
        settings = replace(settings, kb=_knowledge_base(settings, folder))
    seconds = _read_seconds(folder)
    # The longest first, so that no worker waits for a late one; those never timed before them all.
    pending.sort(key=lambda run: (-seconds.get(run.name, float("inf")), run.name))
    jobs = [(run, _settings_of(run, settings, folder), folder, inputs[run.name]) for run in pending]
    for outcome in map(_run_one, jobs) if workers <= 1 else _in_processes(jobs, workers):
        if outcome.status == "done":
            seconds[outcome.run] = round(outcome.cpu_seconds, 1)
            lines = [f"{name}\t{value:g}\n" for name, value in sorted(seconds.items())]
            (folder / SECONDS).write_text("".join(lines), "utf-8")
        yield outcome


def inputs_of(run: Run, settings: Settings, data: str) -> str:
    """Hash of all that a run depends on and that is known before it.

    Args:
        run: The run.
        settings: As given to :func:`run_all`.
        data: Hash of the data folder.
    """
    try:
        module = TASKS.get(run.task).card.code
    except ImportError:
        return ""
    known: dict[str, object] = {
        "code": code_hash(module),
        "data": data,
        "run": run.name,
        "seed": settings.seed,
        "limit": settings.limit,
        "options": dict(sorted({**settings.options, **run.options}.items())),
        "llm": settings.llm,
        "encoder": content_of(settings.encoder),
        "kb": content_of(str(settings.kb)) if run.wants_kb and settings.kb else None,
        "packages": results.package_versions(),
        "python": platform.python_version(),
        "schema": results.SCHEMA_VERSION,
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def skipped_in(folder: Path) -> dict[str, str]:
    """Runs that lacked something, by name, with the reason."""
    return {path.name.removesuffix(SKIPPED_SUFFIX): path.read_text("utf-8").strip()
            for path in sorted(folder.glob(f"*{SKIPPED_SUFFIX}"))}  # fmt: skip


def _run_one(job: tuple[Run, Settings, Path, str]) -> Outcome:
    """Run and write; what it lacked or how it failed is written beside."""
    run, settings, folder, inputs = job
    started, started_cpu = time.perf_counter(), time.process_time()
    reason = folder / f"{run.name}{SKIPPED_SUFFIX}"
    (folder / f"{run.name}.json").unlink(missing_ok=True)
    status: Status = "done"
    message = ""
    try:
        document, result = runner.run(run.task, settings)
        results.write(replace(document, run=run.name, inputs=inputs), result.samples, folder)
        reason.unlink(missing_ok=True)
    except (PrecordiaError, ImportError) as error:
        status, message = "skipped", str(error)
        reason.write_text(f"{message}\n", "utf-8")
    except Exception as error:  # the others go on; the traceback is kept
        log = folder / f"{run.name}.log"
        log.write_text(traceback.format_exc(), "utf-8")
        status, message = "failed", f"{type(error).__name__}: {error}; see {log}"
        reason.write_text(f"failed with {type(error).__name__}\n", "utf-8")
    return Outcome(run.name, status, time.perf_counter() - started, time.process_time() - started_cpu, message)


def _in_processes(jobs: Sequence[tuple[Run, Settings, Path, str]], workers: int) -> Iterator[Outcome]:
    """Each run in a process of its own, with one thread."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read when a child loads its libraries
    try:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
            # Bars of two processes would overwrite each other.
            quiet = [
                (run, replace(settings, progress=silent), folder, inputs) for run, settings, folder, inputs in jobs
            ]
            futures = {pool.submit(_run_one, job): job[0] for job in quiet}
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:  # takes those that wait with it
                    message = "a process was ended from outside, perhaps for want of memory; the same command goes on"
                    yield Outcome(futures[future].name, "failed", message=message)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _settings_of(run: Run, settings: Settings, folder: Path) -> Settings:
    return replace(
        settings,
        kb=settings.kb if run.wants_kb else None,
        options={**settings.options, **run.options},
        out=folder,
    )


def _knowledge_base(settings: Settings, folder: Path) -> Path | None:
    """The knowledge base over folds 1-8; None without PTB-XL, and each task then says what it lacks."""
    try:
        return archive_kb(settings, folder)
    except InputError:
        return None


def _is_kept(path: Path, inputs: str) -> bool:
    try:
        return path.is_file() and results.read(path).inputs == inputs
    except (PrecordiaError, KeyError, TypeError):
        return False


def _read_seconds(folder: Path) -> dict[str, float]:
    path = folder / SECONDS
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {name: float(value) for name, _, value in (line.partition("\t") for line in lines)}
