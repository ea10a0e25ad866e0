"""The picture of layers, the table of packages and the list of extension points in docs/architecture.md, from what is there.

    python -m benchmarks.architecture

Writes what stands between the marks anew; a test holds the page to it.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = "precordia"

MOST_FOLDERS = 6
"""A package imported by more folders than that is told by top folders alone."""

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module's dotted name and file."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports_of(path: Path) -> frozenset[str]:
    """What a module imports when it is run, inside functions too, names of a ``from`` included; not for type checkers."""
    return frozenset(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        for other in node.orelse:
            yield from _imports(other)
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_needed":
        yield from (str(ast.literal_eval(argument)) for argument in node.args)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


def module_graph() -> Graph:
    """Module to the modules of ours that it imports."""
    known = modules()
    graph: Graph = {}
    for name, path in known.items():
        targets = (t if t in known else t.rpartition(".")[0] for t in imports_of(path))
        graph[name] = {t for t in targets if t in known} - {name}
    return graph


def folder_graph(graph: Mapping[str, set[str]], depth: int) -> Graph:
    """The same between folders, ``depth`` names below the package; a module beside folders is a folder of itself."""

    def folder(module: str) -> str:
        return ".".join(module.split(".")[1 : depth + 1])

    found: Graph = {}
    for module, targets in graph.items():
        here = found.setdefault(folder(module), set())
        here |= {folder(target) for target in targets}
    for name, targets in found.items():
        targets.discard(name)
        targets.discard("")
    found.pop("", None)
    return found


def circles(graph: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Sets of nodes that reach one another, sorted."""
    reached = {name: _reached(graph, name) for name in graph}
    found = {tuple(sorted({n for n in reached[name] if name in reached.get(n, ())} | {name})) for name in graph}
    return sorted(circle for circle in found if len(circle) > 1)


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph.get(name, ()))
    return seen


def layers() -> list[list[str]]:
    """The layers of the linter's contract, from the top."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (rows,) = (c["layers"] for c in linter["contracts"] if c["type"] == "layers" and c["containers"] == [PACKAGE])
    return [[name.strip() for name in row.split("|")] for row in rows]


def picture() -> str:
    """Layers as rows, and an arrow for each import that does not follow from others."""
    graph = folder_graph(module_graph(), 1)
    lines = ["```mermaid", "flowchart TD"]
    for number, row in enumerate(layers()):
        lines += [f'  subgraph layer{number}[" "]', "    direction LR", *(f"    {name}" for name in row), "  end"]
    for name in [name for row in layers() for name in row]:
        targets = graph.get(name, set())
        for target in sorted(targets):
            if not any(target in _reached(graph, between) for between in targets - {target}):
                lines.append(f"  {name} --> {target}")
    return "\n".join([*lines, "```"])


def packages() -> str:
    """Packages that are not ours or Python's, and the folders that import them."""
    found: Graph = {}
    for name, path in modules().items():
        for package in {target.partition(".")[0] for target in imports_of(path)}:
            if package != PACKAGE and package not in sys.stdlib_module_names:
                found.setdefault(package, set()).add(".".join(name.split(".")[1:3]))
    rows = []
    for package, where in sorted(found.items()):
        told = where if len(where) <= MOST_FOLDERS else {folder.partition(".")[0] for folder in where}
        rows.append(f"| `{package}` | {', '.join(f'`{folder}`' for folder in sorted(told))} |")
    return "\n".join(["| package | imported by |", "|---|---|", *rows])


def extensions() -> str:
    """The pages about what can be added, by their titles."""
    pages = sorted((ROOT / "docs" / "extending").glob("*.md"))
    titles = {page.name: page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for page in pages}
    return "\n".join(f"- [{title}](extending/{name})" for name, title in titles.items())


def registries() -> dict[str, str]:
    """The module of each registry to its name there."""
    found = {}
    for module, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AnnAssign) and "Registry[" in ast.unparse(node.annotation):
                found[module] = ast.unparse(node.target)
    return found


PARTS = {"layers": picture, "packages": packages, "extensions": extensions}


def written(page: str) -> str:
    """The page with its made parts as they should be."""
    for name, make in PARTS.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n{make()}\n{end}{rest.partition(end)[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
