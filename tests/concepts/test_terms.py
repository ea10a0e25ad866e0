"""The vocabulary: every code of the schemes it claims is in it, and its hierarchy is sound."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from precordia.concepts import findings_from_codes, vocabulary
from precordia.concepts.terms import SCHEMES, SUPERCLASSES, read_table
from precordia.concepts.territories import regional_findings
from precordia.core.errors import UnknownNameError

CINC_2021 = """
164889003 164890007 6374002 426627000 733534002 713427006 270492004 713426002 39732003 445118002 164909002 251146004
698252002 426783006 284470004 10370003 365413008 427172004 164947007 111975006 164917005 47665007 59118001 427393009
426177001 427084000 63593006 164934002 59931005 17338001 233892002 164951009 251187003 61277005 426664006 251139008
57054005 413444003 426434006 54329005 251173003 195080001 195126007 251268003 106068003 713422000 233917008 50799005
29320008 251166008 233897008 251170000 418818005 74615001 426749004 251199005 61721007 698247007 27885002 204384007
53741008 413844008 251198002 82226007 428417006 13640000 164942001 84114007 368009 251259000 251200008 195042002
426183003 425419005 251120003 704997005 49260003 426995002 251164006 426648003 253352002 67741000119109 446813000
425623009 445211001 164873001 55827005 370365005 164865005 164861001 54016002 428750005 164867002 282825002 251205003
67198005 425856008 164912004 253339007 164921003 446358003 67751000119106 314208002 89792004 17366009 65778007 5609005
60423000 49578007 77867006 55930002 429622005 164931005 164930006 251168009 426761007 266257000 251223006 164937009
11157007 164884008 75532003 81898007 164896001 111288001 266249003 195060002 251266004 251182009 164895002 251180001
195101003 74390002
""".split()  # noqa: SIM905
"""Every SNOMED CT code of dx_mapping_scored.csv and dx_mapping_unscored.csv (PhysioNet/CinC Challenge 2021)."""


def test_every_code_of_the_cinc_challenges_is_known() -> None:
    unknown = [code for code in CINC_2021 if not vocabulary().by_code("snomed", code)]
    assert len(CINC_2021) == 133
    assert not unknown


@pytest.mark.data
def test_every_scp_statement_of_ptbxl_is_known_with_its_superclass(data_dir: Path) -> None:
    with (data_dir / "ptbxl" / "scp_statements.csv").open(newline="") as file:
        rows = {row[""]: row["diagnostic_class"] or None for row in csv.DictReader(file)}
    assert len(rows) == 71
    assert {code: vocabulary().superclass(vocabulary().by_code("scp", code)[0]) for code in rows} == rows


@pytest.mark.data
def test_every_statement_of_the_sph_data_set_is_known(data_dir: Path) -> None:
    with (data_dir / "text" / "sph" / "metadata.csv").open(newline="") as file:
        statements = {code for row in csv.DictReader(file) for code in row["AHA_Code"].split(";")}
    assert len(statements) == 68
    for statement in statements:
        assert findings_from_codes([f"aha:{statement}"])


@pytest.mark.data
def test_every_answer_of_ecgqa_that_is_a_finding_is_known(data_dir: Path) -> None:
    with (data_dir / "ecgqa" / "ptbxl" / "answers.csv").open(newline="") as file:
        answers = {row["index"]: row["class"] for row in csv.DictReader(file)}
    unknown = {text for index, text in answers.items() if not vocabulary().by_code("ecgqa", index)}
    assert {"atrial fibrillation", "baseline drift", "left axis deviation"}.isdisjoint(unknown)
    allowed = ("yes", "no", "not sure", "none", "lead ", "stage", "normal range", "interval", "duration", "corrected")
    assert all(any(word in text for word in (*allowed, "none of")) for text in unknown)


def test_parents_exist_and_no_finding_is_its_own_ancestor() -> None:
    for concept in vocabulary():
        ancestors = vocabulary().ancestors(concept.id)
        assert concept.id not in ancestors
        assert len(set(ancestors)) == len(ancestors)
        assert concept.superclass in (None, *SUPERCLASSES)


def test_every_table_speaks_of_known_findings() -> None:
    known = {concept.id for concept in vocabulary()}
    assert {row["concept"] for row in read_table("wording.tsv")} <= known
    assert {row["concept"] for row in read_table("predicates.tsv")} <= known
    assert set(regional_findings().values()) <= known
    assert {row[side] for row in read_table("exclusions.tsv") for side in ("one", "other")} <= known


@pytest.mark.parametrize(
    ("finding", "implied"),
    [
        ("ASMI", {"AMI", "MI"}),
        ("IPLMI", {"IMI", "MI"}),
        ("CLBBB", {"LBBB", "BBB", "CDIST"}),
        ("RAF", {"AFIB", "SVARR"}),
        ("SBRAD", {"SINUS", "BRADY"}),
        ("1AVB", {"LPR", "AVB"}),
        ("VBIG", {"PVC", "BIGU", "PRC(S)"}),
        ("ISCAL", {"ISC_"}),
    ],
)
def test_a_special_finding_implies_the_general_ones(finding: str, implied: set[str]) -> None:
    assert implied <= vocabulary().implied([finding])


def test_codes_come_by_scheme() -> None:
    assert vocabulary().codes("AFIB", "snomed") == ("164889003",)
    assert vocabulary().codes("RAF", "scp") == ()
    assert set(SCHEMES) == {"scp", "snomed", "aha", "ecgqa"}
    with pytest.raises(UnknownNameError, match="coding scheme"):
        vocabulary().codes("AFIB", "icd")
    with pytest.raises(UnknownNameError, match="did you mean 'AFIB'"):
        vocabulary().concept("AFIBB")
