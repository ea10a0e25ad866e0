"""What must not be missed: from a lower probability on than what is said, never beside itself, never what is ruled out."""

from __future__ import annotations

import pytest
from precedents import VECTOR, judged, models_that_say, precedent

from precordia.core.findings import Measurements
from precordia.judgement.urgent import concerns

FEW = [precedent(1, "VT"), *(precedent(i, "SR") for i in range(2, 6))]
PEAKED = Measurements(heart_rate_bpm=70.0, t_mv={"V2": 1.2, "V3": 1.3}, t_width_ms={"V2": 70.0, "V3": 72.0})


def names(judgement: object) -> list[str]:
    return [concern.concept for concern in judgement.concerns]  # type: ignore[attr-defined]


def test_what_few_precedents_state_is_considered_but_not_said() -> None:
    judgement = judged(FEW)
    assert [s.concept for s in judgement.said] == ["SR"]
    (concern,) = judgement.concerns
    assert (concern.concept, concern.grade, concern.measurements) == ("VT", "possible", ())
    assert "20%" in concern.text
    assert "1 of 5 precedents" in concern.text
    assert next(row.settles for row in concerns() if row.concept == "VT") in concern.text


@pytest.mark.parametrize(("least", "raised"), [(0.15, True), (0.25, False)])
def test_it_is_considered_from_the_probability_that_is_set(least: float, raised: bool) -> None:
    assert ("VT" in names(judged(FEW, concern=least))) == raised


def test_what_a_model_alone_suspects_points_at_nothing_and_is_not_raised() -> None:
    models = models_that_say(VT=0.3)
    assert names(judged([precedent(i, "SR") for i in range(1, 6)], vector=VECTOR, models=models)) == []
    assert names(judged(FEW, vector=VECTOR, models=models)) == ["VT"]
    assert names(judged(FEW, vector=VECTOR, models=models_that_say(VT=0.02))) == []


def test_what_is_said_for_certain_need_not_be_considered_as_well() -> None:
    judgement = judged([precedent(i, "VT") for i in range(1, 6)])
    assert [s.concept for s in judgement.said] == ["VT"]
    assert names(judgement) == []


def test_what_is_only_said_as_possible_is_considered_too() -> None:
    judgement = judged([precedent(i, "VT" if i < 3 else "SR") for i in range(1, 6)])
    assert "VT" not in {s.concept for s in judgement.said if s.finding.status == "present"}
    assert "VT" in names(judgement)


def test_a_measured_sign_is_raised_whatever_precedents_say_and_once() -> None:
    for hits in ([], FEW, [precedent(i, "NORM") for i in range(1, 6)]):
        raised = names(judged(hits, PEAKED))
        assert raised[0] == "HYPERK"
        assert len(raised) == len(set(raised))
