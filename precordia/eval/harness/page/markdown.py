"""The same page as Markdown, with its plots as SVG files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from precordia.eval.harness.page.content import Content, Section, Table
from precordia.eval.harness.page.html import LEAD
from precordia.eval.harness.page.plots import draw

COMMAND = "precordia eval all --out DIR --markdown docs/results.md"


def write_markdown(content: Content, path: Path) -> list[Path]:
    """Write the page and its plots (``figures/STEM/RUN.svg`` beside it); what was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = path.parent / "figures" / path.stem
    written = [path]
    for section in content.sections:
        svg = draw(section.shown, standalone=True)
        if svg:
            figures.mkdir(parents=True, exist_ok=True)
            written.append(figures / f"{section.anchor}.svg")
            written[-1].write_text(svg + "\n", "utf-8")
    path.write_text(markdown(content, f"figures/{path.stem}"), "utf-8")
    return written


def markdown(content: Content, figures: str) -> str:
    """The page as text.

    Args:
        content: What to say.
        figures: Folder of the plots, relative to the page.
    """
    lines = ["# Results", "", f"Written by one command; changes by hand are lost: `{COMMAND}`.", ""]
    for paragraph in LEAD:
        lines += [paragraph, ""]
    index = [(f"[{s.run}](#{s.anchor})", s.summary, s.goals) for s in content.sections]
    index += [(run, f"**not run**: {reason}", "") for run, reason in content.skipped.items()]
    lines += [*_table(("run", "what it asks", "goals"), index, right=False), ""]
    for section in content.sections:
        lines += _section(section, figures)
    lines += ["## Versions", "", *_table(("", ""), content.facts, right=False)]
    return "\n".join(lines) + "\n"


def _section(section: Section, figures: str) -> Iterator[str]:
    # An anchor of its own: renderers make different ones of a heading with signs in it.
    yield from (f'<a id="{section.anchor}"></a>', "", f"## {section.run}", "")
    yield from (f"{_sentence(section.summary)}", "", f"    {section.command}", "")
    yield from _grids(section.headline)
    if draw(section.shown):
        yield from (f"![Interval plots of {section.run}]({figures}/{section.anchor}.svg)", "")
    if section.notes:
        yield from (*(f"- {_escape(note)}" for note in section.notes), "")
    if section.machine:
        words = f"{section.machine_text}. Another machine, or another hour, gives other figures."
        yield from _folded("Times and memory: these depend on the machine", [words, "", *_grids(section.machine)])
    if section.others:
        yield from _folded(f"All {section.n_rows} figures", _grids(section.others))
    facts = [(name, f"`{value}`" if name.startswith("data: ") else value) for name, value in section.facts]
    sources = [_escape(section.protocol), "", _escape(section.source), "", *_table(("", ""), facts, right=False)]
    yield from _folded("Protocol, sources and data", sources)


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", "")


def _grids(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        yield from (*_table(table.head, table.rows, right=True), "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool) -> Iterator[str]:
    yield f"| {' | '.join(_escape(name) for name in head)} |"
    yield "|" + "|".join("---:" if right and i else "---" for i in range(len(head))) + "|"
    for row in rows:
        yield f"| {' | '.join(_escape(text) for text in row)} |"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _sentence(text: str) -> str:
    return _escape(text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))
