"""The options of a language model reach the model; a number that makes no sense is refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from precordia.cli.language_model import add_model_options, model_of
from precordia.core.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    return parser.parse_args(words)


def test_without_options_there_is_no_model() -> None:
    assert model_of(parsed()) is None


def test_every_option_reaches_the_model(tmp_path: Path) -> None:
    pytest.importorskip("langchain_openai")
    options = ("--llm-timeout", "7.5", "--llm-tokens", "99", "--llm-cache", str(tmp_path), "--llm-concurrency", "2")
    model = model_of(parsed("--llm", "openai:m@http://127.0.0.1:9/v1", *options))
    settings = model._settings  # type: ignore[union-attr]
    assert (settings.timeout_s, settings.max_tokens, settings.cache_dir, settings.workers) == (7.5, 99, tmp_path, 2)


@pytest.mark.parametrize("option", ["--llm-timeout", "--llm-tokens", "--llm-concurrency"])
def test_nothing_and_less_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} 0"):
        model_of(parsed(option, "0"))


@pytest.mark.parametrize("command", ["report", "ask", "chat", "serve"])
def test_the_commands_that_write_have_them(command: str) -> None:
    from precordia.cli.main import build_parser

    words = {"report": ["r"], "ask": ["q", "r"], "chat": [], "serve": []}[command]
    args = build_parser(command).parse_args([command, *words, "--llm", "local", "--llm-tokens", "5"])
    assert (args.llm, args.llm_tokens) == ("local", 5)
