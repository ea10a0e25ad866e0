"""Reports are found by their words, in English and German, with and without umlauts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import MissingExtraError
from precordia.indexing import words
from precordia.indexing.words import WordIndex, folded

TEXTS = {
    10: "Sinusrhythmus, überdrehter Linkstyp; AV-Block I°",
    20: "complete left bundle branch block",
    30: "right bundle branch block, sinus rhythm",
    40: "sinus rhythm, normal ECG",
    50: "Vorhofflimmern mit schneller Überleitung",
}


@pytest.fixture
def index() -> WordIndex:
    made = WordIndex()
    made.add(TEXTS.items())
    return made


def test_the_text_with_most_of_the_rare_words_comes_first(index: WordIndex) -> None:
    found = index.search("left bundle branch block", 10)
    assert [case_id for case_id, _ in found][:2] == [20, 30]
    assert found[0][1] > found[1][1] > 0


@pytest.mark.parametrize("spelling", ["überdrehter", "UEBERDREHTER", "ueberdrehter", "Überdrehter!"])
def test_umlauts_may_be_spelt_out(index: WordIndex, spelling: str) -> None:
    assert [case_id for case_id, _ in index.search(spelling, 5)] == [10]


@pytest.mark.parametrize("text", ["", "  ", "§$%", "infarction"])
def test_words_that_no_report_holds_find_nothing(index: WordIndex, text: str) -> None:
    assert index.search(text, 5) == []


def test_a_query_is_words_not_a_language(index: WordIndex) -> None:
    assert index.search('sinus AND NOT (rhythm:"x*" OR [a TO', 5)


@pytest.mark.parametrize("few", [words.FEW, 0])
def test_only_allowed_ids_are_found(index: WordIndex, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "FEW", few)
    assert [i for i, _ in index.search("bundle branch block", 5, np.array([30, 40]))] == [30]
    assert index.search("bundle branch block", 5, np.zeros(0, np.int64)) == []


def test_restricting_does_not_change_scores(index: WordIndex) -> None:
    free = dict(index.search("sinus bundle", 5))
    for case_id, score in index.search("sinus bundle", 5, np.array([20, 30])):
        assert score == pytest.approx(free[case_id])


def test_ties_break_by_id_however_many_there_are() -> None:
    index = WordIndex()
    order = np.random.default_rng(0).permutation(3000) + 1
    index.add((int(i), "sinus rhythm") for i in order[:2000])
    index.add((int(i), "sinus rhythm") for i in order[2000:])
    assert [i for i, _ in index.search("sinus", 5)] == [1, 2, 3, 4, 5]
    assert [i for i, _ in index.search("sinus", 3, np.arange(2990, 3001))] == [2990, 2991, 2992]
    assert len(index.search("rhythm", 5000)) == 3000


def test_it_lies_in_a_folder(tmp_path: Path) -> None:
    WordIndex(tmp_path / "words").add(TEXTS.items())
    again = WordIndex(tmp_path / "words")
    assert len(again) == len(TEXTS)
    assert [i for i, _ in again.search("Vorhofflimmern", 3)] == [50]


def test_large_ids_survive() -> None:
    index = WordIndex()
    index.add([(2**63 - 1, "pacing")])
    assert [i for i, _ in index.search("pacing", 1)] == [2**63 - 1]
    assert [i for i, _ in index.search("pacing", 1, np.array([2**63 - 1]))] == [2**63 - 1]


def test_folding() -> None:
    assert folded("ST-Hebung V2–V4, Größe: 0,2mV; déviation") == "st hebung v2 v4 groesse 0 2mv deviation"


def test_without_tantivy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tantivy", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[text\]"):
        WordIndex()
