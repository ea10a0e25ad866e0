"""What has changed from one ECG to another, from the consensus on each and the measurements of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Status
from precordia.core.recording import Recording
from precordia.generation.answers.certainty import View
from precordia.generation.questions import Question
from precordia.generation.reports.composer import compose, sentence
from precordia.generation.reports.serial import COMPARED, with_earlier
from precordia.judgement import votes
from precordia.judgement.changes import change_in_words
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import in_words, most_specific, section_of
from precordia.judgement.standing import Standing

_WANTED = {
    "absent": ("still absent", "remains absent", "still no ", "still not "),
    "new": ("newly", "new ", "appeared", "additional"),
    "resolved": ("resolved", "gone", "disappeared", "no longer"),
    "unchanged": ("still", "remain", "persist", "unchanged", "both"),
}
_MOVES: Final = (
    (
        "increased",
        r"\b(?:wid|broad|long|fast|high|larg|great|bigg)er\b|\b(?:gone|went|go(?:es)?|come|came|sped) up\b"
        r"|\b(?:increas|ris|rose|prolong|lengthen|widen)\w*"
        r"|\b(?:l(?:ä|ae)ng|breit|schnell|h(?:ö|oe)h|gr(?:ö|oe)(?:ß|ss))er\b|\b(?:gestiegen|zugenommen|verl(?:ä|ae)ngert|verbreitert)\b",
    ),
    (
        "decreased",
        r"\b(?:narrow|short|slow|low|small)er\b|\b(?:gone|went|go(?:es)?|come|came) down\b|\b(?:decreas|fall|fell"
        r"|shorten|drop|slow)\w*"
        r"|\b(?:k(?:ü|ue)rz|schmal|langsam|niedrig|klein)er\b|\b(?:gesunken|abgenommen|verk(?:ü|ue)rzt)\b",
    ),
    ("unchanged", r"\b(?:unchanged|same|stable|constant|unver(?:ä|ae)ndert|gleich)\b"),
    ("changed", r"\b(?:chang|differ|ver(?:ä|ae)nder)\w*"),
)
"""How a question says that a number moved."""
_WELL: Final = frozenset({"NORM", "ONORM", "SR", "SINUS", "NAXIS", "REGRH"})
_REASONS = 4
SECOND = "second."
"""Prefix of the names of the second ECG's measurements."""


def compare(question: Question, views: Sequence[View]) -> Draft:
    """Statements of what is new, gone and unchanged in the second ECG; abstains where either claims nothing."""
    judgements = [view.judgement for view in views]
    first, second = (j.evidence for j in judgements)
    statements: list[Statement] = []
    of_findings = bool(question.concepts) and _way(question) is not None
    if not of_findings and (question.measures or not question.concepts):
        moved = _numbers(first, second)
        if question.measures:
            statements += _answered(question, [moved[name] for name in question.measures if name in moved])
        elif not question.sections:
            statements += [moved[name] for name in COMPARED if name in moved]
    reason = None
    if not question.measures or question.concepts:
        reason = next((v.judgement.reason for v in views if v.judgement.reason is not None and not v.is_distant), None)
        if reason is None:
            statements += _findings(question, views)
    statements = [
        *_verdict(question, statements),
        *(_asked_for(question, statements) or _none_of(question, statements)),
    ]
    unique = tuple({hit.case.case_id: hit for hit in (*first.hits, *second.hits)}.values())
    if not statements:
        reason = reason or "neither precedents nor measurements show a change that was asked for"
        return Draft((), True, reason, first.measurements, unique)
    thin = dict.fromkeys(sentence(e.too_thin) for e in (first, second) if e.too_thin is not None)
    warnings = tuple(thin) if reason is None else (f"Only measurements are compared: {reason}",)
    return Draft(tuple(statements), measurements=first.measurements, hits=unique, warnings=warnings)


def since_earlier(question: Question, judgement: Judgement) -> Draft:
    """What has changed in one ECG since the patient's last, where the archive holds an earlier one."""
    evidence = judgement.evidence
    if not evidence.earlier:
        reason = "there is nothing to compare with: no earlier ECG of this patient is known; give it as well"
        return Draft((), True, reason, evidence.measurements, evidence.hits)
    report = compose(judgement)
    told = with_earlier(report, evidence.earlier, evidence.kind).statements[len(report.statements) :]
    kept = tuple(s for s in told if _concerns(s, question))
    reason = "what was asked for has not changed since the earlier ECG, or neither report tells"
    return Draft(
        kept, not kept, None if kept else reason, evidence.measurements, evidence.hits, earlier=evidence.earlier
    )


def _concerns(statement: Statement, question: Question) -> bool:
    named = {f.concept for f in statement.findings}
    asked_for = set(question.measures) & set(statement.measurements) or set(question.concepts) & named
    return bool(asked_for) or not (question.measures or question.concepts)


def _verdict(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """Better, worse, changed or unchanged, with what speaks for it; nothing where one thing is asked about."""
    if question.kind != "verify" and _way(question) is not None:
        return []
    if question.concepts or question.measures or question.sections or not statements:
        return []
    sides: dict[str, list[Statement]] = {"new": [], "resolved": []}
    found = [(said, finding) for said in statements for finding in said.findings if finding.comparison in sides]
    normal = any(finding.concept == "NORM" for _, finding in found)
    for said, finding in found:
        if finding.concept == "ONORM" and normal:
            # The one takes the other's place.
            continue
        # What is new is worse, unless it is that the ECG is normal.
        well = finding.concept in _WELL
        sides["resolved" if well == (finding.comparison == "new") else "new"].append(said)
    moved = [s for s in statements if not s.findings and _moved(s) != "unchanged"]
    worse, better = sides["new"], sides["resolved"]
    if not worse and not better:
        # Where no finding came or went, as where nothing may be claimed of one of the two, numbers that leave their range tell.
        worse = [s for s in moved if _LEFT in s.text]
        better = [s for s in moved if _BACK in s.text]
    verdict = (
        "changed"
        if worse and better
        else "worse"
        if worse
        else "better"
        if better
        else "changed"
        if moved
        else "unchanged"
    )
    reasons = list(dict.fromkeys([*worse, *better, *moved])) or list(statements)
    told = "; ".join(_within(s.text.rstrip(".")) for s in reasons[:_REASONS])
    cited = {c.case_id: c for s in reasons[:_REASONS] for c in s.citations}
    names = dict.fromkeys(name for s in reasons[:_REASONS] for name in s.measurements)
    return [
        Statement(
            sentence(f"{verdict}: {told}"), citations=tuple(cited.values()), measurements=tuple(names), support=1.0
        )
    ]


_LEFT: Final = "(within, now "
_BACK: Final = ", now within the normal range)"
"""What :func:`_numbers` says of a number that leaves the normal range, and of one that comes back to it."""


def _moved(statement: Statement) -> str:
    """Which way the number of a statement went."""
    return next((move for move in ("increased", "decreased") if f" {move}: " in statement.text), "unchanged")


def _answered(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """With yes or no before them, where it is asked whether numbers went one way."""
    if question.kind != "verify":
        return list(statements)
    asked = next((move for move, pattern in _MOVES if re.search(pattern, question.text, re.I)), None)
    return [_with_answer(s, _holds(asked, _moved(s))) for s in statements] if asked else list(statements)


def _holds(asked: str, moved: str) -> bool:
    return moved != "unchanged" if asked == "changed" else moved == asked


def _with_answer(statement: Statement, holds: bool) -> Statement:
    return replace(statement, text=f"{'Yes' if holds else 'No'}: {_within(statement.text)}")


def _within(text: str) -> str:
    """A sentence as it stands within another: "New" becomes "new", "PR" stays."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _numbers(first: Evidence, second: Evidence) -> dict[str, Statement]:
    """How each number moved that both ECGs have."""
    said = {}
    for name in MEASURES:
        before, after = (getattr(e.measurements, name) for e in (first, second))
        if before is None or after is None:
            continue
        places = [_place(name, float(v), e.recording) for v, e in ((before, first), (after, second))]
        text = change_in_words(name, float(before), float(after))
        if places[0] != places[1]:
            text += f" ({places[0]}, now {places[1]} the normal range)"
        said[name] = Statement(f"{text}.", measurements=(name, f"{SECOND}{name}"), support=1.0)
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


def _findings(question: Question, views: Sequence[View]) -> list[Statement]:
    judgements = [view.judgement for view in views]
    stated = sorted({concept for view in views for concept in _stated(view)})
    if question.kind != "verify":
        stated.sort(key=section_of)
    concepts: Sequence[str] = question.findings or stated
    if question.sections and not question.concepts:
        concepts = [c for c in stated if vocabulary().concept(c).section in question.sections]
    said = []
    for concept in concepts:
        standings = [j.asked(concept) for j in judgements]
        there = [view.is_there(standing) for view, standing in zip(views, standings, strict=True)]
        if None not in there:
            said.append(_change(standings, [bool(t) for t in there], judgements))
    return said


def _stated(view: View) -> list[str]:
    """What is said of an ECG; where no precedent is close, what both readings are sure of."""
    judgement = view.judgement
    if not view.is_distant:
        return [s.concept for s in judgement.said]
    return most_specific([c for c in judgement.candidates() if view.is_there(judgement.asked(c))])


def _change(standings: Sequence[Standing], there: Sequence[bool], judgements: Sequence[Judgement]) -> Statement:
    """What became of one finding from one ECG to the other."""
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
            votes.cite(standing.concept, standing.vote.agreeing, e.settings.max_citations)
            if t
            else votes.without(standing.concept, e.jury, e.settings.max_citations)
        )
        cited |= {c.case_id: c for c in found if c.case_id not in cited}
    before, after = standings
    # What one report calls possible is no more than that.
    doubtful = any(t and s.finding.status == "uncertain" for s, t in zip(standings, there, strict=True))
    status: Status = "uncertain" if doubtful else "present"
    return Statement(
        sentence(f"{lead_in}{in_words(Finding(after.concept, status))}"),
        (Finding(after.concept, status if now else "absent", comparison=comparison),),
        tuple(cited.values()),
        (*before.measurements, *(f"{SECOND}{name}" for name in after.measurements)),
        round(min(chances), 4),
        warnings=tuple(dict.fromkeys((*before.against, *after.against))),
    )


def _asked_for(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """Only what is new, gone or unchanged, where the question asks for one of these, and only what has evidence."""
    kept = [s for s in statements if s.citations or s.measurements]
    if question.kind == "verify" and question.concepts:
        way = _way(question)
        return [_with_answer(s, _way_of(s) == way) if s.findings and way else s for s in kept]
    way = _listed(question)
    return kept if way is None else [s for s in kept if s.findings and _way_of(s) == way]


def _none_of(question: Question, statements: Sequence[Statement]) -> list[Statement]:
    """That nothing is new, gone or unchanged, where that is asked for and findings were compared: with what they are instead."""
    way, told = _listed(question), [s for s in statements if s.findings and (s.citations or s.measurements)]
    if way is None or not told:
        return []
    name = {"new": "new in the second ECG", "resolved": "gone in the second ECG"}.get(way, "in both")
    cited = {c.case_id: c for s in told for c in s.citations}
    names = dict.fromkeys(name for s in told for name in s.measurements)
    support = min(s.support for s in told)
    return [Statement(sentence(f"none: no finding is {name}"), (), tuple(cited.values()), tuple(names), support)]


def _listed(question: Question) -> str | None:
    """What is to be listed, where the question names no finding and no number: what is new, gone, unchanged."""
    if question.kind == "verify" or question.concepts or question.measures:
        return None
    return _way(question)


def _way(question: Question) -> str | None:
    """Whether what is new, gone, unchanged or still absent is asked for."""
    words = f"{question.text.lower()} "
    way = next((way for way, names in _WANTED.items() if any(name in words for name in names)), None)
    return way or ("new" if question.concepts and re.search(r"\b(?:new|neu)\b", words) else None)


def _way_of(statement: Statement) -> str:
    """Which way the finding of a statement went."""
    return statement.findings[0].comparison or "absent"
