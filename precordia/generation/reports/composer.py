"""A report without any language model: what the judgement says, in canonical words, each statement with its evidence.

Nothing is said without evidence. Where the judgement claims nothing, the draft abstains and gives the reason; what was
measured, what the precedents state and what must not be missed is told all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from precordia.concepts import statement_of
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding
from precordia.judgement import measured, votes
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import UNSURE_NUMBER, Judgement
from precordia.judgement.reconcile import exclusions, in_words, most_specific, sayable, section_of
from precordia.judgement.standing import Standing
from precordia.judgement.urgent import Concern
from precordia.judgement.votes import Voter

NUMBERS = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")
"""The measurements that every report tells, where they could be measured."""
PRECEDENTS_TOLD = 5
"""Findings of the precedents that are told where nothing is claimed."""


def compose(judgement: Judgement) -> Draft:
    """The report that a judgement comes to, in which every statement has its evidence."""
    evidence = judgement.evidence
    statements = [statement_about(s, evidence) for s in judgement.said]
    numbers = _numbers(evidence)
    if numbers is not None:
        before = sum(section_of(s.concept) <= section_of("rate") for s in judgement.said)
        statements.insert(before, numbers)
    if judgement.reason is not None:
        told = _what_precedents_say(evidence)
        statements += [told] if told is not None else []
    return Draft(
        tuple(statements),
        abstained=judgement.reason is not None,
        reason=judgement.reason,
        measurements=evidence.measurements,
        hits=evidence.shown,
        warnings=(*_quality_warnings(evidence), *judgement.notes),
        consider=tuple(_consider(concern, evidence) for concern in judgement.concerns),
        details={"voters": str(len(evidence.jury)), "nearest_similarity": f"{evidence.nearest:.4f}"},
    )


def statement_about(standing: Standing, evidence: Evidence, text: str | None = None) -> Statement:
    """One finding as a statement, with its citations, its measurements and what speaks against it.

    Args:
        standing: How far it is borne out.
        evidence: What that rests on.
        text: The sentence; None for the finding's canonical words.
    """
    at_most = evidence.settings.max_citations
    return Statement(
        text=sentence(text or statement_of(standing.finding)),
        findings=(standing.finding,),
        citations=votes.cite(standing.vote.concept, standing.vote.stating, at_most),
        measurements=standing.measurements,
        support=round(standing.support, 4),
        confidence=round(standing.probability, 4) if standing.calibrated else None,
        warnings=(*standing.against, *_dissent(standing, evidence)),
    )


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _dissent(standing: Standing, evidence: Evidence) -> list[str]:
    """What precedents say against a finding."""
    jury, warn_share = evidence.jury, evidence.settings.warn_share
    warnings = []
    denying = standing.vote.denying
    if denying and sum(voter.weight for voter in denying) >= warn_share:
        warnings.append(f"Denied by {_count(denying, jury)}")
    agreeing = {voter.case.case_id for voter in standing.vote.agreeing}
    others: dict[str, list[Voter]] = {}
    for voter in jury:
        if voter.case.case_id in agreeing:
            continue
        stated = [f.concept for f in voter.case.findings if f.status == "present" and sayable(f.concept)]
        pairs = exclusions([standing.concept, *stated])
        for concept in sorted(set(stated)):
            if frozenset((standing.concept, concept)) in pairs:
                others.setdefault(concept, []).append(voter)
    for concept in most_specific(sorted(others)):
        if sum(voter.weight for voter in others[concept]) >= warn_share:
            warnings.append(f"{_count(others[concept], jury)} state {in_words(Finding(concept))} instead")
    witness = standing.vote.witness
    if witness is not None and not standing.shown:
        near = f"the nearest case that does has similarity {votes.similarity_of(witness.hit):.2f}"
        warnings.append(f"None of {len(jury)} precedents states it; {near}")
    if standing.shown and not agreeing and not measured.is_defined(standing.concept):
        warnings.append("Measured here; none of the precedents states it")
    return warnings


def _numbers(evidence: Evidence) -> Statement | None:
    """One statement that gives the main measurements, those measured with little confidence marked; None without any."""
    m = evidence.measurements
    told: list[str] = []
    unsure: list[str] = []
    for name in NUMBERS:
        if getattr(m, name) is not None:
            (unsure if m.confidence.get(name, 1.0) < UNSURE_NUMBER else told).append(name)
    if not told:
        return None
    warnings = tuple(f"{measured.in_words(name, m)} was measured with little confidence" for name in unsure)
    text = ", ".join(measured.in_words(name, m) for name in told)
    return Statement(sentence(text), measurements=tuple(told), support=1.0, warnings=warnings)


def _what_precedents_say(evidence: Evidence) -> Statement | None:
    """What the precedents state, told and not claimed."""
    named = [c for c in votes.stated_concepts(evidence.jury) if sayable(c) and evidence.kind.may_say(c)]
    stated = [evidence.vote(c) for c in most_specific(named)]
    stated.sort(key=lambda v: (-v.support, v.concept))
    top = stated[:PRECEDENTS_TOLD]
    if not top:
        return None
    told = "; ".join(f"{in_words(Finding(v.concept))} ({_count(v.agreeing, evidence.jury)})" for v in top)
    cited = tuple(dict.fromkeys(votes.cite(v.concept, v.agreeing, 1)[0] for v in top))
    return Statement(
        f"Not claimed of this ECG, only what its precedents state: {told}.",
        citations=cited[: evidence.settings.max_citations],
        support=round(top[0].support, 4),
    )


def _consider(concern: Concern, evidence: Evidence) -> Statement:
    vote = evidence.vote(concern.concept)
    return Statement(
        f"{sentence(concern.name)} {concern.text}",
        (Finding(concern.concept, "uncertain"),),
        votes.cite(concern.concept, vote.agreeing, evidence.settings.max_citations),
        concern.measurements,
        round(vote.support, 4),
        warnings=(
            f"{concern.grade.capitalize()}; {concern.source}",
            f"What looks the same: {concern.limits}",
            f"Raised on {concern.false_alarms:.1%} of real ECGs whose report states nothing of it",
        ),
    )


def _quality_warnings(evidence: Evidence) -> list[str]:
    quality = evidence.quality
    return [] if quality is None else [f"Signal: {p.message}" for p in quality.problems if p.severity >= 0.5]


def _count(some: Sequence[Voter], jury: Sequence[Voter]) -> str:
    return f"{len(some)} of {len(jury)} precedents"
