"""The picture in the docs is what the code is, and imports run in no circle but those listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.architecture import PAGE, circles, folder_graph, imports_of, module_graph, written

ALLOWED = {
    # A report table beside an archive joins recordings while they are read, and knows them by scanning: imported when used.
    "precordia.records.read": {
        "precordia.records.read",
        "precordia.records.readers.sidecar",
        "precordia.records.scan",
        "precordia.records.shelves",
        "precordia.records.tables",
        "precordia.records.tables.beside",
        "precordia.records.tables.report_table",
    },
    # A workbook is one more table, read with what the other tables are read with.
    "precordia.records.tables.columns": {"precordia.records.tables.columns", "precordia.records.tables.workbook"},
}
"""Circles between modules that are there for now, with the reason; a circle may shrink, not grow."""


def test_modules_import_one_another_in_no_other_circle() -> None:
    found = circles(module_graph())
    assert [circle for circle in found if not any(set(circle) <= allowed for allowed in ALLOWED.values())] == []


def test_folders_import_one_another_in_no_circle() -> None:
    # The linter holds the top folders apart; what stands in `records` is the first circle above, in folders.
    graph = folder_graph(module_graph(), 2)
    inner = {name: targets for name, targets in graph.items() if not name.startswith(("eval", "fitting", "records"))}
    assert circles(inner) == []


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [("a", "b", "c")]


def test_imports_for_type_checkers_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\ndef f():\n    from b import c\n"
    )
    assert imports_of(file) == {"typing.TYPE_CHECKING", "b.c"}


@pytest.mark.skipif(not PAGE.exists(), reason="an installed package has no docs")
def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "run: python -m benchmarks.architecture"
