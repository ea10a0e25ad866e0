"""Findings from codes of other schemes."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.concepts.terms import SCHEMES, vocabulary
from precordia.concepts.territories import base_of
from precordia.core.errors import UnknownNameError
from precordia.core.findings import Finding

_SCHEME_NAMES = {
    "scp": "scp",
    "snomed": "snomed",
    "snomed-ct": "snomed",
    "sct": "snomed",
    "aha": "aha",
    "ecgqa": "ecgqa",
}

_TERRITORIES = {("snomed", "704997005"): "inferior"}
"""Codes that say where a finding is that the vocabulary does not divide by territory: inferior ST depression."""

_AHA_AGES = {"330": "acute", "331": "recent", "332": "old", "333": "age undetermined"}
"""Modifiers of AHA/ACC/HRS for the age of an infarction (Mason et al. 2007, table 4)."""


def findings_from_codes(codes: Sequence[str]) -> list[Finding]:
    """The findings that codes stand for, each once, in the order of the codes.

    Args:
        codes: ``"scp:NORM"``, ``"snomed:164889003"``, ``"aha:145+362"`` (statement with modifiers), ``"ecgqa:57"``.
            An AHA modifier that the vocabulary does not combine is dropped: the statement itself remains. A code that
            stands for no finding (an ECG-QA answer such as a lead) gives none.

    Raises:
        UnknownNameError: A code without scheme, of an unknown scheme, or unknown in its scheme.

    >>> [f.concept for f in findings_from_codes(["scp:CLBBB", "snomed:164889003", "aha:60+341"])]
    ['CLBBB', 'AFIB', 'VBIG']
    """
    found: dict[str, Finding] = {}
    for code in codes:
        scheme, separator, value = code.partition(":")
        name = _SCHEME_NAMES.get(scheme.strip().lower())
        if not separator or name is None:
            raise UnknownNameError("coding scheme", scheme if separator else code, SCHEMES)
        for concept in _concepts(name, value.strip()):
            territory = _TERRITORIES.get((name, value.strip())) or base_of(concept)[1]
            found.setdefault(concept, Finding(concept, territory=territory, severity=_age(name, value)))
    return list(found.values())


def _age(scheme: str, value: str) -> str | None:
    modifiers = value.strip().split("+")[1:] if scheme == "aha" else []
    return next((_AHA_AGES[modifier] for modifier in modifiers if modifier in _AHA_AGES), None)


def _concepts(scheme: str, value: str) -> tuple[str, ...]:
    known = vocabulary().by_code(scheme, value)
    if known:
        return known[:1]
    if scheme == "aha" and "+" in value:
        base, *modifiers = value.split("+")
        for modifier in modifiers:
            known = vocabulary().by_code(scheme, f"{base}+{modifier}")
            if known:
                return known[:1]
        return _concepts(scheme, base)
    if scheme == "ecgqa" and value.isdigit() and int(value) < _ECGQA_ANSWERS:
        return ()
    choices = [code for concept in vocabulary() for code in concept.codes.get(scheme, ())]
    raise UnknownNameError(f"{scheme} code", value, choices)


_ECGQA_ANSWERS = 104
"""Answers of ECG-QA's PTB-XL part (Oh et al. 2023, ``answers.csv``): 0 to 103."""
