"""A GGUF file run on this machine by mistral.rs (Rust, one wheel): no server, no network, replies held to JSON as they are written.

The weights stay as they are in the file: a model takes no more memory than its file. Of a prompt it reads some ten tokens a
second on a core, a fifth of what PyTorch does with the same model in single precision (``local``).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from precordia.core.drafts import Prompt
from precordia.core.errors import LanguageModelError, MissingExtraError, UsageError
from precordia.language_models.chat import ChatLanguageModel, Said
from precordia.language_models.settings import LanguageModelSettings

SMALL_BYTES: Final = 700 * 2**20
"""A file up to this size holds a model of about a billion weights or fewer, which is shown compact prompts."""
_COMPACT_JSON: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Without it a small model fills its reply with blanks, which JSON allows."""


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of a GGUF file.

    Raises:
        UsageError: there is no such file.
        MissingExtraError: mistralrs is not installed.
        LanguageModelError: the file cannot be loaded.
    """
    file = Path(rest).expanduser()
    if not file.is_file():
        raise UsageError(f"language model gguf:{rest}: there is no such file; give the path of a .gguf file")
    return _model(file, f"gguf:{file.name}", settings)


def _check_runtime() -> None:
    if importlib.util.find_spec("mistralrs") is None:
        raise MissingExtraError("mistralrs", "gguf", "a language model in a GGUF file")


def _model(file: Path, name: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    _check_runtime()
    # It logs to the standard error as soon as it is imported.
    os.environ.setdefault("RUST_LOG", "off")
    if "OMP_NUM_THREADS" in os.environ:
        # Its threads wait for each other in a loop: beside other work, more of them than free cores are slower than one.
        os.environ.setdefault("RAYON_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
    from mistralrs import Runner, Which

    try:
        which: Any = Which.GGUF(quantized_model_id=str(file.parent), quantized_filename=file.name)
        runner = Runner(which=which, token_source="none")
    except Exception as error:
        raise LanguageModelError(
            f"language model {name}: {file.name} cannot be loaded ({type(error).__name__})"
        ) from error

    def count(text: str) -> int:
        return len(runner.tokenize_text(text, False, None))

    return ChatLanguageModel(
        _File(runner, settings),
        name,
        settings,
        structured=lambda schema: {"schema": schema},
        choosing=lambda choices: {"choices": choices},
        count_tokens=count,
        prompt_size="compact" if file.stat().st_size <= SMALL_BYTES else "full",
        spoken=_turns,
    )


def _turns(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


class _File:
    """One model in memory; one reply at a time, for two would only take turns on the same cores.

    Args:
        runner: The model.
        settings: Sampling, the longest reply, and the time it may take: what is written until then is the reply.
    """

    def __init__(self, runner: Any, settings: LanguageModelSettings) -> None:
        self._runner, self._settings = runner, settings
        self._turn = threading.Lock()

    def invoke(self, messages: list[dict[str, str]], **held: Any) -> Said:
        """The reply."""
        whole = Said("")
        for piece in self.stream(messages, **held):
            whole = Said(
                whole.text + piece.text,
                piece.usage_metadata or whole.usage_metadata,
                piece.response_metadata or whole.response_metadata,
            )
        return whole

    def stream(self, messages: list[dict[str, str]], **held: Any) -> Iterator[Said]:
        """The reply in pieces.

        Args:
            messages: The turns.
            held: ``schema`` or ``choices``, to hold the reply to.

        Raises:
            ValueError: the prompt is too long.
        """
        with self._turn:
            ends = time.monotonic() + self._settings.timeout_s
            for piece in self._runner.send_chat_completion_request(self._request(messages, **held)):
                choice, usage = piece.choices[0], piece.usage
                counts = (
                    {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens} if usage else {}
                )
                ended = {"finish_reason": choice.finish_reason} if choice.finish_reason else {}
                if time.monotonic() > ends:
                    ended = {"finish_reason": "length"}
                yield Said(choice.delta.content or "", counts, ended)
                if ended:
                    return

    def _request(
        self, messages: list[dict[str, str]], schema: Mapping[str, Any] | None = None, choices: tuple[str, ...] = ()
    ) -> Any:
        from mistralrs import ChatCompletionRequest

        grammar: dict[str, Any] | None = None
        if choices:
            grammar = {"grammar_type": "regex", "grammar": "|".join(re.escape(choice) for choice in choices)}
        elif schema is not None:
            grammar = {"grammar_type": "json_schema", "grammar": json.dumps({**schema, "x-guidance": _COMPACT_JSON})}
        return ChatCompletionRequest(
            messages=messages,
            model="default",
            max_tokens=self._settings.max_tokens,
            temperature=self._settings.temperature,
            stream=True,
            **(grammar or {}),
        )
