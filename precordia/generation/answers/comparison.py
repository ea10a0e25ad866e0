"""What has changed from one ECG to another, from the consensus on each and the measurements of both."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.concepts import vocabulary
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding
from precordia.core.recording import Recording
from precordia.generation.answers.voted import is_there
from precordia.generation.questions import Question
from precordia.generation.reports.composer import sentence
from precordia.judgement import votes
from precordia.judgement.changes import change_in_words
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import in_words, sayable, section_of
from precordia.judgement.standing import Standing

_WANTED = {
    "new": ("newly", "new ", "appeared", "additional"),
    "resolved": ("resolved", "gone", "disappeared", "no longer"),
    "unchanged": ("still", "remain", "persist", "unchanged", "both"),
}
_WELL = frozenset({"NORM", "ONORM", "SR", "NAXIS", "REGRH"})
_REASONS = 4
SECOND = "second."
"""Prefix of the names of the second ECG's measurements."""


def compare(question: Question, judgements: Sequence[Judgement]) -> Draft:
    """Statements of what is new, gone and unchanged in the second ECG; abstains where either claims nothing."""
    first, second = (j.evidence for j in judgements)
    statements: list[Statement] = []
    if question.measures or not question.concepts:
        names = question.measures or ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg")
        if question.measures or not question.sections:
            statements += _numbers(names, first, second)
    reason = None
    if not question.measures or question.concepts:
        reason = next((j.reason for j in judgements if j.reason is not None), None)
        if reason is None:
            statements += _findings(question, judgements)
    statements = [*_verdict(question, statements), *_asked_for(question, statements)]
    unique = tuple({hit.case.case_id: hit for hit in (*first.hits, *second.hits)}.values())
    if not statements:
        reason = reason or "neither precedents nor measurements show a change that was asked for"
        return Draft((), True, reason, first.measurements, unique)
    warnings = () if reason is None else (f"Only measurements are compared: {reason}",)
    return Draft(tuple(statements), measurements=first.measurements, hits=unique, warnings=warnings)


def _verdict(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """Better, worse, changed or unchanged, with what speaks for it; nothing where one thing is asked about."""
    words = question.text.lower()
    listed = any(name in words for names in _WANTED.values() for name in names)
    if listed or question.concepts or question.measures or question.sections or not statements:
        return []
    sides: dict[str, list[Statement]] = {"new": [], "resolved": []}
    for said in statements:
        for finding in said.findings:
            if finding.comparison in sides:
                # What is new is worse, unless it is that the ECG is normal.
                well = finding.concept in _WELL
                sides["resolved" if well == (finding.comparison == "new") else "new"].append(said)
    moved = [s for s in statements if not s.findings and ", now " in s.text]
    worse, better = sides["new"], sides["resolved"]
    word = (
        "Changed"
        if worse and better
        else "Worse"
        if worse
        else "Better"
        if better
        else "Changed"
        if moved
        else "Unchanged"
    )
    reasons = [*worse, *better, *moved] or list(statements)
    told = "; ".join(_within(s.text.rstrip(".")) for s in reasons[:_REASONS])
    cited = {c.case_id: c for s in reasons[:_REASONS] for c in s.citations}
    names = dict.fromkeys(name for s in reasons[:_REASONS] for name in s.measurements)
    return [
        Statement(sentence(f"{word}: {told}"), citations=tuple(cited.values()), measurements=tuple(names), support=1.0)
    ]


def _within(text: str) -> str:
    """A sentence as it stands within another: "New" becomes "new", "PR" stays."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _numbers(names: Sequence[str], first: Evidence, second: Evidence) -> list[Statement]:
    said = []
    for name in names:
        before, after = (getattr(e.measurements, name) for e in (first, second))
        if before is None or after is None:
            continue
        places = [_place(name, float(v), e.recording) for v, e in ((before, first), (after, second))]
        text = change_in_words(name, float(before), float(after))
        if places[0] != places[1]:
            text += f" ({places[0]}, now {places[1]} the normal range)"
        said.append(Statement(f"{text}.", measurements=(name, f"{SECOND}{name}"), support=1.0))
    return said


def _place(name: str, value: float, recording: Recording) -> str:
    measure = MEASURES[name]
    high = measure.high_for(recording.sex)
    return (
        "above"
        if high is not None and value > high
        else "below"
        if measure.low is not None and value < measure.low
        else "within"
    )


def _findings(question: Question, judgements: Sequence[Judgement]) -> list[Statement]:
    stated = {s.concept for j in judgements for s in j.said}
    concepts = [c for c in question.concepts if sayable(c)] or sorted(stated)
    if question.sections and not question.concepts:
        concepts = [c for c in concepts if vocabulary().concept(c).section in question.sections]
    said = []
    for concept in sorted(concepts, key=lambda c: (section_of(c), c)):
        standings = [j.standing(concept) for j in judgements]
        there = [is_there(s, j) for s, j in zip(standings, judgements, strict=True)]
        if None not in there:
            said.append(_change(concept, standings, [bool(t) for t in there], judgements))
    return said


def _change(
    concept: str, standings: Sequence[Standing], there: Sequence[bool], judgements: Sequence[Judgement]
) -> Statement:
    was, now = there
    lead_in = {
        (False, True): "New in the second ECG: ",
        (True, False): "No longer in the second ECG: ",
        (True, True): "Unchanged in both: ",
        (False, False): "In neither: ",
    }[was, now]
    comparison = {(False, True): "new", (True, False): "resolved", (True, True): "unchanged"}.get((was, now))
    chances = [s.probability if t else 1 - s.probability for s, t in zip(standings, there, strict=True)]
    cited: dict[int, Citation] = {}
    for standing, t, judgement in zip(reversed(standings), reversed(there), reversed(judgements), strict=True):
        e = judgement.evidence
        found = (
            votes.cite(concept, standing.vote.agreeing, e.settings.max_citations)
            if t
            else votes.without(concept, e.jury, e.settings.max_citations)
        )
        cited |= {c.case_id: c for c in found if c.case_id not in cited}
    before, after = standings
    return Statement(
        sentence(f"{lead_in}{in_words(Finding(concept))}"),
        (Finding(concept, "present" if now else "absent", comparison=comparison),),
        tuple(cited.values()),
        (*before.measurements, *(f"{SECOND}{name}" for name in after.measurements)),
        round(min(chances), 4),
        warnings=tuple(dict.fromkeys((*before.against, *after.against))),
    )


def _asked_for(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """Only what is new, gone or unchanged, where the question asks for one of these, and only what has evidence."""
    words = question.text.lower()
    kept = [s for s in statements if s.citations or s.measurements]
    for wanted, names in _WANTED.items():
        if any(name in words for name in names) and not question.concepts and not question.measures:
            return [s for s in kept if s.findings and s.findings[0].comparison == wanted]
    return kept
