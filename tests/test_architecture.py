"""The picture in the docs is what the code is, and imports run in no circle but those listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.architecture import PAGE, circles, folder_graph, imports_of, module_graph, written


def test_modules_import_one_another_in_no_circle() -> None:
    assert circles(module_graph()) == []


def test_folders_import_one_another_in_no_circle() -> None:
    # The linter holds the top folders apart. In `records` a packed archive is read by the readers of what it holds, and an
    # array by what the known table beside it says: circles between folders, of modules that form none.
    graph = folder_graph(module_graph(), 2)
    inner = {name: targets for name, targets in graph.items() if not name.startswith(("eval", "records"))}
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
