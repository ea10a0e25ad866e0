"""Answers about one ECG from its judgement: whether, which, or what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Quality, Recording
from precordia.generation.answers.acuity import age_of_infarction, asked_about, is_acute, not_acute_for_certain
from precordia.generation.answers.certainty import View, in_doubt
from precordia.generation.answers.leads import in_leads, leads_with
from precordia.generation.answers.scope import asks_the_whole
from precordia.generation.questions import Question
from precordia.generation.reports.composer import compose, sentence, statement_about
from precordia.judgement import measured, votes
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement
from precordia.judgement.made_up import recipes
from precordia.judgement.measured import MEASURES, Measure
from precordia.judgement.reconcile import exclusions, in_words, sayable
from precordia.judgement.standing import Standing
from precordia.judgement.votes import lineage

_ABOVE = ("verlängert", "verlaengert", "erhöht", "erhoeht", "verbreitert", "breit", "schnell", "hoch", "lang(?!s)")
_BELOW = ("verkürzt", "verkuerzt", "erniedrigt", "niedrig", "kurz", "schmal", "langsam")
"""How German says on which side of its range a number lies."""

_AMISS = (
    "abnormal",
    "outside",
    "out of",
    "deviat",
    "disturb",
    "disorder",
    "defect",
    "disease",
    "problem",
    "delay",
    "wrong",
    "abweich",
    r"\w*störung",
)
"""Words of who asks whether anything is out of its range."""

_FORM = re.compile(
    r"\bqrs(?:[\s-]*(?:complex(?:es)?|komplex\w*|morpholog\w*|shape|form))?\s+(?:look\w*\s+)?(?:normal|ok|okay|unauff(?:ä|ae)llig|abnormal)\b",
    re.I,
)
"""The complex as such is asked about, its width and its shape."""
_BESIDE: Final = {
    measure.name: measure
    for measure in (
        Measure("p_rate_bpm", "Atrial rate", "bpm"),
        Measure("rr_max_ms", "Longest RR interval", "ms"),
        Measure("rr_min_ms", "Shortest RR interval", "ms"),
    )
}
"""Asked for by name alone: no table of numbers has them."""
MEANT: Final = {"SR": "SINUS"}
"""What a finding's name is used for, where reports use it of one kind alone: a sinus tachycardia is one of sinus rhythm."""
_STRICTLY: Final = re.compile(r"\b(?:normal|regular|regelrecht|normofrequent)\w*\s+sinus", re.I)
"""The one kind is asked for."""
_IRREGULAR: Final = re.compile(
    r"\birregular|\bunregelm|\buneven|\bvar(?:y|ies|ying|iable)\b|\berratic|\bchaotic|\bungleich|\bdiffer", re.I
)
_SHAPE: Final = re.compile(
    r"\b(?:inverted|upright|negative?|positive?|biphasic|tall|peaked|notched|flat|shape\w*|invertiert|spitz\w*)\b", re.I
)
"""Of a P wave, of which no more is measured than how long it is and where it begins."""
_PARTS = frozenset(("PWAVE",))
"""Parts of a beat, which are there and no finding."""


def reply_to(question: Question, view: View) -> Draft:
    """The answer to a question about one ECG."""
    judgement = view.judgement
    evidence = judgement.evidence
    measurements = evidence.measurements
    if "technical" in question.sections or any(_is_technical(c) for c in question.concepts):
        return _draft(_about_noise(question, evidence.quality), evidence, "signal quality was not assessed")
    if question.asks_regularity:
        return _draft(_about_regularity(question, measurements), evidence, "the regularity could not be measured")
    if question.asks_acuity:
        return age_of_infarction(question, view) or about_findings(
            replace(question, kind="verify"), asked_about(question)[:1], view
        )
    if question.asks_leads:
        statements = leads_with(question, measurements)
        return _draft(statements, evidence, "it cannot be told from the measurements in which leads")
    placed = about_leads(question, judgement)
    if placed:
        return _draft(placed, evidence, "")
    if question.kind == "verify" and question.concepts == ("PWAVE",):
        shaped = _SHAPE.search(question.text) is not None
        return _draft(
            [] if shaped else _about_p_waves(question, measurements),
            evidence,
            "the shape of P waves is not measured"
            if shaped
            else "no P waves were measured, which need not mean that there are none",
        )
    concepts = [c for c in question.concepts if sayable(c) and c not in _PARTS and evidence.kind.may_say(c)]
    if question.kind == "verify" and set(concepts) <= {"ABQRS"} and not question.bounds and _FORM.search(question.text):
        return _about_form(judgement, "abnormal" if "abnormal" in question.text.lower() else "normal")
    limited = bool(question.bounds or question.outside)
    of_range = question.kind != "verify" or question.asks_range or limited
    if question.measures and (
        not concepts or (of_range and all(_is_defined_by(c, question.measures) for c in concepts))
    ):
        statements = _about_numbers(question, evidence.recording, measurements)
        if question.kind == "query" and "rhythm" in question.sections:
            statements += [
                s for s in _what(replace(question, sections=("rhythm", "pacing")), judgement).statements if s.findings
            ]
        return _draft(statements, evidence, f"{_labels(question.measures)} could not be measured")
    if concepts:
        return about_findings(question, concepts, view)
    if question.kind == "verify" and not question.sections:
        return _draft([], evidence, "the question names no finding or measurement that is known here")
    return _what(question, judgement)


def about_leads(question: Question, judgement: Judgement) -> list[Statement]:
    """What is measured in the leads that a question names; nothing where it would deny what the report states."""
    placed = in_leads(question, judgement.evidence.measurements)
    denied = {f.concept for statement in placed for f in statement.findings if f.status == "absent"}
    return [] if any(s.implies(concept) for s in judgement.said for concept in denied) else placed


def about_findings(question: Question, concepts: Sequence[str], view: View) -> Draft:
    """Whether findings are there, which of them are, or what is said of them."""
    evidence = view.judgement.evidence
    standings = [view.asked(concept) for concept in concepts]
    thin = evidence.too_thin
    if thin is not None and not all(s.measurements for s in standings):
        if not view.is_distant or question.kind == "query":
            return _draft([], evidence, thin)
        # Of a distant ECG what is asked for by name is told where it is sure, and that no precedent is close.
        told = _about(question, standings, view)
        return (
            replace(told, reason=thin) if told.abstained else replace(told, warnings=(sentence(thin), *told.warnings))
        )
    return _about(question, standings, view)


def _about(question: Question, standings: Sequence[Standing], view: View) -> Draft:
    judgement, evidence = view.judgement, view.judgement.evidence
    if question.kind == "query":
        # "Where is the infarct?", "what kind of ...": what is said that is more special.
        said = [s for s in judgement.said if any(s.implies(asked.concept) for asked in standings)]
        if special := _made_of_numbers(question.concepts, view):
            return _draft([_said("", s, view, present=True) for s in special], evidence, "")
        if said:
            return _sure_first(_draft([statement_about(s, evidence) for s in said], evidence, ""))
    answers = [view.is_there(standing) for standing in standings]
    doubtful = [standing for standing, there in zip(standings, answers, strict=True) if there is None]
    there = compatible([standing for standing, there in zip(standings, answers, strict=True) if there])
    kinds = {} if _STRICTLY.search(question.text) else _kinds(standings, there, view)
    standings = [kinds.get(s.concept, s) for s in standings]
    there = list({s.concept: s for s in (*there, *kinds.values())}.values())
    doubtful = [s for s in doubtful if s.concept not in kinds]
    if question.kind == "choose" and len(standings) > 1:
        if not there and not doubtful and (unknown := _of_no_kind(standings, judgement)):
            name = ", ".join(in_words(s.finding) for s in unknown)
            return _draft([], evidence, f"not sure: {name}, of which it is not told which kind it is")
        if not there and not doubtful:
            return _draft([_said("None of them: no ", s, view, present=False) for s in standings], evidence, "")
        return _draft([_said("", s, view, present=True) for s in there], evidence, in_doubt(doubtful, view))
    known = [s for s in standings if s not in doubtful]
    yes, no = ("No, it is shown: ", "Yes: no ") if question.asks_absence else ("Yes: ", "No: no ")
    said_of = [_said(yes if s in there else no, s, view, present=s in there) for s in known]
    told = _draft(said_of, evidence, in_doubt(doubtful, view) if doubtful else "")
    if question.asks_acute and any(s in there and not is_acute(s) for s in known):
        return _draft([], evidence, not_acute_for_certain(age_of_infarction(question, view), there))
    warnings = (*_outside(there, evidence), *((sentence(in_doubt(doubtful, view)),) if doubtful and known else ()))
    return replace(told, warnings=(*told.warnings, *warnings))


def _outside(there: Sequence[Standing], evidence: Evidence) -> list[str]:
    """Numbers that leave their range in an ECG that is called normal: reports pass them over where they lie at its border."""
    if all(s.concept != "NORM" for s in there):
        return []
    m, sex = evidence.measurements, evidence.recording.sex
    values = [(measure, getattr(m, name)) for name, measure in MEASURES.items()]
    return [
        f"{measure.label} {measure.format(float(value))} lies outside its normal range"
        for measure, value in values
        if value is not None and measure.is_outside(float(value), sex)
    ]


def _kinds(asked: Sequence[Standing], there: Sequence[Standing], view: View) -> dict[str, Standing]:
    """Of what is asked for and not there by its own name, what is said and there that is a kind of it."""
    said = [s for s in view.judgement.said if s.finding.status == "present" and view.is_there(s)]
    meant = {s.concept: MEANT.get(s.concept, s.concept) for s in asked if s not in there}
    kinds = ((name, next((s for s in said if s.implies(general)), None)) for name, general in meant.items())
    return {name: kind for name, kind in kinds if kind is not None}


def _of_no_kind(standings: Sequence[Standing], judgement: Judgement) -> list[Standing]:
    """What is said that all the options are kinds of: where it is there, it is one of them, or a third."""
    shared = frozenset.intersection(*(frozenset(lineage(s.concept)) for s in standings))
    return [s for s in judgement.said if s.concept in shared]


def _made_of_numbers(concepts: Sequence[str], view: View) -> list[Standing]:
    """What a number makes of findings that are said, where that is a kind of what is asked for: a first-degree block."""
    kinds = [recipe.concept for recipe in recipes() if set(concepts) & (lineage(recipe.concept) - {recipe.concept})]
    asked = [view.asked(kind) for kind in dict.fromkeys(kinds)]
    return [s for s in asked if s.made_of and s.finding.status == "present" and view.is_there(s)]


def _sure_first(draft: Draft) -> Draft:
    """What is said without doubt answers which it is; what is only possible besides is a warning."""
    doubtful = [s for s in draft.statements if s.findings and all(f.status == "uncertain" for f in s.findings)]
    sure = tuple(s for s in draft.statements if s not in doubtful)
    if not sure or not doubtful:
        return draft
    return replace(draft, statements=sure, warnings=(*draft.warnings, *(s.text for s in doubtful)))


def compatible(chosen: Sequence[Standing]) -> list[Standing]:
    """Of findings that exclude each other the more probable, as the report says it; in their order."""
    kept: list[Standing] = []
    for s in sorted(chosen, key=lambda s: -s.probability):
        if not any(frozenset((s.concept, k.concept)) in exclusions([s.concept, k.concept]) for k in kept):
            kept.append(s)
    return [s for s in chosen if s in kept]


def _said(lead_in: str, standing: Standing, view: View, *, present: bool) -> Statement:
    evidence = view.judgement.evidence
    name = in_words(replace(standing.finding, territory=None, severity=None) if present else Finding(standing.concept))
    text = f"{lead_in}{name}".replace("no normal ECG", "not a normal ECG")
    if standing.made_of:
        text += f" ({in_words(Finding(standing.made_of))}, {measured.in_words(standing.measurements[0], evidence.measurements)})"
    likely = view.likely(standing)
    if present:
        status = standing.finding.status
        return replace(
            statement_about(standing, evidence, text),
            findings=(Finding(standing.concept, status),),
            confidence=round(likely, 4) if standing.calibrated else None,
        )
    agreeing = standing.vote.agreeing
    stated = (f"Stated by {len(agreeing)} of {len(evidence.jury)} precedents",) if agreeing else ()
    return Statement(
        sentence(text),
        (Finding(standing.concept, "absent"),),
        votes.without(standing.concept, evidence.jury, evidence.settings.max_citations),
        standing.measurements,
        round(1 - standing.probability, 4),
        round(1 - likely, 4) if standing.calibrated else None,
        (*standing.against, *stated),
    )


def _about_numbers(question: Question, recording: Recording, measurements: Measurements) -> list[Statement]:
    statements = []
    limits = [*((bound,) for bound in question.bounds), *question.outside]
    verified = question.kind == "verify" and question.asks_range and not limits
    for asked in question.measures:
        # Whether a QT interval is long depends on the rate: the corrected one has a normal range.
        name = "qtc_ms" if asked == "qt_ms" and verified else asked
        value = getattr(measurements, name)
        if value is None:
            continue
        measure = _BESIDE.get(name) or MEASURES[name]
        text = f"{measure.label} {measure.format(float(value))}"
        low, high = measure.low, measure.high_for(recording.sex)
        place = (
            "above" if high is not None and value > high else "below" if low is not None and value < low else "within"
        )
        own = [group for group in limits if group[0].measure == name]
        if own:
            holds = all(any(bound.holds(float(value)) for bound in group) for group in own)
            text = text[0].lower() + text[1:] if name == "heart_rate_bpm" else text
            text = f"{'Yes' if holds is not question.asks_absence else 'No'}: {text}"
        elif low is not None or high is not None:
            text += f", {place} the normal range"
            if verified:
                holds = _range_holds(question.text, place)
                text = f"{'Yes' if holds is not question.asks_absence else 'No'}: {text}"
        statements.append(Statement(f"{text}.", measurements=(name,), support=1.0))
    return statements


def _range_holds(text: str, place: str) -> bool:
    words = text.lower()
    for state, names in (
        ("outside", _AMISS),
        ("above", ("above", "prolonged", "long", "increased", "elevated", "high", "wide", "fast", *_ABOVE)),
        ("below", ("below", "short", "decreased", "low", "slow", "narrow", *_BELOW)),
    ):
        if any(re.search(rf"\b{name}", words) for name in names):
            if state == "outside":
                return place != "within"
            # "Narrow" has no limit below which it begins: it is what is not wide.
            return place == state or (any(w in words for w in ("narrow", "schmal")) and place == "within")
    return place == "within"


def _about_p_waves(question: Question, m: Measurements) -> list[Statement]:
    """That they are there, with the interval from them to the QRS complexes, where both were measured."""
    if m.p_ms is None or m.pr_ms is None or m.av_dissociation:
        return []
    pr = MEASURES["pr_ms"]
    lead_in = "No, they are shown" if question.asks_absence else "Yes"
    return [
        Statement(f"{lead_in}: P waves, {pr.label} {pr.format(m.pr_ms)}.", measurements=("p_ms", "pr_ms"), support=1.0)
    ]


def _about_regularity(question: Question, measurements: Measurements) -> list[Statement]:
    found = measurements.rhythm_regularity
    if found is None:
        return []
    asked = "irregular" if _IRREGULAR.search(question.text) else "regular"
    holds = (found == "regular") == (asked == "regular")
    lead_in = ("Yes: " if holds else "No: ") if question.kind == "verify" else ""
    return [Statement(sentence(f"{lead_in}the rhythm is {found}"), measurements=("rhythm_regularity",), support=1.0)]


def _about_form(judgement: Judgement, asked: str) -> Draft:
    """Whether the QRS complex is normal: its width, and what is said of its shape and of conduction in the ventricles."""
    evidence = judgement.evidence
    width = evidence.measurements.qrs_ms
    if width is None:
        return _draft([], evidence, "QRS duration could not be measured")
    measure, known = MEASURES["qrs_ms"], vocabulary()
    odd = [
        s
        for s in judgement.said
        if known.concept(s.concept).section == "qrs" or lineage(s.concept) & {"BBB", "VBLOCK", "IVCD", "LAFB", "LPFB"}
    ]
    sure = [s for s in odd if s.finding.status == "present"]
    outside = measure.is_outside(float(width), evidence.recording.sex)
    if odd and not sure and not outside:
        return _draft([], evidence, f"not sure: {', '.join(in_words(s.finding) for s in odd)}")
    place = "above the normal range" if outside else "within the normal range"
    told = "; ".join([f"{measure.label} {measure.format(float(width))}, {place}", *(in_words(s.finding) for s in sure)])
    cited = {c.case_id: c for s in sure for c in statement_about(s, evidence).citations}
    found = "abnormal" if sure or outside else "normal"
    text = sentence(f"{'Yes' if asked == found else 'No'}: {told}")
    findings = tuple(s.finding for s in sure)
    return _draft([Statement(text, findings, tuple(cited.values()), ("qrs_ms",), support=1.0)], evidence, "")


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
    # "Is the quality good?" is answered with yes where nothing was found.
    good = (
        re.search(
            r"\b(?:good|clean|readable|usable|ok|okay|gut|brauchbar|lesbar|(?:aus|ver)wertbar|trust\w*|interpretable)\b",
            question.text,
            re.I,
        )
        is not None
    )
    bad = re.search(r"\b(?:bad|poor|low|noisy|schlecht\w*)\b", question.text, re.I) is not None
    holds = not concerned if good and not bad else bool(concerned)
    holds = holds is not question.asks_absence
    lead_in = ("Yes: " if holds else "No: ") if question.kind != "query" else ""
    text = "; ".join(p.message.rstrip(".") for p in concerned[:3]) or "the quality check found no disturbance"
    where = f" in {', '.join(question.leads)}" if question.leads and not concerned else ""
    source = f"From the quality check, score {quality.score:.2f} of 1"
    return [Statement(f"{lead_in}{text}{where}.", measurements=("quality",), support=1.0, warnings=(source,))]


_KIND: Final = re.compile(
    r"\b(?:which|what) (?:kind|type|sort|form|degree|grade|block|bundle)\b|\bwelche[rsn]? (?:art|form|typ|block|grad\w*)\b",
    re.I,
)
"""A finding is asked for, which no number is."""
NUMBERS_OF: Final = {"axis": ("axis_deg",), "conduction": ("pr_ms", "qrs_ms")}
"""The numbers that answer for a section of which no finding is said."""


def _what(question: Question, judgement: Judgement) -> Draft:
    """The part of the report that is asked for."""
    report = compose(judgement)
    if not question.sections and not asks_the_whole(question):
        return _draft([], judgement.evidence, "the question names no finding or measurement that is known here")
    if not question.sections:
        return report
    known = vocabulary()
    kept = [
        s
        for s in report.statements
        if any(known.concept(f.concept).section in question.sections for f in s.findings if f.concept in known)
    ]
    if not kept and not _KIND.search(question.text):
        names = tuple(name for section in question.sections for name in NUMBERS_OF.get(section, ()))
        asked = replace(question, measures=names, asks_range=True)
        kept = _about_numbers(asked, judgement.evidence.recording, judgement.evidence.measurements)
    if not kept and report.abstained:
        return report
    otherwise = "neither precedents nor measurements show any such finding"
    told = replace(_draft(kept, judgement.evidence, otherwise), warnings=report.warnings, consider=report.consider)
    return _sure_first(told) if _KIND.search(question.text) else told


def _is_technical(concept: str) -> bool:
    return concept in vocabulary() and vocabulary().concept(concept).section == "technical"


def _is_defined_by(concept: str, names: Sequence[str]) -> bool:
    """Whether a finding says no more than that a measurement is out of range."""
    # A limit to the QT interval is a limit to what "prolonged QT" says of the corrected one.
    meant = {*names, *(("qtc_ms",) if "qt_ms" in names else ())}
    return any(c.concept in lineage(concept) and c.defines and c.name in meant for c in measured.checks())


def _labels(names: Sequence[str]) -> str:
    return " and ".join((_BESIDE.get(name) or MEASURES[name]).label for name in names)


def _draft(statements: Sequence[Statement], evidence: Evidence, otherwise: str) -> Draft:
    """The statements that have evidence; an abstention for the given reason where there is none."""
    kept = tuple(s for s in statements if s.citations or s.measurements)
    return Draft(
        kept,
        abstained=not kept,
        reason=None if kept else (otherwise or "there is no evidence for an answer"),
        measurements=evidence.measurements,
        hits=evidence.shown,
    )
