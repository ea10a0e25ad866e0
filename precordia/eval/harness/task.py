"""What an evaluation task is, and what it returns.

A task is one file below ``precordia/eval/tasks/`` with its :class:`TaskCard` and a class that follows :class:`Task`, and
one line in the registry of ``precordia/eval/harness/registry.py``. ``precordia eval NAME`` runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent


@dataclass(frozen=True)
class Settings:
    """What a run may vary.

    Attributes:
        data: Folder of the real ECGs and benchmarks.
        kb: A knowledge base, or None.
        encoder: Name or path of an encoder.
        llm: A language model ("openai:NAME@URL", ...) or None.
        seed: Of every random draw.
        limit: At most this many samples, or None for all.
        options: A task's own settings, ``key=value`` on the command line.
        out: Folder of the results, where a task may keep what lets it resume; None when nothing is written.
        progress: Wraps what long work goes through: ``for x in settings.progress(xs, len(xs), "label", "unit")``.
            It changes no result.
    """

    data: Path
    kb: Path | None = None
    encoder: str = "default"
    llm: str | None = None
    seed: int = 42
    limit: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    out: Path | None = None
    progress: Progress = field(default=silent, repr=False, compare=False)

    @property
    def replies_dir(self) -> Path | None:
        """Where a language model's replies are kept by content: option ``replies``, else beside the results, else nowhere."""
        if "replies" in self.options:
            return Path(self.options["replies"])
        return None if self.out is None else self.out / "replies"


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        system: What was measured ("precordia", "majority", "neurokit2-dwt").
        metric: Its name with unit where it has one ("macro AUROC", "QRS mean absolute error, ms").
        value: The figure.
        low, high: 95% interval (bootstrap by patient), or None where none applies.
        n: Number of samples it rests on.
        group: Part of the data ("German", "V1 onset P"), or "".
        goal: The figure to reach, or None; ``at_least`` says on which side.
        at_least: True when larger is better.
        headline: Shown at once on the results page; the other figures of a task are folded away.
        machine: Depends on the machine and what else runs on it (times, memory): kept apart from the figures that the
            same seed and inputs repeat.
    """

    system: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    group: str = ""
    goal: float | None = None
    at_least: bool = True
    headline: bool = False
    machine: bool = False


@dataclass(frozen=True)
class Result:
    """What a task found.

    Attributes:
        task: Its name.
        rows: The figures, in reading order.
        notes: What a reader must know to read them (sizes, exclusions, what cannot be concluded).
        samples: One mapping a sample with what was said and what was true; no report text, no patient names. All have
            the same keys, among them ``sample`` (its id, unique within a system), ``patient`` (whose resampling
            gives the intervals) and, where several systems are measured, ``system``; figures a sample are numbers or
            booleans, so that ``precordia eval compare`` can test two runs against each other.
        settings: The settings that matter, as text.
        data: Name of each data file or folder to the SHA-256 of what was read.
    """

    task: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    samples: Sequence[Mapping[str, object]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskCard:
    """What a task is: all that lists, runs of every task and pages of results know of it without running it.

    Attributes:
        name: As on the command line.
        summary: One line.
        protocol: How it is measured: data revision, splits, metric, what is excluded.
        source: Citation of the data or protocol, with its licence.
        code: Dotted name of the module that measures; a result is kept while nothing that it may load has changed.
        headline: Patterns (``fnmatch``) of the figures that a results page shows at once, as ``metric`` or, for a part of
            the data, ``metric @ group``.
        runs: Settings of each run that ``precordia eval all`` makes of it, as ``key`` to ``value``: one run without any
            where nothing is said, none where it is empty.
        wants_kb: Whether ``precordia eval all`` gives it the knowledge base over PTB-XL's folds 1-8.
    """

    name: str
    summary: str
    protocol: str
    source: str
    code: str
    headline: tuple[str, ...] = ()
    runs: tuple[Mapping[str, str], ...] = ({},)
    wants_kb: bool = False

    def check_options(self, given: Iterable[str], *known: str) -> None:
        """Refuse settings of ``--set`` that the task does not have.

        Args:
            given: Their names.
            known: Those that it has.

        Raises:
            UsageError: one is not known; says which there are.
        """
        if unknown := ", ".join(sorted(set(given) - set(known))):
            choices = ", ".join(sorted(known))
            raise UsageError(
                f"task {self.name} has no setting {unknown} (choices: {choices})"
                if known
                else f"task {self.name} has no settings (given: {unknown})"
            )


class Task(Protocol):
    """One benchmark."""

    @property
    def card(self) -> TaskCard:
        """What it is."""
        ...

    def run(self, settings: Settings) -> Result:
        """Measure."""
        ...
