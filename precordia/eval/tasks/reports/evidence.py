"""Whether a draft's evidence holds: does the cited case say it, was the cited number measured?

The composer cites a case because the labeller read the finding in its report; that the labeller reads it again proves
only that the pointer is right. Two witnesses are less dependent: the quoted words by themselves, and the codes that
PTB-XL's cardiologists gave the cited case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from precordia.concepts import findings_from_measurements, label_report
from precordia.core.case import Case
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.eval.tasks.reports.figures import Measure, ratio
from precordia.eval.tasks.reports.findings import coded_of, has_scp_code, opposed
from precordia.generation.written.stated import stated_numbers
from precordia.judgement.measured import findings_where_unknown
from precordia.judgement.reconcile import said_of
from precordia.judgement.votes import lineage


@dataclass(frozen=True)
class EvidenceCounts:
    """What a draft adds to the figures.

    Attributes:
        statements: Statements that make a finding.
        cited: Of them, those with a cited case.
        backed: Of them, those with a cited case or a measurement.
        citations: Cited cases, over all statements.
        right: Of them, those whose report states what the statement does, or whose code does where a code is cited.
        worded: Citations with quoted words.
        right_words: Of them, those whose words alone state it.
        coded: Citations of cases with codes, for findings that codes can say.
        right_codes: Of them, those whose codes say it.
        measured: Statements with a measurement.
        holds: Of them, those whose cited measurements, alone and taken anew, show it.
    """

    statements: int = 0
    cited: int = 0
    backed: int = 0
    citations: int = 0
    right: int = 0
    worded: int = 0
    right_words: int = 0
    coded: int = 0
    right_codes: int = 0
    measured: int = 0
    holds: int = 0


def count(draft: Draft, cases: Mapping[int, Case], measurements: Measurements) -> EvidenceCounts:
    """Check every citation and measurement of a draft.

    Args:
        draft: The report.
        cases: The archive by case id; a case that is cited and not there counts as a wrong citation.
        measurements: Of the recording, taken anew.
    """
    found = EvidenceCounts()
    for statement in draft.statements:
        if statement.findings:
            found = _plus(found, _of_citations(statement, cases))
        if statement.measurements:
            found = _plus(found, EvidenceCounts(measured=1, holds=int(holds(statement, measurements))))
    return found


def measures(counts: Sequence[EvidenceCounts], patients: Sequence[str], group: str) -> list[Measure]:
    """The figures over samples."""

    def share(metric: str, top: str, bottom: str) -> Measure:
        return ratio(metric, [getattr(c, top) for c in counts], [getattr(c, bottom) for c in counts], patients, group)

    return [
        share("citation precision: the cited case says it", "right", "citations"),
        share("citation precision: the quoted words alone say it", "right_words", "worded"),
        share("citation precision: the cited case's codes say it", "right_codes", "coded"),
        share("citation recall: statements with a cited case", "cited", "statements"),
        share("statements with a cited case or measurement", "backed", "statements"),
        share("measured statements whose measurement holds", "holds", "measured"),
    ]


def holds(statement: Statement, measurements: Measurements) -> bool:
    """Whether the measurements that a statement names show, by themselves, what it says.

    Numbers must agree with those measured; a finding must follow from the named measurements alone, itself or as
    something that it implies (a sinus bradycardia has a rate below 60).
    """
    numbers = stated_numbers(statement.text, measurements)
    if not all(number.agrees for number in numbers):
        return False
    known = {f.name for f in fields(Measurements)}
    empty = Measurements()
    named = {name: getattr(measurements, name) for name in statement.measurements if name in known}
    if len(named) < len(statement.measurements) or any(value == getattr(empty, name) for name, value in named.items()):
        return False
    if not statement.findings:
        return bool(numbers)
    alone = replace(empty, **named)
    found = [*findings_from_measurements(alone), *findings_where_unknown(alone)]
    shown = {f.concept for f in found if f.status != "absent"}
    return all(shown & lineage(f.concept) for f in statement.findings if f.status != "absent") or bool(numbers)


def supports(said: Sequence[Finding], statement: Statement) -> bool:
    """Whether one of a statement's findings is among those said; a denial is supported by what opposes the finding."""
    stated = said_of(said)
    for finding in statement.findings:
        if finding.status != "absent" and finding.concept in stated:
            return True
        if finding.status == "absent" and finding.concept not in stated and opposed([Finding(finding.concept)], said):
            return True
    return False


def _of_citations(statement: Statement, cases: Mapping[int, Case]) -> EvidenceCounts:
    n = len(statement.citations)
    found = EvidenceCounts(1, int(n > 0), int(n > 0 or bool(statement.measurements)), n)
    codable = {f.concept for f in statement.findings if f.status != "absent" and has_scp_code(f.concept)}
    for citation in statement.citations:
        case = cases.get(citation.case_id)
        if case is None:
            continue
        by_code = bool(codable & coded_of(case.codes))
        cites_code = citation.quote.startswith("code ")
        right = supports(label_report(case.report or ""), statement) or (cites_code and by_code)
        found = _plus(found, EvidenceCounts(right=int(right)))
        if citation.quote and not cites_code:
            here = citation.quote in (case.report or "") and supports(label_report(citation.quote), statement)
            found = _plus(found, EvidenceCounts(worded=1, right_words=int(here)))
        if case.codes and codable:
            found = _plus(found, EvidenceCounts(coded=1, right_codes=int(by_code)))
    return found


def _plus(a: EvidenceCounts, b: EvidenceCounts) -> EvidenceCounts:
    return EvidenceCounts(*(getattr(a, f.name) + getattr(b, f.name) for f in fields(EvidenceCounts)))
