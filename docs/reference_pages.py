"""Pages of the reference that are made from the code while the site is built, and where each figure of a page is from.

MkDocs calls what begins with ``on_``.
"""

from __future__ import annotations

import argparse
import html as markup
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import precordia
from benchmarks import figures
from precordia.cli import main as command_line
from precordia.concepts.terms import vocabulary
from precordia.eval.harness.task import Row

ROLE: Final = re.compile(r":(?:class|func|mod|meth|data|attr|exc):<code>~?([\w.]+)</code>")

CARD: Final = Path(precordia.__file__).parent / "encoders" / "weights" / "default" / "card.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A folder in the navigation (its path ends in a slash) stands for its pages, in their order."""
    folder = Path(config.docs_dir)
    config.nav = [_opened(entry, folder) for entry in config.nav or []]
    return config


def _opened(entry: Any, folder: Path) -> Any:
    if isinstance(entry, dict):
        return {title: _opened(inside, folder) for title, inside in entry.items()}
    if isinstance(entry, list):
        return [_opened(inside, folder) for inside in entry]
    if not entry.endswith("/"):
        return entry
    return [page.relative_to(folder).as_posix() for page in sorted((folder / entry).glob("*.md"))]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made."""
    pages = {
        "reference/cli.md": "\n".join(commands()),
        "reference/python.md": "\n".join(names()),
        "reference/findings.md": "\n".join(findings()),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A figure that names its row of results tells it when it is pointed at; a page without parts is as wide as there is room.

    The card of the weights is shown where a page asks for it.
    """
    if "\n## " not in markdown:
        page.meta["hide"] = ["toc"]
    return figures.fill(markdown, _told).replace("<!-- card -->", CARD.read_text("utf-8").partition("\n")[2])


def _told(written: re.Match[str], row: Row) -> str:
    said = ", ".join(filter(None, (row.system, row.metric, row.group)))
    said += f"; n = {row.n}" if row.n else ""
    return f'<span title="{markup.escape(said)}">{figures.as_in_results(written, row)}</span>'


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Docstrings name other things as ``:class:`~a.b.C```; here they are read as C."""
    return ROLE.sub(lambda match: f"<code>{match.group(1).rsplit('.', 1)[-1]}</code>", html)


def commands() -> Iterator[str]:
    """Every subcommand's help, as the parsers write it."""
    os.environ["COLUMNS"] = "82"  # what a block shows without scrolling
    yield "# Command line\n"
    yield "Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 the work failed, 2 bad usage or unusable input.\n"
    for name, line in command_line.COMMANDS.items():
        parser = command_line.build_parser(name)
        (chosen,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        yield from _command(f"precordia {name}", chosen.choices[name], line, 2)


def _command(title: str, parser: argparse.ArgumentParser, line: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n{line[0].upper()}{line[1:]}.\n\n```text\n{parser.format_help().rstrip()}\n```\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or choice.dest for choice in action._choices_actions}
            for name, sub in dict.fromkeys((n, p) for n, p in action.choices.items()):
                yield from _command(f"{title} {name}", sub, helps.get(name, name).rstrip("."), level + 1)


def names() -> Iterator[str]:
    """Every public name, by the module that defines it."""
    yield "# Python\n\nThe names that `precordia` exports."
    yield "They are imported when first used, so that `import precordia` costs nothing.\n"
    for name in sorted(set(precordia.__all__) - {"__version__"}, key=str.lower):
        found = getattr(precordia, name)
        home = getattr(found, "__module__", None) or precordia._WHERE[name]
        importlib.import_module(home)
        yield f"::: {home}.{getattr(found, '__name__', name)}\n"


def findings() -> Iterator[str]:
    """The vocabulary as one table."""
    terms = vocabulary()
    yield "# Findings\n\nWhat reports, answers and filters speak of: `findings has 'AFIB'`."
    yield "How reports are read: [concepts](../concepts.md).\n"
    yield "| id | name | section | implies | superclass | SCP-ECG | SNOMED CT |\n| --- | --- | --- | --- | --- | --- | --- |"
    for concept in terms:
        parents = ", ".join(concept.parents)
        cells = (
            concept.id,
            concept.name,
            concept.section,
            parents,
            concept.superclass,
            *(concept.codes.get(s) for s in ("scp", "snomed")),
        )
        yield "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(value: object) -> str:
    if isinstance(value, (tuple, list, frozenset, set)):
        return ", ".join(sorted(map(str, value)))
    return str(value or "").replace("|", "\\|")
