"""Codes of four schemes become findings."""

from __future__ import annotations

import pytest

from precordia.concepts import findings_from_codes
from precordia.core.errors import UnknownNameError


def test_each_scheme_is_understood() -> None:
    codes = ["scp:NORM", "snomed:164889003", "aha:101", "ecgqa:57"]
    assert [f.concept for f in findings_from_codes(codes)] == ["NORM", "AFIB", "LAFB", "VCLVH"]


def test_an_aha_modifier_makes_the_special_finding_or_is_dropped() -> None:
    codes = ["aha:60+341", "aha:145+362", "aha:147+367", "aha:50+346", "aha:60+308", "aha:161+332"]
    assert [f.concept for f in findings_from_codes(codes)] == ["VBIG", "STD_", "INVT", "RAF", "PVC", "IMI"]


def test_the_age_of_an_infarction_comes_from_its_modifier() -> None:
    (finding,) = findings_from_codes(["aha:165+332"])
    assert (finding.concept, finding.territory, finding.severity) == ("ASMI", "anteroseptal", "old")


def test_codes_that_are_scored_alike_give_one_finding() -> None:
    assert [f.concept for f in findings_from_codes(["snomed:427172004", "snomed:17338001"])] == ["PVC"]


def test_a_finding_of_one_wall_carries_its_territory() -> None:
    found = findings_from_codes(["scp:IMI", "snomed:704997005"])
    assert [(f.concept, f.territory) for f in found] == [("IMI", "inferior"), ("STD_", "inferior")]


def test_an_answer_that_is_no_finding_gives_none() -> None:
    assert findings_from_codes(["ecgqa:2", "ecgqa:67"]) == []


@pytest.mark.parametrize("code", ["NORM", "icd:I48", "scp:NROM", "aha:999", "ecgqa:104", "snomed:"])
def test_an_unknown_code_is_refused(code: str) -> None:
    with pytest.raises(UnknownNameError):
        findings_from_codes([code])
