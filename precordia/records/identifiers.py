"""What in a report tells who the patient is, found by the form of what stands there: English and German.

Most identifiers announce themselves. A name follows a title ("Dr.", "Frau"), a label ("Patient:", "confirmed by", "gez.") or
a dash at the end; a number follows the word for it ("Fall-Nr."); dates, telephone numbers, e-mail addresses, streets and
hospitals have forms of their own. What of this kind stands in a report is listed here by form, never by the words of one
report. A name without anything before it is found when it begins with a usual given name, and else not.

Of the identifiers of the HIPAA safe harbor (45 CFR 164.514(b)(2)) those that occur in text are looked for: names, places
smaller than a state, dates, ages above 89, telephone and fax numbers, e-mail addresses, numbers of records, insurance, devices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

Kind = Literal["name", "date", "time", "age", "address", "id"]


@dataclass(frozen=True)
class Identifier:
    """A stretch of a text that identifies.

    Attributes:
        kind: What it is.
        start, end: Its place.
    """

    kind: Kind
    start: int
    end: int


def find_identifiers(text: str) -> tuple[Identifier, ...]:
    """The identifiers in a text, in order, without overlap; where two kinds meet, the one that begins first counts.

    >>> [text[i.start:i.end] for text in ["gez. Dr. H. Meier, 12 . 3 . 1987"] for i in find_identifiers(text)]
    ['Dr. H. Meier', '12 . 3 . 1987']
    """
    found = sorted((start, -end, kind) for kind, start, end in _all(text) if end > start)
    out: list[Identifier] = []
    for start, negative_end, kind in found:
        end = -negative_end
        if out and start < out[-1].end:
            out[-1] = Identifier(out[-1].kind, out[-1].start, max(out[-1].end, end))
        else:
            out.append(Identifier(kind, start, end))
    return tuple(out)


def mask_identifiers(text: str) -> str:
    """The text with identifiers as ``[name]``, ``[date]``, ``[time]``, ``[age]``, ``[address]`` or ``[id]``.

    >>> mask_identifiers("Patient: Doe, John, born 1/2/1950. Sinus rhythm.")
    'Patient: [name], born [date]. Sinus rhythm.'
    """
    for found in reversed(find_identifiers(text)):
        text = f"{text[: found.start]}[{found.kind}]{text[found.end :]}"
    return text


def _all(text: str) -> Iterator[tuple[Kind, int, int]]:
    for kind, pattern in _FORMS:
        for match in pattern.finditer(text):
            yield kind, match.start(), match.end()
    for match in _NUMBERED.finditer(text):
        if sum(c.isdigit() for c in match["value"]) >= _MIN_DIGITS:
            yield "id", match.start("value"), match.end("value")
    for match in _LIVING_AT.finditer(text):
        yield "address", match.start("value"), match.end("value")
    for pattern in (_STREET_DE, _STREET_EN, _TOWN, _PLACE):
        for match in pattern.finditer(text):
            if not _CLINICAL.search(match.group()):
                yield "address", match.start(), _end_of_place(text, match.end())
    yield from _names(text)


# --- dates, times, numbers, addresses: by form -------------------------------------------------------------------------

_MONTHS: Final = (
    r"(?:jan(?:uary|uar|\b)|feb(?:ruary|ruar|\b)|mar(?:ch|\b)|märz|maerz|mrz|apr(?:il|\b)|ma[yi]\b|jun[ei]?\b|jul[yi]?\b|"
    r"aug(?:ust|\b)|sep(?:t|tember|\b)|o[ck]t(?:ober|\b)|nov(?:ember|\b)|de[cz](?:ember|\b))\.?"
)
_YEAR: Final = r"(?:19|20)\d{2}"
_YEAR_OR_SHORT: Final = rf"(?:{_YEAR}|'?\d{{2}})(?!\d)"
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_FORMS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))  # type: ignore[misc]
    for kind, pattern in (
        ("id", r"\b[\w.+-]{1,64}\s?@\s?[\w-]+(?:\.[\w-]+)+"),
        ("id", r"\b(?:https?://|www\.)\S+"),
        ("date", rf"(?<![\w.,/]){_DAY}\s?([./:-])\s?{_DAY}\s?\1\s?{_YEAR_OR_SHORT}"),
        ("date", rf"(?<![\w.,/]){_YEAR}\s?([./-])\s?{_DAY}\s?\1\s?{_DAY}(?!\d)"),
        ("date", rf"(?<![\w.,/]){_DAY}(?:st|nd|rd|th)?[\s.-]{{0,3}}(?:of\s+)?{_MONTHS}[\s,-]{{0,3}}{_YEAR_OR_SHORT}"),
        ("date", rf"\b{_MONTHS}\s*{_DAY}(?:st|nd|rd|th)?,?\s*{_YEAR}"),
        ("date", rf"(?:\b(?:in|im|since|seit|vom|until|bis)\s+)?\b{_MONTHS}[\s,-]{{1,3}}{_YEAR}"),
        ("date", rf"(?<=\bam )\s*{_DAY}\.\s?{_DAY}\.|(?<=\bvom )\s*{_DAY}\.\s?{_DAY}\."),
        ("date", rf"(?:(?<=geb\. )|(?<=geboren )|(?<=born )|(?<=born in )|(?<=Jahrgang )|(?<=DOB )|(?<=\*)){_YEAR}"),
        ("time", r"(?<![\w.,:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\s*(?:uhr|[ap]\.?m\b\.?))?(?![\d:])"),
        ("time", r"(?<![\w.,:])(?:[01]?\d|2[0-3])\.[0-5]\d(?=\s*uhr)|\b(?:1[0-2]|[1-9])\s?[ap]\.?m\b\.?"),
        ("age", r"(?<![\w.,])(?:9\d|1[01]\d)(?=[\s-]*(?:jähr|jaehr|jahre|j\.|years?\b|yrs?\b|y/?o\b))"),
        ("age", r"(?:(?<=aged )|(?<=age )|(?<=age: )|(?<=Alter )|(?<=Alter: ))(?:9\d|1[01]\d)(?!\d)"),
        # Telephone numbers begin with +, 0 or a bracket, or have North America's form.
        ("id", r"(?<![\w.,+])(?:\+|00)\d(?:[\s()/.-]{0,3}\d){6,14}(?!\d)"),
        ("id", r"(?<![\w.,+])\(?0\d{1,5}\)?(?:[\s()/-]{0,3}\d){4,12}(?!\d)"),
        ("id", r"(?<![\w.,])\(?\d{3,5}\)?[\s.-]{0,2}\d{3}[\s.-]\d{4}(?!\d)|(?<!\w)\(\d{3,5}\)\s?\d{5,8}(?!\d)"),
        ("id", r"(?<!\w)\d{3}-\d{2}-\d{4}(?:-?[A-Z]\d?)?(?!\w)"),
        ("id", r"(?<![\d.,])\d{6,}(?!\d)"),
        ("id", r"(?<![\w-])[A-Z]{1,4}-?\d{4,}[A-Z]{0,2}(?!\w)|(?<![\w-])[A-Z]{1,3}-?\d{3}[-\s]\d{3}(?:[-\s]\d{3})?(?!\w)"),
        # British postal codes.
        ("address", r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b"),
    )
)  # fmt: skip
_MIN_DIGITS: Final = 3
_NUMBERED: Final = re.compile(
    r"(?:\b[\w./-]{0,30}(?:nummer|number|nr|mrn|ssn|serial|seriennr)\b|\b(?:s/n|id|nhs|kv|akz|pid|ext|extension|durchwahl|dw|tel|telefon|"
    r"telephone|phone|mobil|mobile|handy|fax|pager|piepser|pin|insurance|accession|auftrag)\b|"
    r"\b(?:hospital|case|record|patient|device|order|account|accession|file|chart|serial|room|ward|bed|policy)\s+no\b)"
    r"(?:\s*(?:no|nr|number|nummer|id)\b)?[\s.:#=-]{0,4}"
    r"(?P<value>[A-Za-z]{0,4}[ .-]?\d(?:[ ./-]?[A-Za-z]?\d){0,15}(?:-?[A-Za-z])?(?!\w))",
    re.IGNORECASE,
)
_LIVING_AT: Final = re.compile(
    r"\b(?:(?:home\s|postal\s)?address|anschrift|adresse|wohnort|wohnhaft(?:\s+in)?|lives\s+(?:at|in)|resid(?:es|ing)\s+(?:at|in))"
    r"\s*:?\s*(?P<value>(?:[^.;\n]|\.(?=\s*\d)|(?<=\bSt)\.)+)",
    re.IGNORECASE,
)
_STREET_DE: Final = re.compile(
    r"(?<![\w-])[A-ZÄÖÜ][\w.-]{0,40}(?i:straße|strasse|str\.|weg|allee|platz|gasse|ring|damm|ufer|steig|graben|chaussee)"
    r"\s*\d{1,4}\s?[a-z]?(?![\w.,]*\d)"
    r"|(?<!\w)(?:Am|An der|An den|Auf dem|Auf der|Im|Zum|Zur|Unter den|AM|AN DER|IM|ZUM|ZUR)"
    r"(?:\s[A-ZÄÖÜ][\w-]{3,40}){1,2}\s\d{1,3}[a-z]?(?=\s*(?:[,.;\n]|$))"
)
_STREET_EN: Final = re.compile(
    r"(?:(?:Flat|Apt\.?|Apartment|Unit|FLAT|APT\.?)\s\d{1,4}[a-z]?,?\s)?(?<![\w.,])\d{1,5}[a-z]?\s(?:[A-Z][\w'’]{1,40}\s){1,3}"
    r"(?:Street|St\b|Road|Rd\b|Avenue|Ave\b|Lane|Ln\b|Drive|Court|Close|Way|Place|Square|Boulevard|Blvd\b|Crescent|Terrace|Hill|"
    r"STREET|ROAD|AVENUE|LANE|DRIVE|COURT|CLOSE|PLACE|SQUARE)\.?"
)
_TOWN: Final = re.compile(
    r"(?:(?<=,\s)|(?<=^)|(?<=\n))\d{4,5}\s(?:Bad\s)?[A-ZÄÖÜ][\w-]{3,40}|\b(?:D-\d{5}|(?:A|CH)-\d{4})\s[A-ZÄÖÜ][\w-]{2,40}"
    r"|(?:(?:The\s)?[A-Z]\w+(?:\s[A-Z]\w+)?,\s)?[A-Z]\w+\s(?:Lane|Road|Street|Avenue),\s[A-Z]\w+"
)
_PLACE: Final = re.compile(
    r"(?:Royal\sInfirmary|Hospital\sof|University\sof|ROYAL\sINFIRMARY)(?:\s[A-Z][\w'’-]{1,40})+"
    r"|(?:(?:St\.|ST\.|[A-ZÄÖÜ][\w'’-]{0,40})\s){1,4}(?:Hospital|Infirmary|Clinic|Surgery|(?:Medical|Health|Heart)\sCent(?:er|re)|Institute|"
    r"HOSPITAL|INFIRMARY|CLINIC|INSTITUTE|(?:MEDICAL|HEALTH|HEART)\sCENT(?:ER|RE))(?:\sof(?:\s[A-Z][\w'’-]{1,40})+)?"
    r"|(?:[Uu]niversitätsklinik(?:um)?|Uniklinik(?:um)?|Klinikum|Krankenhaus|Spital|Praxis|Kreisklinik|Herzzentrum|UNIVERSITÄTSKLINIKUM|KLINIKUM|"
    r"KRANKENHAUS|PRAXIS)\s(?:(?:am|an der|im|der|des|für|St\.|AM)\s)?[A-ZÄÖÜ][\w.-]+"
    r"|(?:St\.\s|ST\.\s)?(?<!\w)[A-ZÄÖÜ][\w.-]{0,40}(?:-Krankenhaus|krankenhaus|-Klinikum|klinikum|-Hospital|-Klinik|-Stift|-KRANKENHAUS|-KLINIKUM|-KLINIK)"
)
_ONWARD: Final = re.compile(
    r",?\s+(?:\d{4,5}\s+)?(?:[DA]-\d{4,5}\s+)?(?:Bad\s)?[A-ZÄÖÜ][\w'’-]{1,40}(?:\s[A-ZÄÖÜ][\w'’-]{1,40}(?=[,.\n]))?(?:\s\d{5}(?:-\d{4})?)?"
)
"""A town after a street: ", 12345 Neustadt", ", Dayton", ", OH 45402"."""


def _end_of_place(text: str, end: int) -> int:
    """Where an address ends that goes on after ``end`` with towns, at most two, after commas."""
    for _ in range(2):
        match = _ONWARD.match(text, end)
        if match is None or not match.group().startswith(",") or _CLINICAL.search(match.group()):
            break
        end = match.end()
    return end


# --- names: by what stands before or after them -----------------------------------------------------------------------

_CLINICAL: Final = re.compile(
    r"infar[kc]t|isch[aä]|\Bblock|^block(?:ed|ierung|bild)|rhythm|systol|tachy|brady|fibrill|flimmer|flatter|flutter|troph|senkung|"
    r"hebung|elevation|depression|\bek?c?g\b|\bekg|schenkel|kammer|vorhof|vorder|hinterwand|seitenwand|septal|lateral|inferior|anterior|"
    r"posterior|ventric|ventrik|atri|sinus|a[ck]hse|\baxis|\bwave|welle|za[ck]ke|segment|interval|polari|myo[ck]ard|peri[ck]ard|normal|"
    r"pathol|befund|schrittmacher|pa[ck]e|stimul|typ$|leads?$|ableit|^st$|^qrs|^qt|^pr$|^pq$|delta|digital|early|acute|akut|changes?$|"
    r"veränder|repol|progression|embol|pattern|-muster$|possible|mögl|consider|grade?s?$|vergleich|monitor|voltage|kein|tracing|"
    r"compar|prolong|complex|komplex|rate$|frequenz|block(?=\s[IV])",
    re.IGNORECASE,
)
"""Parts of words that are no names. "Block" and "Stark" may be names; "Linksschenkelblock" is none."""

_TITLE: Final = (
    r"(?:(?:ober|chef|assistenz|haus|fach)ärzt(?:in)?|(?:ober|chef|assistenz|haus|fach)arzt|doctor|doktor|professor|prof|drs?|dres|"
    r"med(?=\.)|st(?=\.)|univ(?=\.)|priv(?=\.)|doz(?=\.)|dipl(?=\.)|ing(?=\.)|pd|oa|oä|herrn?|frau|mister|miss|mrs|mr|ms|hr|fr|sir|schwester|pfleger|pflegerin|sister|nurse|mta|mtra)"
)
_HEAD: Final = re.compile(rf"(?<![\w-])(?!st\.){_TITLE}(?:\.-?|(?=[\s:-]))", re.IGNORECASE)
_PERSON: Final = (
    r"tochter|sohn|ehefrau|ehemann|mutter|vater|bruder|daughter|son|wife|husband|mother|father|brother|"
    r"angehörige[r]?|betreuer(?:in)?|next\sof\skin|carer|guardian"
)
_BY: Final = (
    r"(?:(?:re-?)?confirmed|signed|reviewed|read|overread|over-read|reported|ordered|requested|referred|interpreted|edited|verified|"
    r"dictated|typed|transcribed|performed|recorded|acquired|validated|authori[sz]ed)\s+(?:by|with)|discussed\swith|"
    r"(?:befundet|erstellt|diktiert|validiert|freigegeben|gelesen|bestätigt|geschrieben|unterschrieben|überwiesen|zugewiesen|visiert|"
    r"veranlasst|angefordert|aufgezeichnet|abgeleitet)\s+(?:von|durch)|rücksprache\smit|gez|gezeichnet|i\.\s?a|i\.\s?v|"
    r"(?:mit\s)?(?:freundlichen|kollegialen|besten)\s(?:grüßen|grüssen|gruß)|(?:kind|best)\sregards|yours\s(?:sincerely|faithfully)|"
    r"attn|z\.\s?hd|c/o"
)
_BY_LABEL: Final = re.compile(rf"(?<!\w)(?:{_BY}|{_PERSON})\b\.?\s*[:,]?\s*", re.IGNORECASE)
"""After these, one capitalised word is a name."""

_COLON_LABEL: Final = re.compile(
    r"(?<!\w)(?:patient(?:in|en)?(?:['’]?s)?(?:[\s-]?name)?|pat|pt|name|nachname|vorname|familienname|surname|(?:first|last|given|family)\sname|"
    r"re|betr|betrifft|betreff|signed|unterschrift|signature|diktat|schreibdienst|schreiber(?:in)?|befunder(?:in)?|arzt|ärztin|"
    r"hausarzt|hausärztin|zuweiser|einweiser|überweiser|untersucher(?:in)?|physician|attending|consultant|technician|operator|"
    r"cardiologist|kardiologe|reader|overread|author|contact|kontakt|requester|referrer|referring\s\w+|ordering\s\w+|gp)"
    r"\.?(?:\s*[:=]|\s-{1,2}(?=\s))\s*",
    re.IGNORECASE,
)
"""After these with a colon, what follows is a name whatever its case."""

_BARE_LABEL: Final = re.compile(r"(?<!\w)(?:patient(?:in)?(?:[\s-]name)?|pat\.|pt\.?|name)\s+", re.IGNORECASE)
"""After these without a colon, two capitalised words are a name, or one, a comma and another."""

_SIGNATURE: Final = re.compile(r"(?:(?<=[.!?\n])|(?<=^))\s*[-–—]{1,3}\s*(?=[^\W\d_])")
_INITIALLED: Final = re.compile(
    r"(?<![\w.-])(?:(?:[A-HJ-UW-Z]\.\s?){1,2}(?=[A-ZÄÖÜ][\w'’]{2,})|St\.\s(?=[A-ZÄÖÜ][a-zäöüß]{2,}))"
)
_CREDENTIAL: Final = re.compile(
    r"((?:[A-ZÄÖÜ][\w'’-]{0,40}\.?\s){0,3}[A-ZÄÖÜ][\w'’-]{1,40}),?\s(?:MD|M\.D\.|DO|RN|FRCP|MRCP|FACC|PhD|Consultant|Facharzt|Fachärztin|"
    r"Oberarzt|Oberärztin|Chefarzt|Chefärztin|Assistenzarzt|Assistenzärztin)(?!\w)"
)
_WORD: Final = re.compile(r"[^\W\d_](?:['’.-]?[^\W\d_]+)*")
_PARTICLES: Final = frozenset({
    "von", "van", "vom", "zu", "zur", "zum", "de", "del", "della", "der", "den", "dem", "di", "da", "dos", "du",
    "la", "le", "el", "al", "bin", "ibn", "ter", "ten", "te", "of",
})  # fmt: skip
_NO_NAMES: Final = frozenset({
    "male", "female", "männlich", "weiblich", "unknown", "unbekannt", "with", "mit", "is", "ist", "has", "hat",
    "was", "war", "wurde", "were", "shows", "zeigt", "in", "im", "on", "am", "at", "um", "the", "der", "die", "das",
    "and", "und", "who", "seen", "known", "nicht", "not", "no", "kein", "keine", "without", "ohne", "for", "für",
    "from", "aus", "geb", "geboren", "born", "dob", "mrn", "pat", "nr", "id", "fall", "age", "alter", "aged", "date",
    "datum", "tel", "fax", "ecg", "ekg", "years", "jahre", "informed", "informiert", "notified", "attended",
    "stellte", "asymptomatic", "stable", "called", "by", "to", "a", "an",
})  # fmt: skip
_MOST_WORDS: Final = 5


def _names(text: str) -> Iterator[tuple[Kind, int, int]]:
    for match in _HEAD.finditer(text):
        if match.group().lower().startswith("ms") and re.search(r"\d\s?$", text[: match.start()]):
            continue  # milliseconds
        end = _name_end(text, match.end(), any_case=True)
        if end:
            yield "name", match.start(), end
    for label, any_case in ((_COLON_LABEL, True), (_BY_LABEL, False), (_SIGNATURE, False)):
        for match in label.finditer(text):
            end = _name_end(text, match.end(), any_case=any_case, reversible=True)
            if end and (label is not _SIGNATURE or not text[end:].strip(" .\n")):
                yield "name", match.end(), end
    for match in _BARE_LABEL.finditer(text):
        end = _name_end(text, match.end(), reversible=True)
        if end and len(_WORD.findall(text, match.end(), end)) > 1:
            yield "name", match.end(), end
    for match in _INITIALLED.finditer(text):
        end = _name_end(text, match.start())
        if end:
            yield "name", match.start(), end
    for match in _CREDENTIAL.finditer(text):
        if not _CLINICAL.search(match.group(1)):
            yield "name", match.start(1), match.end(1)
    for match in _WORD.finditer(text):
        if match.group().split("-")[0].lower() in _given_names() and match.group()[0].isupper():
            end = _name_end(text, match.start())
            if end and len(_WORD.findall(text, match.start(), end)) > 1:
                yield "name", match.start(), end


def _name_end(text: str, start: int, *, any_case: bool = False, reversible: bool = False) -> int:
    """Where a name ends that begins at ``start``; 0 when there is none.

    Args:
        text: The text.
        start: Where the name, or blanks before it, begin.
        any_case: One word in lower case is a name too ("herr schmidt").
        reversible: "Doe, John" is one name.
    """
    at, end, words, comma = start, 0, 0, False
    while words < _MOST_WORDS:
        gap = re.compile(r"[ \t]*").match(text, at)
        match = _WORD.match(text, gap.end() if gap else at)
        if match is None:
            break
        word = match.group()
        lower = word.lower()
        after = match.end()
        dotted = text[after : after + 1] == "."
        title = re.fullmatch(_TITLE, lower) is not None or (
            dotted and re.match(rf"{_TITLE}\.", f"{lower}.") is not None
        )
        capital = word[0].isupper()
        initial = capital and len(word) == 1
        if word == "I" and not dotted:
            break  # who speaks ("Can I"), or the lead
        if lower in _PARTICLES and not initial:
            at = after
            continue
        if (lower in _NO_NAMES and not initial) or _CLINICAL.search(word):
            break
        if not capital and not title and not (any_case and words == 0):
            break
        if dotted and (title or len(word) == 1 or re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word)):
            after += 1
        if not title:
            words += 1
            end = after
        at = after
        if not capital and not title:
            break
        other = re.compile(r"\s(?:and|und|&)\s(?=[^\W\d_])", re.IGNORECASE).match(text, at)
        if other and words and _can_follow(text, other.end()):
            at = other.end()
        # "Doe, John": once, and only where a name can stand after the comma.
        turn = re.compile(r",[ \t]*(?=[^\W\d_])").match(text, at)
        if reversible and not comma and turn and words and _can_follow(text, turn.end()):
            at, comma = turn.end(), True
    return end


def _can_follow(text: str, at: int) -> bool:
    match = _WORD.match(text, at)
    return (
        match is not None
        and match.group()[0].isupper()
        and match.group().lower() not in _NO_NAMES
        and not _CLINICAL.search(match.group())
        and re.fullmatch(r"MD|DO|RN|FRCP|Consultant|Facharzt|Oberarzt|Schreibdienst|Tel", match.group()) is None
    )


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    """Usual given names in English and German speaking countries, in lower case."""
    text = Path(__file__).with_name("given_names.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
