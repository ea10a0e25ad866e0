from precordia.retrieval.fusion import RRF_K, reciprocal_rank_fusion


def test_scores_are_the_published_sum() -> None:
    fused = dict(reciprocal_rank_fusion({"words": [1, 2], "signal": [2, 3]}))
    assert fused == {1: 1 / (RRF_K + 1), 2: 1 / (RRF_K + 2) + 1 / (RRF_K + 1), 3: 1 / (RRF_K + 2)}


def test_ties_go_to_the_smaller_id_whatever_the_order_of_modalities() -> None:
    first = reciprocal_rank_fusion({"words": [9, 4], "signal": [4, 9]})
    assert first == reciprocal_rank_fusion({"signal": [4, 9], "words": [9, 4]})
    assert [case_id for case_id, _ in first] == [4, 9]


def test_one_ranking_keeps_its_order() -> None:
    assert [i for i, _ in reciprocal_rank_fusion({"signal": [5, 3, 8]})] == [5, 3, 8]
