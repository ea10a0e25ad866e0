"""ECG-QA's answers from labels: annotations read, likelihoods weighed, questions numbered as released."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.builder.annotated import (
    EXTREME_AXIS,
    MIDDLE_STAGE,
    NO_INFARCTION,
    OLD_STAGE,
    UNKNOWN_STAGE,
    axis_of_angle,
    axis_of_annotation,
    extra_systoles_of,
    leads_of,
    stages_of,
)
from precordia.datasets.ecgqa.builder.answers import answer_of, shows_elsewhere
from precordia.datasets.ecgqa.builder.cases import facts_of_case
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.form_leads import leads_by_code
from precordia.datasets.ecgqa.builder.numeric import ranges_of
from precordia.datasets.ecgqa.builder.slots import Slot, slots
from precordia.datasets.ecgqa.builder.templates import TEMPLATES

SLOTS = slots()


def slot(template: int, *attributes: str, lead: str | None = None, feature: str | None = None) -> Slot:
    """The question of a template that names these attributes."""
    found = [
        s
        for s in SLOTS
        if s.template.template_id == template
        and (not attributes or s.attributes == attributes)
        and (s.lead, s.feature) == (lead, feature)
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("annotation", "leads"),
    [
        (" , I-V1,  ", "I II III aVR aVL aVF V1"),
        (" , II-AVF", "II III aVR aVL aVF"),
        (" , I - AVF,  ", "I II III aVR aVL aVF"),
        (" , II,III,AVF", "II III aVF"),
        ("v5-6", "V5 V6"),
        ("V3,V4-V6", "V3 V4 V5 V6"),
        ("V1???", "V1"),
        ("Kontaktprobleme aVL ???", "aVL"),
        (" , noisy recording,", ""),
        ("V6-V4", ""),
        (" , alles, noisy recording,", " ".join(LEADS)),
        (None, ""),
    ],
)
def test_leads_are_read_from_annotations_as_written(annotation: str | None, leads: str) -> None:
    assert leads_of(annotation) == set(leads.split())


@given(st.text(max_size=60))
def test_no_annotation_breaks_the_reading(annotation: str) -> None:
    assert leads_of(annotation) <= set(LEADS)
    assert len(extra_systoles_of(annotation)) <= 3


def test_extra_systoles_keep_their_origin() -> None:
    assert extra_systoles_of("VES4,alles") == {"ventricular extrasystoles"}
    assert extra_systoles_of("1ES,SVES") == {"extrasystoles", "supraventricular extrasystoles"}
    assert extra_systoles_of("3,V1") == {"extrasystoles"}
    assert extra_systoles_of("alles") == extra_systoles_of(None) == frozenset()


def test_the_later_stage_goes_before_the_first() -> None:
    assert stages_of("Stadium II-III", None) == {MIDDLE_STAGE}
    assert stages_of("Stadium II", "Stadium III") == {OLD_STAGE}
    assert stages_of("unknown", None) == {UNKNOWN_STAGE}
    assert stages_of(None, None) == {NO_INFARCTION}


def test_axis_and_ranges_turn_at_the_published_limits() -> None:
    assert axis_of_angle(-90.1) == EXTREME_AXIS
    assert axis_of_angle(None) is None
    assert axis_of_annotation("MID") == "normal heart axis"
    assert axis_of_annotation("SAG") is None
    assert ranges_of({"pr interval": 200.0, "qt interval": 430.1, "rr interval": None}) == {
        "pr interval": "within the normal range",
        "qt interval": "above the normal range",
    }


def test_there_are_seventy_templates_with_the_released_numbers() -> None:
    assert [t.template_id for t in TEMPLATES] == list(range(1, 71))
    numbers = {s.text: s.question_id for s in reversed(SLOTS)}
    released = {
        "Does this ECG show static noise in lead aVL?": 1709,
        "Does this ECG show burst noise in lead V6?": 1721,
        "Does this ECG show electrodes problems in lead I?": 1733,
        "Does this ECG show electrodes problems?": 1748,
        "Does this ECG show any kind of noises in lead II?": 1749,
        "What numeric features of the second ECG are still abnormal as compared to the first ECG?": 2472,
    }
    assert {text: numbers[text] for text in released} == released


@pytest.mark.parametrize(
    ("likelihood", "answer"), [(100.0, "yes"), (0.0, "yes"), (80.0, "not sure"), (15.0, "not sure"), (34.0, "no")]
)
def test_a_diagnosis_is_as_sure_as_its_likelihood(likelihood: float, answer: str) -> None:
    ecg = Facts(1, "p", {"IMI": likelihood})
    assert answer_of(slot(1, "myocardial infarction in inferior leads"), ecg) == (answer,)
    assert answer_of(slot(1, "myocardial infarction"), ecg) == ("yes",)


def test_doubtful_diagnoses_are_left_out_where_the_question_says_so() -> None:
    ecg = Facts(1, "p", {"LVH": 50.0, "LAFB": 100.0, "SR": 0.0, "NORM": 0.0})
    certain = next(s for s in SLOTS if s.template.subject == "diagnostic, certain" and s.template.kind == "query")
    every = next(s for s in SLOTS if s.template.subject == "diagnostic" and s.template.kind == "query")
    assert answer_of(certain, ecg) == ("left anterior fascicular block",)
    assert answer_of(every, ecg) == ("left anterior fascicular block", "left ventricular hypertrophy")
    assert answer_of(slot(7, "sinus rhythm", "atrial fibrillation"), ecg) == ("sinus rhythm",)
    assert answer_of(slot(3, "hypertrophy", "myocardial infarction"), ecg) == ("hypertrophy",)


def test_an_ecg_with_a_finding_that_no_answer_names_is_not_asked_about() -> None:
    rhythm = next(s for s in SLOTS if s.template.subject == "rhythm" and s.template.kind == "query")
    assert answer_of(rhythm, Facts(1, "p", {"TRIGU": 0.0})) is None
    assert answer_of(rhythm, Facts(1, "p", {"LVH": 100.0})) == ("none",)


def test_noise_is_asked_for_by_kind_and_lead() -> None:
    ecg = Facts(1, "p", noise={"static noise": frozenset({"I", "II"}), "burst noise": frozenset({"V1"})})
    assert answer_of(slot(26, "static noise", lead="lead II"), ecg) == ("yes",)
    in_v1 = slot(26, "static noise", lead="lead V1")
    assert answer_of(in_v1, ecg) == ("no",)
    assert shows_elsewhere(in_v1, ecg)
    assert answer_of(slot(28, lead="lead V1"), ecg) == ("yes",)
    assert answer_of(slot(31, "baseline drift", "static noise", lead="lead V1"), ecg) == ("none",)
    assert answer_of(slot(34, "static noise"), ecg) == ("lead I", "lead II")
    assert answer_of(slot(32), ecg) == ("burst noise", "static noise")


def test_leads_of_a_form_statement_come_from_its_clause() -> None:
    report = "sinus rhythm. st segments are depressed in i, v4-6. t waves are inverted in inferior leads"
    leads = leads_by_code(report, ["STD_", "INVT", "QWAVE"])
    assert leads == {"STD_": {"I", "V4", "V5", "V6"}, "INVT": {"II", "III", "aVF"}}
    placed = Facts(1, "p", {"INVT": 0.0}, form_leads={"INVT": frozenset({"II", "III"})})
    assert answer_of(slot(19, "inverted t-waves"), placed) == ("lead II", "lead III")
    assert answer_of(slot(19, "inverted t-waves"), Facts(2, "p", {"INVT": 0.0})) is None
    assert answer_of(slot(19, "inverted t-waves"), Facts(3, "p")) == ("none",)


def test_comparisons_tell_gone_new_still_and_never_apart() -> None:
    low, within, high = "below the normal range", "within the normal range", "above the normal range"
    first = Facts(1, "p", {"AFIB": 0.0, "LVH": 100.0}, ranges={"rr interval": low, "pr interval": within})
    second = Facts(2, "p", {"SR": 0.0, "LVH": 50.0}, ranges={"rr interval": within, "pr interval": high})
    assert answer_of(slot(61), first, second) == ("atrial fibrillation",)
    assert answer_of(slot(62), first, second) == ("sinus rhythm",)
    assert answer_of(slot(63), first, second) == ("left ventricular hypertrophy",)
    assert answer_of(slot(60, "atrial flutter"), first, second) == ("yes",)
    assert answer_of(slot(59, "hypertrophy"), first, second) == ("yes",)
    assert answer_of(slot(68), first, second) == ("rr interval",)
    assert answer_of(slot(69), first, second) == ("pr interval",)
    assert answer_of(slot(70), first, second) == ("none",)
    assert answer_of(slot(65, "qt interval"), first, second) is None


def test_a_case_of_a_knowledge_base_is_asked_about_by_its_codes_else_its_report() -> None:
    measured = Measurements(axis_deg=-50.0, qrs_ms=150.0)
    findings = (Finding("CLBBB"), Finding("LVH", "uncertain"), Finding("AFIB", "absent"))
    facts = facts_of_case(Case(7, "r", "p", findings=findings, measurements=measured))
    assert answer_of(slot(1, "complete left bundle branch block"), facts) == ("yes",)
    assert answer_of(slot(1, "left ventricular hypertrophy"), facts) == ("not sure",)
    assert answer_of(slot(1, "atrial fibrillation"), facts) == ("no",)
    assert answer_of(slot(22), facts) == ("left axis deviation",)
    assert answer_of(slot(41, feature="qrs duration"), facts) == ("above the normal range",)
