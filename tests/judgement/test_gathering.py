"""Witnesses beyond the precedents: looked for where models find probable what no precedent states."""

from __future__ import annotations

import pytest
from precedents import VECTOR, evidence_of, models_that_say, precedent

from precordia.core.retrieval import Hit
from precordia.generation.reports.composer import compose
from precordia.judgement.evidence import Evidence
from precordia.judgement.gathering import with_witnesses
from precordia.judgement.judge import judge

FIVE = [precedent(i, "SR") for i in range(1, 6)]


def asked(evidence: Evidence, answer: Hit | None) -> tuple[Evidence, list[str]]:
    conditions: list[str] = []

    def nearest(condition: str) -> Hit | None:
        conditions.append(condition)
        return answer

    return with_witnesses(evidence, nearest), conditions


def test_what_is_probable_and_unstated_is_looked_for_and_said_with_its_witness() -> None:
    models = models_that_say(SR=0.9, IMI=0.7, MI=0.8, LVH=0.1)
    found, conditions = asked(evidence_of(FIVE, vector=VECTOR, models=models), precedent(77, "IMI", similarity=0.7))
    assert conditions == ["findings has 'IMI'"]  # the most special; it states the other as well
    (witness,) = found.witnesses
    assert witness.rank == 6
    assert [hit.case.case_id for hit in found.shown] == [1, 2, 3, 4, 5, 77]
    assert found.vote("IMI").support == 0.0
    assert not found.vote("IMI").agreeing
    draft = compose(judge(found))
    (said,) = (s for s in draft.statements if s.findings and s.findings[0].concept == "IMI")
    assert [c.case_id for c in said.citations] == [77]
    assert "None of 5 precedents states it; the nearest case that does has similarity 0.70" in said.warnings


@pytest.mark.parametrize("answer", [None, precedent(77, "IMI", similarity=0.2)], ids=["none", "too far"])
def test_without_a_near_witness_nothing_is_said(answer: Hit | None) -> None:
    evidence = evidence_of(FIVE, vector=VECTOR, models=models_that_say(SR=0.9, IMI=0.7))
    found, _ = asked(evidence, answer)
    assert found is evidence
    assert [s.concept for s in judge(found).said] == ["SR"]


def test_nobody_is_looked_for_where_precedents_state_it_or_nothing_may_be_claimed() -> None:
    models = models_that_say(SR=0.9)
    assert asked(evidence_of(FIVE, vector=VECTOR, models=models), None)[1] == []
    thin = evidence_of(FIVE[:1], vector=VECTOR, models=models_that_say(IMI=0.9))
    assert asked(thin, None)[1] == []
    assert asked(evidence_of(FIVE), None)[1] == []
