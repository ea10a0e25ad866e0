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
FIGURE = re.compile(r"(?<![\d.])[01]\.\d{3}(?!\d| mV)")
"""Shares, scores and their like, to three places: what results are told in."""
FIGURED = [page for page in figures.PAGES if re.search(f"{FIGURE.pattern}|<!-- printed", page.read_text("utf-8"))]
COMMAND = re.compile(
    r"(?:precordia (?:eval|train|adapt|inspect|build)|python -m (?:benchmarks|precordia)|pytest) ?[\w.-]"
)


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
    said = "machine\n\n| what | s | n |\n|---|---|--:|\n| a | 1,200.5 (p95 3) | 2 |\n"
    said += "\n| b | for | s |\n|-|-|-|\n| x | y | 1 |\n| x | z | - |"
    printed.keep("some", printed.Printed("python", "aaaaaaa", "a machine", "torch", printed.tables(said)), tmp_path)
    run = printed.kept(tmp_path)["some"]
    assert [(row.system, row.metric, row.group, row.value) for row in run.rows] == [
        ("s", "a", "", 1200.5),
        ("n", "a", "", 2.0),
        ("s", "x", "y", 1.0),
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


@pytest.mark.parametrize("page", FIGURED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_figure_that_names_its_row_is_the_rows(page: Path) -> None:
    text = page.read_text("utf-8")
    assert figures.fill(text) == text, "python -m benchmarks.figures writes them anew"


def test_the_readme_has_no_other_figures() -> None:
    text = (ROOT / "README.md").read_text("utf-8").partition("## What it reaches")[2].partition("\n## ")[0]
    assert FIGURE.search(text)
    assert not FIGURE.search(others(text))


# A decision keeps what was known on its day.
@pytest.mark.parametrize(
    "page", [page for page in FIGURED if page.parent.name != "decisions"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_beside_other_figures_stands_a_command(page: Path) -> None:
    sections = re.split(r"^(?=#+ )", others(page.read_text("utf-8")), flags=re.MULTILINE)
    assert not [text.partition("\n")[0] for text in sections if FIGURE.search(text) and not COMMAND.search(text)]


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        (
            "0.000 (0.000-0.000)<!-- from some: precordia; F1; A -->",
            "0.668 (0.633-0.704)<!-- from some: precordia; F1; A -->",
        ),
        ("**1 %** (0 to 1 %)<!-- from some: *; f1; A -->", "**67 %** (63 to 70 %)<!-- from some: *; f1; A -->"),
        ("+0.0<!-- from some: precordia; F1 -->", "-0.2<!-- from some: precordia; F1 -->"),
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
    rows = (Row("precordia", "F1", 0.6682, 0.633, 0.704, group="A"), Row("precordia", "F1", -0.25))
    monkeypatch.setattr(figures, "results", lambda: {"some": rows})
    assert figures.fill(written) == filled


@pytest.mark.parametrize("row", ["precordia; F2; A", "*; F1; *", "no file"])
def test_a_comment_that_names_no_row_or_several_is_an_error(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Row("precordia", "F1", 0.6682, group="A"), Row("precordia", "F1", -0.25))
    monkeypatch.setattr(figures, "results", lambda: {"some": rows})
    with pytest.raises(InputError, match="docs/results"):
        figures.fill(f"0.668<!-- from {'other' if row == 'no file' else 'some'}: {row} -->")
    with pytest.raises(InputError, match="follow"):
        figures.fill("so it is<!-- from some: precordia; F1; A -->")


def others(text: str) -> str:
    """A page without the figures that are held to results, and without the tables that are made of them."""
    made = re.sub(r"<!-- (?:table|printed) .*?<!-- end -->", "", text, flags=re.DOTALL)
    return figures.fill(made, lambda figure, row: "")
