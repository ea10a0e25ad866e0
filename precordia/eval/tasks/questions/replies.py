"""Whether a reply is right, wrong or none."""

from __future__ import annotations

import re
from typing import Final, Literal

from precordia.core.drafts import Draft
from precordia.core.recording import Recording
from precordia.eval.tasks.questions.asked import Asked
from precordia.judgement.measured import TOLERANCE
from precordia.judgement.votes import lineage
from precordia.simulation.truth import Truth

Outcome = Literal["right", "declined", "wrong"]
_SHARE: Final = 0.05
"""Of a number for which the project allows itself no error of its own."""
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_YES_NO: Final = re.compile(r"(yes|no)\b", re.I)
_OF_AN_ABSENCE: Final = re.compile(r"(?P<absent>yes: no\b)|no, it is shown:", re.I)
"""A reply to who asks whether a finding is not there: what it says of the finding is the contrary."""
_VERDICT: Final = re.compile(r"\b(better|worse|changed|unchanged)\b", re.I)
_AGES: Final = {"old": re.compile(r"\b(?:old|chronic)\b", re.I), "acute": re.compile(r"\b(?:acute|recent)\b", re.I)}


def verdict(draft: Draft, truth: bool) -> Outcome:
    """Of a question that is to be answered with yes or no."""
    said = _YES_NO.match(draft.text)
    if draft.abstained or said is None:
        return "declined" if draft.abstained else "wrong"
    contrary = _OF_AN_ABSENCE.match(draft.text)
    there = said[1].lower() == "yes" if contrary is None else contrary["absent"] is None
    return "right" if there is truth else "wrong"


def number(draft: Draft, name: str, truth: float) -> Outcome:
    """Of a question that is to be answered with a measurement; right within the error that the project allows itself."""
    found = _NUMBER.search(draft.text) if not draft.abstained else None
    if found is None:
        return "declined" if draft.abstained else "wrong"
    gap = abs(float(found[0]) - truth)
    gap = min(gap, 360 - gap) if name == "axis_deg" else gap
    return "right" if gap <= TOLERANCE.get(name, _SHARE * abs(truth)) else "wrong"


def declined(draft: Draft) -> Outcome:
    """Of a question that no ECG can answer: declining is right, and so is nothing else."""
    return "right" if draft.abstained and len(draft.statements) <= 1 and not _YES_NO.match(draft.text) else "wrong"


def of_record(draft: Draft, recording: Recording, wanted: str) -> Outcome:
    """Of a question about the patient."""
    if wanted == "age":
        found = _NUMBER.search(draft.text)
        if recording.age is None or draft.abstained or found is None:
            return "right" if recording.age is None and draft.abstained else "declined" if draft.abstained else "wrong"
        return "right" if float(found[0]) == round(recording.age) else "wrong"
    if not draft.abstained and _YES_NO.match(draft.text) is None:
        # "What is the sex?" is answered by its name.
        return "right" if ("female" in draft.text.lower()) is (recording.sex == "F") else "wrong"
    return verdict(draft, (recording.sex == "F") is (wanted == "female"))


def choice(draft: Draft, options: tuple[str, ...], truth: str) -> Outcome:
    """Of a question for one of several findings: right names it, or something more special, and none of the others."""
    if draft.abstained:
        return "declined"
    said = [f for s in draft.statements for f in s.findings]
    named = {o for o in options for f in said if f.status != "absent" and _is_or_implies(f.concept, o)}
    if named == {truth}:
        return "right"
    # What is said with "possible" alone is not said for certain.
    return "declined" if said and all(f.status == "uncertain" for f in said) else "wrong"


def acuity(draft: Draft, truth: str) -> Outcome:
    """Of a question for an infarction's age: "old" or "acute"."""
    if draft.abstained:
        return "declined"
    return "right" if [age for age, words in _AGES.items() if words.search(draft.text)] == [truth] else "wrong"


def compared(draft: Draft, truth: str) -> Outcome:
    """Of a question for a verdict on two ECGs: "better", "worse" or "unchanged"."""
    if draft.abstained or not draft.statements:
        return "declined"
    said = _VERDICT.search(draft.statements[0].text)
    return "right" if said is not None and said[1].lower() == truth else "wrong"


def meets(asked: Asked, truth: Truth) -> bool | None:
    """Whether a phantom meets a limit; None where it is too near to say, or has no such measurement."""
    value = getattr(truth.measurements, asked.bound.measure)
    if value is None or abs(value - asked.bound.value) <= TOLERANCE[asked.bound.measure]:
        return None
    return asked.bound.holds(value)


def _is_or_implies(concept: str, option: str) -> bool:
    # "Right bundle branch block" answers "left or right?" where the complete block is the option.
    return option in lineage(concept) or (concept in lineage(option) and concept not in ("VBLOCK", "CDIST", "MI"))
