"""What a figure was measured on: the machine, the versions and the commit, without anything that identifies the place."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from precordia.eval.harness.machine import memory_gib, processor

PACKAGES = ("precordia", "numpy", "torch", "faiss-cpu", "deltalake", "duckdb", "pyarrow", "wfdb")


def description() -> str:
    """Processor, cores, memory, versions and commit, a line each."""
    return f"{machine()}\n{versions()}\ncommit {commit()}"


def machine() -> str:
    """Processor, cores, memory, system and Python."""
    system = f"{platform.system()}, CPython {platform.python_version()}"
    return f"{processor()}, {os.cpu_count()} cores, {memory_gib():.0f} GiB, {system}"


def versions() -> str:
    """Of the packages that tell."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def commit() -> str:
    """The checkout's commit, or "unknown" outside one."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def peak_memory_mib() -> float:
    """Largest resident size of this process so far, MiB.

    As Linux tells it of the program's own memory, where it does: ``getrusage`` counts what started this process with it.
    """
    import resource

    status = Path("/proc/self/status")
    told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return (int(told[1]) if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown; the first is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])
