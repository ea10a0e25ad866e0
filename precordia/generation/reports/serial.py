"""What has changed since the patient's own last ECG, told apart from what other patients' precedents suggest.

Compared are the measurements of both ECGs, and the findings of the present draft with the words of the earlier report.
A report that leaves a finding out does not deny it: "not stated then" is said, and "new" only of what was denied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from precordia.concepts import findings_from_measurements, statement_of
from precordia.core.case import Case
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.retrieval import Hit
from precordia.judgement import measured
from precordia.judgement.changes import change_in_words, move_of
from precordia.judgement.judge import WITHIN_NORMAL
from precordia.judgement.reconcile import most_specific, sayable
from precordia.judgement.votes import lineage, quote_of
from precordia.signals.kind import KINDS, SignalKind

COMPARED = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg")
"""Measurements whose changes are told; those that stayed are not."""


def with_earlier(draft: Draft, earlier: Sequence[Hit], kind: SignalKind | None = None) -> Draft:
    """The draft with what has changed since the most recent of the patient's earlier ECGs, after its own statements.

    Args:
        draft: A report; one that abstained gets no comparison.
        earlier: The patient's earlier ECGs, most recent first; none leaves the draft as it is.
        kind: What kind of signal the draft is about; by default a resting ECG.
    """
    if not earlier:
        return draft
    last = earlier[0].case
    changes = (
        () if draft.abstained else (*_moved(draft.measurements, last), *_found(draft, last, kind or KINDS.get("ecg")))
    )
    return replace(draft, statements=(*draft.statements, *changes), earlier=tuple(earlier))


def _moved(now: Measurements, last: Case) -> list[Statement]:
    said = []
    for name in COMPARED:
        before, after = getattr(last.measurements, name), getattr(now, name)
        if before is None or after is None or move_of(name, float(before), float(after)) == "unchanged":
            continue
        text = f"Since {_when(last)}: {change_in_words(name, float(before), float(after))}."
        said.append(Statement(text, citations=(_cite(last),), measurements=(name,), support=1.0))
    return said


def _found(draft: Draft, last: Case, kind: SignalKind) -> list[Statement]:
    """At most five statements: findings stated then too, new ones, ones not stated then, ones that only the measurements
    are in keeping with, and ones no longer borne out; nothing of what this kind of signal cannot show."""
    if not last.report:
        return []
    now = [
        (s, f) for s in draft.statements for f in s.findings
        if f.status == "present" and sayable(f.concept) and f.concept != "NORM"
    ]  # fmt: skip
    stated = {
        f.concept: f for f in last.findings if f.status == "present" and sayable(f.concept) and kind.may_say(f.concept)
    }
    denied = {f.concept: f for f in last.findings if f.status == "absent"}
    bearing = {ancestor: f for f in stated.values() for ancestor in lineage(f.concept)}
    groups: dict[str, list[tuple[Statement, Finding, Finding | None]]] = {"unchanged": [], "new": [], "unstated": []}
    for statement, finding in now:
        # Who denies a finding denies what would imply it as well.
        denial = next((denied[c] for c in sorted(lineage(finding.concept)) if c in denied), None)
        change = "unchanged" if finding.concept in bearing else "new" if denial else "unstated"
        groups[change].append((statement, finding, bearing.get(finding.concept, denial)))
    known = {ancestor for _, finding in now for ancestor in lineage(finding.concept)}
    rest = sorted(most_specific([c for c in stated if c != "NORM" and not lineage(c) & known]))
    shown = [
        f for f in findings_from_measurements(draft.measurements) if f.status != "absent" and f.concept not in WITHIN_NORMAL
    ]  # fmt: skip
    borne = {c: next((f for f in shown if c in lineage(f.concept) or f.concept in lineage(c)), None) for c in rest}
    when = _when(last)
    again, gone = ([stated[c] for c, f in borne.items() if (f is None) is lost] for lost in (False, True))
    names = [
        n for f in borne.values() if f is not None
        for n in measured.supporting(f, draft.measurements, findings_from_measurements)
    ]  # fmt: skip
    said = [
        _together(f"Stated for {when} too", "unchanged", groups["unchanged"], last),
        _together(f"New, denied for {when}", "new", groups["new"], last),
        _together(f"Not stated for {when}", None, groups["unstated"], last),
        _then(f"Stated for {when}, and in keeping with the present measurements", "unchanged", again, last, names),
        _then(f"Stated for {when}, not borne out by the present evidence", "resolved", gone, last),
    ]
    return [statement for statement in said if statement is not None]


def _then(
    lead_in: str, comparison: str, stated: Sequence[Finding], last: Case, names: Sequence[str] = ()
) -> Statement | None:
    """What was stated then of what is not stated now."""
    if not stated:
        return None
    return Statement(
        f"{lead_in}: {', '.join(_name(finding) for finding in stated)}.",
        tuple(Finding(finding.concept, "uncertain", comparison=comparison) for finding in stated),
        tuple(_cite(last, finding) for finding in stated),
        tuple(dict.fromkeys(names)),
        support=1.0,
    )


def _together(
    lead_in: str, comparison: str | None, group: Sequence[tuple[Statement, Finding, Finding | None]], last: Case
) -> Statement | None:
    if not group:
        return None
    confidences = [s.confidence for s, _, _ in group]
    return Statement(
        f"{lead_in}: {', '.join(_name(finding) for _, finding, _ in group)}.",
        tuple(replace(finding, comparison=comparison) for _, finding, _ in group),
        tuple(dict.fromkeys(_cite(last, source) for _, _, source in group)),
        support=min(s.support for s, _, _ in group),
        confidence=None if None in confidences else min(c for c in confidences if c is not None),
    )


def _when(case: Case) -> str:
    return f"the ECG of {case.time:%Y-%m-%d}" if case.time else "the earlier ECG"


def _name(finding: Finding) -> str:
    return statement_of(Finding(finding.concept)).rstrip(".")


def _cite(case: Case, source: Finding | None = None) -> Citation:
    """The earlier report: the words of ``source``, or the whole of it for what it leaves out."""
    quote = quote_of(case, source) if source is not None else (case.report or "")[:160].strip()
    return Citation(case.case_id, quote, case.recording_id)
