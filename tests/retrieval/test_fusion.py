from precordia.retrieval.fusion import RRF_K, reciprocal_rank_fusion


def test_scores_are_the_published_sum() -> None:
    fused = dict(reciprocal_rank_fusion({"words": {1: 1, 2: 2}, "signal": {2: 1, 3: 2}}))
    assert fused == {1: 1 / (RRF_K + 1), 2: 1 / (RRF_K + 2) + 1 / (RRF_K + 1), 3: 1 / (RRF_K + 2)}


def test_ties_go_to_the_smaller_id_whatever_the_order_of_modalities() -> None:
    first = reciprocal_rank_fusion({"words": {9: 1, 4: 2}, "signal": {4: 1, 9: 2}})
    assert first == reciprocal_rank_fusion({"signal": {4: 1, 9: 2}, "words": {9: 1, 4: 2}})
    assert [case_id for case_id, _ in first] == [4, 9]


def test_one_ranking_keeps_its_order() -> None:
    assert [i for i, _ in reciprocal_rank_fusion({"signal": {5: 1, 3: 2, 8: 3}})] == [5, 3, 8]


def test_a_shared_rank_counts_for_all_that_share_it() -> None:
    fused = dict(reciprocal_rank_fusion({"findings": {8: 1, 5: 1}}))
    assert fused[8] == fused[5] == 1 / (RRF_K + 1)
