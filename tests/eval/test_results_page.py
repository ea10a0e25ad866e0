"""The results page: what it shows, folds away, escapes, and repeats to the byte."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from precordia.cli.main import main
from precordia.eval.harness.page.content import content_of, table_of, tables_of
from precordia.eval.harness.page.html import page
from precordia.eval.harness.page.markdown import MOST_LINES, markdown, write_markdown
from precordia.eval.harness.page.plots import draw
from precordia.eval.harness.results import Document, MachineFigures, document_of, write
from precordia.eval.harness.task import Result, Row, Settings, TaskCard

ROWS = (
    Row("ours", "accuracy", 0.91, 0.85, 0.95, 120, goal=0.9, headline=True),
    Row("theirs <b>", "accuracy", 0.8, 0.7, 0.88, 120, goal=0.9, headline=True),
    Row("ours", "error, ms", 12.5, 11, 14, 120, at_least=False, headline=True),
    Row("theirs <b>", "error, ms", float("nan"), headline=True),
    Row("ours", "accuracy", 0.5, 0.3, 0.7, 20, group="women"),
)


class Toy:
    card = TaskCard("toy", "which of two rules | is right", "120 samples", "made up, CC0", __name__)

    def run(self, settings: Settings) -> Result:
        return Result("toy", ROWS, ("only 120 samples",), (), {"threshold": "0.5"}, {"toy.csv": "f" * 64})


def toy(**changes: object) -> Document:
    settings = Settings(Path(), options={"depth": "3"})
    document = document_of(Toy(), Toy().run(settings), settings)
    return replace(document, git="0" * 40, **changes)  # type: ignore[arg-type]


def test_figures_stand_by_what_is_measured_and_by_system() -> None:
    table = table_of(ROWS[:4])
    assert table.head == ("", "n", "ours", "theirs <b>", "goal")
    assert table.rows == (
        ("accuracy", "120", "0.910 (0.850 to 0.950)", "0.800 (0.700 to 0.880)", "at least 0.900: reached; at least 0.900: MISSED"),
        ("error, ms", "120", "12.5 (11 to 14)", "–", ""),
    )  # fmt: skip


def test_many_systems_and_few_metrics_are_turned_round() -> None:
    rows = [Row(f"s{i}", metric, 0.1 * i, n=5) for i in range(8) for metric in ("a", "b")]
    table = table_of(rows)
    assert table.head == ("system", "n", "a", "b")
    assert table.rows[7] == ("s7", "5", "0.700", "0.700")


def test_systems_measured_alike_share_a_table() -> None:
    every = [Row(name, "accuracy", 0.5) for name in ("ours", "theirs", "chance")]
    guards = [Row(name, "leak", 0.1) for name in ("ours", "ours, open")]
    alone = [Row("ours", "accuracy", 0.4, group="women")]
    assert [table.head for table in tables_of([*every, *guards, *alone])] == [
        ("", "ours", "theirs", "chance"),
        ("", "ours", "ours, open"),
        ("system", "accuracy: women"),
    ]


def test_many_of_both_become_a_list_that_loses_nothing() -> None:
    rows = [Row(f"s{i}", f"m{j}", i + j / 10) for i in range(8) for j in range(9)]
    assert len(table_of(rows).rows) == 72


def test_figures_that_share_a_name_are_all_shown() -> None:
    table = table_of([Row("a", "x", 1.0), Row("a", "x", 2.0)])
    assert [row[-1] for row in table.rows] == ["1", "2"]


def test_headlines_are_shown_and_the_rest_is_folded_away() -> None:
    (section,) = content_of([toy()]).sections
    assert [row.metric for row in section.shown] == ["accuracy", "accuracy", "error, ms", "error, ms"]
    assert [table.head for table in section.others][1:] == [("system", "n", "accuracy: women")]
    assert section.goals == "1 of 2 goals reached"
    assert section.command == "precordia eval toy --set depth=3"


def test_where_something_is_kept_is_no_setting_of_a_result() -> None:
    settings = Settings(
        Path(),
        llm="tuned:/home/somebody/refine",
        options={"depth": "3", "model": "~somebody/nets/a,own:/home/somebody/b", "replies": "/home/somebody/said"},
    )
    document = document_of(Toy(), Toy().run(settings), settings)
    assert [document.settings[key] for key in ("option depth", "option model", "llm")] == [
        "3",
        "a,own:b",
        "tuned:refine",
    ]
    assert "somebody" not in str(document)


def test_without_headlines_the_figures_over_all_data_are_shown() -> None:
    plain = tuple(replace(row, headline=False) for row in ROWS)
    (section,) = content_of([toy(rows=plain)]).sections
    assert {row.group for row in section.shown} == {""}
    (section,) = content_of([toy(rows=plain[4:])]).sections
    assert [row.group for row in section.shown] == ["women"]


def test_the_page_is_one_file_that_loads_nothing_and_runs_nothing() -> None:
    text = page(content_of([toy()], {"other": "needs <data>"}))
    assert not re.search(r"<script|<link|<iframe|@import|url\(|src=|\bon\w+=", text)
    assert set(re.findall(r'(?:href|src)="([^"]*)"', text)) == {"#toy"}
    assert set(re.findall(r"https?://[^\"' <]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "theirs &lt;b&gt;" in text
    assert "<b>" not in text
    assert "needs &lt;data&gt;" in text
    for words in ("120 samples", "made up, CC0", "only 120 samples", "f" * 64, "0" * 40, "prefers-color-scheme: dark"):
        assert words in text


def test_the_same_results_give_the_same_bytes_in_any_order() -> None:
    first, second = toy(), toy(run="toy+depth=3")
    assert page(content_of([first, second])) == page(content_of([second, first]))
    assert markdown(content_of([first, second])) == markdown(content_of([second, first]))


def test_figures_of_the_machine_are_apart_and_say_where_from() -> None:
    machine = MachineFigures({"cores": "2"}, (Row("ours", "queries a second", 1234.0, machine=True),))
    text = page(content_of([toy(machine=machine)]))
    before, _, folded = text.partition("these depend on the machine")
    assert "1,234" not in before
    assert "1,234" in folded
    assert "cores 2" in folded


def test_plots_are_valid_and_place_figures_on_their_axis() -> None:
    svg = ElementTree.fromstring(draw(ROWS[:2], standalone=True))
    name = "{http://www.w3.org/2000/svg}"
    x = {t.text: float(t.get("x", "nan")) for t in svg.iter(f"{name}text") if t.get("class") == "tick"}
    (ours, theirs) = [float(c.get("cx", "nan")) for c in svg.iter(f"{name}circle")]
    assert list(x) == ["0.7", "0.8", "0.9", "1.0"]
    assert theirs == pytest.approx(x["0.8"], abs=0.2)
    assert ours == pytest.approx(x["0.9"] + 0.1 * (x["1.0"] - x["0.9"]), abs=0.2)
    bars = [line for line in svg.iter(f"{name}line") if "bar" in line.get("class", "")]
    assert float(bars[1].get("x1", "nan")) == pytest.approx(x["0.7"], abs=0.2)


def test_nothing_to_draw_draws_nothing() -> None:
    assert draw([Row("a", "x", 1.0), Row("b", "y", float("nan"))]) == ""


def test_the_summary_has_one_table_a_task_that_holds_together(tmp_path: Path) -> None:
    rows = tuple(Row(f"s{i}", f"m{j}", 0.5, 0.4, 0.6, 9, goal=0.4, headline=True) for i in range(8) for j in range(6))
    write_markdown(
        content_of([toy(), toy(run="toy, again"), toy(task="wide", rows=rows)]), tmp_path / "docs" / "results.md"
    )
    text = (tmp_path / "docs" / "results.md").read_text("utf-8")
    small, wide = re.findall(r"(?:^\|.*\n)+", text, flags=re.M)
    for table in (small, wide):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "0.910 (0.850 to 0.950)" in small
    assert "1 of 2 goals reached" in text.lower()
    assert len(wide.splitlines()) == 2 + 5
    assert "goal" in wide.splitlines()[0]
    assert "in the HTML page 1 more line" in text
    assert "in the HTML page the run toy, again" in text


def test_the_summary_is_short_and_keeps_goals_that_were_missed() -> None:
    rows = [Row("precordia", f"m{i}", 0.5, goal=0.4 if i < 7 else 0.6, headline=True) for i in range(8)]
    text = markdown(content_of([toy(task=f"t{i:02}", rows=rows) for i in range(15)]))
    assert len(text.splitlines()) == MOST_LINES
    assert text.count("MISSED") == 15
    assert text.count("7 of 8 goals reached, missed by: precordia, m7.") == 15


def test_the_command_writes_both_pages_from_files_or_folders(tmp_path: Path) -> None:
    for folder in "ab":
        write(toy(run=f"toy-{folder}"), (), tmp_path / folder)
    sources = [str(tmp_path / "a"), str(tmp_path / "b" / "toy-b.json")]
    for name in ("1", "2"):
        out = ["--out", str(tmp_path / f"{name}.html"), "--markdown", str(tmp_path / name / "r.md")]
        assert main(["eval", "report", *sources, *out]) == 0
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()
    assert (tmp_path / "1" / "r.md").read_bytes() == (tmp_path / "2" / "r.md").read_bytes()
    assert "**toy-a**" in (tmp_path / "1" / "r.md").read_text("utf-8")
    assert "toy-b" in (tmp_path / "1" / "r.md").read_text("utf-8")
