"""Fill the tables of docs/encoder.md from results: ``python -m benchmarks.encoder_page RESULTS [--page FILE]``.

RESULTS is a folder that ``precordia eval TASK --out RESULTS`` wrote to, for any of the tasks encoder, encoder-transfer,
zero-shot and encoder-ablation (that of whole recipes in RESULTS/trials, of the shipped recipe's seeds in RESULTS/seeds; the
encoder task beside OpenECG's backbone in RESULTS/openecg). A table stands between ``<!-- table NAME -->`` and
``<!-- end -->``; one whose result is not there is left as it is, and told.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.eval.harness import results
from precordia.eval.harness.task import Row

Rows = Sequence[Row]

ZERO_SHOT: Final = "precordia, zero-shot"

ABLATION: Final[Mapping[str, str]] = {
    "macro AUROC, superclasses": "superclasses",
    "macro AUROC, 20 most frequent codes": "codes",
    "macro AUROC, superclasses, leads: I": "lead I",
    "macro AUROC, superclasses, leads: random six": "random six",
    "macro AUROC, superclasses, zero-shot": "zero-shot",
    "precision@10, shared superclass": "precision@10",
}


def main() -> int:
    """Fill what can be filled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--page", type=Path, default=Path("docs/encoder.md"))
    args = parser.parse_args()
    page = args.page.read_text(encoding="utf-8")
    for name, (task, make) in TABLES.items():
        path = args.results / f"{task}.json"
        if not path.is_file():
            print(f"{name}: left as it is, there is no {path}", file=sys.stderr)
            continue
        page = fill(page, name, make(results.read(path).rows))
    args.page.write_text(page, encoding="utf-8")
    return 0


def fill(page: str, name: str, table: str) -> str:
    """The page with one table replaced.

    Raises:
        ValueError: the page has no such table, or more than one.
    """
    pattern = re.compile(rf"(<!-- table {re.escape(name)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    found, n = pattern.subn(lambda match: match.group(1) + table + match.group(2), page)
    if n != 1:
        raise ValueError(f"the page has {n} tables {name!r}, not one")
    return found


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(row: Row | None) -> str:
    """A figure with its interval; empty where there is none."""
    if row is None:
        return ""
    interval = f" ({row.low:.3f} to {row.high:.3f})" if row.low is not None and row.high is not None else ""
    return f"{row.value:.3f}{interval}"


def pivot(rows: Rows, across: Callable[[Row], str | None], down: Callable[[Row], str | None], corner: str) -> str:
    """A table with one column for each value of ``across``; rows for which either is None are left out."""
    cells: dict[tuple[str, str], Row] = {}
    for row in rows:
        line, column = down(row), across(row)
        if line is not None and column is not None:
            cells.setdefault((line, column), row)
    lines, columns = (list(dict.fromkeys(key[i] for key in cells)) for i in (0, 1))
    return markdown([corner, *columns], [[line, *(cell(cells.get((line, c))) for c in columns)] for line in lines])


def systems(rows: Rows) -> str:
    """Every system on whole ECGs, with all labels and with few."""
    kept = [row for row in rows if row.system != ZERO_SHOT and _whole(row)]
    return pivot(kept, lambda row: row.metric.removeprefix("macro AUROC, "), lambda row: row.system, "macro AUROC")


def neighbours(rows: Rows) -> str:
    """Neighbours by system."""
    kept = [row for row in rows if "@10" in row.metric]
    return pivot(kept, lambda row: row.metric, lambda row: row.system, "system")


def text(rows: Rows) -> str:
    """What is asked through text."""
    kept = [row for row in rows if row.system == ZERO_SHOT or row.metric.startswith("mean reciprocal rank")]
    name = "zero-shot, macro AUROC, superclasses"
    return pivot(kept, lambda row: "shipped", lambda row: name if row.system == ZERO_SHOT else row.metric, "question")


def ahead(rows: Rows) -> str:
    """How far ours is ahead of the others, paired."""
    kept = [row for row in rows if row.metric.endswith(": ahead of")]
    name = "macro AUROC ahead, "
    return pivot(
        kept, lambda row: row.metric.removeprefix("macro AUROC, ").split(":")[0], lambda row: row.group, name + "paired"
    )


def changed(rows: Rows) -> str:
    """ECGs with leads missing or noise."""
    kept = [row for row in rows if row.metric == "macro AUROC, superclasses" and row.group]
    falls = [row for row in rows if row.metric.startswith("fall of")]
    return pivot(
        [*kept, *falls],
        lambda row: "fall" if row.metric.startswith("fall of") else row.system,
        lambda row: row.group,
        "changed ECG",
    )


def transfer(rows: Rows) -> str:
    """Archives by system, macro means only."""
    kept = [row for row in rows if row.metric.startswith("macro AUROC")]
    return pivot(kept, lambda row: row.system, lambda row: f"{row.group}, n = {row.n}", "archive")


def zero_shot(rows: Rows) -> str:
    """Tables of MERL by system, macro means over classes with a positive."""
    kept = [row for row in rows if row.metric == "macro AUROC, classes with a positive"]
    return pivot(kept, lambda row: row.system, lambda row: f"{row.group}, n = {row.n}", "table")


def ablation(fold: str) -> Callable[[Rows], str]:
    """Checkpoints by question, on one fold."""

    def make(rows: Rows) -> str:
        kept = over_seeds([row for row in rows if row.group == fold])
        return pivot(kept, lambda row: ABLATION.get(row.metric), lambda row: row.system, "checkpoint")

    return make


def seeds(rows: Rows) -> str:
    """Seeds of the shipped recipe by question, on both folds; the shipped one is 42."""
    kept = [row for row in rows if row.system.startswith("default") and row.metric in ABLATION]
    return pivot(
        kept,
        lambda row: ABLATION[row.metric],
        lambda row: f"{row.group}, seed {row.system.partition('-')[2] or '42 (shipped)'}",
        "fold, seed",
    )


def over_seeds(rows: Rows) -> list[Row]:
    """Checkpoints ``NAME-SEED`` as one row each for ``NAME``: the mean of the seeds, between the lowest and the highest."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((re.sub(r"-\d+$", "", row.system), row.metric), []).append(row)
    return [
        many[0]
        if len(many) == 1
        else replace(
            many[0],
            system=f"{name}, {len(many)} seeds",
            value=sum(row.value for row in many) / len(many),
            low=min(row.value for row in many),
            high=max(row.value for row in many),
        )
        for (name, _), many in found.items()
    ]


def _whole(row: Row) -> bool:
    return (
        row.metric.startswith("macro AUROC")
        and ":" not in row.metric
        and (not row.group or row.group.endswith("draws"))
    )


TABLES: Final[Mapping[str, tuple[str, Callable[[Rows], str]]]] = {
    "systems": ("encoder", systems),
    "neighbours": ("encoder", neighbours),
    "text": ("encoder", text),
    "ahead": ("encoder", ahead),
    "changed": ("encoder", changed),
    "openecg": ("openecg/encoder", systems),
    "openecg-ahead": ("openecg/encoder", ahead),
    "seeds": ("seeds/encoder-ablation", seeds),
    "transfer": ("encoder-transfer", transfer),
    "zero-shot": ("zero-shot", zero_shot),
    "ablation-8": ("encoder-ablation", ablation("fold 8")),
    "ablation-9": ("encoder-ablation", ablation("fold 9")),
    "trials-8": ("trials/encoder-ablation", ablation("fold 8")),
    "trials-9": ("trials/encoder-ablation", ablation("fold 9")),
}


if __name__ == "__main__":
    sys.exit(main())
