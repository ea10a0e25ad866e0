"""Confidence: rises with support, and is the share of such statements that held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.judgement.calibration import fit


def test_a_curve_recovers_how_often_statements_held() -> None:
    rng = np.random.default_rng(0)
    support = rng.uniform(0, 1, 5000)
    truth = rng.uniform(0, 1, 5000) < support**2
    curve = fit(support.tolist(), truth.tolist(), least=100)
    for s in (0.2, 0.5, 0.8):
        assert curve.confidence(s) == pytest.approx(s**2, abs=0.06)
    assert curve.n == 5000


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200), st.integers(1, 50))
def test_confidence_never_falls_with_support(pairs: list[tuple[float, bool]], least: int) -> None:
    curve = fit([s for s, _ in pairs], [t for _, t in pairs], least=least)
    values = [curve.confidence(s / 20) for s in range(21)]
    assert values == sorted(values)
    assert 0 <= values[0] <= values[-1] <= 1
