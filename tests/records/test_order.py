"""The short forms give what numpy gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.records.order import finite_median, gradient, line, median, quantile


@pytest.mark.parametrize("n", [2, 3, 7, 12])
def test_they_are_numpys(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 3, 5))
    np.testing.assert_array_equal(median(values, axis=0), np.median(values, axis=0))
    np.testing.assert_array_equal(median(values[:, 0, 0]), np.median(values[:, 0, 0]))
    np.testing.assert_array_equal(gradient(values[:, 0, 0]), np.gradient(values[:, 0, 0]))
    np.testing.assert_array_equal(line(-0.3, 1.7, n), np.linspace(-0.3, 1.7, n))
    row = values[:, 0, 0].copy()
    assert [quantile(row, q) for q in (0.1, 0.25, 0.75, 0.9)] == np.quantile(row, [0.1, 0.25, 0.75, 0.9]).tolist()
    assert finite_median(np.append(row, np.nan)) == np.nanmedian(np.append(row, np.nan))
    assert quantile(row[:1], 0.9) == row[0]
