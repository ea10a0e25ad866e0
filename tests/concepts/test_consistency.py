"""Findings that exclude each other."""

from __future__ import annotations

import pytest

from precordia.concepts import contradictions
from precordia.core.findings import Finding


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SR", "AFIB"),
        ("SBRAD", "RAF"),
        ("STACH", "SBRAD"),
        ("NORM", "IMI"),
        ("NORM", "CLBBB"),
        ("CLBBB", "ILBBB"),
        ("CLBBB", "CRBBB"),
        ("CLBBB", "LAFB"),
        ("LAD", "RAD"),
        ("NAXIS", "ARAD"),
        ("LPR", "SPR"),
        ("1AVB", "RAF"),
        ("LVOLT", "HVOLT"),
        ("LNGQT", "SQT"),
    ],
)
def test_what_excludes_is_found_in_either_order(one: str, other: str) -> None:
    assert contradictions([Finding(one), Finding(other)]) == [(one, other)]
    assert contradictions([Finding(other), Finding(one)]) == [(other, one)]


@pytest.mark.parametrize(
    "together",
    [
        ("SR", "SARRH", "PVC", "LAFB", "RBBB", "BIFAS"),
        ("RAF", "LVH", "STD_", "LVS"),
        ("ASMI", "AMI", "MI", "QWAVE"),
        ("NORM", "SR", "NAXIS"),
        ("PACE", "AFIB", "LBBB"),
    ],
)
def test_what_belongs_together_is_no_contradiction(together: tuple[str, ...]) -> None:
    assert contradictions([Finding(concept) for concept in together]) == []


def test_only_what_is_present_contradicts() -> None:
    assert contradictions([Finding("SR"), Finding("AFIB", "uncertain")]) == []
    assert contradictions([Finding("SR"), Finding("AFIB", "absent")]) == []


def test_present_and_denied_contradict_through_the_hierarchy() -> None:
    assert contradictions([Finding("ASMI"), Finding("MI", "absent")]) == [("ASMI", "MI")]
    assert contradictions([Finding("MI"), Finding("ASMI", "absent")]) == []
