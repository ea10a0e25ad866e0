"""What is relied on: figures on pages come from the results files that lie beside them (``docs/results``)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import encoder_page, figures, history, printed, scale
from precordia.core.errors import InputError
from precordia.eval.harness.page.content import content_of
from precordia.eval.harness.page.markdown import markdown
from precordia.eval.harness.results import read, read_every
from precordia.eval.harness.task import Row

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
PAGES = [page for page in figures.PAGES if page.parent.name != "decisions" and page.name != "results.md"]
"""A decision keeps what was known on its day; the page of results is made whole."""
REASONS = {"goal", "limit", "published", "seen since"}


def test_the_summary_is_of_the_results_beside_it() -> None:
    content = content_of(read_every([RESULTS]))
    assert content.sections
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == markdown(content)


def test_results_name_no_folder_of_the_machine() -> None:
    assert not [path.name for path in RESULTS.rglob("*.json*") if re.search(r'"(/|[A-Z]:)', path.read_text("utf-8"))]


def test_tables_of_the_encoder_are_of_the_results_beside_them() -> None:
    page = (ROOT / "docs" / "encoder.md").read_text("utf-8")
    made = 0
    for name, (task, make) in encoder_page.TABLES.items():
        path = RESULTS / f"{task}.json"
        if path.is_file():
            assert encoder_page.fill(page, name, make(read(path).rows)) == page, name
            made += 1
    assert made >= 5


def test_the_table_of_benchmarks_is_of_the_runs_beside_it() -> None:
    text = history.PAGE.read_text("utf-8")
    assert history.page(text, history.tracked()) == text, "python -m benchmarks.history writes it anew"


def test_a_run_is_kept_beside_those_of_other_commits(tmp_path: Path) -> None:
    for commit, figure in (("aaaaaaa", "60"), ("bbbbbbb", "70")):
        history.track(tmp_path / "runs", history.Run(commit, "a machine", "torch", [["build", ">= 50", figure, "90"]]))
    head, _, row = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in history.by_commit(history.tracked(tmp_path / "runs")).splitlines()
    )
    assert head == ["what", "budget", "bbbbbbb", "aaaaaaa", "the naive way"]
    assert row == ["build", ">= 50", "70", "60", "90"]


def test_what_a_benchmark_prints_is_kept_whole_and_each_cell_has_a_name(tmp_path: Path) -> None:
    said = "machine\n\n| what | s | n |\n|---|---|--:|\n| a | 1,200.5 (p95 3) | 2 (-1 to 3) |\n"
    said += "\n| b | for | s |\n|-|-|-|\n| x | y | 1 |\n| x | z | - |"
    printed.keep("some", printed.Printed("python", "aaaaaaa", "a machine", "torch", printed.tables(said)), tmp_path)
    run = printed.kept(tmp_path)["some"]
    assert [(row.system, row.metric, row.group, row.value, row.low, row.high) for row in run.rows] == [
        ("s", "a", "", 1200.5, None, None),
        ("n", "a", "", 2.0, -1.0, 3.0),
        ("s", "x", "y", 1.0, None, None),
    ]
    page = printed.fill("<!-- printed some -->\n\n<!-- end -->", [("some", run)])
    assert printed.tables(page) == run.tables


def test_the_reckoned_plan_is_of_what_a_record_takes_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scale"])
    scale.main()
    assert printed.kept()["scale"].tables == printed.tables(capsys.readouterr().out), (
        "python -m benchmarks.printed scale"
    )


@pytest.mark.parametrize("page", figures.PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_figure_that_names_its_row_is_the_rows(page: Path) -> None:
    text = page.read_text("utf-8")
    assert figures.fill(text) == text, "python -m benchmarks.figures writes them anew"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_other_scores(page: Path) -> None:
    assert not figures.not_held(page.read_text("utf-8")), "name the row of each, cut it, or move it to a decision"


def test_the_few_scores_that_no_results_file_holds_say_why() -> None:
    why = [reason for page in PAGES for reason in figures.NOT_HELD.findall(page.read_text("utf-8"))]
    assert not {reason.partition(",")[0] for reason in why} - REASONS
    assert len(why) < 10


def test_scores_that_nothing_holds_are_found() -> None:
    page = """
0.668<!-- from report-consensus: precordia; micro F1 of findings; PTB-XL -->
others 0.456<!-- not held: published -->
so 0.789, at a threshold of 0.50 not 0.66 (0.63-0.70)

| 0.1 | first <!-- not held: seen since --> | now | goal |
|--|--|--|--|
| a | 0.111 | 0.22 | 0.555 |
| b <!-- not held: seen since --> | 0.333 | 0.444 | 0.666 |
| c | | version 1.03, 0.777 | |
"""
    assert figures.not_held(page) == ["0.789", "0.66", "0.22", "0.777"]


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        (
            "0.000 (0.000-0.000)<!-- from some: precordia; F1; A -->",
            "0.668 (0.633-0.704)<!-- from some: precordia; F1; A -->",
        ),
        ("**1 %** (0 to 1 %)<!-- from some: *; f1; A -->", "**67 %** (63 to 70 %)<!-- from some: *; f1; A -->"),
        ("+0.0<!-- from some: precordia; F1 -->", "-0.2<!-- from some: precordia; F1 -->"),
        ("0.00<!-- from some: goal of precordia; F1; A -->", "0.90<!-- from some: goal of precordia; F1; A -->"),
        (
            "<!-- from some: {column}; F1; A & {column}; F1 -->\n| | precordia |\n|--|--|\n| a | 1.0 ± 0.00 |",
            "<!-- from some: {column}; F1; A & {column}; F1 -->\n| | precordia |\n|--|--|\n| a | 0.7 ± -0.25 |",
        ),
        (
            "<!-- from some: {column}; F1; {row} -->\n| | Us <!-- precordia --> | goal <!-- - --> |\n|--|--|--|\n| a | 0.0 | 0.9 |",
            "<!-- from some: {column}; F1; {row} -->\n| | Us <!-- precordia --> | goal <!-- - --> |\n|--|--|--|\n| a | 0.7 | 0.9 |",
        ),
    ],
)
def test_a_figure_is_written_as_it_was(written: str, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Row("precordia", "F1", 0.6682, 0.633, 0.704, group="A", goal=0.9), Row("precordia", "F1", -0.25))
    monkeypatch.setattr(figures, "results", lambda: {"some": rows})
    assert figures.fill(written) == filled


@pytest.mark.parametrize("row", ["precordia; F2; A", "*; F1; *", "goal of precordia; F1; A", "no file"])
def test_a_comment_that_names_no_row_or_several_is_an_error(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Row("precordia", "F1", 0.6682, group="A"), Row("precordia", "F1", -0.25))
    monkeypatch.setattr(figures, "results", lambda: {"some": rows})
    with pytest.raises(InputError, match="docs/results"):
        figures.fill(f"0.668<!-- from {'other' if row == 'no file' else 'some'}: {row} -->")
    with pytest.raises(InputError, match="follow"):
        figures.fill("so it is<!-- from some: precordia; F1; A -->")
