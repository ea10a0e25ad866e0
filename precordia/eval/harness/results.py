"""Results on disk: one JSON document and one Parquet table a run; the same seed and inputs give the same bytes.

The document is :class:`Document` as JSON, keys sorted as there; ``result.schema.json`` beside this module describes it.
Nothing in it depends on the clock or the machine's name: figures that do (:attr:`Row.machine`) are written to a file of
their own beside it, ``RUN.machine.json``.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.errors import InputError
from precordia.eval.harness.machine import machine_facts
from precordia.eval.harness.task import Result, Row, Settings, Task

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "precordia.eval.result"
SCHEMA_VERSION = 1

SCHEMA_FILE = Path(__file__).with_name("result.schema.json")
"""The JSON Schema of a written document."""

PLACES = frozenset({"cache", "folder", "replies"})
"""Options that say where something is kept: they change no figure, and a folder's name is nobody's business."""

MACHINE_SUFFIX = ".machine.json"
"""Ends the name of the file with the figures that depend on the machine."""

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "torch", "faiss-cpu", "deltalake", "duckdb", "scikit-learn", "sleepecg", "wfdb",
            "sentence-transformers", "transformers")  # fmt: skip
"""Packages whose version may change a figure."""


@dataclass(frozen=True)
class MachineFigures:
    """Figures that another machine, or the same one at another hour, does not repeat.

    Attributes:
        machine: Processor, cores, memory, system.
        rows: The figures.
    """

    machine: Mapping[str, str]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Document:
    """One run of one task, with all that is needed to run it again.

    Attributes:
        schema: :data:`SCHEMA`.
        schema_version: :data:`SCHEMA_VERSION`.
        task: The task's name.
        summary, protocol, source: As the task says.
        precordia: This package's version.
        git: The commit of the checkout, with "+changes" where files differ from it, or None outside one.
        python: Python's version.
        packages: Name to version, of :data:`PACKAGES` that are installed.
        seed: Of every random draw.
        settings: What was asked for.
        data: Name of each input to the SHA-256 of what was read.
        rows: The figures.
        notes: What a reader must know.
        n_samples: Rows of the Parquet table.
        samples_sha256: Of the Parquet file's bytes, or None when there are no samples.
        run: The task's name with the settings that tell this run of it from another, and the name of its files.
        inputs: Hash of code, data, settings and versions known before the run: equal ones need no second run. None where
            nobody asked for it.
        machine: The figures that depend on the machine, or None; not part of the JSON document.
    """

    schema: str
    schema_version: int
    task: str
    summary: str
    protocol: str
    source: str
    precordia: str
    git: str | None
    python: str
    packages: Mapping[str, str]
    seed: int
    settings: Mapping[str, object]
    data: Mapping[str, str]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    n_samples: int
    samples_sha256: str | None = None
    run: str = ""
    inputs: str | None = None
    machine: MachineFigures | None = field(default=None, compare=False)


def document_of(task: Task, result: Result, settings: Settings) -> Document:
    """The document of a run.

    Args:
        task: The task that ran.
        result: What it returned.
        settings: What it was given; the data folder's place is left out, since its hashes say more.
    """
    card = task.card
    rows = tuple(replace(row, headline=row.headline or _matches(row, card.headline)) for row in result.rows)
    measured = tuple(row for row in rows if row.machine)
    from precordia import __version__

    asked: dict[str, object] = {
        "kb": settings.kb.name if settings.kb else None,
        "encoder": settings.encoder,
        "llm": placeless(settings.llm) if settings.llm else None,
        "limit": settings.limit,
        **{f"option {key}": placeless(value) for key, value in sorted(settings.options.items()) if key not in PLACES},
    }
    used = {f"{key} used" if key in asked else key: value for key, value in result.settings.items()}
    asked |= dict(sorted(used.items()))
    return Document(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        task=card.name,
        summary=card.summary,
        protocol=card.protocol,
        source=card.source,
        precordia=__version__,
        git=git_commit(),
        python=platform.python_version(),
        packages=package_versions(),
        seed=settings.seed,
        settings=asked,
        data=dict(sorted(result.data.items())),
        rows=tuple(row for row in rows if not row.machine),
        notes=result.notes,
        n_samples=len(result.samples),
        run=card.name,
        machine=MachineFigures(machine_facts(), measured) if measured else None,
    )


def placeless(value: str) -> str:
    """An option, or a model's spec, with folders named but not placed.

    >>> placeless("tuned:/home/somebody/runs/refine,local"), placeless("openai:m@http://host/v1")
    ('tuned:refine,local', 'openai:m@http://host/v1')
    """
    return re.sub(r"(^|[,:])(?:~|/(?!/))[^,]*?([^/,]*)(?=,|$)", r"\1\2", value)


def write(document: Document, samples: Sequence[Mapping[str, object]], folder: Path) -> tuple[Path, ...]:
    """Write ``RUN.json``, ``RUN.parquet`` when there are samples, and ``RUN.machine.json``; their paths, document first."""
    folder.mkdir(parents=True, exist_ok=True)
    run = document.run or document.task
    path = folder / f"{run}.json"
    path.unlink(missing_ok=True)  # written last: a run that was cut off leaves no document
    paths = [path]
    if samples:
        paths.append(_write_samples(samples, folder / f"{run}.parquet"))
        document = replace(document, samples_sha256=hashlib.sha256(paths[-1].read_bytes()).hexdigest())
    fields = asdict(document)
    machine = fields.pop("machine")
    if machine is not None:
        paths.append(path.with_suffix(MACHINE_SUFFIX))
        _write_json(machine, paths[-1])
    _write_json(fields, path)
    return tuple(paths)


def read(path: Path) -> Document:
    """A document that :func:`write` wrote.

    Args:
        path: The JSON file, or a folder with exactly one.

    Raises:
        InputError: there is none, or it is of another schema.
    """
    path = _document_path(path)
    fields = _read_json(path)
    if (fields.get("schema"), fields.get("schema_version")) != (SCHEMA, SCHEMA_VERSION):
        raise InputError(f"{path}: not a result of schema {SCHEMA} version {SCHEMA_VERSION}; run the task again")
    rows = tuple(_row(row) for row in fields.pop("rows"))
    beside = path.with_suffix(MACHINE_SUFFIX)
    machine = None
    if beside.is_file():
        measured = _read_json(beside)
        machine = MachineFigures(measured["machine"], tuple(_row(row) for row in measured["rows"]))
    return Document(**{**fields, "rows": rows, "notes": tuple(fields["notes"]), "machine": machine})


def read_every(paths: Iterable[Path], *, empty: bool = False) -> list[Document]:
    """The documents of files and folders (all that lie in them), by the order of ``paths``, then by name.

    Args:
        paths: Files and folders.
        empty: Whether a folder may hold none.

    Raises:
        InputError: a path holds none, or what it holds is not a result.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = _documents_in(path) if path.is_dir() else [_document_path(path)]
        if not inside and not empty:
            raise InputError(f"{path}: holds no results; write some with `precordia eval all --out DIR`")
        found.update(dict.fromkeys(inside))
    return [read(path) for path in found]


def read_samples(path: Path) -> pd.DataFrame:
    """The samples beside a document.

    Raises:
        InputError: the task kept no samples.
    """
    import pandas as pd

    table = _document_path(path).with_suffix(".parquet")
    if not table.is_file():
        raise InputError(f"{table}: the run kept no samples to compare; run the task again with --out")
    return pd.read_parquet(table)


def hash_of(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over the names (relative to ``root``) and contents of files; folders count with all their files."""
    files = sorted({f for p in paths for f in (p.rglob("*") if p.is_dir() else [p]) if f.is_file()})
    digest = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def package_versions() -> dict[str, str]:
    """Name to version, of :data:`PACKAGES` that are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """The commit of the checkout that this package runs from, or None when it is installed."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "precordia")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if changed else head


def plain(value: Any) -> Any:
    """A value as JSON holds it; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _matches(row: Row, patterns: Sequence[str]) -> bool:
    name = f"{row.metric} @ {row.group}" if row.group else row.metric
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _write_json(fields: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(plain(fields), ensure_ascii=False, indent=2, allow_nan=False) + "\n", "utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not a result ({error}); write one with `precordia eval TASK --out DIR`") from error
    return fields if isinstance(fields, dict) else {}


def _documents_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.endswith(MACHINE_SUFFIX))


def _row(fields: dict[str, Any]) -> Row:
    return Row(**{**fields, "value": float("nan") if fields["value"] is None else fields["value"]})


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def _document_path(path: Path) -> Path:
    if path.is_dir():
        found = _documents_in(path)
        if len(found) != 1:
            names = ", ".join(p.name for p in found) or "none"
            raise InputError(f"{path}: holds {len(found)} results ({names}); name one of them")
        return found[0]
    path = path if path.suffix == ".json" else path.with_suffix(".json")
    if not path.is_file():
        raise InputError(f"{path}: no such result; write one with `precordia eval TASK --out DIR`")
    return path


def _write_samples(samples: Sequence[Mapping[str, object]], path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = list(samples[0])
    for row, sample in enumerate(samples):
        if set(sample) != set(keys):
            raise InputError(f"sample {row} has keys {sorted(sample)}, the first has {sorted(keys)}: give all the same")
    columns = {key: [_cell(sample[key]) for sample in samples] for key in keys}
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
    return path


def _cell(value: object) -> object:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, (tuple, set, frozenset)) else value
