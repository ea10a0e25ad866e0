"""What a task's code is, as a hash: so that a result is kept while nothing that could change it has changed."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The folder that holds the package."""

HARNESS = ("eval/harness/results.py", "eval/harness/runner.py", "eval/harness/registry.py")
"""Modules that change no figure: they run tasks and write down what they found."""

_NAME = re.compile(r"precordia(\.\w+)+(:\w+)?")


def code_hash(module: str) -> str:
    """SHA-256 over a module of this package and all that it may load: modules by import or by name, and their data files.

    Imports inside functions count, and so do modules that a registry names as ``"module:attribute"``; the package's own
    ``__init__`` counts only where something is imported from it by name. Data files are those beside a module, and those
    in folders beside it that are no packages (weights, recipes, templates).

    Args:
        module: Its dotted name ("precordia.eval.tasks.encoder.task").
    """
    digest = hashlib.sha256()
    for path in sorted(_files(module)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _files(module: str) -> set[Path]:
    todo, seen, folders = [module], set[Path](), set[Path]()
    harness = {ROOT / "precordia" / name for name in HARNESS}
    while todo:
        path = _path_of(todo.pop())
        if path is None or path in seen or path in harness:
            continue
        seen.add(path)
        folders.add(path.parent)
        todo += _named_in(path)
    return seen | {file for folder in folders for file in _data_files(folder)}


@cache
def _named_in(path: Path) -> tuple[str, ...]:
    """Dotted names of this package that a module mentions: of modules, or of what is in one."""
    return tuple(_names(path))


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            yield node.value.partition(":")[0]


def _path_of(name: str) -> Path | None:
    """A module's file; a name in a package counts as the package. None for what is not of this package."""
    if name.split(".")[0] != "precordia":
        return None
    place = ROOT / name.replace(".", "/")
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path
