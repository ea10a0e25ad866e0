"""What a question can be answered with: its options, and the target that decides on each.

A target is something that is true or not of one ECG, named by an identifier: a finding of the vocabulary (``"LVH"``), the
same without doubt (``"LVH!"``), a group (``"any:form"``), extra beats as such (``"beats:PVC"``), the age of an infarction
(``"stage:old"``), a disturbance (``"SNOISE"``); ``"SNOISE@V1"`` is that in one lead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.leads import LEADS
from precordia.generation.questions import ASIDE, VERIFY, Question, QuestionKind, concepts_in, kind_of, options_in

Groups = Mapping[str, tuple[str, ...]]
"""Name of a group to what it ranges over: "diagnostic", "form", "rhythm", "superclass", "noise", "stage", "beats", "axis"."""

LEAD_SETS: Final = (
    ("limb leads", r"\b(limb|extremity|peripheral) leads\b"),
    ("chest leads", r"\b(chest|precordial) leads\b"),
)
_CERTAIN: Final = re.compile(
    r"\b(exclud\w+|without|leaving out|ignoring|not counting|disregarding)\b[^.?]*\b(uncertain|doubtful|possible)\b"
    r"|\bonly\b[^.?]*\b(certain|definite)\b",
    re.I,
)
_BEATS: Final = re.compile(r"\bextra[\s-]*(systol\w+|beats?)\b|\bectopic beats?\b", re.I)
_STAGE: Final = re.compile(r"\bstages?\b", re.I)
_STAGES: Final = (
    ("stage:early", r"\b(early|acute|first)\b"),
    ("stage:middle", r"\b(middle|intermediate|recent|subacute)\b"),
    ("stage:old", r"\b(old|late|chronic|healed)\b"),
    ("stage:unknown", r"\b(unknown|undetermined)\b"),
)
_DIRECTION: Final = re.compile(r"\b(direction|orientation|deviat\w+|which (cardiac|heart|electrical) axis)\b", re.I)
_GROUPS: Final = (
    ("noise", r"\bnois\w*|\bart[ei]facts?\b|\bdisturbances?\b|\binterferences?\b|\bdistort\w*|\bdisrupt\w*"),
    ("diagnostic", r"(?<!non-)\bdiagnos\w+"),
    ("form", r"\bform\b|\bform-related\b|\bmorpholog\w*"),
    ("rhythm", r"\brhythm\w*"),
)
_WHOLE: Final = (
    _GROUPS[0],
    ("diagnostic", r"(?<!non-)\bdiagnostic\b"),
    ("form", r"\bform-related\b"),
    ("rhythm", r"\brhythm-related\b"),
    ("finding", r"\babnormal\w*|\bpatholog\w*|\banything (?:wrong|unusual|odd)\b|\bauff(?:ä|ae)llig\w*"),
)
_SHOWN: Final = re.compile(r"\b(symptoms?|signs?|evidence|shows?|showing)\b", re.I)
"""A finding is meant, not the number that it is a finding about."""
_WIDER: Final = {"ARTI": "any:noise"}
"""Concepts that stand for a group."""
FINDINGS: Final = {"any:beats": "PRC(S)", "beats:PRC(S)": "PRC(S)", "beats:PVC": "PVC", "beats:SVES": "SVES"}
"""Targets that are a finding of the vocabulary under another name."""
_SEVERAL: Final = re.compile(r",|\b(?:and|or|with|without|but|plus|no|und|oder|mit|ohne|aber)\b", re.I)
"""Findings that are named beside each other are all asked about."""


@dataclass(frozen=True)
class Asked:
    """A question as a choice between options.

    Attributes:
        kind: "verify", "choose" or "query".
        subject: What it is about: a group, or "finding", or "leads" where leads are asked for.
        options: The target asked about; those to choose from; or all that the answer may name.
        lead: A lead, "limb leads", "chest leads" or None.
        of: Where leads are asked for: of what. Else "".
    """

    kind: QuestionKind
    subject: str
    options: tuple[str, ...]
    lead: str | None = None
    of: str = ""

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings of the whole ECG of which it is asked whether, or which, are there; none where that is not asked.

        Disturbances are another matter, and so is what may be named in a list.
        """
        known = vocabulary()
        named = tuple(FINDINGS.get(option, option) for option in self.options)
        alike = len(set(named)) < len(named)
        if self.kind == "query" or self.lead or self.of or alike or not all(c in known for c in named):
            return ()
        return () if any(known.concept(c).section == "technical" for c in named) else named

    @cached_property
    def targets(self) -> Mapping[str, str]:
        """Option to the target that decides on it."""
        return {option: self.target(option) for option in self.options}

    def target(self, option: str) -> str:
        """The target that decides on an option.

        >>> Asked("query", "leads", ("V1", "V2"), of="SNOISE").target("V1")
        'SNOISE@V1'
        """
        if self.of:
            return f"{self.of}@{option}"
        return f"{option}@{self.lead}" if self.lead else option


def as_asked(question: Question, groups: Groups) -> Asked | None:
    """The options of a question; None where it is none about targets (a number is asked for, or nothing known is named).

    >>> from precordia.generation.questions import read_question
    >>> as_asked(read_question("Does this ECG show static noise in lead V1?"), {"noise": ("SNOISE",)})
    Asked(kind='verify', subject='noise', options=('SNOISE',), lead='V1', of='')
    """
    text = ASIDE.sub(" ", question.text)
    if question.size_mv is not None:
        return None  # how large a wave is, they do not tell
    if question.bounds or question.outside or question.asks_regularity or question.asks_acuity or question.asks_acute:
        return None
    if len(question.concepts) > 1 and kind_of(text) == "verify" and _SEVERAL.search(text):
        return None
    lead = next((name for name, pattern in LEAD_SETS if re.search(pattern, text, re.I)), None)
    if lead is None and len(question.leads) == 1:
        lead = question.leads[0]
    sure = "!" if _CERTAIN.search(text) else ""
    if question.asks_leads:
        named = _named(text, groups)
        return Asked("query", "leads", LEADS, of=named[0]) if len(named) == 1 else None
    kind = kind_of(text)
    if kind == "choose":
        options = [_with(sure, t, groups) for part in options_in(text) for t in _named(part, groups, whole=text)]
        kept = tuple(dict.fromkeys(option for option in options if not option.startswith("any:")))
        if len(kept) > 1:
            return Asked(kind, _subject(kept[0], groups, text), kept, lead)
        if len(question.concepts) > 1:
            # Options of which not all are known here.
            return None
        # "Is there any interference or distortion?" offers no choice.
        kind = "verify" if VERIFY.search(text) else "query"
    if kind == "verify":
        named = _named(text, groups) or ([] if question.concepts else _any(text, sure))
        if len(named) != 1 or (question.measures and not _SHOWN.search(text)):
            return None
        return Asked(kind, _subject(named[0], groups), (named[0],), lead)
    group = _group(text, question)
    if group is None or group not in groups:
        return None
    return Asked("query", group + sure, tuple(_with(sure, t, groups) for t in groups[group]), lead)


def _named(part: str, groups: Groups, whole: str = "") -> list[str]:
    """The targets that a part of a question names."""
    if _STAGE.search(part) or _STAGE.search(whole):
        found = [stage for stage, pattern in _STAGES if re.search(pattern, part, re.I)]
        return [stage for stage in found if stage in groups.get("stage", ())][:1]
    concepts = concepts_in(part)
    if _BEATS.search(part):
        return [f"beats:{c}" for c in concepts if f"beats:{c}" in groups.get("beats", ())][:1] or ["any:beats"]
    known = frozenset(target for members in groups.values() for target in members)
    # A criterion's name may hold the name of what it is a criterion of; the first is meant.
    meant = [c for c in concepts if c in known][:1]
    return meant or [_WIDER[c] for c in concepts if c in _WIDER][:1]


def _any(text: str, sure: str) -> list[str]:
    for group, pattern in _WHOLE:
        if re.search(pattern, text, re.I):
            return [f"any:{group}{sure if group == 'diagnostic' else ''}"]
    return []


def _group(text: str, question: Question) -> str | None:
    if question.concepts and not _STAGE.search(text) and not _BEATS.search(text):
        return None
    if _STAGE.search(text):
        return "stage"
    if _BEATS.search(text):
        return "beats"
    if "axis" in question.sections:
        return "axis" if _DIRECTION.search(text) else None
    if question.measures:
        return None
    return next((group for group, pattern in _GROUPS if re.search(pattern, text, re.I)), None)


def _with(sure: str, target: str, groups: Groups) -> str:
    return target + sure if target in groups.get("diagnostic", ()) else target


def _subject(target: str, groups: Groups, text: str = "") -> str:
    """The group that the words name, else the first that the target belongs to."""
    if target.startswith("any:"):
        return target
    bare = target.removesuffix("!")
    sure = target[len(bare) :]
    of = [group for group, members in groups.items() if bare in members]
    said = next((g for g, pattern in _GROUPS if g in of and re.search(pattern, text, re.I)), None)
    return (said or (of[0] if of else "finding")) + sure
