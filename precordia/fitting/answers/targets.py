"""ECG-QA's answers as the project's targets, and what is true of an ECG by its labels."""

from __future__ import annotations

from functools import cache
from typing import Final

from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.builder import annotated
from precordia.datasets.ecgqa.builder.annotated import NOISES
from precordia.datasets.ecgqa.builder.attributes import (
    BY_CODE,
    CODE_OF,
    LEAD_GROUPS,
    SUPERCLASSES,
    WITH_LEADS,
    asked,
)
from precordia.datasets.ecgqa.builder.facts import CERTAIN, Facts
from precordia.datasets.ecgqa.questions import Question
from precordia.generation.answers.asked import Asked, Groups, as_asked
from precordia.generation.answers.priors import NO, UNSURE, YES, Answer
from precordia.generation.questions import read_question

CLASS_TARGETS: Final = {"CDIST": "CD", "HYP": "HYP", "MI": "MI", "STTA": "STTC"}
"""The vocabulary's concepts of PTB-XL's diagnostic superclasses."""
NOISE_TARGETS: Final = dict(zip(("BDRIFT", "SNOISE", "BNOISE", "ELEC"), NOISES.values(), strict=True))
AXIS_TARGETS: Final = {
    "LAD": annotated.LEFT_AXIS,
    "RAD": annotated.RIGHT_AXIS,
    "EXAX": annotated.EXTREME_AXIS,
    "NAXIS": annotated.NORMAL_AXIS,
}
BEAT_TARGETS: Final = dict(
    zip(("beats:PRC(S)", "beats:PVC", "beats:SVES"), annotated.EXTRA_SYSTOLES.values(), strict=True)
)
STAGE_TARGETS: Final = {
    "stage:early": annotated.EARLY_STAGE,
    "stage:middle": annotated.MIDDLE_STAGE,
    "stage:old": annotated.OLD_STAGE,
    "stage:unknown": annotated.UNKNOWN_STAGE,
    "stage:none": annotated.NO_INFARCTION,
}
ANY_TARGETS: Final = (
    "any:finding", "any:diagnostic", "any:diagnostic!", "any:form", "any:rhythm", "any:noise", "any:beats"
)  # fmt: skip
NAMES: Final = {
    **{code: attribute.name for code, attribute in BY_CODE.items()},
    **{target: SUPERCLASSES[name] for target, name in CLASS_TARGETS.items()},
    **NOISE_TARGETS,
    **AXIS_TARGETS,
    **BEAT_TARGETS,
    **STAGE_TARGETS,
    **{lead: f"lead {lead}" for lead in LEADS},
}
"""Target to ECG-QA's name of it."""
GROUPS: Final[Groups] = {
    "overall": ("NORM",),
    "diagnostic": tuple(CODE_OF[name] for name in asked("d")),
    "form": tuple(CODE_OF[name] for name in asked("f")),
    "rhythm": tuple(CODE_OF[name] for name in asked("r")),
    "superclass": tuple(CLASS_TARGETS),
    "noise": tuple(NOISE_TARGETS),
    "stage": tuple(STAGE_TARGETS),
    "beats": tuple(BEAT_TARGETS),
    "axis": tuple(AXIS_TARGETS),
}
PLACED: Final = (*NOISE_TARGETS, "any:noise", *WITH_LEADS)
"""What is asked of single leads."""
WHOLE: Final = (
    "NORM", *dict.fromkeys((*GROUPS["diagnostic"], *GROUPS["form"], *GROUPS["rhythm"])),
    *(f"{code}!" for code in GROUPS["diagnostic"]), *CLASS_TARGETS, *NOISE_TARGETS, *AXIS_TARGETS, *BEAT_TARGETS,
    *STAGE_TARGETS, *ANY_TARGETS,
)  # fmt: skip
"""What is asked of an ECG as a whole."""
VOTED: Final = {
    **{t: t.removesuffix("!") for t in WHOLE if t.removesuffix("!") in BY_CODE},
    **{t: t for t in (*CLASS_TARGETS, "LAD", "RAD", "EXAX")},
    **{t: t.removeprefix("beats:") for t in BEAT_TARGETS},
    "any:beats": "PRC(S)",
}
"""Target to the finding of precedents that speaks for it."""


def holds(target: str, facts: Facts) -> bool | None:
    """Whether a target is true of an ECG by its labels; None where they do not say."""
    base, _, where = target.partition("@")
    if where:
        return _placed(base, LEAD_GROUPS.get(where, frozenset({where})), facts)
    if base in AXIS_TARGETS:
        return None if facts.axis is None else facts.axis == AXIS_TARGETS[base]
    if base in CLASS_TARGETS:
        return NAMES[base] in facts.superclasses
    if base in NOISE_TARGETS:
        return NAMES[base] in facts.noise
    if base in BEAT_TARGETS:
        return NAMES[base] in facts.extra_systoles
    if base in STAGE_TARGETS:
        return NAMES[base] in facts.stages
    if base.endswith("!") and not base.startswith("any:"):
        return facts.codes.get(base[:-1]) in CERTAIN
    return {
        "any:finding": lambda: facts.abnormal,
        "any:diagnostic": lambda: bool(facts.named("d")),
        "any:diagnostic!": lambda: bool(facts.named("d", certain=True)),
        "any:form": lambda: bool(facts.named("f")),
        "any:rhythm": lambda: bool(facts.named("r")),
        "any:noise": lambda: bool(facts.noise),
        "any:beats": lambda: bool(facts.extra_systoles),
    }.get(base, lambda: base in facts.codes)()


def _placed(base: str, leads: frozenset[str], facts: Facts) -> bool | None:
    if base == "any:noise":
        return any(leads <= where for where in facts.noise.values())
    if base in NOISE_TARGETS:
        return leads <= facts.noise.get(NAMES[base], frozenset())
    if base in facts.codes and base not in facts.form_leads:
        return None
    return leads <= facts.form_leads.get(base, frozenset())


@cache
def asked_by(text: str) -> Asked | None:
    """A question's words as the product reads them."""
    return as_asked(read_question(text), GROUPS)


def answer_in(question: Question, asked: Asked) -> Answer | None:
    """A question's answer in targets; None where they cannot say it."""
    if asked.kind == "verify":
        return {frozenset({"yes"}): YES, frozenset({"no"}): NO, frozenset({"not sure"}): UNSURE}.get(question.answer)
    by_name = {NAMES[option.removesuffix("!")]: option for option in asked.options}
    names = question.answer - {"none"}
    return tuple(sorted(by_name[name] for name in names)) if names <= by_name.keys() else None
