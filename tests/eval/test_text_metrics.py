"""Each text metric against another program of it, and against sums done by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.errors import MissingExtraError
from precordia.eval.metrics.bertscore import BertScore, match, rarity
from precordia.eval.metrics.overlap import (
    ORDER,
    CiderD,
    bleu,
    bleu_counts,
    load_library,
    longest_common,
    meteor,
    rouge_l,
    words,
)

CANDIDATES = [
    "Sinus rhythm. Normal ECG.",
    "Possible old inferior infarction.",
    "Atrial fibrillation. Left axis deviation.",
    "Sinus rhythm. Sinus rhythm. Sinus rhythm. Left axis deviation.",
    "Normal ECG.",
]
REFERENCES = [
    "sinus rhythm. normal ecg.",
    "sinus rhythm. possible inferior myocardial infarct, probably old.",
    "atrial fibrillation. premature ventricular contraction(s). left axis deviation.",
    "sinus rhythm. left axis deviation. left anterior fascicular block.",
    "normal ecg.",
]
SAID = [words(text) for text in CANDIDATES]
WANTED = [words(text) for text in REFERENCES]
A_TEXT = st.lists(st.sampled_from(["sinus", "rhythm", "left", "axis", "block", "old"]), max_size=7)


# --- BLEU -------------------------------------------------------------------------------------------------------


def test_bleu_of_a_case_done_by_hand() -> None:
    # "a b c d" against "a b d": words 3 of 4, pairs 1 of 3; longer than the reference, so no brevity penalty.
    found = bleu_counts(["a", "b", "c", "d"], ["a", "b", "d"])
    assert found.tolist() == [3, 1, 0, 0, 4, 3, 2, 1, 4, 3]
    assert bleu(found, 1) == pytest.approx(3 / 4)
    assert bleu(found, 2) == pytest.approx(math.sqrt(3 / 4 * 1 / 3))
    assert bleu(found, 3) == 0.0


def test_a_text_shorter_than_its_reference_pays_for_it() -> None:
    assert bleu(bleu_counts(["a", "b"], ["a", "b", "c", "d"]), 1) == pytest.approx(math.exp(1 - 4 / 2))


@pytest.mark.parametrize("order", range(1, ORDER + 1))
def test_bleu_is_nltks(order: int) -> None:
    from nltk.translate.bleu_score import corpus_bleu

    # Of texts shorter than n NLTK counts one n-gram where there is none; sacrebleu, and hence Precordia, counts none.
    pairs = [(c, r) for c, r in zip(SAID, WANTED, strict=True) if len(c) >= ORDER]
    assert len(pairs) >= 4
    summed = np.sum([bleu_counts(c, r) for c, r in pairs], axis=0)
    theirs = corpus_bleu([[list(r)] for _, r in pairs], [list(c) for c, _ in pairs], weights=[1 / order] * order)
    assert bleu(summed, order) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("order", range(1, ORDER + 1))
def test_counts_added_up_give_sacrebleus_corpus_score(order: int) -> None:
    from sacrebleu.metrics import BLEU

    scorer = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True)
    theirs = scorer.corpus_score([" ".join(c) for c in SAID], [[" ".join(r) for r in WANTED]])
    summed = np.sum([bleu_counts(c, r) for c, r in zip(SAID, WANTED, strict=True)], axis=0)
    assert bleu(summed, order) == pytest.approx(theirs.score / 100)


def test_saying_nothing_scores_nothing() -> None:
    assert bleu(bleu_counts([], ["a", "b"])) == 0.0
    assert meteor([], ["a"]) == 0.0
    assert rouge_l([], ["a"]) == 0.0
    assert CiderD(WANTED).score([], ["sinus", "rhythm"]) == 0.0


# --- METEOR -----------------------------------------------------------------------------------------------------


def test_meteor_of_cases_done_by_hand() -> None:
    # Three words of three in one chunk: the penalty is 0.5 * (1/3)**3.
    assert meteor(["a", "b", "c"], ["a", "b", "c"]) == pytest.approx(1 - 0.5 / 27)
    # Two of three match, in two chunks: P = R = F = 2/3, the penalty is 0.5 * (2/2)**3.
    assert meteor(["a", "x", "b"], ["a", "y", "b"]) == pytest.approx(2 / 3 * 0.5)
    # P = 1/2, R = 1: F = P * R / (0.9 * P + 0.1 * R), one chunk of one match.
    assert meteor(["a", "x"], ["a"]) == pytest.approx(0.5 / (0.45 + 0.1) * 0.5)


def test_meteor_matches_stems_but_knows_no_synonyms() -> None:
    assert meteor(["abnormalities"], ["abnormality"]) == pytest.approx(0.5)
    assert meteor(["heart"], ["bosom"]) == 0.0


# --- ROUGE-L ----------------------------------------------------------------------------------------------------


def test_rouge_l_of_a_case_done_by_hand() -> None:
    # "a d" is the longest both have: P = 2/3, R = 2/4.
    p, r = 2 / 3, 2 / 4
    assert rouge_l(["a", "x", "d"], ["a", "b", "c", "d"]) == pytest.approx(2 * p * r / (p + r))
    assert rouge_l(["a", "x", "d"], ["a", "b", "c", "d"], beta=1.2) == pytest.approx(2.44 * p * r / (r + 1.44 * p))


def test_rouge_l_is_rouge_scores() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    for said, wanted in itertools.product(SAID, WANTED):
        theirs = scorer.score(" ".join(wanted), " ".join(said))["rougeL"].fmeasure
        assert rouge_l(said, wanted) == pytest.approx(theirs)


@given(A_TEXT, A_TEXT)
def test_the_longest_common_sequence_is_the_longest(a: list[str], b: list[str]) -> None:
    def is_within(some: tuple[str, ...], text: list[str]) -> bool:
        rest = iter(text)
        return all(word in rest for word in some)

    found = max(n for n in range(len(a) + 1) for some in itertools.combinations(a, n) if is_within(some, b))
    assert longest_common(a, b) == found


# --- CIDEr-D ----------------------------------------------------------------------------------------------------


def test_cider_d_is_cocos() -> None:
    # pycocoevalcap 1.2, CiderScorer(n=4, sigma=6.0) over " ".join(words(...)) of the five pairs above.
    ours = CiderD(WANTED)
    found = [ours.score(c, r) for c, r in zip(SAID, WANTED, strict=True)]
    assert found == pytest.approx([10.0, 1.205796, 2.262655, 3.142136, 5.0], abs=1e-6)


def test_cider_d_of_a_case_done_by_hand() -> None:
    # Two references; "a" is in both and weighs 0, "b" and "c" in one each and weigh log 2. Of "a b" against "a b c", words:
    # (0, log 2) and (0, log 2, log 2), cosine 1 / sqrt 2; pairs: "a b" against "a b", "b c", likewise; length one off.
    ours = CiderD([["a", "b", "c"], ["a"]])
    expected = 10 * math.exp(-1 / 72) * (2 / math.sqrt(2)) / 4
    assert ours.score(["a", "b"], ["a", "b", "c"]) == pytest.approx(expected)


def test_saying_a_word_again_and_again_gains_nothing_in_cider_d() -> None:
    ours = CiderD(WANTED)
    once, often = ["left", "axis"], ["left", "left", "left", "axis", "axis", "axis"]
    assert ours.score(often, ["left", "axis", "deviation"]) < ours.score(once, ["left", "axis", "deviation"])


# --- BERTScore --------------------------------------------------------------------------------------------------


def test_bertscore_of_a_case_done_by_hand() -> None:
    # Said: east, north. Wanted: east, north-east (45 degrees). Likest: 1, cos 45 and 1, cos 45; the second weighs twice.
    half = math.sqrt(0.5)
    said = np.array([[1, 0], [0, 1]], np.float32)
    wanted = np.array([[1, 0], [half, half]], np.float32)
    found = match(said, np.array([1.0, 1.0]), wanted, np.array([1.0, 2.0]))
    precision, recall = (1 + half) / 2, (1 + 2 * half) / 3
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)
    assert found.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_word_piece_that_every_text_holds_weighs_nothing() -> None:
    found = rarity([np.array([1, 2]), np.array([1, 1])])
    assert found[1] == 0.0
    assert found[2] == pytest.approx(math.log(3 / 2))


@pytest.mark.usefixtures("text_extra")
def test_bertscore_is_its_authors() -> None:
    # bert-score 0.3.13, utils.bert_cos_score_idf with this model, its tokeniser, and the weights of utils.get_idf_dict.
    references = ["sinus rhythm. normal ecg, no change.", *REFERENCES[1:3]]
    plain = [(0.980766, 0.858869, 0.915779), (0.828914, 0.617141, 0.707521), (0.945603, 0.759347, 0.842301)]
    rare = [(0.985958, 0.792498, 0.878706), (0.830044, 0.651080, 0.729750), (0.960363, 0.735475, 0.833008)]
    for ours, theirs in ((BertScore([*CANDIDATES[:3], *references]), plain),
                         (BertScore(CANDIDATES[:3], references), rare)):  # fmt: skip
        found = [ours.score(c, r) for c, r in zip(CANDIDATES[:3], references, strict=True)]
        assert [(m.precision, m.recall, m.f1) for m in found] == [pytest.approx(t, abs=2e-5) for t in theirs]


@pytest.mark.usefixtures("text_extra")
def test_what_else_is_judged_does_not_change_a_bertscore() -> None:
    alone = BertScore([CANDIDATES[1], REFERENCES[1]]).score(CANDIDATES[1], REFERENCES[1])
    among = BertScore([*CANDIDATES, *REFERENCES]).score(CANDIDATES[1], REFERENCES[1])
    assert alone.f1 == pytest.approx(among.f1, abs=1e-6)
    assert BertScore(["", "a"]).score("", "a").f1 == 0.0


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"BLEU needs no_such_library: pip install 'precordia\[eval\]'"):
        load_library("no_such_library.metrics", "BLEU")
