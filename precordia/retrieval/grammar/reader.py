"""Reads a query in words: numbers and people are taken out first, and what remains is read by the report labeller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

from precordia.concepts import label_report
from precordia.concepts.lexicon import lexicon
from precordia.core.findings import Finding
from precordia.retrieval.grammar.leads import in_order, leads_in
from precordia.retrieval.grammar.numbers import bounds_in, named_in
from precordia.retrieval.grammar.orders import orders_in
from precordia.retrieval.grammar.people import SEXES, people_in
from precordia.retrieval.grammar.spelled_out import spelled_out
from precordia.retrieval.grammar.times import Time, times_in
from precordia.retrieval.grammar.understood import Groups, Order, People, Understood, Wish

LONGEST: Final = 400
"""Characters of a query that are read."""

_PLACES: Final = 30
"""Characters before a finding in which its places are joined by "or"."""

_YEAR: Final = r"((?:19|20)\d\d)"
_YEARS: Final = (
    (
        re.compile(rf"\b(?:(?:between|from|zwischen|von)\s+)?{_YEAR}\s*(?:-|–|and|to|until|und|bis)\s*{_YEAR}\b", re.I),
        (1, 1),
    ),
    (re.compile(rf"\b(?:since|from|after|seit|ab|nach)\s+(?:[a-zä]{{3,9}}\s+)?{_YEAR}\b", re.I), (1, 0)),
    (re.compile(rf"\b(?:until|till|before|up to|bis|vor)\s+{_YEAR}\b", re.I), (0, 1)),
    (re.compile(rf"\b(?:in|during|of|im jahr)\s+{_YEAR}\b", re.I), (1, 1)),
)
_AFTER_YEAR: Final = re.compile(r"^(?:after|nach)", re.I)
_BEFORE_YEAR: Final = re.compile(r"^(?:before|vor)", re.I)
_DEVICE: Final = re.compile(
    r"\b(?:recorded (?:on|with)|device|cart|machine|ger(?:ä|ae)t)\s+(?:an?\s+|the\s+)?(?P<name>[\w-]*\d[\w-]*|[A-Z][\w-]+)"
    r"|\b(?:on|with|from|by|mit|von) (?:an?|the|eine[mr]) (?P<maker>[A-Z][\w-]+)(?:\s+(?:machine|cart|device|ger(?:ä|ae)t))\b"
)
_CHANGES: Final = (
    (
        "new",
        re.compile(
            r"\b(?:new(?:ly)?|became|developed|neu(?:e[rs]?|auf\w*)?|since (?:last|the last|the previous)\b[\w ]*)\b",
            re.I,
        ),
    ),
    ("unchanged", re.compile(r"\b(?:unchanged|still|persist\w*|unver(?:ä|ae)ndert\w*)\b", re.I)),
    ("resolved", re.compile(r"\b(?:resolved|no longer|disappeared|gone|nicht mehr)\b", re.I)),
)
_OR: Final = re.compile(r"\b(?:or|oder)\b|/", re.I)
_EITHER: Final = re.compile(r"\b(?:either|entweder)\b", re.I)
_BETWEEN: Final = re.compile(r"\s+(?:or|oder)\s+", re.I)
_EXCEPT: Final = re.compile(
    r"\b(?:(?:every|any)thing (?:but|except)|(?:all|alles) (?:but|except|au(?:ß|ss)er)|apart from|excluding|excludes?"
    r"|except(?: for)?|but not|other than|minus|au(?:ß|ss)er)\b",
    re.I,
)
_ALIKE: Final = re.compile(r"\b(?:similar|alike|(?:ä|ae)hnlich\w*|eine[nmrs]?)\b|\?", re.I)
"""Of cases, where a report would say it of an earlier ECG; an article, which in a report counts; a mark that there is doubt."""
_NORMAL: Final = tuple(
    (re.compile(pattern, re.I), words)
    for pattern, words in (
        (
            r"\b(?:not|nicht)\s+(?:an? )?normal\b(?!\s+(?:sinus|ax|qrs|pr|qt|rate|ecg|ekg))|\babnormal(?:\s+(?:ecgs?"
            r"|ekgs?|tracings?|ones))?(?=\W*(?:$|with|but|in\b|without|from|of\b))",
            "no normal ECG",
        ),
        (
            r"\bnormal\s+(?:ecgs|ekgs|tracings|ones)\b"
            r"|\b(?:unremarkable|unauff(?:ä|ae)llige?[snr]?)(?:\s+(?:ecgs?|ekgs?|tracings?|ones))?(?=\W*(?:$|with|but|in\b|of\b|bei\b))",
            "normal ECG",
        ),
        (r"\bno\s+normal(?=\W*$)", "no normal ECG"),
    )
)
"""The ECG as a whole, where no finding is named: cases that are not normal are those that are not called so."""
_BARE_NORMAL: Final = re.compile(r"\bnormale?[rns]?\b(?!\s+\w*(?:tensi|weight|gewicht))", re.I)
_ALSO: Final = {"IRREG": "AFIB"}
"""What else is meant by a finding's name, and has a name of its own in reports: fibrillation is the commonest irregular rhythm."""
_REGULARITY: Final = re.compile(
    r"\b(?P<no>(?:ir|un)(?=re))?(?:regular|regelm(?:ä|ae)(?:ß|ss)ig)\w*\b(?:\s+r-?r[\s-]+interval\w*)?", re.I
)
_HOW_MUCH: Final = (
    r"\b(?:how|wie)\s+(?:long|wide|broad|narrow|short|many|much|fast|slow|high|low|large|big|lang|breit|schmal|kurz|viele?|schnell"
    r"|langsam|hoch|niedrig|gro(?:ß|ss))\b|\b(?:length|(?:milli)?seconds?|l(?:ä|ae)nge|(?:milli)?sekunden?)\b"
)
_NUMBERED: Final = re.compile(r"(?P<word>[^\W\d_]{2,}|[^\W\d_](?=\+))\+?\s*$")
_NON: Final = re.compile(r"\bnon[- ](?=[a-z]{3})", re.I)
_WORD: Final = re.compile(r"[^\W\d_][\w'-]*|\d+(?:[.,]\d+)?")


@lru_cache(maxsize=4096)
def read_query(text: str) -> Understood:
    """A query in words, read; deterministic, and quick enough for every keystroke.

    Args:
        text: English or German, by findings, numbers, people, years and changes; of any length, of which the first
            :data:`LONGEST` characters count.

    >>> found = read_query("either RBBB or LBBB, QTc over 500, no atrial fibrillation")
    >>> [wish.concept for wish in found.either[0]], [wish.concept for wish in found.excluded], found.bounds
    (['RBBB', 'LBBB'], ['AFIB'], (Bound(measure='qtc_ms', operator='>', value=500.0),))
    """
    text = " ".join(text[:LONGEST].split())
    if sides := _sides(text):
        return Understood(text, sides=sides, rest=tuple(dict.fromkeys(word for side in sides for word in side.rest)))
    left = _Left(spelled_out(text))
    order = _order(left)
    groups_of_limits = _limits(left, bounds_in(left.text))
    time = _time(left)
    years = _years(left)
    device = _device(left)
    people, nobody_of = _people(left)
    alone = people[0] if len(people) == 1 and not nobody_of else People()
    groups_of_limits += alone.ages
    # As the labeller says it, and as long, so that its places stay.
    left.text = _EXCEPT.sub(lambda match: "no".ljust(len(match[0])), left.text)
    for pattern, normal_words in _NORMAL:
        left.text = pattern.sub(normal_words, left.text)
    words = _NON.sub(lambda match: _not(match, left.text), left.text)
    words = _ALIKE.sub(lambda match: " " * len(match[0]), words)
    findings = label_report(words)
    if not findings and _BARE_NORMAL.search(left.text) and next(named_in(left.text), None) is None:
        # Nothing else is called normal: the ECG is.
        left.text = words = _BARE_NORMAL.sub("normal ECG", left.text)
        findings = label_report(words)
    for finding in findings:
        left.take(finding.span)
    told = " ".join(words for f in findings for words in (f.territory, f.severity) if words).split()
    normal = lexicon().normal
    for word in set(_WORD.findall(left.text)) if told else ():
        if normal(word) in {normal(known) for known in told}:
            left.drop(rf"\b{re.escape(word)}\b")
    stated = [f for f in findings if f.status != "absent"]
    excluded = _wishes([f for f in findings if f.status == "absent"])
    groups = [_with_others(group, excluded) for group in _groups(stated, words)]
    leads = _leads(left)
    change = _change(left) or next((f.comparison for f in findings if f.comparison), None)
    regularity = _regularity(left)
    measures = tuple(name for name in _measures(left) if order is None or name != order.measure)
    left_over = [w for w in _WORD.findall(left.text) if w.lower() not in _said_beside()]
    return Understood(
        text,
        wanted=_wishes([group[0] for group in groups if len(group) == 1]),
        excluded=excluded,
        either=tuple(dict.fromkeys(_wishes(group) for group in groups if len(group) > 1)),
        bounds=tuple(dict.fromkeys(group[0] for group in groups_of_limits if len(group) == 1)),
        outside=tuple(dict.fromkeys(group for group in groups_of_limits if len(group) > 1)),
        sex=alone.sex,
        people=people if nobody_of or len(people) > 1 else (),
        nobody_of=nobody_of,
        order=order,
        years=years,
        time=time,
        regularity=regularity,
        device=device,
        change=change,
        measures=measures,
        leads=leads,
        rest=tuple(dict.fromkeys(left_over)),
    )


def _sides(text: str) -> tuple[Understood, ...]:
    """The wishes on either side of an "or", where people stand behind it and each side names people and findings of its own."""
    for match in _BETWEEN.finditer(text):
        behind = text[match.end() :]
        if read_query(" ".join(behind.split()[:2])).sex is None:
            continue
        sides = (read_query(text[: match.start()]), read_query(behind))
        if all(((side.sex or side.people) and (side.wanted or side.either)) or side.sides for side in sides):
            return tuple(one for side in sides for one in (side.sides or (side,)))
    return ()


def without_people(text: str) -> str:
    """A query without the words that say of which sex the patients are.

    >>> without_people("similar women with AF")
    'similar  with AF'
    """
    for pattern, _ in SEXES:
        text = re.sub(pattern, "", text, flags=re.I)
    return text


class _Left:
    """The text with what was understood taken out, blanks in its place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, span: tuple[int, int]) -> str:
        """Takes out a stretch; its words."""
        first, last = span
        words = self.text[first:last]
        self.text = self.text[:first] + " " * (last - first) + self.text[last:]
        return words

    def drop(self, pattern: str) -> None:
        """Takes out every match."""
        self.text = re.sub(pattern, lambda match: " " * len(match[0]), self.text, flags=re.I)


def _not(non: re.Match[str], text: str) -> str:
    """ "Non-sinus rhythm" denies a finding; "non-specific ST changes" is one."""
    behind = label_report(text[non.end() : non.end() + _PLACES])
    names = bool(behind) and behind[0].span[0] == 0
    return "not " if names else non[0]


def _limits(left: _Left, found: Iterator[tuple[tuple[int, int], Groups]]) -> Groups:
    """The limits, taken out of the text."""
    groups: Groups = ()
    for span, said in found:
        left.take(span)
        groups += said
    return groups


def _wishes(findings: list[Finding]) -> tuple[Wish, ...]:
    return tuple(dict.fromkeys(Wish(f.concept, f.territory, f.severity) for f in findings))


def _groups(stated: list[Finding], words: str) -> list[list[Finding]]:
    """Findings that are joined by "or" stand together."""
    groups: list[list[Finding]] = []
    for finding in stated:
        before = groups[-1][-1] if groups else None
        between = "" if before is None else _between(before, finding, words)
        one_word = before is not None and before.span == finding.span
        if _OR.search(between) and (one_word or not _EITHER.search(between)):
            groups[-1].append(finding)
        else:
            groups.append([finding])
    return groups


def _between(before: Finding, after: Finding, words: str) -> str:
    """The words between two findings; those of one word with two places ("inferior or anterior MI") stand before it."""
    if before.span == after.span:
        return words[max(0, after.span[0] - _PLACES) : after.span[0]]
    return words[before.span[1] : after.span[0]]


def _change(left: _Left) -> str | None:
    for name, pattern in _CHANGES:
        match = pattern.search(left.text)
        if match is not None:
            left.take(match.span())
            return name
    return None


def _with_others(group: list[Finding], excluded: tuple[Wish, ...]) -> list[Finding]:
    """A finding with what else its name is used for, but for what is not wanted."""
    without = {wish.concept for wish in excluded}
    also = [_ALSO[f.concept] for f in group if f.concept in _ALSO]
    return [*group, *(Finding(c, span=group[0].span) for c in also if c not in without | {f.concept for f in group})]


def _regularity(left: _Left) -> str | None:
    """Of the RR intervals, where an adjective is left that names no finding: "regular tachycardia"."""
    match = _REGULARITY.search(left.text)
    if match is None:
        return None
    left.take(match.span())
    return "irregular" if match["no"] else "regular"


def _time(left: _Left) -> Time | None:
    found: list[Time] = []
    for span, time in times_in(left.text):
        left.take(span)
        found.append(time)
    return found[0] if found else None


def _order(left: _Left) -> Order | None:
    """What comes first; a second order is left, and named as not understood."""
    span, order = next(orders_in(left.text), ((0, 0), None))
    left.take(span)
    if order is not None:
        left.drop(r"\b(?:first|zuerst)\b(?=\W*(?:$|,))")
    return order


def _people(left: _Left) -> tuple[tuple[People, ...], bool]:
    """Groups of patients, taken out of the text, and whether it is they who are not asked for."""
    spans, people, nobody_of = people_in(left.text, _may_be_age)
    for span in spans:
        left.take(span)
    return people, nobody_of


def _may_be_age(before: str) -> bool:
    """Whether a number may be a patient's age: not where a word stands before it that is known for nothing else."""
    match = _NUMBERED.search(before)
    if match is None or match["word"].lower() in _said_beside():
        return True
    named = before[-_PLACES:].rstrip()
    is_finding = any(finding.span[1] == len(named) for finding in label_report(named))
    return is_finding or any(re.fullmatch(pattern, match["word"], re.I) for pattern, _ in SEXES)


def _years(left: _Left) -> tuple[int | None, int | None]:
    first: int | None = None
    last: int | None = None
    for pattern, (opens, closes) in _YEARS:
        for match in list(pattern.finditer(left.text)):
            years = [int(year) for year in match.groups()]
            if opens:
                first = years[0] + 1 if _AFTER_YEAR.match(match[0]) else years[0]
            if closes:
                last = years[-1] - 1 if _BEFORE_YEAR.match(match[0]) else years[-1]
            left.take(match.span())
    return first, last


def _device(left: _Left) -> str | None:
    match = _DEVICE.search(left.text)
    if match is None:
        return None
    left.take(match.span())
    return str(match["name"] or match["maker"])


def _leads(left: _Left) -> tuple[str, ...]:
    found = list(leads_in(left.text))
    for span, _ in found:
        left.take(span)
    return in_order(iter(found))


def _measures(left: _Left) -> tuple[str, ...]:
    """Measurements by their names, taken out with the word that asks how much of one there is: "how long is the QRS"."""
    found = list(named_in(left.text))
    for span, _ in found:
        left.take(span)
    if found:
        left.drop(_HOW_MUCH)
    return tuple(name for _, name in found)


@lru_cache(maxsize=1)
def _said_beside() -> frozenset[str]:
    """Words that carry no wish of their own."""
    text = resources.files("precordia.retrieval.grammar").joinpath("beside.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
