"""An answer about one ECG from fitted evidence, with the precedents and measurements that bear it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from precordia.concepts import statement_of, vocabulary
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Status
from precordia.generation.answers.asked import FINDINGS, Asked
from precordia.generation.answers.decision import Decision
from precordia.generation.answers.fitted import Belief
from precordia.generation.answers.priors import NO, UNSURE
from precordia.judgement import measured, votes
from precordia.judgement.votes import Voter, lineage
from precordia.measurements.feature_vector import MEASURED_FROM

_NAMES: Final = {
    "any:finding": "abnormal finding",
    "any:diagnostic": "diagnostic finding",
    "any:diagnostic!": "diagnostic finding beyond doubt",
    "any:form": "finding of form",
    "any:rhythm": "finding of rhythm",
    "any:noise": "noise",
    "any:beats": "extrasystoles",
    "beats:PRC(S)": "extrasystoles",
    "beats:PVC": "ventricular extrasystoles",
    "beats:SVES": "supraventricular extrasystoles",
    "stage:early": "acute myocardial infarction",
    "stage:middle": "recent myocardial infarction",
    "stage:old": "old myocardial infarction",
    "stage:unknown": "myocardial infarction of unknown age",
    "stage:none": "no myocardial infarction",
}
_FINDINGS: Final = {
    **FINDINGS,
    "any:noise": "ARTI",
    "stage:early": "ACMI",
    "stage:middle": "RECMI",
    "stage:old": "OLDMI",
    "stage:unknown": "MI",
}
"""Targets that are a finding of the vocabulary under another name."""
_CONTRIBUTES: Final = 0.15
"""Log-odds from which a measurement is named as evidence."""
_MOST_MEASUREMENTS: Final = 2


def calibrated_reply(asked: Asked, belief: Belief, decision: Decision, *, abstain: bool = True) -> Draft:
    """The likeliest answer; "not sure" where it is not likely enough and ``abstain`` is set.

    Args:
        asked: The question.
        belief: How likely each target is of the ECG.
        decision: The likeliest answer.
        abstain: Withhold answers below the confidence that keeps to the risk chosen; else all are given, with a warning.
    """
    evidence = belief.evidence
    reason = _why_not(asked, belief, decision) if abstain else None
    if reason is None and decision.answer == UNSURE:
        reason = f"not sure: {_name(asked.options[0])} is stated as doubtful of such ECGs"
    if reason is not None:
        return Draft((), True, reason, evidence.measurements, evidence.shown)
    warnings = () if decision.enough else ("This answer is less sure than answers need to be by default",)
    statements = tuple(_statements(asked, decision, belief))
    return Draft(statements, measurements=evidence.measurements, hits=evidence.shown, warnings=warnings)


def _why_not(asked: Asked, belief: Belief, decision: Decision) -> str | None:
    """Why no answer is given; disturbances are told of any ECG, also of one that is too poor for anything else."""
    if not _is_disturbance(asked.targets[asked.options[0]]) and belief.evidence.too_thin is not None:
        return belief.evidence.too_thin
    if decision.enough:
        return None
    risk = belief.fitted.risk.get(asked.kind, 0.0)
    return (
        f"not sure: the likeliest answer would be right in {decision.confidence:.0%} of such cases; "
        f"{decision.needed:.0%} is needed to keep wrong answers to {risk:.0%}"
    )


def _statements(asked: Asked, decision: Decision, belief: Belief) -> list[Statement]:
    def said(text: str, target: str, status: Status) -> Statement:
        return _statement(text, target, status, decision.confidence, belief)

    where = f" in {'lead ' if asked.lead and 'leads' not in asked.lead else ''}{asked.lead}" if asked.lead else ""
    if asked.kind == "verify":
        target = asked.targets[asked.options[0]]
        if decision.answer == NO:
            name = _name(asked.options[0])
            return [said(f"No: {'not a ' if name == 'normal ECG' else 'no '}{name}{where}", target, "absent")]
        return [said(f"Yes: {_name(asked.options[0])}{where}", target, "present")]
    if asked.of:
        name = _name(asked.of)
        if not decision.answer:
            return [said(f"None: no {name} that can be placed in a lead", asked.of, "absent")]
        leads = [lead for lead in asked.options if lead in decision.answer]
        return [said(f"{_capital(name)} in {', '.join(leads)}", asked.of, "present")]
    if decision.answer:
        return [
            said(f"{_capital(_name(o))}{where}", asked.targets[o], "absent" if o == "stage:none" else "present")
            for o in asked.options
            if o in decision.answer
        ]
    if asked.kind == "choose":
        return [said(f"None of them: no {_name(o)}{where}", asked.targets[o], "absent") for o in asked.options]
    likeliest = max(asked.options, key=lambda o: (belief.probability(asked.targets[o]), o))
    return [
        said(f"None of these{where}; the likeliest would be {_name(likeliest)}", asked.targets[likeliest], "absent")
    ]


def _statement(text: str, target: str, status: Status, confidence: float, belief: Belief) -> Statement:
    base = target.partition("@")[0]
    finding = _finding(base, status)
    findings = () if finding is None else (finding,)
    probability = belief.probability(target)
    if _is_disturbance(base):
        source = f"From the signal's own disturbances: probability {probability:.0%}"
        return Statement(
            f"{text}.", findings, measurements=("quality",), support=_of(status, probability),
            confidence=round(confidence, 4), warnings=(source,),
        )  # fmt: skip
    citations, support, warnings = _precedents(base, status, belief)
    names = _contributions(base, belief, status)
    if status == "present" and finding is not None:
        against = measured.conflicts(sorted(lineage(finding.concept)), belief.evidence.measurements)
        warnings += [str(conflict) for conflict in against if conflict.check.decides]
    if support is None:
        support = round(probability, 4) if base == "stage:none" else _of(status, probability)
    return Statement(
        f"{text}.", findings, citations, names, support, confidence=round(confidence, 4), warnings=tuple(warnings)
    )


def _of(status: Status, share: float) -> float:
    return round(share if status == "present" else 1 - share, 4)


def _precedents(base: str, status: Status, belief: Belief) -> tuple[tuple[Citation, ...], float | None, list[str]]:
    """The precedents that bear an answer out, the share of the vote that does, and what others say."""
    jury, concept = belief.evidence.jury, belief.fitted.concepts.get(base)
    at_most = belief.evidence.settings.max_citations
    if not jury:
        return (), None, ["There is no close precedent: the answer rests on likeness to labelled ECGs"]
    if concept is None:
        return _nearest(jury, at_most), None, []
    vote = belief.evidence.vote(concept)
    warnings = []
    if status == "absent":
        if vote.agreeing:
            warnings.append(f"Stated by {len(vote.agreeing)} of {len(jury)} precedents")
        found = votes.without(concept, jury, at_most) or _nearest(jury, at_most)
        return found, _of(status, vote.support), warnings
    if vote.denying:
        warnings.append(f"Denied by {len(vote.denying)} of {len(jury)} precedents")
    if not vote.agreeing:
        warnings.append(f"None of {len(jury)} precedents states it: the answer rests on likeness to labelled ECGs")
        return _nearest(jury, at_most), 0.0, warnings
    return votes.cite(concept, vote.agreeing, at_most), _of(status, vote.support), warnings


def _nearest(jury: Sequence[Voter], at_most: int) -> tuple[Citation, ...]:
    """The nearest precedents, with the beginning of what was written about them."""
    spoken = [voter.case for voter in jury if voter.case.report or voter.case.codes][:at_most]
    return tuple(Citation(c.case_id, (c.report or "").strip()[:160], c.recording_id) for c in spoken)


def _contributions(base: str, belief: Belief, status: Status) -> tuple[str, ...]:
    """The measurements that speak most for the answer."""
    probes = belief.fitted.probes
    if base not in probes.targets:
        return ()
    start = belief.features.embedding.size
    numbers = slice(start, start + len(MEASURED_FROM))
    gains = probes.weights[probes.targets.index(base)][numbers] * belief.inputs[numbers]
    totals: dict[str, float] = {}
    for name, gain in zip(MEASURED_FROM, gains.tolist(), strict=True):
        totals[name] = totals.get(name, 0.0) + (gain if status == "present" else -gain)
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, gain in ranked[:_MOST_MEASUREMENTS] if gain >= _CONTRIBUTES)


def _finding(base: str, status: Status) -> Finding | None:
    if base == "stage:none":
        return Finding("MI", "absent")
    concept = _FINDINGS.get(base, base.removesuffix("!"))
    return Finding(concept, status) if concept in vocabulary() else None


def _name(target: str) -> str:
    if target in _NAMES:
        return _NAMES[target]
    return statement_of(Finding(target.removesuffix("!"))).rstrip(".")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _is_disturbance(target: str) -> bool:
    base = target.partition("@")[0]
    return base == "any:noise" or (base in vocabulary() and vocabulary().concept(base).section == "technical")
