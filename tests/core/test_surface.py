"""The public names, and what they show of themselves."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

import precordia
from precordia.cli.main import COMMANDS, build_parser
from precordia.core.case import Case
from precordia.core.drafts import Draft, Message, Prompt, Statement
from precordia.core.errors import UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import MedianBeats, Quality, Recording
from precordia.core.retrieval import Hit, Query
from precordia.knowledge_base import KnowledgeBase
from precordia.records.places import names_recording

RECORDING = Recording(
    np.zeros((12, 5000)), 500.0, tuple(f"L{i}" for i in range(12)), "ward/1", "Jane Doe", report="Secret words."
)
CASE = Case(7, "ward/1", "Jane Doe", "Secret words.", (Finding("LBBB"),), Measurements(qrs_ms=150.0))
HIT = Hit(1, 0.9, CASE)
SHOWN = [
    RECORDING,
    CASE,
    HIT,
    Measurements(qrs_ms=150.0, r_mv={"I": 1.0}),
    Query(RECORDING, k=3),
    MedianBeats(np.zeros((12, 600), np.float32), 500.0, ("I",) * 12),
    Quality(0.5, False, {}),
    Prompt((Message("user", "Secret words."),), (HIT,)),
    Statement("Left bundle branch block."),
    Draft((Statement("Left bundle branch block."),), hits=(HIT,) * 20),
]


def test_all_public_names_are_there_and_sorted() -> None:
    assert precordia.__all__ == sorted(precordia.__all__)
    assert all(getattr(precordia, name) is not None for name in precordia.__all__)


@pytest.mark.parametrize("value", SHOWN, ids=lambda value: type(value).__name__)
def test_what_is_shown_is_one_short_line_without_words_or_names(value: object) -> None:
    shown = repr(value)
    assert shown.startswith(f"{type(value).__name__}(")
    assert len(shown) < 200
    assert not any(secret in shown for secret in ("\n", "Jane", "Secret", "array"))


def test_a_draft_prints_as_its_text() -> None:
    assert str(SHOWN[-1]) == "Left bundle branch block."
    assert str(Draft((), abstained=True, reason="no precedent was found")) == "no precedent was found"


def test_a_string_that_names_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "ecg.hea").write_text("")
    assert names_recording(str(tmp_path / "ecg"))
    assert names_recording(str(tmp_path / "ecg.hea"))
    assert not any(map(names_recording, ("", "LBBB", "a\0b", "x" * 5000, str(tmp_path))))


@pytest.mark.parametrize("wrong", [None, 5, [RECORDING], {"ecg": 1}])
def test_what_is_no_ecg_is_refused_in_words(wrong: object, tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "kb")
    for use in (kb.search, kb.report, kb.evidence, lambda ecg: kb.ask("Is there a block?", ecg)):
        with pytest.raises(UsageError, match="a Recording or the path of its file, not"):
            use(wrong)  # type: ignore[operator]
    with pytest.raises(UsageError, match="there is no question"):
        kb.ask(None, RECORDING)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_every_default_as_it_is(command: str) -> None:
    subparsers = build_parser(command)._subparsers
    assert subparsers is not None
    parser = subparsers._group_actions[0].choices[command]  # type: ignore[index]
    words = " ".join(parser.format_help().split())
    for action in parser._actions:
        if action.default not in (None, False, True, argparse.SUPPRESS, []):
            assert f"(default: {action.default})" in words, action.dest
