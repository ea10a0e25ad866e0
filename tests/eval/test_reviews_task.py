"""How often statements are struck, counted by kind and finding; a decision that was taken back does not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.core.errors import InputError, UsageError
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.reviews.task import NUMBER, REVIEWS, groups_of
from precordia.indexing.reviews import Review, Reviews


def review(i: int, concept: str, decision: str, signed: bool = True) -> Review:
    concepts = (concept,) if concept else ()
    return Review(f"s-{concept}", "words", concepts, decision, "", "ward", signed, f"{i:064x}", i, f"P{i % 4}")


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    reviews = Reviews(tmp_path)
    reviews.add([review(i, "present AFIB", "strike") for i in range(10)])
    reviews.add([review(i, "present AFIB", "accept") for i in range(6)])  # taken back
    reviews.add([review(i, "uncertain AMI", "edit" if i < 2 else "accept", signed=False) for i in range(8)])
    reviews.add([review(1, "", "accept")])
    return tmp_path


def figures(kb: Path, **options: str) -> dict[tuple[str, str], float]:
    result = REVIEWS.run(Settings(kb, kb=kb, options=options))
    return {(row.group, row.metric): row.value for row in result.rows}


def test_shares_are_of_the_last_decisions(kb: Path) -> None:
    found = figures(kb)
    assert found["AFIB", "share struck"] == pytest.approx(4 / 10)
    assert found["rhythm", "share struck"] == pytest.approx(4 / 10)
    assert found["AMI", "share edited"] == pytest.approx(2 / 8)
    assert found["", "share struck"] == pytest.approx(4 / 19)
    assert (NUMBER, "share struck") not in found  # too few


def test_only_signed_decisions_where_that_is_asked(kb: Path) -> None:
    assert ("AMI", "share edited") not in figures(kb, signed="yes")


def test_what_is_only_possible_is_a_kind_of_its_own() -> None:
    assert groups_of(review(1, "uncertain AMI", "accept"))[0].startswith("possible ")
    assert groups_of(review(1, "", "accept")) == [NUMBER]


def test_without_reviews_there_is_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        REVIEWS.run(Settings(tmp_path, kb=tmp_path))
    with pytest.raises(UsageError):
        REVIEWS.run(Settings(tmp_path))
    assert TASKS.get("reviews") is REVIEWS


def test_the_command_line_prints_it(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "reviews", "--kb", str(kb), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]
