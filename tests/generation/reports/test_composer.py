"""Reports without a model: nothing is said without evidence, one patient has one vote, and dissent is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from precedents import WORDS, judged, precedent

from precordia.core.drafts import Draft
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Problem, Quality
from precordia.core.retrieval import Hit
from precordia.generation.reports.composer import compose

NONE = Measurements()


def concepts(draft: Draft) -> list[str]:
    return [finding.concept for statement in draft.statements for finding in statement.findings]


def draft_of(hits: list[Hit], measurements: Measurements = NONE, **changes: float) -> Draft:
    return compose(judged(hits, measurements, **changes))


def test_what_precedents_agree_on_is_said_with_their_words_and_its_share() -> None:
    draft = draft_of([precedent(1, "SR", "CLBBB"), precedent(2, "SR", "CLBBB"), precedent(3, "SR"), precedent(4, "SR")])
    assert concepts(draft) == ["SR", "CLBBB"]
    rhythm, block = draft.statements
    assert (rhythm.support, block.support) == (1.0, 0.5)
    assert {(c.case_id, c.quote) for c in block.citations} == {(1, WORDS["CLBBB"]), (2, WORDS["CLBBB"])}
    assert not draft.abstained
    assert draft.author == "consensus"


def test_every_quote_stands_in_the_report_of_the_case_it_cites() -> None:
    hits = [precedent(i, "SR", "IMI", possible=("LVH",)) for i in range(1, 6)]
    reports = {hit.case.case_id: hit.case.report or "" for hit in hits}
    draft = draft_of(hits)
    assert all(c.quote and c.quote in reports[c.case_id] for s in draft.statements for c in s.citations)


def test_one_patient_has_one_vote() -> None:
    many = [precedent(i, "CLBBB", patient="same", similarity=0.95) for i in range(1, 8)]
    others = [precedent(i, "SR", similarity=0.95) for i in range(8, 12)]
    assert concepts(draft_of(many + others)) == ["SR"]


def test_nearer_precedents_weigh_more() -> None:
    near = [precedent(i, "AFIB", similarity=0.95) for i in (1, 2)]
    far = [precedent(i, "SR", similarity=0.60) for i in (3, 4, 5)]
    assert concepts(draft_of(near + far)) == ["AFIB"]
    assert concepts(draft_of(near + far, temperature=100.0)) != ["AFIB"]


def test_the_most_specific_finding_stands_for_what_it_implies() -> None:
    assert concepts(draft_of([precedent(i, "IMI") for i in range(1, 5)])) == ["IMI"]


def test_precedents_that_differ_in_territory_agree_on_infarction() -> None:
    hits = [precedent(1, "IMI"), precedent(2, "IMI"), precedent(3, "ASMI"), precedent(4, "ASMI"), precedent(5, "MI")]
    draft = draft_of(hits, least=0.5)
    assert concepts(draft) == ["MI"]
    assert draft.statements[0].support == 1.0


def test_statements_come_in_reading_order() -> None:
    hits = [precedent(i, "NST_", "IMI", "LVH", "LAD", "CRBBB", "AFIB") for i in range(1, 4)]
    draft = draft_of(hits, Measurements(heart_rate_bpm=80.0, axis_deg=-45.0))
    order = [s.findings[0].concept if s.findings else "rate" for s in draft.statements]
    wanted = ["AFIB", "rate", "CRBBB", "LAD", "LVH", "IMI", "NST_"]
    assert [c for c in wanted if c in order] == order
    assert {"AFIB", "rate", "LVH", "IMI"} <= set(order)


def test_findings_that_exclude_each_other_are_not_both_said() -> None:
    hits = [precedent(1, "AFIB"), precedent(2, "AFIB"), precedent(3, "AFIB"), precedent(4, "SR"), precedent(5, "SR")]
    draft = draft_of(hits)
    assert concepts(draft) == ["AFIB"]
    assert any("contradicts" in warning and "inus rhythm" in warning for warning in draft.warnings)
    assert any("2 of 5 precedents state" in warning for warning in draft.statements[0].warnings)


def test_precedents_that_deny_a_finding_are_told() -> None:
    hits = [precedent(1, "LVH"), precedent(2, "LVH"), precedent(3, "LVH"), precedent(4, "SR", denied=("LVH",))]
    statement = next(s for s in draft_of(hits).statements if s.findings[0].concept == "LVH")
    assert "Denied by 1 of 4 precedents" in statement.warnings


def test_a_denied_infarction_denies_its_kinds() -> None:
    hits = [precedent(1, "IMI"), precedent(2, "IMI"), precedent(3, "SR", denied=("MI",))]
    assert any(
        "Denied by" in w for s in draft_of(hits).statements if s.findings[0].concept == "IMI" for w in s.warnings
    )


def test_what_precedents_only_suspect_is_said_as_possible() -> None:
    draft = draft_of([precedent(i, "SR", possible=("IMI",)) for i in range(1, 5)])
    statement = next(s for s in draft.statements if s.findings[0].concept == "IMI")
    assert statement.findings[0].status == "uncertain"
    assert "possible" in statement.text.lower()
    assert statement.support == 0.5


def test_a_measurement_that_speaks_against_a_finding_is_told() -> None:
    draft = draft_of([precedent(i, "SR", "CLBBB") for i in range(1, 5)], Measurements(qrs_ms=90.0))
    statement = next(s for s in draft.statements if s.findings and s.findings[0].concept == "CLBBB")
    assert any("QRS duration is 90 ms" in warning for warning in statement.warnings)


def test_a_measurement_that_defines_a_finding_overrules_precedents() -> None:
    draft = draft_of([precedent(i, "SBRAD") for i in range(1, 5)], Measurements(heart_rate_bpm=84.0))
    assert "SBRAD" not in concepts(draft)
    assert any("left out" in w and "84 bpm" in w for w in draft.warnings)


def test_what_is_measured_is_said_and_cites_the_measurement() -> None:
    draft = draft_of(
        [precedent(i, "SR") for i in range(1, 5)], Measurements(pr_ms=240.0, heart_rate_bpm=70.0, p_ms=100.0)
    )
    statement = next(s for s in draft.statements if s.findings and "pr_ms" in s.measurements)
    assert statement.support == 1.0
    assert statement.citations == ()
    assert statement.warnings == ()


def test_what_is_plain_in_the_measurements_but_in_no_precedent_is_said_and_told() -> None:
    draft = draft_of([precedent(i, "SR") for i in range(1, 5)], Measurements(qrs_ms=150.0))
    statement = next(s for s in draft.statements if s.findings and s.measurements == ("qrs_ms",))
    assert "Measured here; none of the precedents states it" in statement.warnings


@pytest.mark.parametrize(
    "measured",
    [Measurements(criteria={"sokolow_lyon_lvh": True}), Measurements(heart_rate_bpm=57.0), Measurements(qtc_ms=463.0)],
)
def test_a_rule_just_met_needs_a_precedent_as_second_witness(measured: Measurements) -> None:
    assert concepts(draft_of([precedent(i, "SR") for i in range(1, 5)], measured)) == ["SR"]


def test_little_support_is_said_as_possible() -> None:
    hits = [precedent(i, "SR", "IMI", similarity=0.9) for i in (1, 2)] + [
        precedent(i, "SR", similarity=0.9) for i in (3, 4, 5)
    ]
    statement = next(s for s in draft_of(hits).statements if s.findings[0].concept == "IMI")
    assert statement.findings[0].status == "uncertain"
    assert statement.text.startswith("Possible")


def test_what_is_measured_and_stated_cites_both() -> None:
    measured = Measurements(pr_ms=240.0, heart_rate_bpm=70.0, p_ms=100.0)
    draft = draft_of([precedent(i, "SR", "1AVB") for i in range(1, 5)], measured)
    statement = next(s for s in draft.statements if s.findings and s.findings[0].concept == "1AVB")
    assert "pr_ms" in statement.measurements
    assert statement.citations


def test_artefacts_of_precedents_are_not_said_of_the_query() -> None:
    assert concepts(draft_of([precedent(i, "SR", "ARTI") for i in range(1, 5)])) == ["SR"]


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([], "no precedent was found"),
        ([precedent(i, "SR", similarity=0.1) for i in range(1, 9)], "no close precedent"),
        ([precedent(1, "SR"), precedent(2, "SR")], "too few precedents with a report"),
        ([precedent(i, report="trace only requested.") for i in range(1, 9)], "too few precedents with a report"),
        (
            [precedent(i, c) for i, c in enumerate(["SR", "AFIB", "IMI", "LVH", "CLBBB", "PVC"], 1)],
            "no finding is probable enough",
        ),
    ],
)
def test_it_abstains_when_the_evidence_is_too_weak(hits: list[Hit], reason: str) -> None:
    draft = draft_of(hits)
    assert draft.abstained
    assert reason in (draft.reason or "")
    assert concepts(draft) == []


def test_it_abstains_on_an_unacceptable_signal() -> None:
    poor = Quality(0.1, False, {}, (Problem("noisy", (), 0.9, "noise of 2 mV in every lead"),))
    draft = compose(judged([precedent(i, "SR") for i in range(1, 5)], quality=poor))
    assert draft.abstained
    assert "noise of 2 mV" in (draft.reason or "")


def test_the_order_of_the_hits_does_not_matter() -> None:
    hits = [precedent(i, c, similarity=0.9 - i / 50) for i, c in enumerate(["SR", "SR", "AFIB", "SR", "IMI"], 1)]
    assert draft_of(hits).statements == draft_of(hits[::-1]).statements


def test_where_nothing_is_claimed_numbers_and_precedents_are_told() -> None:
    hits = [precedent(1, "SR", "CLBBB", similarity=0.3), precedent(2, "SR", similarity=0.3)]
    numbers, told = draft_of(hits, Measurements(heart_rate_bpm=72.0, qrs_ms=98.0)).statements
    assert numbers.text == "Ventricular rate 72 bpm, QRS duration 98 ms."
    assert numbers.measurements == ("heart_rate_bpm", "qrs_ms")
    assert told.text.startswith("Not claimed of this ECG")
    assert "sinus rhythm (2 of 2 precedents)" in told.text
    assert told.findings == ()
    assert {c.case_id for c in told.citations} == {1}


def test_what_must_not_be_missed_is_told_even_where_nothing_is_claimed() -> None:
    tall = Measurements(heart_rate_bpm=70.0, t_mv={"V2": 1.2, "V3": 1.3}, t_width_ms={"V2": 70.0, "V3": 72.0})
    draft = draft_of([], tall)
    assert draft.abstained
    (concern,) = draft.consider
    assert concern.text.startswith("Hyperkalaemia pattern. T waves of 1.3 mV only 72 ms wide")
    assert concern.findings == (Finding("HYPERK", "uncertain"),)
    assert concern.measurements == ("t_mv", "t_width_ms")
    assert any(warning.startswith("Likely; ") for warning in concern.warnings)
    assert any(warning.startswith("What looks the same: ") for warning in concern.warnings)
    assert any(warning.startswith("Raised on ") for warning in concern.warnings)


def test_a_number_measured_with_little_confidence_is_left_out_and_told() -> None:
    measured = Measurements(heart_rate_bpm=72.0, qtc_ms=512.0, confidence={"qtc_ms": 0.2})
    numbers = next(
        s for s in draft_of([precedent(i, "SR") for i in range(1, 5)], measured).statements if not s.findings
    )
    assert "512" not in numbers.text
    assert numbers.warnings == ("QTc (Bazett) 512 ms was measured with little confidence",)


CASES = st.builds(
    lambda i, said, denied, possible, patient, similarity: precedent(
        i, *said, denied=tuple(denied), possible=tuple(possible), patient=f"p{patient}", similarity=similarity
    ),
    st.integers(1, 10**6),
    st.lists(st.sampled_from(sorted(WORDS)), unique=True, max_size=4),
    st.lists(st.sampled_from(sorted(WORDS)), unique=True, max_size=2),
    st.lists(st.sampled_from(sorted(WORDS)), unique=True, max_size=2),
    st.integers(0, 8),
    st.floats(0.4, 1.0),
)
NUMBER = st.one_of(st.none(), st.floats(1, 700))
MEASURED = st.builds(
    Measurements,
    heart_rate_bpm=NUMBER,
    p_ms=NUMBER,
    pr_ms=NUMBER,
    qrs_ms=NUMBER,
    qt_ms=NUMBER,
    qtc_ms=NUMBER,
    axis_deg=st.one_of(st.none(), st.floats(-179, 180)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CASES, max_size=10, unique_by=lambda hit: hit.case.case_id), MEASURED)
def test_every_statement_has_evidence_whatever_the_precedents_say(hits: list[Hit], measurements: Measurements) -> None:
    draft = draft_of(hits, measurements)
    reports = {hit.case.case_id: hit.case.report or "" for hit in hits}
    said = concepts(draft)
    assert len(said) == len(set(said))
    assert draft.abstained == (draft.reason is not None)
    assert bool(said) != draft.abstained
    for statement in draft.statements:
        assert statement.citations or statement.measurements
        assert 0 <= statement.support <= 1
        assert statement.text.endswith(".")
        assert all(getattr(measurements, name) is not None for name in statement.measurements)
        for citation in statement.citations:
            assert citation.quote in reports[citation.case_id]
        for finding in statement.findings:
            assert finding.status != "absent"


def test_findings_read_from_codes_alone_cite_the_code() -> None:
    hits = []
    for i in range(1, 5):
        hit = precedent(i, report="trace only requested.")
        hits.append(replace(hit, case=replace(hit.case, findings=(Finding("IMI"),), codes=("scp:IMI", "scp:NDT"))))
    statement = draft_of(hits).statements[0]
    assert {c.quote for c in statement.citations} == {"code scp:IMI"}
