"""What a language model wrote, sentence by sentence against its evidence.

A statement is *supported* when the judgement bears out each finding in it and each number in it was measured. It is
*contradicted* when a measurement, the precedents that deny it, a more probable finding that excludes it, or a stronger
statement of the same draft speaks against it. Everything else is *unsupported*: a sentence that
states neither a finding of the vocabulary nor a measurement cannot be checked, and does not pass. What the model itself
claims as evidence is checked, never trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

from precordia.concepts import findings_from_measurements, label_report
from precordia.core.drafts import Citation, Draft, Message, Prompt, Statement
from precordia.core.findings import Finding
from precordia.generation.sanitize import clean
from precordia.generation.written.sentences import Claimed, parse_reply
from precordia.generation.written.stated import stated_numbers
from precordia.judgement import measured, votes
from precordia.judgement.judge import Judgement
from precordia.judgement.reconcile import exclusions
from precordia.judgement.standing import Standing
from precordia.judgement.votes import Voter, lineage

Policy = Literal["drop", "flag", "ask again"]
Verdict = Literal["supported", "unsupported", "contradicted"]
UNSURE: Final = "the language model is not sure"
"""The reason of a draft in which the model itself abstained: that is an answer, and stands."""


@dataclass(frozen=True)
class _Checked:
    """A statement with its verdict."""

    statement: Statement
    verdict: Verdict


def ground(
    text: str,
    prompt: Prompt,
    judgement: Judgement,
    policy: Policy = "flag",
    *,
    author: str = "language model",
    ask: Callable[[Prompt], str] | None = None,
) -> Draft:
    """The reply as a draft in which every statement is linked to what supports it, or says that nothing does.

    Args:
        text: The model's reply.
        prompt: What it was shown.
        judgement: Of the ECG: how far each finding is borne out.
        policy: "drop" leaves out what is not supported, "flag" keeps it with a warning, "ask again" shows the model once what
            was not supported and drops what still is not.
        author: The model's name.
        ask: Asks the model; needed for "ask again".

    The draft abstains when the model does, or when nothing it said is left.
    """
    reply = parse_reply(text)
    if reply.abstained:
        return _draft((), prompt, author, UNSURE)
    checked = [_check(claim, prompt, judgement) for claim in reply.claims]
    checked = _against_each_other(checked)
    failed = [item for item in checked if item.verdict != "supported"]
    if policy == "ask again" and failed and ask is not None:
        second = ask(_again(prompt, text, failed))
        draft = ground(second, prompt, judgement, "drop", author=author)
        return replace(draft, details={**draft.details, "asked_again": str(len(failed))})
    kept = tuple(item.statement for item in checked if policy == "flag" or item.verdict == "supported")
    warnings = []
    if failed and policy != "flag":
        n_against = sum(item.verdict == "contradicted" for item in failed)
        warnings.append(
            f"{len(failed)} of {len(checked)} statements of the language model were left out: "
            f"{len(failed) - n_against} without support, {n_against} contradicted"
        )
    reason = None if kept else "nothing that the language model said is supported by the evidence"
    return _draft(kept, prompt, author, reason, tuple(warnings))


def _check(claim: Claimed, prompt: Prompt, judgement: Judgement) -> _Checked:
    findings = tuple(replace(f, span=(0, 0)) for f in label_report(claim.text))
    numbers = stated_numbers(claim.text, prompt.measurements)
    least = judgement.evidence.settings.least
    citations: list[Citation] = []
    names: list[str] = []
    supports: list[float] = []
    gaps: list[str] = []
    against: list[str] = []
    for finding in findings:
        support, cited, by_measurement, objections = _evidence_for(finding, judgement)
        citations += cited
        names += by_measurement
        supports.append(support)
        against += objections
        against += _comparison_objections(finding, prompt)
        if support < least or not (cited or by_measurement):
            gaps.append(f"{_name(finding)}: borne out with a probability of {support:.0%}, {least:.0%} is needed")
    for number in numbers:
        if number.agrees:
            names.append(number.name)
            supports.append(1.0)
        elif number.measured is None:
            gaps.append(str(number))
        else:
            against.append(str(number))
    if not findings and not numbers:
        gaps.append("states neither a finding nor a measurement that can be checked")
    verdict: Verdict = "contradicted" if against else "unsupported" if gaps else "supported"
    warnings = [f"Contradicted: {line}" for line in against] + [f"Unsupported: {line}" for line in gaps]
    warnings += _false_citations(claim, findings, prompt)
    statement = Statement(
        claim.text,
        findings,
        tuple({c.case_id: c for c in citations}.values())[: judgement.evidence.settings.max_citations],
        tuple(dict.fromkeys(names)),
        round(min(supports, default=0.0), 4),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return _Checked(statement, verdict)


def _comparison_objections(finding: Finding, prompt: Prompt) -> list[str]:
    """What the patient's last ECG has against a finding's being called new, unchanged or resolved."""
    if finding.comparison is None or (prompt.question is not None and not prompt.earlier):
        return []
    if not prompt.earlier:
        return [f"{_name(finding)} is called {finding.comparison}, but no earlier ECG of the patient is known"]
    stated = Voter(prompt.earlier[0], 1.0).says(finding.concept) is not None
    if stated == (finding.comparison == "new"):
        states = "states it" if stated else "does not state it"
        return [f"{_name(finding)} is called {finding.comparison}, but the patient's last ECG {states}"]
    return []


def _evidence_for(finding: Finding, judgement: Judgement) -> tuple[float, list[Citation], list[str], list[str]]:
    """Support, citations, measurements and objections for one finding of a statement, as the judgement has it."""
    standing = judgement.standing(finding.concept)
    if finding.status == "absent":
        return _evidence_against(standing, judgement)
    evidence, vote = judgement.evidence, standing.vote
    cited = list(votes.cite(finding.concept, vote.stating, evidence.settings.max_citations))
    objections = list(standing.against)
    if standing.ruled_out and not objections:
        objections.append(f"the shape of the QRS complex makes {_name(finding)} meaningless here")
    ecg = evidence.recording
    found = findings_from_measurements(evidence.measurements, age=ecg.age, sex=ecg.sex)
    shown = [f for f in found if f.status == "present"]
    pairs = exclusions([finding.concept, *(f.concept for f in shown)])
    objections += [
        f"the measurements show {_name(f)}" for f in shown if frozenset((finding.concept, f.concept)) in pairs
    ]
    stronger = [s for s in judgement.said if s.probability > standing.probability]
    pairs = exclusions([finding.concept, *(s.concept for s in stronger)])
    objections += [
        f"{_name(s.finding)} is more probable ({s.probability:.0%})"
        for s in stronger
        if frozenset((finding.concept, s.concept)) in pairs
    ]
    denied = sum(voter.weight for voter in vote.denying)
    if denied > sum(voter.weight for voter in vote.agreeing) and not standing.shown:
        objections.append(f"{len(vote.denying)} of {len(evidence.jury)} precedents deny {_name(finding)}")
    names = list(standing.measurements) if standing.shown else []
    return (1.0 if standing.shown else standing.probability), cited, names, objections


def _evidence_against(standing: Standing, judgement: Judgement) -> tuple[float, list[Citation], list[str], list[str]]:
    """The same for a finding that a statement denies: precedents that deny it, or state what excludes it."""
    evidence, concept = judgement.evidence, standing.concept
    objections = []
    if standing.shown:
        objections.append(f"the measurements show {_name(standing.finding)}")
    elif standing.probability > evidence.settings.certain:
        objections.append(f"it is borne out with a probability of {standing.probability:.0%}")
    cited = []
    for voter in evidence.jury:
        denial = voter.denies(concept)
        if denial is None and not voter.says(concept):
            stated = [f for f in voter.case.findings if f.status == "present"]
            pairs = exclusions([concept, *(f.concept for f in stated)])
            denial = next((f for f in stated if frozenset((concept, f.concept)) in pairs), None)
        if denial is not None:
            cited.append(Citation(voter.case.case_id, votes.quote_of(voter.case, denial), voter.case.recording_id))
    names = [c.name for c in measured.checks() if c.concept == concept and c.decides]
    names = [n for n in names if getattr(evidence.measurements, n) is not None] if not objections else []
    return 1.0 - standing.probability, cited[: evidence.settings.max_citations], names, objections


def _false_citations(claim: Claimed, findings: Sequence[Finding], prompt: Prompt) -> list[str]:
    """What the model claims as evidence and is none."""
    shown = (*prompt.hits, *prompt.earlier)
    wrong = []
    for number in claim.precedents:
        if not 1 <= number <= len(shown):
            wrong.append(f"Precedent {number} was cited; there is none of that number")
            continue
        voter = Voter(shown[number - 1], 1.0)
        present = [f for f in findings if f.status != "absent"]
        if present and not any(voter.says(f.concept) for f in present):
            wrong.append(f"Precedent {number} was cited but does not state it")
    known = {f.name for f in fields(prompt.measurements)}
    for name in claim.measurements:
        if name not in known or getattr(prompt.measurements, name) in (None, {}):
            wrong.append(f"A measurement was cited that there is none of: {clean(name, max_chars=30).text}")
    return wrong


def _against_each_other(checked: Sequence[_Checked]) -> list[_Checked]:
    """The weaker of two statements that exclude each other is contradicted."""
    result = list(checked)
    order = sorted(
        range(len(result)), key=lambda i: (result[i].verdict != "supported", -result[i].statement.support, i)
    )
    for place, strong in enumerate(order):
        for weak in order[place + 1 :]:
            clash = _clash(result[strong].statement, result[weak].statement)
            if clash:
                line = f"Contradicted: the draft also says {result[strong].statement.text!r}"
                statement = result[weak].statement
                result[weak] = _Checked(replace(statement, warnings=(*statement.warnings, line)), "contradicted")
    return result


def _clash(a: Statement, b: Statement) -> bool:
    present = [[f.concept for f in s.findings if f.status == "present"] for s in (a, b)]
    absent = [[f.concept for f in s.findings if f.status == "absent"] for s in (a, b)]
    pairs = exclusions([*present[0], *present[1]])
    if any(frozenset((x, y)) in pairs for x in present[0] for y in present[1] if x != y):
        return True
    return any(y in lineage(x) for i in (0, 1) for x in present[i] for y in absent[1 - i])


def _again(prompt: Prompt, reply: str, failed: Sequence[_Checked]) -> Prompt:
    """The prompt with the reply and what was wrong with it."""
    lines = [
        f"- {clean(item.statement.text, max_chars=200).text} ({'; '.join(item.statement.warnings)})"
        for item in failed[:12]
    ]
    wrong = "\n".join(lines)
    request = (
        f"These statements are not supported by the evidence:\n{wrong}\n"
        "Write the JSON again without them, or put right what the evidence supports. Say nothing else."
    )
    messages = (*prompt.messages, Message("assistant", clean(reply, max_chars=4000).text), Message("user", request))
    return replace(prompt, messages=messages)


def _draft(
    statements: tuple[Statement, ...],
    prompt: Prompt,
    author: str,
    reason: str | None,
    warnings: tuple[str, ...] = (),
) -> Draft:
    return Draft(
        statements,
        abstained=reason is not None,
        reason=reason,
        measurements=prompt.measurements,
        hits=prompt.hits,
        earlier=prompt.earlier,
        author=author,
        warnings=warnings,
    )


def _name(finding: Finding) -> str:
    from precordia.concepts import statement_of

    return statement_of(Finding(finding.concept)).rstrip(".")
