"""The neighbours that frozen vectors give: how many of them share what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.encoders.encoder import unit_rows
from precordia.eval.harness.task import Row
from precordia.eval.metrics.probe import precision_at
from precordia.eval.metrics.ranking import chance_ndcg, ndcg_at, shared_share
from precordia.eval.tasks.encoder.rows import Split

K: Final = 10


def retrieval_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Neighbours of the test part in the fitting part, with what neighbours drawn at random would share.

    An ECG without a code that any other has counts as a query for which nothing was found.
    """
    labels = split.data.superclasses
    relevance = shared_share(split.data.codes[split.test], split.data.codes[split.fit])
    for name, v in vectors.items():
        unit = unit_rows(v)
        shares = precision_at(unit[split.test], unit[split.fit], labels[split.test], labels[split.fit], K)
        nearest = np.argsort(-(unit[split.test] @ unit[split.fit].T), axis=1, kind="stable")[:, :K]
        gains = np.nan_to_num(ndcg_at(np.take_along_axis(relevance, nearest, axis=1), relevance, K))
        for metric, each in ((_PRECISION, shares), (_NDCG, gains)):
            found = bootstrap.mean(each, split.test_patients, seed=seed)
            yield Row(name, metric, found.value, found.low, found.high, found.n)
    n = int(split.test.sum())
    shared = (labels[split.test][:, None, :] & labels[split.fit][None]).any(axis=2)
    yield Row("chance", _PRECISION, float(shared.mean()), n=n)
    expected = np.nan_to_num(chance_ndcg(relevance, np.full(n, relevance.shape[1]), K))
    yield Row("chance", _NDCG, float(expected.mean()), n=n)


_PRECISION: Final = "precision@10, shared superclass"
_NDCG: Final = "nDCG@10, overlap of codes"
