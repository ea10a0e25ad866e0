"""What an ECG cannot answer: declined in one sentence, with what this ECG shows that bears on it; age and sex from the record."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.recording import Recording
from precordia.generation.questions import VERIFY, Question
from precordia.generation.reports.composer import compose, statement_about
from precordia.judgement.judge import Judgement
from precordia.judgement.measured import MEASURES
from precordia.judgement.reconcile import in_words
from precordia.retrieval.grammar import Understood, read_query

FINDINGS_TOLD = 3
_AGE = re.compile(
    r"\bhow old (?:is|was) (?:the|this|my|he|she|patient)\b(?! (?:infarct|mi\b|heart))"
    r"|\b(?:patient'?s?|his|her) age\b|\bwie alt\b|^\W*(?:age|alter)\W*$",
    re.I,
)
_SEX = re.compile(
    r"\b(?:(?<!have )(?<!having )sex|gender|geschlecht|male or female|female or male|man or woman|mann oder frau)\b"
    r"|\b(?:is|was|ist|war) (?:it|this|he|she|es|das|dies|(?:the|this|der|die) (?:patient(?:in)?|person))"
    r" (?:an? |eine? )?(?P<said>male|female|man|woman|mann|frau|m(?:ä|ae)nnlich|weiblich)\b(?!\s+(?:or|oder)\b)",
    re.I,
)
_FEMALE = frozenset(("female", "woman", "frau", "weiblich"))
_ONE_SEX = re.compile(
    r"\b(?:woman|female|lady|girl|frau|weiblich\w*|patientin|man|male|gentleman|boy|mann|m(?:ä|ae)nnlich\w*|junge)\b",
    re.I,
)
"""One person, whose sex is asked for where nothing else is named: "Patient weiblich?"."""
_WHEN = re.compile(
    r"\b(?:what|which) (?:date|day|year)\b|\bwhen (?:was|were) (?:it|this|the \w+|that) (?:recorded|taken|made|done)\b"
    r"|\bwann wurde\b",
    re.I,
)
_DEVICE = re.compile(
    r"\b(?:what|which) (?:machine|device|cart|recorder|(?:ecg|ekg) machine)\b|\bwelche\w* (?:ger(?:ä|ae)t|maschine)\b",
    re.I,
)
_CONTEXT = "context"
"""The scope of what is known of a patient besides the ECG."""
_TAKES = re.compile(
    r"\b(?:on|taking|takes|receiving|unter|nimmt)\s+(?:\w+\s+)?[\w-]+(?=\W*$|\s*[,;:.–]|\s+(?:and|is|are|does|any|what"
    r"|ist|wie)\b)",
    re.I,
)
_WHOLE = re.compile(
    r"\b(?:report|summar\w*|describe|interpret\w*|diagnos\w*|findings?|overview|conclusion|impression|befund\w*|auff(?:ä"
    r"|ae)llig\w*"
    r"|symptoms?|f(?:ä|ae)llt auf|zeigt|stimmt nicht|fehlt mir|shows?|see|seen|says?|sagt)\b"
    r"|\b(?:main|most important|biggest|key|major|worst)\b[^?]*\b(?:abnormalit\w*|problems?|issues?|findings?)\b"
    r"|\b(?:what|anything|something|everything|any|was|etwas|alles)\b.*\b(?:wrong|abnormal\w*|normal\w*|okay|ok|unusual|problems?"
    r"|pathol\w*|means?|mean|bedeutet)\b",
    re.I,
)
"""The report is asked for: by name, or by what is wrong, if anything; "ok" alone asks for nothing."""


@dataclass(frozen=True)
class Scope:
    """A kind of question beyond an ECG.

    Attributes:
        name: "treatment", "prognosis", ...
        lead_in: Why it is not answered, for people.
        facts: Measurements that bear on it, with the findings; none where nothing does.
        wording: How it is asked.
    """

    name: str
    lead_in: str
    facts: tuple[str, ...]
    wording: re.Pattern[str]


def beyond(question: Question, judgement: Judgement) -> Draft | None:
    """The reply to a question that is not about what an ECG shows; None where it is."""
    recording = judgement.evidence.recording
    if _AGE.search(question.text):
        age = None if recording.age is None else f"The patient was {recording.age:.0f} years old, as the record has it."
        return _from_record(age, "the record gives no age", judgement)
    match = _SEX.search(question.text)
    if match is not None:
        said = None if match["said"] is None else "F" if match["said"].lower() in _FEMALE else "M"
        return _from_record(_sex_in_words(recording, said), "the record gives no sex", judgement)
    if _ONE_SEX.search(question.text) and (VERIFY.search(question.text) or question.text.rstrip().endswith("?")):
        read = read_query(question.text)
        if read.sex is not None and read == Understood(read.text, sex=read.sex):
            return _from_record(_sex_in_words(recording, read.sex), "the record gives no sex", judgement)
    if _WHEN.search(question.text):
        when = (
            None if recording.time is None else f"It was recorded on {recording.time:%Y-%m-%d}, as the record has it."
        )
        return _from_record(when, "the record does not say when it was recorded", judgement)
    if _DEVICE.search(question.text):
        cart = None if recording.device is None else f"It was recorded on {recording.device}, as the record has it."
        return _from_record(cart, "the record does not name the recorder", judgement)
    if question.ages and question.kind == "verify" and not question.concepts and not question.measures:
        holds = recording.age is not None and all(bound.holds(round(recording.age)) for bound in question.ages)
        told = (
            None
            if recording.age is None
            else f"{'Yes' if holds else 'No'}: {recording.age:.0f} years, as the record has it."
        )
        return _from_record(told, "the record gives no age", judgement)
    scope = scope_of(question) or _unseen(question, judgement)
    return None if scope is None else _declined(scope, judgement)


def _unseen(question: Question, judgement: Judgement) -> Scope | None:
    """What this kind of signal cannot show, where nothing else is asked for: no "no" is made of it."""
    kind = judgement.evidence.kind
    sections = set(question.sections)
    asked = kind.may_say_any(question.concepts) and not (sections and sections <= kind.withheld)
    told = not question.measures or not set(question.measures) <= kind.unmeasured
    if asked and told:
        return None
    return Scope(
        "unseen", f"What is asked cannot be told from this signal ({kind.title})", ("heart_rate_bpm",), re.compile("")
    )


def scope_of(question: Question) -> Scope | None:
    """The kind of question that no ECG answers; None where one may.

    Beside a finding or a number that is asked for, symptoms, other diseases and what the patient takes are told and not asked.
    """
    asks = bool(question.concepts or question.measures or question.sections or question.asks_regularity)
    text = _TAKES.sub(" ", question.text) if asks else question.text
    scopes = [scope for scope in _scopes() if not (asks and scope.name == _CONTEXT)]
    found = next((scope for scope in scopes if scope.wording.search(text)), None)
    if found is None and question.asks_meaning:
        return next(scope for scope in _scopes() if scope.name == "textbook")
    return found


def asks_the_whole(question: Question) -> bool:
    """Whether the report as a whole is asked for."""
    return _WHOLE.search(question.text) is not None


def _sex_in_words(recording: Recording, asked: str | None) -> str | None:
    """The patient's sex, with yes or no where one is asked for; None where the record gives none."""
    if recording.sex is None:
        return None
    who = "The" if asked is None else "Yes: the" if asked == recording.sex else "No: the"
    return f"{who} patient is {'female' if recording.sex == 'F' else 'male'}, as the record has it."


def _from_record(text: str | None, otherwise: str, judgement: Judgement) -> Draft:
    evidence = judgement.evidence
    said = () if text is None else (Statement(text, measurements=("record",), support=1.0),)
    return Draft(said, text is None, None if text else otherwise, evidence.measurements, evidence.shown)


def _declined(scope: Scope, judgement: Judgement) -> Draft:
    """One sentence: the facts that bear on it, and that it is not for an ECG to say."""
    evidence = judgement.evidence
    m, sex = evidence.measurements, evidence.recording.sex
    facts: list[str] = []
    named: list[str] = []
    for name in scope.facts:
        value = getattr(m, name)
        if value is None or (facts and not MEASURES[name].is_outside(float(value), sex)):
            continue
        measure, high = MEASURES[name], MEASURES[name].high_for(sex)
        place = (
            ""
            if not measure.is_outside(float(value), sex)
            else ", above"
            if high is not None and value > high
            else ", below"
        )
        facts.append(f"{measure.label} {measure.format(float(value))}{f'{place} the normal range' if place else ''}")
        named.append(name)
    cited: dict[int, Citation] = {}
    # Orders that are no question have no facts that bear on them.
    told = sorted(judgement.said, key=lambda s: -s.probability)[:FINDINGS_TOLD] if scope.facts else []
    for standing in told:
        facts.append(in_words(standing.finding))
        about = statement_about(standing, evidence)
        cited |= {c.case_id: c for c in about.citations}
        named += [name for name in about.measurements if name not in named]
    text = f"{scope.lead_in}; this ECG shows: {'; '.join(facts)}."
    support = round(min((standing.support for standing in told), default=1.0), 4)
    whole = Statement(text, citations=tuple(cited.values()), measurements=tuple(named), support=support)
    said = (whole,) if facts else ()
    report = compose(judgement)
    reason = f"{scope.lead_in[0].lower()}{scope.lead_in[1:]}"
    return Draft(said, True, reason, m, evidence.shown, consider=report.consider)


@cache
def _scopes() -> tuple[Scope, ...]:
    text = resources.files("precordia.generation.answers").joinpath("scopes.tsv").read_text(encoding="utf-8")
    return tuple(
        Scope(row["scope"], row["lead_in"], tuple(row["facts"].split()), re.compile(rf"\b(?:{row['wording']})\b", re.I))
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )
