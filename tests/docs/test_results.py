"""What is relied on: figures on pages come from the results files that lie beside them (``docs/results``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks import encoder_page
from precordia.eval.harness.page.content import content_of, short
from precordia.eval.harness.page.markdown import markdown
from precordia.eval.harness.results import read, read_every

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def test_the_summary_is_of_the_results_beside_it() -> None:
    content = content_of(read_every([RESULTS]))
    assert content.sections
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == markdown(content)


def test_tables_of_the_encoder_are_of_the_results_beside_them() -> None:
    page = (ROOT / "docs" / "encoder.md").read_text("utf-8")
    made = 0
    for name, (task, make) in encoder_page.TABLES.items():
        path = RESULTS / f"{task}.json"
        if path.is_file():
            assert encoder_page.fill(page, name, make(read(path).rows)) == page, name
            made += 1
    assert made >= 5


def test_what_the_readme_says_it_reaches_is_in_the_results() -> None:
    text = (ROOT / "README.md").read_text("utf-8").partition("## What it reaches")[2].partition("\n## ")[0]
    said = set(
        re.findall(r"(?<![\d.])[01]\.\d{3}", "\n".join(line for line in text.splitlines() if line.startswith("|")))
    )
    assert said
    assert not said - set(figures())


def test_figures_of_long_recordings_are_in_the_results() -> None:
    page = (ROOT / "docs" / "long-recordings.md").read_text("utf-8").partition("\n## Figures\n")[2].partition("\n- ")[0]
    said = set(re.findall(r"\d+\.\d\d+", "\n".join(line for line in page.splitlines() if line.startswith("|"))))
    rows = read(RESULTS / "long-recordings.json").rows
    goals = {f"{row.goal:g}" for row in rows if row.goal is not None}
    known = {f"{x:.{n}f}" for row in rows for x in (row.value, row.low, row.high) for n in (2, 3, 4)} | goals
    assert len(said) > 50
    assert not said - known


def figures() -> Iterator[str]:
    """Every figure of the results, as people read it."""
    for path in RESULTS.rglob("*.json"):
        for row in read(path).rows:
            yield f"{row.value:.3f}"
            yield short(row.value)
