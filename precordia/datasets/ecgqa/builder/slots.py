"""Every question that a template can become: its attributes and lead filled in, numbered as ECG-QA numbers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.builder import numeric
from precordia.datasets.ecgqa.builder.annotated import (
    AXES,
    EXTRA_SYSTOLES,
    NO_INFARCTION,
    NOISES,
    STAGES,
    UNKNOWN_STAGE,
)
from precordia.datasets.ecgqa.builder.attributes import (
    BY_CODE,
    IN_LEAD_GROUPS,
    LEAD_GROUPS,
    SUPERCLASSES,
    WITH_LEADS,
    asked,
)
from precordia.datasets.ecgqa.builder.templates import TEMPLATES, Template

STATEMENTS: Final = tuple(
    name for name in (a.name for a in BY_CODE.values()) if name in {*asked("d"), *asked("f"), *asked("r")}
)
FORMS_WITH_LEADS: Final = tuple(BY_CODE[code].name for code in WITH_LEADS)
_NEVER: Final = ("p duration", numeric.BELOW)
"""A P wave is never too short; that this is not asked, and that superclasses are compared, makes the numbers agree."""
_IN_GROUPS: Final = frozenset(BY_CODE[code].name for code in IN_LEAD_GROUPS)
RANGES: Final = (numeric.BELOW, numeric.WITHIN, numeric.ABOVE)
FEATURES: Final = tuple(numeric.NORMAL_MS)

OPTIONS: Final = {
    "statement": (*STATEMENTS, *SUPERCLASSES.values()),
    "superclass": tuple(SUPERCLASSES.values()),
    "diagnostic": asked("d"),
    "diagnostic, certain": asked("d"),
    "form": asked("f"),
    "rhythm": asked("r"),
    "form in lead": FORMS_WITH_LEADS,
    "leads of form": FORMS_WITH_LEADS,
    "normal ecg": ("normal ecg",),
    "any statement": ("any kind of abnormal symptoms",),
    "any diagnostic": ("any diagnostic symptoms",),
    "any diagnostic, certain": ("any diagnostic symptoms",),
    "any form": ("any form-related symptoms",),
    "any rhythm": ("any rhythm-related symptoms",),
    "axis": AXES,
    "stage": STAGES,
    "noise": tuple(NOISES.values()),
    "noise in lead": tuple(NOISES.values()),
    "leads of noise": tuple(NOISES.values()),
    "any noise": ("any kind of noises",),
    "any noise in lead": ("any kind of noises",),
    "any extra systole": ("any kind of extra systoles",),
    "extra systole": tuple(EXTRA_SYSTOLES.values()),
    "range": RANGES,
    "features": RANGES,
}
"""Subject of a single-ECG template to what it can be about."""


@dataclass(frozen=True)
class Slot:
    """One question, before any ECG.

    Attributes:
        template: What asks it.
        question_id: Numbered through, over all templates; in all leads the same, as in the released files.
        attributes: What it names, in the order named; for a query what it can be answered with.
        lead: "lead V1", "limb leads" or None.
        feature: Numeric feature, or None.
        text: The question.
    """

    template: Template
    question_id: int
    attributes: tuple[str, ...]
    lead: str | None
    feature: str | None
    text: str


def slots() -> tuple[Slot, ...]:
    """All questions of all templates, numbered in order.

    >>> numbers = {slot.text: slot.question_id for slot in slots()}
    >>> numbers["Does this ECG show static noise in lead aVL?"], numbers["Does this ECG show baseline drift?"]
    (1709, 1745)
    >>> [slot.question_id for slot in slots()][-3:]
    [2470, 2471, 2472]
    """
    found: list[Slot] = []
    number = 0
    for template in TEMPLATES:
        for attributes, leads, feature in _fillings(template):
            for lead in leads:
                found.append(
                    Slot(template, number, attributes, lead, feature, _text(template, attributes, lead, feature))
                )
            number += len(leads)
    return tuple(found)


def _fillings(template: Template) -> Iterator[tuple[tuple[str, ...], tuple[str | None, ...], str | None]]:
    if template.compares:
        scp = template.attribute_type == "scp_code"
        if template.kind == "query":
            yield STATEMENTS if scp else FEATURES, (None,), None
            return
        for name in OPTIONS["statement"] if scp else FEATURES:
            yield (name,), (None,), None
        return
    options = OPTIONS[template.subject]
    features: tuple[str | None, ...] = FEATURES if template.subject == "range" else (None,)
    single = tuple(f"lead {lead}" for lead in LEADS)
    for feature in features:
        if template.kind == "choose":
            named: Iterator[tuple[str, ...]] = combinations(options, 2)
        elif template.kind == "verify" or template.subject in ("leads of form", "leads of noise", "features"):
            named = ((name,) for name in options)
        else:
            named = iter((_answers(template),))
        for attributes in named:
            if template.kind == "verify" and (feature, attributes[0]) == _NEVER:
                continue
            leads: tuple[str | None, ...] = (None,)
            if "{lead}" in template.wording:
                groups = template.kind == "verify" and attributes[0] in _IN_GROUPS
                leads = tuple(LEAD_GROUPS) if groups else single
            yield attributes, leads, feature


def _answers(template: Template) -> tuple[str, ...]:
    if template.subject == "stage":
        return (*STAGES, NO_INFARCTION, UNKNOWN_STAGE)
    return OPTIONS[template.subject]


def _text(template: Template, attributes: tuple[str, ...], lead: str | None, feature: str | None) -> str:
    a, b = attributes[0], attributes[1] if len(attributes) > 1 else feature
    return template.wording.format(a=a, b=b, lead=lead, feature=feature)
