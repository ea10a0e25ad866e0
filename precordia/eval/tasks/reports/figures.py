"""Figures with intervals, from what each sample adds to a sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from precordia.core import bootstrap
from precordia.eval.harness.task import Row

Columns = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measure:
    """A figure that can be computed from sums over samples.

    Attributes:
        metric: Its name, with unit where it has one.
        columns: ``(n, k)`` what each sample adds.
        figure: From the ``(k,)`` sums to the figure; NaN where it is not defined.
        patients: ``(n,)`` whose resampling gives the interval.
        group: Part of the data.
        at_least: True when larger is better.
        share: Its two columns are hits and trials, so that it lies between 0 and 1; at either resampling says nothing.
    """

    metric: str
    columns: Columns
    figure: Callable[[Columns], float]
    patients: Sequence[str]
    group: str = ""
    at_least: bool = True
    share: bool = False

    def row(self, system: str, seed: int) -> Row:
        """The figure with its 95 % interval."""
        estimate = bootstrap.of_sums(self.columns, self.figure, self.patients, seed=seed)
        if self.share and estimate.value in (0.0, 1.0):
            # Only samples that could have counted are trials of the exact interval.
            counted = np.flatnonzero(self.columns[:, 1]).tolist()
            exact = bootstrap.rate([estimate.value] * len(counted), [self.patients[i] for i in counted], seed=seed)
            estimate = replace(exact, n=estimate.n)
        return self._row(system, estimate)

    def less(self, other: Measure, system: str, seed: int) -> Row:
        """The difference to the same figure of another system on the same samples, paired."""
        both = np.hstack([self.columns, other.columns])
        k = self.columns.shape[1]

        def gap(summed: Columns) -> float:
            return self.figure(summed[:k]) - self.figure(summed[k:])

        return self._row(system, bootstrap.of_sums(both, gap, self.patients, seed=seed))

    def _row(self, system: str, estimate: bootstrap.Estimate) -> Row:
        return Row(
            system,
            self.metric,
            estimate.value,
            estimate.low,
            estimate.high,
            estimate.n,
            self.group,
            at_least=self.at_least,
        )


def ratio(
    metric: str,
    top: ArrayLike,
    bottom: ArrayLike,
    patients: Sequence[str],
    group: str = "",
    *,
    at_least: bool = True,
    share: bool = True,
) -> Measure:
    """Sum of ``top`` over sum of ``bottom``: precision, recall, micro F1, a rate."""
    columns = np.stack([np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)], axis=1)
    return Measure(metric, columns, quotient, patients, group, at_least, share)


def mean(metric: str, values: ArrayLike, patients: Sequence[str], group: str = "", **rest: bool) -> Measure:
    """The mean over samples."""
    x = np.asarray(values, dtype=float)
    return ratio(metric, x, np.ones_like(x), patients, group, **{"share": False, **rest})


def quotient(summed: Columns) -> float:
    """The first of two sums over the second."""
    return float(summed[0] / summed[1]) if summed[1] else float("nan")
