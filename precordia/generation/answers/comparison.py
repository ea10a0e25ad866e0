"""What has changed from one ECG to another, from the consensus on each and the measurements of both."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.concepts import statement_of, vocabulary
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit
from precordia.generation.answers.voted import NO, YES, Standing, standing
from precordia.generation.questions import Question
from precordia.generation.reports.consensus import ConsensusSettings, compose
from precordia.judgement.changes import change_in_words
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import sayable, section_of
from precordia.judgement.votes import Voter, voters

_WANTED = {
    "new": ("newly", "new ", "appeared", "additional"),
    "resolved": ("resolved", "gone", "disappeared", "no longer"),
    "unchanged": ("still", "remain", "persist", "unchanged", "both"),
}
SECOND = "second."
"""Prefix of the names of the second ECG's measurements."""


def compare(
    question: Question,
    recordings: Sequence[Recording],
    hits: Sequence[Sequence[Hit]],
    measurements: Sequence[Measurements],
    *,
    qualities: Sequence[Quality | None],
    settings: ConsensusSettings,
) -> Draft:
    """Statements of what is new, gone and unchanged in the second ECG; abstains where either has no consensus."""
    statements: list[Statement] = []
    if question.measures or not question.concepts:
        names = question.measures or ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg")
        if question.measures or not question.sections:
            statements += _numbers(names, recordings, measurements)
    reason = None
    if not question.measures or question.concepts:
        drafts = [
            compose(r, h, m, settings=settings, quality=q)
            for r, h, m, q in zip(recordings, hits, measurements, qualities, strict=True)
        ]
        reason = next((d.reason for d in drafts if d.abstained), None)
        if reason is None:
            statements += _findings(question, drafts, hits, measurements, settings)
    statements = _asked_for(question, statements)
    found = tuple(hit for some in hits for hit in some)
    unique = tuple({hit.case.case_id: hit for hit in found}.values())
    if not statements:
        reason = reason or "neither precedents nor measurements show a change that was asked for"
        return Draft((), True, reason, measurements[0], unique)
    warnings = () if reason is None else (f"Only measurements are compared: {reason}",)
    return Draft(tuple(statements), measurements=measurements[0], hits=unique, warnings=warnings)


def _numbers(
    names: Sequence[str], recordings: Sequence[Recording], measurements: Sequence[Measurements]
) -> list[Statement]:
    said = []
    for name in names:
        before, after = (getattr(m, name) for m in measurements)
        if before is None or after is None:
            continue
        places = [_place(name, float(v), r) for v, r in zip((before, after), recordings, strict=True)]
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


def _findings(
    question: Question,
    drafts: Sequence[Draft],
    hits: Sequence[Sequence[Hit]],
    measurements: Sequence[Measurements],
    settings: ConsensusSettings,
) -> list[Statement]:
    stated = [{f.concept for s in d.statements for f in s.findings} for d in drafts]
    concepts = [c for c in question.concepts if sayable(c)] or sorted(stated[0] | stated[1])
    if question.sections and not question.concepts:
        concepts = [c for c in concepts if vocabulary().concept(c).section in question.sections]
    juries: list[tuple[Voter, ...]] = [
        voters(h, min_similarity=settings.min_similarity, temperature=settings.temperature, k=settings.k) for h in hits
    ]
    said = []
    for concept in sorted(concepts, key=lambda c: (section_of(c), c)):
        before, after = (standing(concept, j, m, settings) for j, m in zip(juries, measurements, strict=True))
        if any(NO < s.support < YES for s in (before, after)):
            continue
        said.append(_change(concept, before, after))
    return said


def _change(concept: str, before: Standing, after: Standing) -> Statement:
    was, now = before.support >= YES, after.support >= YES
    lead_in = {
        (False, True): "New in the second ECG: ",
        (True, False): "No longer in the second ECG: ",
        (True, True): "Unchanged in both: ",
        (False, False): "In neither: ",
    }[was, now]
    comparison = {(False, True): "new", (True, False): "resolved", (True, True): "unchanged"}.get((was, now))
    support = min(before.support if was else 1 - before.support, after.support if now else 1 - after.support)
    citations = {c.case_id: c for c in (*after.citations, *before.citations)}
    names = (*before.measurements, *(f"{SECOND}{name}" for name in after.measurements))
    return Statement(
        f"{lead_in}{statement_of(Finding(concept)).rstrip('.')}.",
        (Finding(concept, "present" if now else "absent", comparison=comparison),),
        tuple(citations.values()),
        names,
        round(support, 4),
        warnings=tuple(dict.fromkeys((*before.warnings, *after.warnings))),
    )


def _asked_for(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """Only what is new, gone or unchanged, where the question asks for one of these, and only what has evidence."""
    words = question.text.lower()
    kept = [s for s in statements if s.citations or s.measurements]
    for wanted, names in _WANTED.items():
        if any(name in words for name in names) and not question.concepts and not question.measures:
            return [s for s in kept if s.findings and s.findings[0].comparison == wanted]
    return kept
