"""What every subcommand shares: results on stdout, notes and progress on stderr, and the ``--kb`` option."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from precordia.core.display import shown

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


def print_json(value: object) -> None:
    """Write one JSON document to stdout; NaN and infinities become null, and what a terminal would obey ``\\u...``."""
    text = json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    print(shown(text, keep="\n", spelled=lambda character: json.dumps(character)[1:-1]))


def say(line: str) -> None:
    """One line of a result to stdout."""
    print(shown(line))


def note(message: str) -> None:
    """One line to stderr."""
    print(shown(message), file=sys.stderr)


def progress(items: Iterable[T], total: int | None, label: str, unit: str = "ECG") -> Iterator[T]:
    """Pass items through, with a progress bar on stderr when it is a terminal."""
    from tqdm import tqdm

    yield from tqdm(items, total=total, desc=label, unit=unit, file=sys.stderr, disable=not sys.stderr.isatty())


def add_kb_option(parser: argparse.ArgumentParser) -> None:
    """``--kb DIR``, else ``$PRECORDIA_KB``, else ``./precordia.kb``."""
    parser.add_argument("--kb", metavar="DIR", help="the knowledge base (default: $PRECORDIA_KB, else ./precordia.kb)")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def file_to_write(name: str) -> Path:
    """The file that an option names for a result (argparse's ``type``): what cannot be written is said before the work.

    Raises:
        UsageError: it is a folder, lies in none, or this user may not write it.
    """
    from pathlib import Path

    from precordia.core.errors import UsageError

    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name}: a folder; name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{name}: there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{name}: this user may not write there; name another file")
    return path


def kb_path(args: argparse.Namespace) -> Path:
    """The folder that the command line or the environment names, whatever characters its name is made of.

    Raises:
        UsageError: it is the address of an object store, or a file.
    """
    from precordia.core.errors import UsageError
    from precordia.indexing.addresses import folder_of

    folder = folder_of(args.kb or os.environ.get("PRECORDIA_KB") or "precordia.kb")
    if folder.is_file():
        raise UsageError(f"{folder}: a file, and a knowledge base is a folder; name one by --kb")
    return folder


def _plain(value: Any) -> Any:
    # Imported here: they cost a tenth of what `precordia --help` may take.
    from dataclasses import asdict, is_dataclass
    from datetime import date
    from pathlib import Path

    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
