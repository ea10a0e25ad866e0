"""Notebooks are committed without outputs; nbmake runs each from top to bottom (``--nbmake`` in pyproject.toml)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_cleared(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)


def test_the_three_steps_are_there() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_is_run(path: Path, request: pytest.FixtureRequest) -> None:
    found = request.session.ihook.pytest_collect_file(file_path=path, parent=request.session)
    assert [type(item).__name__ for collector in found for item in collector.collect()] == ["NotebookItem"]
