"""What a question asks: whether, which of several, or what; of findings, measurements, leads or a part of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal

from precordia.concepts import label_report
from precordia.generation.sanitize import clean
from precordia.judgement.reconcile import sayable, section_of
from precordia.judgement.votes import lineage
from precordia.retrieval.grammar import (
    Bound,
    Groups,
    Understood,
    in_order,
    leads_in,
    named_in,
    read_query,
    size_in,
    spelled_out,
)

QuestionKind = Literal["verify", "choose", "query"]

_SECTIONS: Final = (
    (("rhythm", "pacing"), r"\brhythm(?:s|us)?\b|\bsinus\b.*\bwhat\b"),
    (("ectopy",), r"\bectop|\bextra\s*(systoles?|beats?)\b|\bpremature\b"),
    (("conduction",), r"\bconduction\b|\bblock(?:s|ed|iert)?\b|\bleitung"),
    (("axis",), r"\bax[ie]s\b|\blagetyp\b"),
    (("hypertrophy",), r"\bhypertroph|\benlargement|\bchambers?\b"),
    (("infarction",), r"\binfarct|\bheart attack\b|\bscars?\b|\b(?:which|what) (?:territory|wall)\b|\bwelche wand\b"),
    (("ischaemia", "st_t"), r"\bst[\s/-]*t\b|\bst[\s-]*(segment|change)|\bt[\s-]*waves?\b|\brepolari|\bisch"),
    (("qt",), r"\bqt\b"),
    (("qrs", "p_wave", "st_t", "qt"), r"\bform\b|\bmorpholog"),
    (
        ("technical",),
        r"\bnois|\bartefacts?\b|\bartifacts?\b|\bdistort|\bquality\b|\binterference\b|\bdrift\b|\breadable\b|\busable\b"
        r"|\bhow good is (?:the|this)\b|\blesbar\b|\b(?:aus|ver)wertbar\b|\btrust(?:worthy)? (?:the|this)\b|\binterpretable\b",
    ),
)
VERIFY: Final = re.compile(
    r"^\W*(?:(?:please|so|and|well)\W+)*(?:is|are|does|do|did|has|have|had|can|could|was(?!\s+(?:f(?:ü|ue)r|stimmt|ist"
    r"|sind|sieht|siehst|sehen|zeigt|hat|bedeutet|fehlt|soll|macht|kann)\b)|were|will|would|should|any|ist|sind|hat|haben"
    r"|hatte[n]?|gibt|zeigt|zeigen|besteht|bestehen|liegt|liegen|fehlt|fehlen|finde(?:t|n)|kann|k(?:ö|oe)nnte"
    r"|sieht|flimmert|schl(?:ä|ae)gt|habe|bin|wird|wurde)\b",
    re.IGNORECASE,
)
_CHOOSE: Final = re.compile(
    r"\b(which|whether|either|what)\b.*\bor\b|^\W*(is|are|does|do)\b.*\b(either .*|which )?\bor\b", re.I | re.S
)
ASIDE: Final = re.compile(r"\([^)]*\)")
"""What stands in brackets explains, and offers no choice."""
_SEPARATOR: Final = re.compile(r"\bor\b|\boder\b|\bversus\b|\bvs\b\.?|,")
_OR: Final = re.compile(r"\bor\b|\boder\b|\bversus\b|\bvs\b")
_FEW: Final = 3
"""Words of a part that leaves out what another says: "left", "the inferior"."""
_ASKS_WHAT: Final = re.compile(
    r"\b(?:what|which|where|when|how|who|why|describe|name|list|tell|give|show|welche\w*|was|wie|wo|wer|warum|nenne"
    r"|zeig\w*|beschreib\w*)\b",
    re.I,
)
_LEAD_ASKED: Final = re.compile(
    r"\b(?:which|what|name the|list the|in which|welche\w*)\s+(?:\w+\s+){0,2}(?:leads?|ableitung\w*)\b"
    r"|^\W*(?:where|wo)\b.*(?:\bst\b|\bst-|\bt-|\bt wave|\bq-|\bq wave|negativierung|inver|hebung|senkung)"
    r"|(?:\bst\b|\bst-|\bt-|\bt wave|\bq-|\bq wave|negativierung|inver|hebung|senkung)[^?]*\b(?:where|wo)\W*$",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(
    r"(?:\?|;|,)?\s+(?:and|und|also|plus)\s+(?=(?:also|is|are|does|do|did|has|have|any|what|how|which|where|ist|sind|hat"
    r"|gibt|wie|was|wo"
    r"|welche\w*)\b)|\?\s+(?=\w)",
    re.I,
)
"""Between two questions in one line."""
_WHAT_IS: Final = re.compile(
    r"^\W*(?:what(?:'s| is| are)|whats|was (?:ist|sind|bedeutet))\s+(?P<what>(?!(?:the|this|der|die|das)\b)[^?]+)\??\W*$",
    re.I,
)
"""A word's meaning is asked for: "what is a left bundle branch block?", where "what is the rhythm?" is about this ECG."""
_OPENER: Final = re.compile(r"^\W*(?:can|will|may)\b", re.I)
"""Words that open a question and are given names too: small, they are no name."""
_SUMMARY: Final = re.compile(r"\b(?:summari[sz]e|fasse)\b", re.I)
"""An order to a model elsewhere; here a wish that is understood."""
_RATE: Final = re.compile(r"\bhr\b(?=\W*(?:[a-z<>=≥≤?\d]|$))|\bHR\b(?=\W*(?:[a-z<>=≥≤?\d]|$))")
"""The heart rate, where no name follows as it does the German title."""
_BRACKETED: Final = re.compile(r"<(\s*\d[^<>]*)>(?=\s*\d)")
"""Two limits that look like a tag, which is cleaned away: "HR < 60 and QTc > 450"."""
_RANGE_ASKED: Final = re.compile(
    r"\b(?:range|ok(?:ay)?|fine|normal\w*|abnormal|prolonged|long|short|shortened|increased|decreased|elevated|high|low"
    r"|above|below|wide|narrow|irregular"
    r"|verl(?:ä|ae)ngert|verk(?:ü|ue)rzt|verbreitert|erh(?:ö|oe)ht|erniedrigt|lang|kurz|hoch|niedrig|breit|schmal|widened"
    r"|too|zu)\b",
    re.I,
)
_FOR_THE_RATE: Final = re.compile(
    r"\b(?:for|given|f(?:ü|ue)r) (?:the|this|that|his|her|my|die) (?:heart ?)?(?:rate|frequenz)\b", re.I
)
"""What an interval is held against, and not asked for."""
_INTERVALS: Final = re.compile(r"\b(?:intervals|intervalle|zeiten)\b", re.I)
_CHANGE: Final = re.compile(
    r"\b(?:better|worse|worsened|improved?|deteriorated|besser|schlechter|verschlechtert|verbessert|ver(?:ä|ae)ndert)\b"
    r"|\bim vergleich\b|\bthan (?:before|last|previous|the (?:last|previous))\b|\bas (?:before|last time)\b"
    r"|\b(?:since|from|to|with) (?:(?:the|his|her|my|their) )?(?:last|previous|prior|earlier|first|old)"
    r" (?:ecgs?|ekgs?|tracing|time|one|recording|visit)\b"
    r"|\bvor-?(?:ekg|befund)\w*|\b(?:gesunken|gestiegen|zugenommen|abgenommen)\W*$"
    r"|\banything new\b|\bdynamic\b|\b(?:compare|vergleiche)\b"
    r"|\b(?:has|have) (?:it|this|that|anything|things) changed\b|\bwhat(?:'s| is| has) (?:new|changed)\b|\bwas ist neu\b"
    r"|\bsince (?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|\b(?:is|are) (?:it|this|the \w+|that) (?:unchanged|new)\b|\b(?:ist|sind) (?:das|dies|es) neu\b"
    r"|\b(?:has|have|did|hat|haben|ist)\b[^.?]*\b(?:got(?:ten)?|become|gone|come|went|geworden|sich|dropped|risen"
    r"|increased|decreased"
    r"|lengthened|shortened|widened|narrowed|slowed|changed)\b[^.?]*(?:\w+er\b|\b(?:up|down|ver(?:ä|ae)ndert|ge(?:ä"
    r"|ae)ndert)|(?<=ed)|(?<=risen))\W*$"
    r"|\b(?:faster|slower|longer|shorter|wider|narrower|higher|lower|schneller|langsamer|l(?:ä|ae)nger|breiter) (?:now"
    r"|geworden|jetzt)\b",
    re.I,
)
_MOVED: Final = re.compile(
    r"\b(?!over|under|after|never)\w{3,}er (?:now|than|als|compared|on the|geworden|jetzt)\b"
    r"|\b(?:gesunken|gestiegen|zugenommen|abgenommen|increased|decreased|dropped|risen|lengthened|shortened|widened"
    r"|narrowed)\W*$",
    re.I,
)
"""Who asks so whether a number moved leaves out the verb: "HR lower than last time?"."""
_FRESH: Final = ("acute", "recent", "subacute")
_CAME_OR_WENT: Final = ("new", "resolved")
"""Changes that one ECG alone cannot show; "still" asks what it shows."""
_REGULARITY: Final = re.compile(
    r"\b(?:r-?r|beats?|heart ?beats?|rhythm|rate|pulse?|(?:herz)?schl(?:ä|ae)ge|abst(?:ä|ae)nde)\b[^.?]*\b(?:constant"
    r"|steady|equal\w*|erratic|chaotic|var(?:y|ies|iable|ying)|gleich(?:m(?:ä|ae)(?:ß|ss)ig)?|konstant)\b"
    r"|\b(?:ir)?regular(?:ity|ly)?\b|\b(?:un)?even(?:ly)?\b|\b(?:un)?regelm(?:ä|ae)(?:ß|ss)ig\b",
    re.I,
)
_OPPOSITES: Final = re.compile(
    r"\b(?:broad|wide|breit)\b.*\b(?:or|oder)\b.*\b(?:narrow|schmal)\w*|\b(?:narrow|schmal)\w*.*\b(?:or"
    r"|oder)\b.*\b(?:broad|wide|breit)\b"
    r"|\b(?:long|prolonged|fast|high|lang|schnell|hoch|normal)\b.*\b(?:or|oder)\b.*\b(?:short|slow|low|normal|prolonged"
    r"|kurz|langsam|niedrig|verl(?:ä|ae)ngert)\b",
    re.I,
)
"""Both sides of a range are named: it is asked where the number lies."""
_CONTRARY: Final = tuple(
    (re.compile(pattern, re.I), words)
    for pattern, words in (
        (r"(?<=\s)(?:be )?(?:rule[ds]? out|exclude[sd]?|ausschlie(?:ß|ss)en|ausgeschlossen)\b", " "),
        (r"\b(?:absent|missing)\W*$|^\W*(?:fehlt|fehlen)\b", " "),
        (
            r"\bpace ?maker (?:is )?(?:working|functioning|captur(?:es?|ing)|sens(?:es?|ing)|firing"
            r"|ok(?:ay)?)\b(?: (?:properly|correctly|well|fine))?"
            r"|\bfunktioniert der (?:herz)?schrittmacher\b",
            "pacemaker malfunction",
        ),
        (
            r"\br[- ](?:wave )?progression (?:is )?(?:normal|ok(?:ay)?|good|adequate|preserved|fine)\b",
            "poor R-wave progression",
        ),
        (
            r"\b(?:abnormal|pathological|pathologisches|auff(?:ä|ae)lliges)\s+(?:ecg|ekg|tracing)\b(?!\s*find)"
            r"|\b(?:ecg|ekg|tracing|it|this|das|es)\s+(?:looks?\s+)?(?:abnormal|pathological|pathologisch|auff(?:ä"
            r"|ae)llig)(?=\W*$)"
            r"|^\W*(?:abnormal|pathological|pathologisch|auff(?:ä|ae)llig)\W*$",
            "normal ECG",
        ),
        (
            r"\b(?:leads?|electrodes?|cables?|elektroden)(?: placement| position\w*| placed| attached| connected| on)* "
            r"(?:(?:placed|attached|connected|on) )?(?:correct\w*|properly|right(?:ly)?|ok(?:ay)?|in the right places?"
            r"|richtig)\b",
            "electrode reversal",
        ),
    )
)
"""Words of who asks whether a finding is not there, and what stands for them: yes is then said of its absence."""
_DENIED: Final = re.compile(
    r"^\W*(?:(?:so|and|ok(?:ay)?|is|are|there(?:['’]s)?|this|it|that|gibt|ist|sind|es|das|hier|besteht|also)\W+)*(?:no"
    r"|kein\w*|without|ohne)\b",
    re.I,
)
"""Who asks so is told yes where it is not there: "No AF, right?"."""
_NOW: Final = re.compile(
    r"\b(?:(?:am|is|are) (?:i|he|she|they|the patient|it|this patient) (?:currently |now )?having|right now|at the moment"
    r"|currently|gerade|im moment)\b",
    re.I,
)
_ACUITY: Final = re.compile(
    r"\b(?:acute|recent|fresh|akut\w*|frisch\w*|new)\b.*\b(?:old|chronic|alt\w*)\b"
    r"|\b(?:old|chronic|alt\w*)\b.*\b(?:acute|recent|fresh|new|akut\w*|frisch\w*|neu\w*)\b"
    r"|\b(?:recent|acute|fresh)\b.*\bremote\b|\b(?:age|alter) (?:of|des|vom) (?:(?:the|this|dieses) )?(?:\w*infar\w+"
    r"|mi\b|heart attack)"
    r"|\bhow old is (?:the|this) (?:infarct\w*|mi|heart attack)\b"
    r"|\bwhen (?:did|was) (?:the|this|his|her|my) (?:infarct\w*|mi|heart attack)\b"
    r"|\b(?:acute|recent|fresh|akut\w*|frisch\w*)\b.*\b(?:scars?|narbe)\b",
    re.I,
)


@dataclass(frozen=True)
class Question:
    """A question in free words, read.

    Attributes:
        text: The question, cleaned.
        kind: "verify" (yes or no), "choose" (which of the options), "query" (what).
        concepts: Findings asked about, in the order named.
        measures: Measurements asked about.
        leads: Leads named.
        sections: Sections of the vocabulary asked about.
        asks_leads: Leads are asked for.
        asks_range: The question is whether, or where, a measurement lies in its reference range.
        bounds: Limits named for measurements.
        ages: Limits named for the patient's age.
        findings: Of the concepts those that can be said of an ECG: in reading order where they are to be listed, in the
            order named where each is asked after.
        clauses: The questions that it holds, where these can be answered each by itself.
        asks_meaning: A finding's meaning is asked for, and nothing of this ECG.
        asks_regularity: Whether the rhythm is regular.
        asks_acuity: Whether an infarction is acute or old.
        asks_change: What has changed since an earlier ECG.
        outside: Groups of limits named for measurements of which one holds.
        asks_acute: Whether an infarction is acute.
        asks_absence: Whether the findings are not there: "Can we rule out ...?", "Is the pacemaker working?", "No AF, right?".
        size_mv: The height or depth that a wave is to have at least, mV; None where none is named.
    """

    text: str
    kind: QuestionKind
    concepts: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    asks_leads: bool = False
    asks_range: bool = False
    bounds: tuple[Bound, ...] = ()
    ages: tuple[Bound, ...] = field(default=(), kw_only=True)
    findings: tuple[str, ...] = field(default=(), kw_only=True)
    clauses: tuple[Question, ...] = field(default=(), kw_only=True)
    asks_meaning: bool = field(default=False, kw_only=True)
    asks_regularity: bool = False
    asks_acuity: bool = False
    asks_change: bool = False
    outside: Groups = ()
    asks_acute: bool = False
    asks_absence: bool = False
    size_mv: float | None = None


@lru_cache(maxsize=4096)
def read_question(text: str) -> Question:
    """The question, read once: all that is ever asked of its words.

    >>> q = read_question("Is there a left bundle branch block?")
    >>> q.kind, q.concepts
    ('verify', ('LBBB',))
    >>> read_question("What is the QRS duration?").measures
    ('qrs_ms',)
    >>> [clause.text for clause in read_question("Does he have AF, and what is the rate?").clauses]
    ['Does he have AF?', 'what is the rate?']
    >>> read_question("What is a left bundle branch block?").asks_meaning
    True
    """
    asked, clauses = _read(text), clauses_in(text)
    meant = _WHAT_IS.match(asked.text) if asked.kind == "query" and not asked.measures else None
    asks_meaning = meant is not None and bool(concepts_in(meant["what"]))
    findings = [concept for concept in asked.concepts if sayable(concept)]
    if asked.kind != "verify":
        findings.sort(key=lambda concept: (section_of(concept), concept))
    return replace(
        asked,
        ages=tuple(bound for bound in read_query(asked.text).bounds if bound.measure == "age"),
        findings=tuple(findings),
        clauses=tuple(read_question(clause) for clause in clauses) if len(clauses) > 1 else (),
        asks_meaning=asks_meaning,
    )


def _read(text: str) -> Question:
    """The question as a whole."""
    text = _BRACKETED.sub(lambda match: f"below{match[1]}over", text)
    unnamed = _RATE.sub("heart rate", _OPENER.sub(lambda match: match[0].lower(), _SUMMARY.sub("the summary of", text)))
    cleaned, contrary = _affirmed(spelled_out(clean(unnamed, max_chars=400).text))
    options = options_in(cleaned)
    named = [concept for option in options for concept in concepts_in(option)]
    read = read_query(cleaned)
    aside = kind_of(ASIDE.sub(" ", cleaned))
    sides = aside != "verify" or " or " in cleaned
    opposite = sides and not any(map(str.isdigit, cleaned)) and _OPPOSITES.search(cleaned) is not None
    bounds = () if opposite else tuple(bound for bound in read.bounds if bound.measure != "age")
    limited = [*bounds, *(group[0] for group in read.outside)]
    measures = [bound.measure for bound in limited if bound.measure != "age"] or [
        name for _, name in named_in(_FOR_THE_RATE.sub(" ", cleaned), asked=True)
    ]
    if not measures and _INTERVALS.search(cleaned):
        measures = ["pr_ms", "qrs_ms", "qtc_ms"]
    regular = bool(_REGULARITY.search(cleaned)) and not set(named) - {"IRREG", "REGRH"}
    of_number = bool(measures) and bool(_MOVED.search(cleaned) or _RANGE_ASKED.search(cleaned))
    without_verb = (
        aside == "query"
        and _ASKS_WHAT.search(cleaned) is None
        and (of_number or (regular and _OR.search(cleaned) is None))
    )
    return Question(
        cleaned,
        "query" if opposite and measures and not named else "verify" if without_verb else aside,
        tuple(dict.fromkeys(named)),
        tuple(dict.fromkeys(measures)),
        in_order(leads_in(cleaned)),
        tuple(dict.fromkeys(s for names, pattern in _SECTIONS if re.search(pattern, cleaned, re.I) for s in names)),
        bool(_LEAD_ASKED.search(cleaned)),
        bool(_RANGE_ASKED.search(cleaned)),
        bounds,
        regular,
        bool(_ACUITY.search(cleaned)) and (not named or any("MI" in lineage(concept) for concept in named)),
        bool(_CHANGE.search(cleaned)) or (bool(named) and read.change in _CAME_OR_WENT),
        read.outside,
        any(
            "MI" in lineage(wish.concept) and (wish.severity in _FRESH or _NOW.search(cleaned) is not None)
            for wish in read.wanted
        ),
        contrary or (aside == "verify" and not limited and _denies_all(cleaned, named, read)),
        size_in(cleaned),
    )


def _denies_all(text: str, named: Sequence[str], read: Understood) -> bool:
    """Whether all the findings are named as not there."""
    denied = {wish.concept for wish in read.excluded}
    return bool(named) and _DENIED.search(text) is not None and denied.issuperset(named)


def _affirmed(text: str) -> tuple[str, bool]:
    """A question for an absence as one for the finding, and whether it was one."""
    if VERIFY.search(text) or (_ASKS_WHAT.search(text) is None and text.rstrip().endswith("?")):
        for pattern, words in _CONTRARY:
            found, n = pattern.subn(words, text)
            if n:
                return " ".join(found.split()), True
    return text, False


def clauses_in(text: str) -> list[str]:
    """The questions that a line holds, each of which can be read by itself; the line as it is where one cannot.

    >>> clauses_in("Does he have AF, and what is the rate?")
    ['Does he have AF?', 'what is the rate?']
    >>> clauses_in("Is the infarct old and where is it?")
    ['Is the infarct old and where is it?']
    """
    parts = [part.strip(" ,;?") for part in _CLAUSE.split(text) if part.strip(" ,;?")]
    if len(parts) < 2:
        return [text]
    read = [_read(f"{part}?") for part in parts]
    known = [bool(q.concepts or q.measures or q.bounds or q.sections or q.asks_regularity) for q in read]
    return [f"{part}?" for part in parts] if all(known) else [text]


def options_in(text: str) -> list[str]:
    """The parts of a question that stand between "or" and commas: each may name a finding.

    Words that two parts share stand in one of them alone, and are given to the other.

    >>> options_in("Left or right bundle branch block?")
    ['Left bundle branch block', ' right bundle branch block?']
    """
    parts = [part for part in _SEPARATOR.split(text) if part.strip()]
    for i in range(len(parts) - 1):
        if _OR.search(text) and bool(concepts_in(parts[i])) is not bool(concepts_in(parts[i + 1])):
            parts[i : i + 2] = _shared(parts[i], parts[i + 1], last=f",{parts[i + 1]}" not in text)
    return parts


def _shared(first: str, second: str, *, last: bool) -> list[str]:
    """Two parts with the words of one that the other leaves out; as they are where none make it a finding.

    Args:
        first, second: The parts.
        last: Whether the second may be an option of its own; what follows a comma behind the options is a remark.
    """
    a, b = first.split(), second.rstrip(" ?.!").split()
    if not concepts_in(first) and len(a) <= _FEW + 3:
        stem = a[-1].rstrip("-") if a[-1].endswith("-") else None
        tails = (
            [b[0][k:] for k in range(2, len(b[0]) - 3)]
            if stem is not None
            else [" " + " ".join(b[k:]) for k in range(1, len(b))]
        )
        for tail in tails:
            made = " ".join([*a[:-1], stem + tail]) if stem is not None else " ".join(a) + tail
            if set(concepts_in(made)) - set(concepts_in(second)):
                return [made, second]
    if last and not concepts_in(second) and len(b) <= _FEW:
        for k in range(len(a) - 1, 0, -1):
            made = " ".join([*a[:k], *b])
            if set(concepts_in(made)) - set(concepts_in(first)):
                return [first, made]
    return [first, second]


@lru_cache(maxsize=64)  # as a question is read, most of its parts are looked at several times
def concepts_in(option: str) -> tuple[str, ...]:
    """The findings that a part of a question names, in its order."""
    return tuple(finding.concept for finding in label_report(option))


def kind_of(text: str) -> QuestionKind:
    """Whether a question is to be verified, is a choice, or asks what."""
    options = options_in(text)
    if len(options) > 1 and _OR.search(text):
        named = [option for option in options if concepts_in(option)]
        bare = len(named) > 1 and not VERIFY.search(text)
        if bare or _CHOOSE.search(text):
            return "choose"
    if VERIFY.search(text):
        return "verify"
    # "WPW?" asks whether it is there, and so does "inferior infarct".
    bare = _ASKS_WHAT.search(text) is None and bool(concepts_in(text))
    return "verify" if bare else "query"
