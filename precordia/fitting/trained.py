"""What a training leaves: where it lies, and what is to be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trained:
    """Something that was fitted, and written.

    Attributes:
        what: "encoder", "answers" and so on.
        path: The file or folder that holds it.
        facts: About it, for programs: JSON values.
        notes: About it, for people.
    """

    what: str
    path: Path
    facts: Mapping[str, object]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Trained({self.what!r}, {str(self.path)!r})"


def written(out: Path | str, content: bytes) -> Path:
    """Write a file whole or not at all; where it lies, its folder made where there was none."""
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    return path
