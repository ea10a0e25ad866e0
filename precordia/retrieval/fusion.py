"""Several rankings made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), as published."""


def reciprocal_rank_fusion(rankings: Mapping[str, Sequence[int]], k: int = RRF_K) -> list[tuple[int, float]]:
    """Ids with their fused score, best first, ties by id.

    An id scores the sum over the rankings that hold it of ``1 / (k + rank)``, ranks from 1.

    Args:
        rankings: Modality to ids, best first, each id at most once.
        k: The larger, the less the first ranks stand out.

    >>> reciprocal_rank_fusion({"words": [7, 3], "signal": [3, 9]})[0][0]
    3
    """
    scores: dict[int, float] = {}
    for modality in sorted(rankings):
        for rank, case_id in enumerate(rankings[modality], start=1):
            scores[case_id] = scores.get(case_id, 0.0) + 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
