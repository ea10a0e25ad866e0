"""How old an infarction is: as the precedents that state it say, else by what is measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Draft
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.generation.answers.certainty import View, in_doubt
from precordia.generation.answers.leads import Q_MV, ST_LEVEL_MV
from precordia.generation.questions import Question
from precordia.generation.reports.composer import sentence, statement_about
from precordia.judgement.judge import Judgement
from precordia.judgement.reconcile import in_words, sayable
from precordia.judgement.standing import Standing
from precordia.judgement.votes import lineage

NEIGHBOURS: Final = 2
"""Leads in which ST elevation, or a Q wave, counts (fourth universal definition of myocardial infarction, Thygesen et al. 2018).

Of the infarctions of PTB-XL's folds 1-6 whose stage is known 74 have such Q waves and no such ST elevation: 68 old, 6 between the
two, none acute; of folds 7-8 15, all old. Both together tell no age: of 29 on folds 1-8 are 2 acute and 24 old.
"""
_FRESH: Final = frozenset(("ACMI", "RECMI", "STEMI"))
_HIDES: Final = frozenset(("LBBB", "PACE", "WPW"))
"""Beside these neither Q waves nor the ST segment tell of an infarction (ibid.)."""


def is_acute(standing: Standing) -> bool:
    """Whether a finding is stated as recent."""
    return standing.finding.severity in ("acute", "recent", "subacute") or standing.concept in _FRESH


def asked_about(question: Question) -> tuple[str, ...]:
    """The infarctions whose age is asked for; where none is named, any."""
    return tuple(concept for concept in question.concepts if sayable(concept)) or ("MI",)


def age_of_infarction(question: Question, view: View) -> Draft | None:
    """How old it is; None where none is stated and it is not in doubt, so that there is nothing to date.

    What is said to be old is not told beside ST elevation, which may be fresh. Where precedents do not say, Q waves without ST
    elevation make it old, and where the infarction itself is in doubt that is told as well.
    """
    judgement, about = view.judgement, asked_about(question)
    evidence = judgement.evidence
    said = [s for s in judgement.said if any(s.implies(concept) for concept in about)]
    doubtful = [] if said or evidence.too_thin else [s for s in map(view.asked, about) if view.is_there(s) is None]
    hiding = [in_words(s.finding) for s in judgement.said if lineage(s.concept) & _HIDES]
    if not said and not doubtful and hiding and any(view.asked(concept).borne_out for concept in about):
        reason = f"not sure: beside {hiding[0]} neither Q waves nor the ST segment tell of an infarction, or of its age"
        return Draft((), True, reason, evidence.measurements, evidence.shown)
    if not said and not doubtful:
        return None
    raised = _raised(evidence.measurements)
    q_waves = _q_waves(judgement)
    names = ", ".join(in_words(s.finding) for s in said)
    told = [s for s in said if _is_dated(s) and (is_acute(s) or not raised)]
    if said and told == said:
        statements = tuple(statement_about(s, evidence) for s in said)
        return Draft(statements, measurements=evidence.measurements, hits=evidence.shown)
    if q_waves and not raised and not any(_is_dated(s) for s in said):
        by = f"Q waves in {', '.join(q_waves)}, and no ST elevation in neighbouring leads"
        if said:
            return _by_measurement(said, f"Probably old: {names}, with {by}", (), view)
        supposed = [replace(s, finding=Finding(s.concept, "uncertain")) for s in doubtful]
        name = " or ".join(vocabulary().concept(s.concept).name for s in doubtful)
        return _by_measurement(supposed, f"Any {name} would probably be old: {by}", (in_doubt(doubtful, view),), view)
    if doubtful:
        return None
    reason = f"not sure: {names}, of which neither precedents nor measurements tell the age"
    if raised:
        reason = f"not sure: {names}, and ST elevation in {', '.join(raised)}, which may be of any age"
    return Draft((), True, reason, evidence.measurements, evidence.shown)


def not_acute_for_certain(age: Draft | None, there: Sequence[Standing]) -> str:
    """Why "acute?" is not answered of infarctions that are there: what is known of their age, where anything is."""
    if age is not None and age.reason is not None:
        return age.reason
    if age is not None:
        return f"not sure: {age.text[0].lower()}{age.text[1:]}"
    name = ", ".join(in_words(s.finding) for s in there)
    return f"not sure: {name}, of which neither precedents nor measurements tell whether it is acute"


def _is_dated(standing: Standing) -> bool:
    return standing.finding.severity is not None or is_acute(standing) or standing.concept == "OLDMI"


def _raised(m: Measurements) -> list[str]:
    """Leads with ST elevation, where it is in several."""
    leads = [lead for lead in LEADS if m.st_j60_mv.get(lead, 0.0) >= ST_LEVEL_MV[lead]]
    return leads if len(leads) >= NEIGHBOURS else []


def _q_waves(judgement: Judgement) -> list[str]:
    """Leads with a Q wave that counts, where it is in several and nothing hides what it means or may be fresh."""
    hidden = any(lineage(s.concept) & _HIDES for s in judgement.said)
    fresh = any(lineage(c.concept) & _FRESH for c in judgement.concerns)
    m = judgement.evidence.measurements
    leads = [lead for lead in LEADS if lead != "aVR" and m.q_mv.get(lead, 0.0) >= Q_MV]
    return leads if len(leads) >= NEIGHBOURS and m.st_j60_mv and not (hidden or fresh or m.paced) else []


def _by_measurement(about: Sequence[Standing], text: str, warnings: tuple[str, ...], view: View) -> Draft:
    evidence = view.judgement.evidence
    stated = [statement_about(s, evidence) for s in about]
    cited = {citation.case_id: citation for statement in stated for citation in statement.citations}
    statement = replace(
        stated[0],
        text=sentence(text),
        findings=tuple(s.finding for s in about),
        citations=tuple(cited.values()),
        measurements=("q_mv", "st_j60_mv"),
        warnings=tuple(dict.fromkeys(warning for one in stated for warning in one.warnings)),
    )
    return Draft(
        (statement,), measurements=evidence.measurements, hits=evidence.shown, warnings=tuple(map(sentence, warnings))
    )
