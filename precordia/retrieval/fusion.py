"""Several rankings made one."""

from __future__ import annotations

from collections.abc import Mapping

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), as published."""


def reciprocal_rank_fusion(rankings: Mapping[str, Mapping[int, int]], k: int = RRF_K) -> list[tuple[int, float]]:
    """Ids with their fused score, best first, ties by id.

    An id scores the sum over the rankings that hold it of ``1 / (k + rank)``.

    Args:
        rankings: Modality to ids with their rank, from 1; ids may share a rank.
        k: The larger, the less the first ranks stand out.

    >>> reciprocal_rank_fusion({"words": {7: 1, 3: 2}, "signal": {3: 1, 9: 2}})[0][0]
    3
    """
    scores: dict[int, float] = {}
    for modality in sorted(rankings):
        for case_id, rank in rankings[modality].items():
            scores[case_id] = scores.get(case_id, 0.0) + 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
