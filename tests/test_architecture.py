"""The picture in the docs is what the code is, and imports run in no circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.architecture import (
    PAGE,
    PICTURE,
    circles,
    folder_graph,
    imports_of,
    module_graph,
    modules,
    picture,
    registries,
    written,
)


def test_modules_import_one_another_in_no_circle() -> None:
    assert circles(module_graph()) == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_folders_import_one_another_in_no_circle(depth: int) -> None:
    assert circles(folder_graph(module_graph(), depth)) == []


def test_the_deepest_folders_are_looked_at() -> None:
    deepest = max(name.count(".") for name, path in modules().items() if path.name != "__init__.py")
    assert deepest - 1 <= 3, "look deeper above"


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
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run: python -m benchmarks.architecture"
    assert f"({PICTURE.relative_to(PAGE.parent)})" in page


@pytest.mark.skipif(not PAGE.exists(), reason="an installed package has no docs")
def test_each_registry_has_a_page_that_says_how_one_more_is_added() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (PAGE.parent / "extending").glob("*.md")]
    found = registries()
    assert {"precordia.records.readers", "precordia.eval.harness.registry"} <= set(found)
    for module, name in found.items():
        folder = "/".join(module.split(".")[1:-1] if module.count(".") > 1 else module.split(".")[1:])
        assert any(f"`{name}`" in page and folder in page for page in pages), f"{name} of {module}"
