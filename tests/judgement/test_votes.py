"""Voters: one a patient, nearest first, weighed by similarity; quotes are the report's own words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from precedents import precedent

from precordia.core.findings import Finding
from precordia.core.retrieval import ALIKE, Why
from precordia.judgement.reconcile import exclusions, most_specific, sayable, section_of
from precordia.judgement.votes import Voter, cite, quote_of, similarity_of, vote, voters


def test_weights_add_up_and_fall_with_distance() -> None:
    jury = voters([precedent(i, "SR", similarity=1 - i / 10) for i in range(1, 5)], temperature=0.1, k=10)
    weights = [voter.weight for voter in jury]
    assert sum(weights) == pytest.approx(1)
    assert weights == sorted(weights, reverse=True)


def test_only_cases_that_say_something_vote_nearest_first_and_one_a_patient() -> None:
    hits = [
        precedent(1, report="nothing", patient="a", similarity=0.99),
        precedent(2, "SR", patient="a", similarity=0.98),
        precedent(3, "SR", patient="a", similarity=0.97),
        precedent(4, "SR", patient="b", similarity=0.2),
        precedent(5, "SR", patient="c", similarity=0.9),
    ]
    jury = voters(hits, temperature=0.1, k=10)
    assert [voter.case.case_id for voter in jury] == [2, 5, 4]
    assert [voter.case.case_id for voter in voters(hits, temperature=0.1, k=2)] == [2, 5]
    assert voters([], temperature=0.1, k=3) == ()


def test_a_specific_finding_counts_for_what_it_implies_and_a_denial_for_what_would_imply_it() -> None:
    jury = voters([precedent(1, "IMI"), precedent(2, "SR", denied=("MI",))], temperature=1, k=5)
    infarction = vote("MI", jury, uncertain_weight=0.5)
    assert [v.case.case_id for v in infarction.agreeing] == [1]
    assert [v.case.case_id for v in vote("IMI", jury, uncertain_weight=0.5).denying] == [2]


def test_a_possible_finding_counts_less() -> None:
    jury = voters([precedent(1, possible=("IMI",)), precedent(2, "SR")], temperature=1e9, k=5)
    found = vote("IMI", jury, uncertain_weight=0.5)
    assert found.support == pytest.approx(0.25)
    assert found.status == "uncertain"


def test_similarity_is_that_of_the_signal_even_for_a_fused_score() -> None:
    hit = precedent(1, "SR", similarity=0.8)
    assert similarity_of(replace(hit, score=0.016)) == 0.8


@pytest.mark.parametrize("span", [(0, 0), (-3, 2), (5, 3), (0, 999)])
def test_a_span_that_is_none_gives_no_false_quote(span: tuple[int, int]) -> None:
    case = precedent(1, "SR").case
    assert quote_of(case, Finding("SR", span=span)) == ""
    assert quote_of(replace(case, codes=("scp:IMI", "scp:SR")), Finding("SR", span=span)) == "code scp:SR"


def test_cases_with_words_are_cited_before_cases_with_a_code() -> None:
    coded = precedent(1, report="trace only.", similarity=0.99)
    coded = replace(coded, case=replace(coded.case, findings=(Finding("SR"),), codes=("scp:SR",)))
    jury = voters([coded, precedent(2, "SR"), precedent(3, "SR")], temperature=1, k=5)
    assert [c.case_id for c in cite("SR", jury, 2)] == [2, 3]
    assert [c.case_id for c in cite("SR", jury, 3)] == [1, 2, 3]


def test_reading_order_specificity_and_exclusion_come_from_the_vocabulary() -> None:
    places = [section_of(c) for c in ("AFIB", "rate", "CLBBB", "LAD", "LVH", "IMI", "STD_", "NORM")]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert most_specific(["MI", "IMI", "SR"]) == ["IMI", "SR"]
    assert frozenset(("SR", "AFIB")) in exclusions(["SR", "AFIB", "IMI"])
    assert sayable("IMI")
    assert not sayable("ARTI")
    assert not sayable("NOT-A-FINDING")


def test_a_code_beside_a_written_report_is_a_witness_without_a_vote() -> None:
    coded = precedent(1, "SR")
    coded = replace(coded, case=replace(coded.case, findings=(*coded.case.findings, Finding("LVH"))))
    silent = precedent(2, report="trace only.")
    silent = replace(silent, case=replace(silent.case, findings=(Finding("LVH"),)))
    jury = voters([coded, precedent(3, "SR")], temperature=1e9, k=5)
    found = vote("LVH", jury, uncertain_weight=0.5)
    assert [voter.case.case_id for voter in found.agreeing] == [1]
    assert found.support == 0.0
    alone = vote("LVH", voters([silent, precedent(3, "SR")], temperature=1e9, k=5), uncertain_weight=0.5)
    assert alone.support == pytest.approx(0.5)


def test_words_go_before_codes_in_what_a_case_says() -> None:
    hit = precedent(1, possible=("LVH",))
    both = replace(hit.case, findings=(Finding("LVH"), *hit.case.findings))
    said = Voter(replace(hit, case=both), 1.0).says("LVH")
    assert said is not None
    assert said.status == "uncertain"


def test_likeness_where_it_was_looked_for_orders_the_jury() -> None:
    near, alike = precedent(1, "SR", similarity=0.95), precedent(2, "SR", similarity=0.8)
    hits = [replace(hit, why=Why({**hit.why.scores, ALIKE: value}, {})) for hit, value in ((near, 0.3), (alike, 0.9))]
    assert [voter.case.case_id for voter in voters(hits, temperature=0.1, k=2)] == [2, 1]
