"""What a user can name, what costs what, and whether the help says what is so."""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import precordia
from precordia.cli.main import COMMANDS, build_parser
from precordia.cli.train import KINDS
from precordia.core import errors
from precordia.core.retrieval import HITS, PRECEDENTS
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS


def test_the_public_names_are_sorted_and_there() -> None:
    assert precordia.__all__ == sorted(set(precordia.__all__))
    assert set(precordia.__all__) == set(precordia._WHERE)
    for name in precordia.__all__:
        value = getattr(precordia, name)
        assert value is getattr(importlib.import_module(precordia._WHERE[name]), name)
        assert value.__doc__, name


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(precordia.__all__)


def test_type_checkers_see_the_same_names() -> None:
    source = Path(precordia.__file__).read_text(encoding="utf-8")
    seen = re.findall(r"^    from (\S+) import (\w+) as \2$", source, re.MULTILINE)
    assert {name: module for module, name in seen} == precordia._WHERE


HEAVY = (
    "torch",
    "faiss",
    "duckdb",
    "scipy",
    "pandas",
    "langchain_core",
    "matplotlib",
    "aiohttp",
    "requests",
    "wfdb",
    "transformers",
)


def test_reading_measuring_labelling_and_cutting_import_nothing_heavy(tmp_path: Path) -> None:
    WRITERS.get("wfdb")(tmp_path / "ecg", simulate("NORM", seed=1).recording)
    (header,) = tmp_path.rglob("*.hea")
    code = (
        "import sys, precordia\n"
        "ecg = precordia.read_recording(sys.argv[1])\n"
        "assert precordia.measure(ecg).heart_rate_bpm\n"
        "assert precordia.label_report('Left bundle branch block.')\n"
        "from precordia.signals.long.kept import kept_stretches\n"
        "assert list(kept_stretches(ecg)) == []\n"
        "print(*sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code, str(header)], capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    assert "precordia.measurements" in loaded
    assert not set(HEAVY) & set(loaded)


EVERY_COMMAND = [*(c for c in COMMANDS if c != "train"), *(f"train {kind}" for kind in KINDS)]


def parser_of(command: str) -> argparse.ArgumentParser:
    """Of a command, or of one of those within it."""
    words = command.split()
    parser = build_parser(words[0])
    for word in words:
        (inner,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        parser = inner.choices[word]
    return parser


def options(command: str) -> list[argparse.Action]:
    return list(parser_of(command)._actions)


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_defaults_in_the_help_are_the_real_ones(command: str) -> None:
    words = " ".join(parser_of(command).format_help().split())
    for action in options(command):
        if action.default not in (None, False, True, argparse.SUPPRESS, []) and "(default" not in (action.help or ""):
            assert f"(default: {action.default})" in words, f"{command} {action.dest}"
        assert not re.search(r"default: \d", action.help or ""), f"{command} {action.dest}: the help is derived"


def test_commands_and_methods_have_the_same_defaults() -> None:
    assert {c: next(a.default for a in options(c) if a.dest == "k") for c in ("search", "report", "ask")} == {
        "search": HITS,
        "report": PRECEDENTS,
        "ask": PRECEDENTS,
    }
