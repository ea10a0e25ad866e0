"""What a build is given: the recordings, what else was seen, and the report table with how it fits."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from precordia.indexing.schema import Reject
from precordia.records.places import name_of, split_place
from precordia.signals.file_channels import other_kind_of

if TYPE_CHECKING:
    from precordia.records.scan import Passed, RecordRef, Survey
    from precordia.records.tables import ReportTable
    from precordia.records.tables.join import Join

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

PASSED_OVER: Final = "PassedOver"
"""Error of the rows of the reject table that note a file that is no recording."""

TABLE: Final = "table"
"""Kind of what is passed over that may be the samples of something else than an ECG."""

SEEN: Final = "seen"
"""Stamp of what was seen and not read; it is outdated as soon as the same place is read."""


def plural(n: int, noun: str, ending: str = "s") -> str:
    """A number of things.

    >>> plural(1, "recording"), plural(2, "process", "es")
    ('1 recording', '2 processes')
    """
    return f"{n} {noun}{'' if n == 1 else ending}"


@dataclass(frozen=True)
class Intake:
    """The recordings to build from, and what is known before any is read.

    Attributes:
        refs: The recordings, those that ``where`` leaves out gone.
        survey: Everything seen.
        duplicates: Those of ``refs`` that are copies of others, with the reason for leaving them out.
        table: The report table, as it fits best, or None.
        join: How it fits, or None without a table.
        to_workers: The table that workers are given; None where they find it beside each recording.
        row_filter: The condition left for the cases' own columns.
    """

    refs: tuple[RecordRef, ...]
    survey: Survey
    duplicates: Mapping[RecordRef, str] = field(default_factory=dict)
    table: ReportTable | None = None
    join: Join | None = None
    to_workers: ReportTable | None = None
    row_filter: str | None = None

    @property
    def formats(self) -> dict[str, int]:
        """Format to the number of recordings."""
        return dict(sorted(Counter(ref.format for ref in self.refs).items()))

    @property
    def containers(self) -> set[str]:
        """Files of which the recordings are parts."""
        return {file for file, member in (split_place(ref.path) for ref in self.refs) if member is not None}

    def rejects(self) -> list[Reject]:
        """What cannot be read at all, as rows of the reject table."""
        return [
            Reject(r.path, " ".join(r.reason.split()), "scan", r.error, name_of(r.path), None, SEEN)
            for r in self.survey.refused
        ]

    def passed_over(self) -> list[Reject]:
        """What is no recording, as rows of the reject table."""
        said = [(p, _told(p)) for p in self.survey.passed]
        return [Reject(p.path, " ".join(reason.split()), "scan", PASSED_OVER, source_stamp=SEEN) for p, reason in said]


def _told(passed: Passed) -> str:
    """What a file is that is no recording, and what could be done about it; a pulse is told from a table of patients."""
    kind = other_kind_of(passed.path) if passed.kind == TABLE else None
    if kind is not None:
        return f"{passed.path}: no ECG, passed over; precordia search and inspect take it. {kind.limits}"
    return f"{passed.path}: {passed.kind}, passed over{'; ' * bool(passed.reason)}{passed.reason}"


def take_in(
    source: Source,
    reports: ReportTable | str | os.PathLike[str] | None = None,
    mapping: Any = None,
    where: str | None = None,
) -> Intake:
    """Look at a source and its report table; nothing is read yet, but for ids that stand inside files.

    Args:
        source: A folder, file, glob pattern, or a list of these.
        reports: A report table, or its file; by default the known one of the archive.
        mapping: How to read ``reports``.
        where: An SQL condition over the rows of the table; without a table it is left for the cases.

    Raises:
        UnreadableRecordingError: there is no such source.
        UsageError: ``reports`` joins nothing, or has neither reports nor codes.
        FilterError: ``where`` is not valid.
    """
    from precordia.records.scan import several, survey
    from precordia.records.tables.join import check, fit

    places = [os.path.abspath(one) for one in several(source)]  # noqa: PTH100
    seen = survey(places)
    table = _table(reports, mapping, places, seen)
    if table is None:
        return Intake(seen.refs, seen, row_filter=where)
    seen = seen.using(table.path)
    table, join = fit(table, seen.refs)
    if reports is not None:
        check(join, table.mapping, mapping is not None or not isinstance(reports, str | os.PathLike))
    refs = tuple(table.select_refs(seen.refs, where)) if where else seen.refs
    to_workers = None if reports is None and _is_found_by_each(table, refs) else table
    return Intake(refs, seen, table.duplicates(refs), table, join, to_workers)


def _table(
    reports: ReportTable | str | os.PathLike[str] | None, mapping: Any, places: list[str], seen: Survey
) -> ReportTable | None:
    from precordia.records.sheets.known import known_table
    from precordia.records.tables import ReportTable
    from precordia.records.tables.join import load_for

    if isinstance(reports, str | os.PathLike):
        return ReportTable.load(reports, mapping) if mapping is not None else load_for(Path(reports), seen.refs)
    if reports is not None:
        return reports
    found = known_table(places, seen.refs[0].path if seen.refs else None)
    return ReportTable.load(found[0], mapping or found[1]) if found else None


def _is_found_by_each(table: ReportTable, refs: tuple[RecordRef, ...]) -> bool:
    """Whether each recording leads to this table by itself, so that sources of several archives find each their own."""
    from precordia.records.sheets.known import known_beside
    from precordia.records.tables.beside import LARGEST_FOR_ONE

    if table.loose or table.by_position or not refs or Path(table.path).stat().st_size > LARGEST_FOR_ONE:
        return False
    found = known_beside(refs[0].path)
    return found is not None and str(found[0]) == table.path
