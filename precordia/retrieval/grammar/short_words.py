"""What stands for more in a query: short words, ages in words, and what lay people and colleagues say in passing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_TENS: Final = (
    ("twent", "zwanzig"), ("thirt", "drei(?:ß|ss)ig"), ("fort", "vierzig"), ("fift", "f(?:ü|ue)nfzig"), ("sixt", "sechzig"),
    ("sevent", "siebzig"), ("eight", "achtzig"), ("ninet", "neunzig"),
)  # fmt: skip
_PERSONS: Final = (
    r"(?:people|patients?|wom[ae]n|m[ae]n|lad(?:y|ies)|adults?|persons?|folks?|females?|males?|guys?|frau(?:en)?|m(?:ä"
    r"|ae)nner[n]?"
    r"|patient(?:en|innen|in)|menschen|leuten?|personen)\b"
)
_PLACE: Final = r"(?:leads?\b|V[1-6]\b|II|aV|the (?:inferior|lateral|anterior|septal|limb|chest|precordial)\b)"
"""Where waves lie."""
_PART: Final = {"early": "0 to {0}3", "mid": "4 to {0}6", "late": "7 to {0}9"}
_DIGITS: Final = (
    ("one", "einund"), ("two", "zweiund"), ("three", "dreiund"), ("four", "vierund"), ("five", "f(?:ü"
    "|ue)nfund"), ("six", "sechsund"),
    ("seven", "siebenund"), ("eight", "achtund"), ("nine", "neunund"),
)  # fmt: skip
_FEW: Final = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "ein": 1,
    "zwei": 2,
    "drei": 3,
    "vier": 4,
    "fünf": 5,
}
_SMALL_MS: Final = 40
_BIG_MS: Final = 200
"""Boxes of paper at 25 mm/s."""
_NO_AGE: Final = (
    r"(?!(?:\s+[^\W\d]+){1,4}?\s*(?:[(,]\s*)?(?:over|under|above|below|aged|[<>]|(?:ü|ue)ber|unter|\d\d\b))"
)
"""No number follows that says how old."""
_Rule = tuple[str, str | Callable[[re.Match[str]], str]]
_PEOPLE: Final[tuple[_Rule, ...]] = (
    *(
        (rf"\b(?:{english}y[ -]{digit}|{before}{german})\b", f"{10 * k + n}")
        for k, (english, german) in enumerate(_TENS, start=2)
        for n, (digit, before) in enumerate(_DIGITS, start=1)
    ),
    *((rf"\b(?:{english}ies|{german}ern?)\b", f"{10 * k}s") for k, (english, german) in enumerate(_TENS, start=2)),
    *((rf"\b(?:{english}y|{german})\b", f"{10 * k}") for k, (english, german) in enumerate(_TENS, start=2)),
    (r"\b(\d)0s (?:and|or|und|oder) (?:older|above|over|up|beyond|(?:ä|ae)lter|dar(?:ü|ue)ber)\b", r"aged \g<1>0+"),
    *(
        (rf"\b{name}a?genarians? (?:and|or|und|oder) (?:older|above|over|up|beyond|(?:ä|ae)lter)\b", f"aged {age}+")
        for name, age in (("sex", 60), ("septua", 70), ("octo", 80), ("nona", 90))
    ),
    (r"\bcentenarians?\b", "aged 100+"),
    *(
        (rf"\b{name}a?genarians?\b", f"in their {age}s")
        for name, age in (("sex", 60), ("septua", 70), ("octo", 80), ("nona", 90))
    ),
    (r"\b(early|mid|late)[ -](\d)0s\b", lambda match: f"aged {match[2]}{_PART[match[1].lower()].format(match[2])}"),
    (r"\b(over|under)[ -](\d\d)s\b", r"aged \1 \2"),
    (r"\b(\d{2,3})\s+plus\b", r"\1+"),
    (r"\b(\d{2,3})(?:[ -]?y/?o? ?)?f\b", r"women aged \1 "),
    (r"\b(\d{2,3})(?:[ -]?y/?o? ?)?m\b", r"men aged \1 "),
    (r"\bf\s+(?=(?:[<>]=?\s*)?\d\d\b)", "women "),
    (r"\bm\s+(?=(?:[<>]=?\s*)?\d\d\b)", "men "),
    (r"(?<!\w)(?:ü|ue)(\d\d)\b", r"über \1"),
    (r"(?<!\w)u(\d\d)\b", r"unter \1"),
    (r"\b(?:adults?|erwachsene[n]?)\b", "aged 18+"),
    (rf"(?<!year[- ])(?<!years[- ])(?<!yr[- ])(?<!yrs )\b(?:very )?old(?:er)?(?= {_PERSONS}){_NO_AGE}", "aged 65+"),
    (rf"(?<!jahre )\b(?:alte[rn]?|(?:ä|ae)ltere[rn]?)(?= {_PERSONS}){_NO_AGE}", "aged 65+"),
    (rf"\b(?:young(?:er)?|junge[rn]?|j(?:ü|ue)ngere[rn]?)(?= {_PERSONS}){_NO_AGE}", "aged under 40"),
    (r"\b(?:middle[- ]aged?|mittleren alters)\b", "aged 40 to 64"),
    (r"\b(?:elderly|geriatric|seniors?)\b", "aged 65+"),
    (r"(?<!my )(?<!the )\b(?:babies|baby|infants?|newborns?|neonat\w*|s(?:ä|ae)uglinge?)\b", "aged under 1"),
    (r"\b(?:child(?:ren)?|kids?|p(?:a|ae|ä)diatric|kinder[n]?)\b", "aged under 18"),
    (r"\b(?:teenagers?|teenaged?|teens|adolescents?|jugendliche[n]?)\b", "aged 13 to 19"),
)
"""Ages in words; the elderly from 65 on and children up to 18 as the United Nations count them; the young up to 40."""
_HEART: Final = (
    r"(?:(?: (?:on|with|in|about|mit|auf|bei|im|an))?(?: (?:my|the|this|his|her|meine[mr]?|de[mr]|diesem))?"
    r" (?:heart|herz|ecg|ekg|trac(?:e|ing)|strip))"
)
_YES_NO: Final = r"(?:yes|y|ja)\s*(?:or|oder|/)\s*(?:no|nein|n)\b"
_QUESTIONS: Final[tuple[_Rule, ...]] = (
    (
        r"^\W*(?:(?:is|ist|gibt es) )?(?:there )?(?:anything|something|etwas|irgend(?:et)?was) (?:abnormal|wrong|pathologi\w*"
        rf"|auff(?:ä|ae)llig\w*)\b[^?]*\b{_YES_NO}\W*$",
        "Is the ECG abnormal?",
    ),
    (rf"\s*[,;:?–-]*\s*\b{_YES_NO}\W*$|\s*,?\s*\b(?:or|oder) (?:not|nicht)\W*$", "?"),
    (
        r"^\W*(?:(?:please|can you|could you|bitte)\W+)*(?:tell me|check|see|say|verify|pr(?:ü|ue)fe|sag mir"
        r"|schau)\s+(?:whether|if|that"
        r"|ob)\b",
        "Is it so that",
    ),
    (
        r"^\W*(?:(?:and|so|und)\W+)?(?:(?:what|how) about|was ist mit|wie steht es (?:mit|um)"
        r"|wie sieht es mit)\s+(?:(?:the|an?|any|de[mrn]"
        r"|eine[mrn]?)\s+)?(?P<what>[^?]+?)(?:\s+aus)?\W*$",
        r"\g<what>?",
    ),
    (
        r"^\W*(?:(?:is|are) (?:it|they|these|those) |(?:ist|sind) (?:es|sie|das) )?(supraventri[ck]\w+|atrial"
        r"|ventri[ck]\w+) (or|oder|vs\.?|versus)"
        r" (supraventri[ck]\w+|atrial|ventri[ck]\w+)\W*$",
        r"\1 \2 \3 premature beats?",
    ),
    (r"^\W*(?:un)?changed (?:or|vs\.?|versus) (?:un)?changed\W*$", "Has it changed?"),
    (r"^\W*beats?\s*(?:/|per|a)\s*min(?:ute)?\W*$|^\W*(?:what(?:'s| is) the )?freq\W*$", "heart rate?"),
    (r"\bhow many times (?:a|per) min(?:ute)?\b", "how many beats per minute"),
    (r"[\s(,]*\bnot (?:the )?(?:corrected|qt[- ]?c)\b\)?(?=\W*$)", " uncorrected"),
    (
        r"^\W*(?:(?:is|ist) )?(?:everything|all|alles|things) (?:is |ist )?(?:normal|in order|in ordnung|gut|good|well"
        r"|al(?:l )?right|fine"
        rf"|ok(?:ay)?){_HEART}?\W*$",
        "normal ECG?",
    ),
)
"""How a question is put: what is asked is the same."""
_WORDS: Final[tuple[_Rule, ...]] = (
    (r"\b(?:evenly|equally) spaced\b", "regular"),
    (r"\bwithin (?:the )?normal (?:limits|range)\b|\bwnl\b", "normal"),
    (r"\bST[- ]?(depr|elev)\b\.?", lambda match: f"ST {'depression' if match[1].lower() == 'depr' else 'elevation'}"),
    (r"\bqrs(?=\s*(?:[,/&]|and|und)\s*(?:the )?(?:qt|pr|pq))", "QRS duration"),
    (
        r"(\b(?:pr|pq|qtc?)\s*(?:[,/&]|,? and|und)\s*(?:the )?)qrs\b(?!\s+(?:dur|wid|int|morph|ax|compl))",
        r"\1QRS duration",
    ),
    (r"\bp(?: waves?)?(?= before (?:every|each|all)\b)", "P wave present"),
    (r"^\W*(?:is|are) (?:every|each|all) p(?:[- ]waves?)? (?:followed|conducted)\b[^?]*", "Is AV block absent"),
    (r"\bm[- ]shaped (?:complex|qrs)(?:es)?\b", "RSR'"),
    (r"\b(?:vergr(?:ö|oe)(?:ß|ss)ertes|gro(?:ß|ss)es) herz\b", "enlarged heart"),
    (r"(?<!ventricles )(?<!ventricle )\bfibrillating\b", "in atrial fibrillation"),
    (r"\babsolute[nr]? arr?h?ythmie\b", "Vorhofflimmern"),
    (r"\b(?:saw[- ]?tooth|s(?:ä|ae)gezahn)[- ]?(?:waves?|pattern|muster|wellen)?(?! flutter)(?!\w)", "flutter waves"),
    (r"\b(?:full|total)(?=\s+(?:right|left)\s+bundle)", "complete"),
    (
        r"\b(left|right) bundle(?: branch)? (?:is |was )?(complete|incomplete|partial)ly blocked\b",
        r"\2 \1 bundle branch block",
    ),
    (r"\bav[- ]conduction (?:is )?(?:(?:block(?:ed)?|delay(?:ed)?)(?: or )?)+|\bavb\b", "AV block"),
    *(
        (
            rf"\b{short}\b(?=\s+(?:(?:is|looks) )?(?:too )?(?:big|large|enlarge\w*|dilat\w*|hypertroph\w*|thick\w*))",
            name,
        )
        for short, name in (
            ("LA", "left atrium"),
            ("RA", "right atrium"),
            ("LV", "left ventricle"),
            ("RV", "right ventricle"),
        )
    ),
    (r"\b((?:left|right) (?:atrium|ventricle)) (?:(?:is|looks) )?(?:too )?(?:big|large)\b", r"\1 enlarged"),
    (r"\b((?:left|right)) ventricle (?:is )?(?:too )?thick(?:ened)?\b", r"\1 ventricular hypertrophy"),
    (r"(?<![\w-])(?-i:ES)(?![\w-])", "extrasystoles"),
    (r"\bearly beats?\b", "premature beats"),
    (r"\bstimulierte[rnm]? rhythmus\b", "Schrittmacherrhythmus"),
    (r"\baccessory (?:pathway|bundle|connection)s?\b|\bakzessorische\w* (?:leitungs)?bahn\w*", "pre-excitation"),
    (
        r"\baxis (?:is )?(?:points?|pointing|directed|shifted|goes) (?:to the )?(left|right)(?:wards?)?\b",
        r"\1 axis deviation",
    ),
    (r"\bnormal (?:trace|strip|rhythm strip)\b|(?<!\w)o\.\s?b\.?(?!\w)", "normal ECG"),
    (r"\bSTs?(?:[- ]segments?)? (?:are |is |go(?:es)? |gone )?(?:up|raised|angehoben)\b", "ST elevation"),
    (r"\bSTs?(?:[- ]segments?)? (?:are |is |go(?:es)? |gone )?(?:down|lowered|gesenkt)\b", "ST depression"),
    (
        r"\bisch(?:ä|ae)mie(?:typ|verd(?:ä|ae)cht|bedingt)\w* (?:ver(?:ä|ae)nderung\w*|zeichen)",
        "Zeichen einer Ischämie",
    ),
    (r"\b(inferior|anterior|lateral|septal|anteroseptal|posterior)\s+scar(?:s|ring)?\b", r"old \1 infarction"),
    (r"\b((?:hinter|vorder|seiten)wand)narben?\b", r"alter \1infarkt"),
    (r"\blower wall\b", "inferior wall"),
    (r"\bpost[- ](?=mi\b|(?:myocardial )?infarct|n?stemi\b)", "old "),
    (r"\bhalf a second\b|\beine(?:r)? halbe[nr]? sekunde\b", "0.5 s"),
    (r"(?<![\w.,])\.(?=\d)", "0."),
    (
        r"\b([123])°\s*(?=av|block|degree|heart)",
        lambda match: f"{('first', 'second', 'third')[int(match[1]) - 1]} degree ",
    ),
    (
        r"\b(\d+(?:\.\d+)?|a|one|two|three|four|five|ein|zwei|drei|vier|fünf) (small|little|tiny|big|large|kleine[sn]?"
        r"|gro(?:ß|ss)e[sn]?)"
        r" (?:box(?:es)?|squares?|k(?:ä|ae)stchen)\b",
        lambda match: _boxes(match[1].lower(), match[2].lower()),
    ),
    (
        r"\b((?:fast|slow)er than|schneller als|langsamer als) (\d{2,3})\b(?!\s*(?:ms|bpm|/|beats?|per|s\b|°))",
        r"\1 \2 bpm",
    ),
)
"""What lay people and colleagues say in passing."""


def _boxes(count: str, size: str) -> str:
    """Boxes of paper as a time."""
    big = size.startswith(("big", "large", "gro"))
    return f"{(_FEW.get(count) or float(count)) * (_BIG_MS if big else _SMALL_MS):g} ms"


SHORT: Final = tuple(
    (re.compile(pattern, re.I), words)
    for pattern, words in (
        *_QUESTIONS,
        *_WORDS,
        *_PEOPLE,
        (r"(?<!\w)w/o(?!\w)", "without"),
        (r"(?<!\w)w/(?!\w)|(?<=\s)w(?=\s)", "with"),
        (r"\bz\.?\s?n\.(?=\s)", "Zustand nach"),
        (r"\blange[mnrs]?\s+(?=qt)", "long "),
        (r"\bidioventricular\b(?! rhythm)", "idioventricular rhythm"),
        (r"\bnon[- ]?stemi\b", "NSTEMI"),
        (r"\bTWIs?\b", "T wave inversion"),
        (r"(?<![\w-])(?<!vorhof )(?<!kammer )(flimmern|flattern)\b", r"Vorhof\1"),
        (r"\bschnelle[rnm]?\s+(?:kammer)?(?:ü|ue)berleitung\b", "rapid ventricular response"),
        (r"(?<![\w-])(?<!st )((?:hebung|senkung)(?:en)?)\b(?=\s+(?:in|(?:ü|ue)ber)\b)", r"ST-\1"),
        (rf"(?<![\w-])(?<!st )(?<!segment )((?:elevation|depression)s?)(?=\s+in\s+{_PLACE})", r"ST \1"),
        (
            r"\b(?:leads?|electrodes?|elektroden?|ableitung(?:en)?)\s+(?:\w+\s+)?(?:misplaced|malpositioned"
            r"|wrongly placed|vertauscht)\b",
            "electrode misplacement",
        ),
        # Of the heart; "sinus bradycardia" and its like are names.
        (r"(?<!sick )\bsinus(?=\s*(?:$|[?.,;!]|or\b|oder\b|and\b|und\b|with\b|mit\b|but\b|aber\b))", "sinus rhythm"),
        (r"\bweder\s+(.{2,40}?)\s+noch\b", r"kein \1, kein"),
        (r"(?<!\w)v\.?[- ]?fib\b|(?<=\bthis )vf\b|^\W*vf\W*$", "ventricular fibrillation"),
        (r"\b(left|right) bundle(?:s)?\b(?![- ]branch)", r"\1 bundle branch block"),
        (
            r"^.*\b(?:heart (?:problem|defect|condition)s?|herz(?:problem\w*|fehler))\b.*$",
            "What is wrong with the heart?",
        ),
        (r"^\W*r[- ](?:wave[- ]|zacken)?progression\W*$", "poor R-wave progression?"),
        (r"^\W*qrs\W*$", "QRS duration?"),
        (r"^\W*bpm\W*$", "heart rate?"),
        (r"(?<!sinus )\btachy\b", "tachycardia"),
        (r"(?<!sinus )\bbrady\b", "bradycardia"),
        (r"\brvr\b", "rapid ventricular response"),
        (
            r"\b(sokolow|cornell)(?:[- ]lyon)?(?:[- ]voltages?)?(?:[- ](?:index|criteri(?:on|a)))?\b(?![- ]lyon)",
            r"\1 voltage criteria for LVH",
        ),
        (
            r"^\W*(?:(?:is|ist) )?(?:(?:this|it|that|das|es|everything|all|alles) )?(?:normal|ok(?:ay)?|fine|unauff(?:ä"
            r"|ae)llig|in ordnung)"
            r"\W*(?:right)?\W*\?+\W*$",
            "normal ECG?",
        ),
    )
)
"""What stands for a finding in a query alone: in a report "sinus" may be a node, and an index a number."""
