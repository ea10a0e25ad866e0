"""Whether a part of the ECG is normal, a pacemaker works, a voltage criterion is met, and what is urgent."""

from __future__ import annotations

import re
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding
from precordia.core.leads import LEADS
from precordia.generation.answers.leads import signs_in
from precordia.generation.questions import Question
from precordia.generation.reports.composer import sentence, statement_about
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import in_words
from precordia.judgement.standing import Standing

_NORMAL: Final = re.compile(
    r"\b(?:normal\w*|ok|okay|fine|unremarkable|regelrecht|unauff(?:ä|ae)llig|isoelectric|in ordnung)\b", re.I
)
_ABNORMAL: Final = re.compile(
    r"\babnormal\w*|\bpatholog\w*|\bdisturb\w*|\bgest(?:ö|oe)rt\b|\bauff(?:ä|ae)llig\w*|\bwrong with\b"
    r"|\b(?:diseases?|problems?|st(?:ö|oe)rung\w*)\b",
    re.I,
)
_WELL: Final = frozenset(("SR", "SINUS", "REGRH", "NAXIS", "LTYPE", "VAX", "HAX", "NORM", "ONORM"))
"""Findings of a part that is normal."""
_NUMBERS: Final = {"conduction": ("pr_ms", "qrs_ms"), "rhythm": ("heart_rate_bpm",), "axis": ("axis_deg",)}
_SIGNS: Final = {"ST": ("STE_", "STD_"), "T": ("INVT",)}
_CRITERION: Final = re.compile(r"\bsokolow|\bcornell", re.I)
_FAILS: Final = "PFAIL"
_URGENT: Final = re.compile(
    r"\b(?:anything|something|any|etwas|is (?:this|it)|ist (?:das|es))\b.*\b(?:urgent|emergenc\w*|red flags?|critical"
    r"|alarming|dringend\w*"
    r"|notfall\w*|must(?:n't| not) (?:be )?miss\w*)\b",
    re.I,
)
_P_WAVE: Final = re.compile(r"\bp[\s-]*(?:waves?|wellen?)\b", re.I)
_T_WAVE: Final = re.compile(r"\bt[\s-]*(?:waves?|wellen?)\b", re.I)


_IN_LEADS: Final = frozenset(("st_t", "ischaemia"))
"""What lies in single leads."""


def part_is_normal(question: Question, judgement: Judgement) -> Draft | None:
    """Yes or no, with what is said or measured of the part; None where no part is asked about, or a finding is named.

    A part is not normal where the report states something of it without doubt, or a number of it leaves its range; "yes" needs
    something that was measured, or a rhythm that is said.
    """
    asked = "abnormal" if _ABNORMAL.search(question.text) else "normal" if _NORMAL.search(question.text) else None
    sections = frozenset(question.sections)
    p_waves = _P_WAVE.search(question.text) is not None
    of_p = p_waves and set(question.concepts) <= {"PWAVE"}
    if question.kind != "verify" or asked is None or question.bounds or question.measures:
        return None
    if question.leads and (p_waves or not sections or not sections <= _IN_LEADS):
        return None
    if not of_p and (question.concepts or not sections or "technical" in sections):
        return None
    evidence = judgement.evidence
    if evidence.too_thin is not None and not question.leads:
        return None
    # What is said of the whole ECG tells nothing of one lead.
    odd = [
        s
        for s in (() if question.leads else judgement.said)
        if _is_of(s, sections | ({"p_wave"} if of_p else frozenset())) and s.concept not in _WELL
    ]
    sure = [s for s in odd if s.finding.status == "present"]
    told, outside = _measured(sections, question, evidence)
    rhythm = [s for s in judgement.said if "rhythm" in sections and s.concept in ("SR", "SINUS")]
    if sure or outside:
        found = "abnormal"
        shown = [*(statement_about(s, evidence) for s in sure), *outside]
    elif odd or (not told and not rhythm) or ("rhythm" in sections and not rhythm):
        reason = (
            f"not sure: {', '.join(in_words(s.finding) for s in odd)}" if odd else "nothing is said or measured of it"
        )
        return Draft((), True, reason, evidence.measurements, evidence.shown)
    else:
        found = "normal"
        shown = [*(statement_about(s, evidence) for s in rhythm), *told]
    texts = [s.text.rstrip(".") for s in shown]
    text = "; ".join(text[:1].lower() + text[1:] if text[1:2].islower() else text for text in texts)
    whole = Statement(
        sentence(f"{'Yes' if asked == found else 'No'}: {text}"),
        tuple(f for s in shown for f in s.findings),
        tuple({c.case_id: c for s in shown for c in s.citations}.values()),
        tuple(dict.fromkeys(name for s in shown for name in s.measurements)),
        support=min(s.support for s in shown),
    )
    return Draft((whole,), measurements=evidence.measurements, hits=evidence.shown)


def capture(question: Question, judgement: Judgement) -> Draft | None:
    """Whether the pacemaker works: whether QRS complexes follow its stimuli; None where that is not asked."""
    if question.concepts != (_FAILS,) or question.kind != "verify":
        return None
    evidence = judgement.evidence
    m = evidence.measurements
    yes, no = ("No", "Yes") if question.asks_absence else ("Yes", "No")
    concern = next((c for c in judgement.concerns if c.concept == _FAILS), None)
    if concern is not None:
        said = Statement(sentence(f"{yes}: {concern.text}"), measurements=concern.measurements, support=1.0)
        return Draft((said,), measurements=m, hits=evidence.shown)
    if not m.n_spikes or m.n_captured is None or m.n_captured < m.n_spikes:
        told = (
            "that cannot be seen at this sampling rate"
            if m.n_spikes is None
            else f"{m.n_spikes or 'no'} stimuli of a pacemaker were measured, {m.n_captured or 'none'} with a QRS complex behind"
        )
        return Draft((), True, f"not sure: {told}", m, evidence.shown)
    text = f"{no}: a QRS complex follows each of {m.n_spikes} measured stimuli."
    said = Statement(text, (Finding(_FAILS, "absent"),), measurements=("n_spikes", "n_captured"), support=1.0)
    return Draft((said,), measurements=m, hits=evidence.shown)


def voltage(question: Question, judgement: Judgement) -> Draft | None:
    """Whether a voltage criterion is met that the question calls by its name; None where it names none, or it was not measured."""
    match = _CRITERION.search(question.text)
    m = judgement.evidence.measurements
    met = (
        m.criteria.get(f"{match[0].lower()}_lyon_lvh" if match[0].lower() == "sokolow" else "cornell_lvh")
        if match
        else None
    )
    if match is None or met is None:
        return None
    if match[0].lower() == "sokolow":
        size = m.s_mv["V1"] + max(m.r_mv.get(lead, 0.0) for lead in ("V5", "V6"))
        told = f"S in V1 and R in V5 or V6 are {size:.2f} mV, {'at least' if met else 'below'} 3.5 mV (Sokolow-Lyon)"
    else:
        size = m.r_mv["aVL"] + m.s_mv["V3"]
        told = f"R in aVL and S in V3 are {size:.2f} mV, which {'meets' if met else 'does not meet'} Cornell's limit"
    found = Finding("VCLVH", "present" if met else "absent")
    said = Statement(f"{'Yes' if met else 'No'}: {told}.", (found,), measurements=("r_mv", "s_mv"), support=1.0)
    return Draft((said,), measurements=m, hits=judgement.evidence.shown)


def urgent(question: Question, judgement: Judgement) -> Draft | None:
    """What must not be missed, where just that is asked for: "Anything urgent?"; None where it is not."""
    if _URGENT.search(question.text) is None or question.concepts or question.measures or question.bounds:
        return None
    evidence = judgement.evidence
    if evidence.quality is not None and not evidence.quality.acceptable:
        return None
    names = tuple(dict.fromkeys(name for c in judgement.concerns for name in c.measurements))
    if judgement.concerns:
        told = "; ".join(c.text.rstrip(".") for c in judgement.concerns)
        said = Statement(sentence(f"Yes, to consider: {told}"), measurements=names, support=1.0)
    else:
        text = "None of what is looked for by measurement; what else may be urgent is not told by that."
        said = Statement(text, measurements=("heart_rate_bpm", "qrs_ms", "st_j60_mv"), support=1.0)
    return Draft((said,), measurements=evidence.measurements, hits=evidence.shown)


def _is_of(standing: Standing, sections: frozenset[str]) -> bool:
    return vocabulary().concept(standing.concept).section in sections


def _measured(
    sections: frozenset[str], question: Question, evidence: Evidence
) -> tuple[list[Statement], list[Statement]]:
    """What is measured of the part and lies within its range, and what leaves it."""
    m, sex = evidence.measurements, evidence.recording.sex
    names = [name for section in sections for name in _NUMBERS.get(section, ())]
    names += ["p_ms", "pr_ms"] if _P_WAVE.search(question.text) else []
    within: list[Statement] = []
    outside: list[Statement] = []
    for name in sorted(names):
        value = getattr(m, name)
        if value is None:
            continue
        measure, out = MEASURES[name], MEASURES[name].is_outside(float(value), sex)
        text = f"{measure.label} {measure.format(float(value))}, {'outside' if out else 'within'} the normal range."
        (outside if out else within).append(Statement(text, measurements=(name,), support=1.0))
    waves = (
        _SIGNS["T" if _T_WAVE.search(question.text) else "ST"]
        if "st_t" in sections and not _P_WAVE.search(question.text)
        else ()
    )
    for statement in signs_in(waves, question.leads or LEADS, m):
        there = any(f.status == "present" for f in statement.findings)
        (outside if there else within).append(statement)
    return within, outside
