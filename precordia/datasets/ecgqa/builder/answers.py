"""The answer to a question from what is known of its ECGs."""

from __future__ import annotations

from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.builder import numeric
from precordia.datasets.ecgqa.builder.attributes import BY_CODE, CODE_OF, LEAD_GROUPS, SUPERCLASSES, WITH_LEADS
from precordia.datasets.ecgqa.builder.facts import CERTAIN, DOUBTFUL, Facts
from precordia.datasets.ecgqa.builder.slots import FEATURES, OPTIONS, STATEMENTS, Slot

Answer = tuple[str, ...]
YES, NO, NOT_SURE, NOTHING = ("yes",), ("no",), ("not sure",), ("none",)


def answer_of(slot: Slot, *ecgs: Facts) -> Answer | None:
    """The answer, or None where the question is not to be asked of these ECGs: what it is about is not known of them.

    Args:
        slot: The question.
        ecgs: One, or two to compare, the earlier first.
    """
    if slot.template.compares:
        return _compared(slot, *ecgs)
    (facts,) = ecgs
    if slot.template.kind == "verify":
        return _verified(slot, facts)
    present = present_in(slot, facts)
    if present is None:
        return None
    if slot.template.kind == "choose":
        return tuple(a for a in slot.attributes if a in present) or NOTHING
    if not present:
        return NOTHING
    options = {*slot.attributes, *LEAD_NAMES, *FEATURES}
    return tuple(sorted(present)) if present <= options else None


LEAD_NAMES = tuple(f"lead {lead}" for lead in LEADS)


def present_in(slot: Slot, facts: Facts) -> frozenset[str] | None:
    """What an ECG shows of what a question is about; None where that is not known."""
    subject, lead = slot.template.subject, slot.lead.removeprefix("lead ") if slot.lead else ""
    if subject in ("diagnostic", "diagnostic, certain"):
        return facts.named("d", certain=subject.endswith("certain"))
    if subject in ("form", "rhythm"):
        return facts.named(subject[0])
    if subject == "form in lead":
        placed = {code for code in facts.codes if code in WITH_LEADS} <= facts.form_leads.keys()
        return frozenset(BY_CODE[c].name for c, leads in facts.form_leads.items() if lead in leads) if placed else None
    if subject == "leads of form":
        code = CODE_OF[slot.attributes[0]]
        if code in facts.codes and code not in facts.form_leads:
            return None
        return frozenset(f"lead {name}" for name in facts.form_leads.get(code, ()))
    if subject == "leads of noise":
        return frozenset(f"lead {name}" for name in facts.noise.get(slot.attributes[0], ()))
    if subject == "noise in lead":
        return frozenset(kind for kind, leads in facts.noise.items() if lead in leads)
    if subject == "axis":
        return frozenset({facts.axis}) if facts.axis else None
    if subject == "range":
        known = facts.ranges.get(slot.feature or "")
        return frozenset({known}) if known else None
    if subject == "features":
        return frozenset(f for f, r in facts.ranges.items() if r == slot.attributes[0]) if facts.ranges else None
    return {
        "superclass": facts.superclasses,
        "stage": facts.stages,
        "noise": frozenset(facts.noise),
        "extra systole": facts.extra_systoles,
    }[subject]


def shows_elsewhere(slot: Slot, facts: Facts) -> bool:
    """Whether the attribute is there, but not in the lead asked about: half of the "no" answers are of this kind."""
    if slot.lead is None:
        return False
    if slot.template.subject == "form in lead":
        return CODE_OF[slot.attributes[0]] in facts.codes
    return bool(facts.noise) if slot.template.subject == "any noise in lead" else slot.attributes[0] in facts.noise


def _verified(slot: Slot, facts: Facts) -> Answer | None:
    subject, name = slot.template.subject, slot.attributes[0]
    lead = slot.lead.removeprefix("lead ") if slot.lead else ""
    if subject == "statement":
        return _stated(name, facts)
    if subject == "form in lead":
        code = CODE_OF[name]
        if code in facts.codes and code not in facts.form_leads:
            return None
        wanted = LEAD_GROUPS.get(lead, frozenset({lead}))
        return YES if wanted <= facts.form_leads.get(code, frozenset()) else NO
    if subject in ("axis", "stage", "noise", "noise in lead", "extra systole", "range"):
        present = present_in(slot, facts)
        return None if present is None else YES if name in present else NO
    return YES if _any(subject, lead, facts) else NO


def _any(subject: str, lead: str, facts: Facts) -> bool:
    return {
        "normal ecg": "NORM" in facts.codes,
        "any statement": facts.abnormal,
        "any diagnostic": bool(facts.named("d")),
        "any diagnostic, certain": bool(facts.named("d", certain=True)),
        "any form": bool(facts.named("f")),
        "any rhythm": bool(facts.named("r")),
        "any noise": bool(facts.noise),
        "any noise in lead": any(lead in leads for leads in facts.noise.values()),
        "any extra systole": bool(facts.extra_systoles),
    }[subject]


def _stated(name: str, facts: Facts) -> Answer:
    if name in SUPERCLASSES.values():
        return YES if name in facts.superclasses else NO
    attribute = BY_CODE[CODE_OF[name]]
    if attribute.code not in facts.codes:
        return NO
    if "d" not in attribute.kinds:
        return YES
    likelihood = facts.codes[attribute.code]
    return YES if likelihood in CERTAIN else NOT_SURE if likelihood in DOUBTFUL else NO


def _compared(slot: Slot, first: Facts, second: Facts) -> Answer | None:
    if slot.template.attribute_type == "scp_code":
        before, after = first.symptoms, second.symptoms
        every = frozenset(STATEMENTS)
        if slot.template.kind == "verify":
            before, after = before | first.superclasses, after | second.superclasses
            every = frozenset(OPTIONS["statement"])
        absent_before, absent_after = every - before, every - after
    else:
        before, after = _abnormal(first), _abnormal(second)
        absent_before, absent_after = frozenset(first.ranges) - before, frozenset(second.ranges) - after
        if not first.ranges or not second.ranges:
            return None
    found = {
        "gone": before & absent_after,
        "new": absent_before & after,
        "still": before & after,
        "never": absent_before & absent_after,
    }[slot.template.subject]
    if slot.template.kind == "verify":
        name = slot.attributes[0]
        known = slot.template.attribute_type == "scp_code" or (name in first.ranges and name in second.ranges)
        return (YES if name in found else NO) if known else None
    return (tuple(sorted(found)) or NOTHING) if found <= {*slot.attributes} else None


def _abnormal(facts: Facts) -> frozenset[str]:
    return frozenset(feature for feature, where in facts.ranges.items() if where != numeric.WITHIN)
