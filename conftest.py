"""What pytest looks through: examples are only in modules that show a prompt."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent / "precordia"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """A module of the package without an example: to look for one it would be imported, and each of its objects inspected."""
    if collection_path.suffix != ".py" or not collection_path.is_relative_to(PACKAGE):
        return None
    return b">>>" not in collection_path.read_bytes() or None
