"""Standing: the same finding stands the same way wherever it is asked about, and says what decided."""

from __future__ import annotations

import pytest
from precedents import VECTOR, judged, models_that_say, precedent

from precordia.core.findings import Finding, Measurements
from precordia.judgement.models import Promise
from precordia.judgement.standing import Standing
from precordia.judgement.votes import Vote

HITS = [precedent(i, "SR", *(["IMI"] if i < 4 else [])) for i in range(1, 6)]


def test_without_models_the_vote_decides() -> None:
    standing = judged(HITS).standing("IMI")
    assert (standing.source, standing.probability, standing.calibrated) == ("vote", pytest.approx(0.6), False)
    assert standing.finding == Finding("IMI")
    assert not standing.ruled_out


def test_where_there_is_a_model_it_decides_and_the_vote_is_kept_beside() -> None:
    standing = judged(HITS, vector=VECTOR, models=models_that_say(IMI=0.8)).standing("IMI")
    assert (standing.source, standing.calibrated) == ("model", True)
    assert standing.probability == pytest.approx(0.8)
    assert standing.support == pytest.approx(0.6)


def test_a_model_without_a_promise_is_not_called_calibrated() -> None:
    doubtful = models_that_say(Promise(0.2, withdrawn="too few"), IMI=0.8)
    assert not judged(HITS, vector=VECTOR, models=doubtful).standing("IMI").calibrated


def test_models_need_the_ecgs_vector() -> None:
    assert judged(HITS, models=models_that_say(IMI=0.8)).standing("IMI").source == "vote"


@pytest.mark.parametrize(("pr_ms", "probability", "ruled_out"), [(240.0, 1.0, False), (150.0, 0.0, True)])
def test_what_a_measurement_defines_it_decides(pr_ms: float, probability: float, ruled_out: bool) -> None:
    measured = Measurements(heart_rate_bpm=70.0, p_ms=100.0, pr_ms=pr_ms)
    for models in (None, models_that_say(LPR=0.6)):
        standing = judged(HITS, measured, vector=VECTOR, models=models).standing("LPR")
        assert (standing.source, standing.probability) == ("measurement", probability)
        assert (standing.ruled_out, standing.shown) == (ruled_out, not ruled_out)
        assert "pr_ms" in standing.measurements


def test_what_is_measured_is_not_called_possible_because_precedents_only_suspect_it() -> None:
    hits = [precedent(i, "SR", possible=("LAD",)) for i in range(1, 6)]
    assert judged(hits, Measurements(axis_deg=-60.0)).standing("LAD").finding.status == "present"
    assert judged(hits).standing("LAD").finding.status == "uncertain"


def test_a_finding_has_the_qualifiers_that_most_precedents_give() -> None:
    hits = []
    for i, territory in enumerate(["anterior", "anterior", "lateral", None], start=1):
        hit = precedent(i, "MI")
        object.__setattr__(hit.case, "findings", (Finding("MI", territory=territory, span=hit.case.findings[0].span),))
        hits.append(hit)
    assert judged(hits[:3]).standing("MI").finding.territory == "anterior"
    assert judged(hits).standing("MI").finding.territory is None


def test_a_finding_implies_what_is_more_general() -> None:
    standing = Standing(Finding("IMI"), 0.6, "vote", Vote("IMI", 0.6, (), (), "present"))
    assert standing.implies("MI")
    assert not Standing(Finding("MI"), 0.6, "vote", Vote("MI", 0.6, (), (), "present")).implies("IMI")
    assert not standing.borne_out
