"""Fitted answers: kept, read again, refused where they do not fit, and what they make of an ECG."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from fitted_answers import fitted_answers, numbers
from precedents import evidence_of, precedent

from precordia.core.errors import InputError
from precordia.generation.answers import fitted as answer_fitted
from precordia.generation.answers.asked import Asked
from precordia.generation.answers.fitted import Belief, Scaling, load, save, shipped_for
from precordia.generation.answers.priors import YES, AskedBefore
from precordia.judgement.calibration import Calibration


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    query = Asked("query", "diagnostic", ("LVH", "IMI"))
    before = AskedBefore.of([(query, ()), (query, ("IMI", "LVH")), (Asked("verify", "form", ("INVT",), "V1"), YES)])
    curves = {"verify": Calibration((0.2, 0.8), (0.3, 0.7), "hand", 60)}
    written = fitted_answers(asked=before, least={"verify": 0.7}, curves=curves)
    save(written, tmp_path / "a.npz")
    read = load(tmp_path / "a.npz")
    assert read.asked == written.asked
    assert read.curves == curves
    assert (read.groups, read.trust, read.least_confidence, read.risk) == (
        written.groups, written.trust, written.least_confidence, written.risk,
    )  # fmt: skip
    for features in (numbers(lvh=1.3, qrs=0.4), numbers(noisy=("V1",))):
        one, other = (Belief(answers, features, evidence_of()) for answers in (written, read))
        for target in ("LVH", "CLBBB", "SNOISE@V1", "SNOISE@V2"):
            assert one.probability(target) == pytest.approx(other.probability(target), rel=1e-5)


def test_equal_fits_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save(fitted_answers(), tmp_path / name)
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        assert a.files == b.files
        assert all(np.array_equal(a[name], b[name]) for name in a.files)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_another_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="precordia train answers"):
        load(tmp_path / "a.npz")


def test_what_is_shipped_holds_for_its_encoder_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_fitted, "shipped", lambda: fitted_answers())
    assert shipped_for("e1") is not None
    assert shipped_for("another") is None


def test_precedents_that_state_a_finding_raise_its_probability() -> None:
    evidence = evidence_of([precedent(i, "LVH" if i < 4 else "SR") for i in range(1, 6)])
    without = Belief(fitted_answers(vote=0.0), numbers(), evidence).probability("LVH")
    with_votes = Belief(fitted_answers(vote=0.5), numbers(), evidence)
    share = (0.6 * 20 + 0.2 * 5) / 25
    assert with_votes.log_odds("LVH") == pytest.approx(
        math.log(0.25) + 0.5 * (math.log(share / (1 - share)) - math.log(0.25)), abs=1e-6
    )
    assert with_votes.probability("LVH") > without
    assert with_votes.probability("IMI") == pytest.approx(0.2)


def test_leads_are_told_apart() -> None:
    belief = Belief(fitted_answers(), numbers(noisy=("V1", "V2")), evidence_of())
    assert belief.probability("SNOISE@V1") > 0.8 > 0.1 > belief.probability("SNOISE@II")
    # A group of leads is as likely as its leads on average.
    chest = np.mean([belief.probability(f"SNOISE@V{i}") for i in range(1, 7)])
    assert belief.probability("SNOISE@chest leads") == pytest.approx(chest)


def test_scaling_fills_gaps_and_flags_what_is_often_missing() -> None:
    raw = np.array([[1.0, np.nan], [3.0, 5.0], [5.0, np.nan], [7.0, 9.0]])
    scaling = Scaling.of(raw)
    assert scaling.median.tolist() == [4.0, 7.0]
    assert scaling.flagged.tolist() == [1]
    scaled = scaling.apply(raw)
    assert scaled.shape == (4, 3)
    assert np.allclose(scaled.mean(axis=0), 0)
    assert scaled[0, 2] == pytest.approx(1.0, abs=1e-4)
    assert scaling.apply(np.array([[1e9, 7.0]]))[0, 0] == 4.0
