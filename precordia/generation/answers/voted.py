"""Answers about one ECG without a language model: whether, which, or what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from precordia.concepts import findings_from_measurements, statement_of, vocabulary
from precordia.core.case import patient_key_of
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit
from precordia.generation.questions import Question
from precordia.generation.reports.consensus import ConsensusSettings, compose
from precordia.judgement import measured, votes
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import sayable
from precordia.judgement.votes import Voter, lineage

YES = 0.5
"""Support from which a finding is affirmed."""
NO = 0.35
"""Support up to which it is denied; between the two the answer is "not sure"."""
ST_LEVEL_MV = {lead: 0.2 if lead in ("V2", "V3") else 0.1 for lead in LEADS}
"""ST elevation that counts (Wagner et al., AHA/ACCF/HRS part VI, Circulation 2009;119:e262; the value for men over 40)."""


@dataclass(frozen=True)
class Standing:
    """How far the evidence bears out one finding.

    Attributes:
        concept: The finding.
        support: 0 to 1; 1 when it follows from measurements, 0 when they rule it out.
        citations: Cases that state it, or, where it is not borne out, that deny it or do not state it.
        measurements: The query's measurements that decide it.
        warnings: Dissent.
    """

    concept: str
    support: float
    citations: tuple[Citation, ...]
    measurements: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def reply_to(
    question: Question,
    recording: Recording,
    hits: Sequence[Hit],
    measurements: Measurements,
    *,
    quality: Quality | None = None,
    settings: ConsensusSettings | None = None,
) -> Draft:
    """The answer to a question about one ECG."""
    settings = settings or ConsensusSettings()
    own = patient_key_of(recording)
    hits = [hit for hit in hits if hit.case.patient_key != own]
    jury = votes.voters(hits, min_similarity=settings.min_similarity, temperature=settings.temperature, k=settings.k)
    if "technical" in question.sections or any(_is_technical(c) for c in question.concepts):
        return _draft(_about_noise(question, quality), hits, measurements, "signal quality was not assessed")
    if question.asks_leads:
        return _draft(
            _about_leads(question, measurements),
            hits,
            measurements,
            "it cannot be told from the measurements in which leads",
        )
    concepts = [c for c in question.concepts if sayable(c)]
    if question.measures and (not concepts or all(_is_defined_by(c, question.measures) for c in concepts)):
        statements = _about_numbers(question, recording, measurements)
        return _draft(statements, hits, measurements, f"{_labels(question.measures)} could not be measured")
    if concepts:
        return _about_findings(question, concepts, jury, hits, measurements, settings)
    if question.kind == "verify" and not question.sections:
        return _draft([], hits, measurements, "the question names no finding or measurement that is known here")
    return _what(question, recording, hits, measurements, quality, settings)


def standing(concept: str, jury: Sequence[Voter], measurements: Measurements, settings: ConsensusSettings) -> Standing:
    """How far precedents and measurements bear out one finding."""
    vote = votes.vote(concept, jury, uncertain_weight=settings.uncertain_weight)
    for finding in findings_from_measurements(measurements):
        if finding.status == "present" and concept in lineage(finding.concept):
            names = measured.supporting(finding, measurements, findings_from_measurements)
            return Standing(concept, 1.0, votes.cite(concept, vote.agreeing, settings.max_citations), names)
    against = measured.conflicts(sorted(lineage(concept)), measurements)
    decided = tuple(dict.fromkeys(c.check.name for c in against if c.check.decides))
    if decided:
        return Standing(concept, 0.0, (), decided, tuple(str(c) for c in against))
    warnings = [str(conflict) for conflict in against]
    if vote.support >= YES:
        if vote.denying:
            warnings.append(f"Denied by {len(vote.denying)} of {len(jury)} precedents")
        return Standing(
            concept, vote.support, votes.cite(concept, vote.agreeing, settings.max_citations), (), tuple(warnings)
        )
    if vote.agreeing:
        warnings.append(f"Stated by {len(vote.agreeing)} of {len(jury)} precedents")
    return Standing(concept, vote.support, votes.without(concept, jury, settings.max_citations), (), tuple(warnings))


def _about_findings(
    question: Question,
    concepts: Sequence[str],
    jury: Sequence[Voter],
    hits: Sequence[Hit],
    measurements: Measurements,
    settings: ConsensusSettings,
) -> Draft:
    standings = [standing(concept, jury, measurements, settings) for concept in concepts]
    decided_by_numbers = all(s.measurements for s in standings)
    if len(jury) < settings.min_precedents and not decided_by_numbers:
        return _draft([], hits, measurements, f"only {len(jury)} close precedents with a report were found")
    unsure = [s for s in standings if NO < s.support < YES]
    if question.kind == "choose" and len(standings) > 1:
        chosen = [s for s in standings if s.support >= YES]
        if chosen:
            return _draft([_said("", s, present=True) for s in chosen], hits, measurements, "")
        if unsure:
            return _not_sure(unsure, jury, hits, measurements)
        return _draft([_said("None of them: no ", s, present=False) for s in standings], hits, measurements, "")
    if unsure:
        return _not_sure(unsure, jury, hits, measurements)
    statements = [_said("Yes: " if s.support >= YES else "No: no ", s, present=s.support >= YES) for s in standings]
    return _draft(statements, hits, measurements, "")


def _said(lead_in: str, stands: Standing, *, present: bool) -> Statement:
    name = statement_of(Finding(stands.concept)).rstrip(".")
    text = f"{lead_in}{name}" if lead_in else name[:1].upper() + name[1:]
    text = text.replace("no normal ECG", "not a normal ECG")
    return Statement(
        f"{text}.",
        (Finding(stands.concept, "present" if present else "absent"),),
        stands.citations,
        stands.measurements,
        round(stands.support if present else 1 - stands.support, 4),
        warnings=stands.warnings,
    )


def _not_sure(
    unsure: Sequence[Standing], jury: Sequence[Voter], hits: Sequence[Hit], measurements: Measurements
) -> Draft:
    named = "; ".join(f"{statement_of(Finding(s.concept)).rstrip('.')} {s.support:.0%}" for s in unsure)
    return _draft([], hits, measurements, f"not sure: the {len(jury)} precedents are divided ({named} state it)")


def _about_numbers(question: Question, recording: Recording, measurements: Measurements) -> list[Statement]:
    statements = []
    for name in question.measures:
        value = getattr(measurements, name)
        if value is None:
            continue
        measure = MEASURES[name]
        text = f"{measure.label} {measure.format(float(value))}"
        low, high = measure.low, measure.high_for(recording.sex)
        bounded = question.above is not None or question.below is not None
        place = (
            "above" if high is not None and value > high else "below" if low is not None and value < low else "within"
        )
        if bounded:
            holds = value > question.above if question.above is not None else value < (question.below or 0.0)
            text = f"{'Yes' if holds else 'No'}: {text[0].lower() + text[1:] if name == 'heart_rate_bpm' else text}"
        elif low is not None or high is not None:
            text += f", {place} the normal range"
            if question.kind == "verify" and question.asks_range:
                text = f"{'Yes' if _range_holds(question.text, place) else 'No'}: {text}"
        statements.append(Statement(f"{text}.", measurements=(name,), support=1.0))
    return statements


def _range_holds(text: str, place: str) -> bool:
    words = text.lower()
    for state, names in (
        ("outside", ("abnormal", "outside", "out of")),
        ("above", ("above", "prolonged", "long", "increased", "elevated", "high", "wide", "fast")),
        ("below", ("below", "short", "decreased", "low", "slow", "narrow")),
    ):
        if any(name in words for name in names):
            if state == "outside":
                return place != "within"
            # "Narrow" has no limit below which it begins: it is what is not wide.
            return place == state or ("narrow" in words and place == "within")
    return place == "within"


def _about_leads(question: Question, measurements: Measurements) -> list[Statement]:
    """Leads with ST elevation or depression; nothing else is measured lead by lead."""
    if not measurements.st_j60_mv:
        return []
    statements = []
    for concept, sign, name in (("STE_", 1, "ST elevation"), ("STD_", -1, "ST depression")):
        if concept in question.concepts:
            limit = ST_LEVEL_MV if sign > 0 else dict.fromkeys(LEADS, 0.05)
            leads = [lead for lead in LEADS if sign * measurements.st_j60_mv.get(lead, 0.0) >= limit[lead]]
            text = f"{name} in {', '.join(leads)}" if leads else f"No {name}"
            finding = Finding(concept, "present" if leads else "absent")
            statements.append(Statement(f"{text}.", (finding,), measurements=("st_j60_mv",), support=1.0))
    return statements


def _about_noise(question: Question, quality: Quality | None) -> list[Statement]:
    """What the quality check found, in the leads asked about. Its evidence is the quality check itself, told as a warning."""
    if quality is None:
        return []
    concerned = [
        p
        for p in quality.problems
        if p.severity > 0 and (not question.leads or not p.leads or set(p.leads) & set(question.leads))
    ]
    if "BDRIFT" in question.concepts:
        concerned = [p for p in concerned if "drift" in p.message.lower() or "wander" in p.message.lower()]
    lead_in = ("Yes: " if concerned else "No: ") if question.kind != "query" else ""
    text = "; ".join(p.message.rstrip(".") for p in concerned[:3]) or "the quality check found no disturbance"
    where = f" in {', '.join(question.leads)}" if question.leads and not concerned else ""
    source = f"From the quality check, score {quality.score:.2f} of 1"
    return [Statement(f"{lead_in}{text}{where}.", measurements=("quality",), support=1.0, warnings=(source,))]


def _what(
    question: Question,
    recording: Recording,
    hits: Sequence[Hit],
    measurements: Measurements,
    quality: Quality | None,
    settings: ConsensusSettings,
) -> Draft:
    """The part of the consensus report that is asked for."""
    report = compose(recording, hits, measurements, settings=settings, quality=quality)
    if report.abstained or not question.sections:
        return report
    known = vocabulary()
    kept = [
        s
        for s in report.statements
        if any(known.concept(f.concept).section in question.sections for f in s.findings if f.concept in known)
    ]
    return _draft(
        kept, hits, measurements, "neither precedents nor measurements show any such finding", report.warnings
    )


def _is_technical(concept: str) -> bool:
    return concept in vocabulary() and vocabulary().concept(concept).section == "technical"


def _is_defined_by(concept: str, names: Sequence[str]) -> bool:
    """Whether a finding says no more than that a measurement is out of range."""
    return any(c.concept in lineage(concept) and c.decides and c.name in names for c in measured.checks())


def _labels(names: Sequence[str]) -> str:
    return " and ".join(MEASURES[name].label for name in names)


def _draft(
    statements: Sequence[Statement],
    hits: Sequence[Hit],
    measurements: Measurements,
    otherwise: str,
    warnings: tuple[str, ...] = (),
) -> Draft:
    """The statements that have evidence; an abstention for the given reason where there is none."""
    kept = tuple(s for s in statements if s.citations or s.measurements)
    return Draft(
        kept,
        abstained=not kept,
        reason=None if kept else (otherwise or "there is no evidence for an answer"),
        measurements=measurements,
        hits=tuple(hits),
        warnings=warnings,
    )
