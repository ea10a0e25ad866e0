"""The picture of layers, the table of packages and the list of extension points of docs/architecture.md, from what is there.

    python -m benchmarks.architecture

Writes the picture, and what stands between the page's marks, anew; a test holds both to it.
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
PICTURE = ROOT / "docs" / "figures" / "layers.svg"
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


def arrows() -> Iterator[tuple[str, str]]:
    """Who imports whom, where that does not follow from others."""
    graph = folder_graph(module_graph(), 1)
    for name in [name for row in layers() for name in row]:
        targets = graph.get(name, set())
        for target in sorted(targets):
            if not any(target in _reached(graph, between) for between in targets - {target}):
                yield name, target


def picture() -> str:
    """Layers as rows of boxes, and the arrows: SVG, which needs no program of others to be seen."""
    width, height, pitch, gap = 150, 30, 56, 20
    rows = layers()
    whole, tall = max(len(row) for row in rows) * (width + gap), len(rows) * pitch - 10
    middles = {
        name: (round(whole / 2 + (i - (len(row) - 1) / 2) * (width + gap)), j * pitch + 8 + height // 2)
        for j, row in enumerate(rows)
        for i, name in enumerate(row)
    }
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {tall}" font-family="sans-serif" font-size="14">',
        f'<rect width="{whole}" height="{tall}" fill="#fff"/>',
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5c6bc0"/></marker>',
    ]
    for start, end in arrows():
        (x, y), (to_x, to_y) = middles[start], middles[end]
        # What passes layers goes round the boxes between, on the side to which it leads.
        aside = 0 if to_y - y <= pitch else (width if to_x >= x else -width) * 0.8
        y, to_y = y + height // 2, to_y - height // 2
        curve = f"C{x + aside:.0f} {y + 26} {to_x + aside:.0f} {to_y - 26}"
        lines.append(f'<path d="M{x} {y}{curve} {to_x} {to_y}" fill="none" stroke="#5c6bc0" marker-end="url(#tip)"/>')
    for name, (x, y) in middles.items():
        lines.append(
            f'<rect x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}" rx="5" fill="#e8eaf6"/>'
        )
        lines.append(f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#222">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


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


PARTS = {"packages": packages, "extensions": extensions}


def written(page: str) -> str:
    """The page with its made parts as they should be."""
    for name, make in PARTS.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n{make()}\n{end}{rest.partition(end)[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
