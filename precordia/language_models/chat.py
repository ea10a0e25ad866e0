"""A LangChain chat model as a language model of ours: time-outs, retries with backoff, cache, counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from precordia.core.drafts import Prompt, Reply, estimate_tokens
from precordia.core.errors import LanguageModelError
from precordia.language_models.cache import ReplyCache, key_of
from precordia.language_models.settings import LanguageModelSettings

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage

NOT_RETRIED = frozenset({400, 401, 402, 403, 404, 405, 413, 422})
"""HTTP status codes that a second attempt does not change."""


class ChatLanguageModel:
    """A language model behind LangChain's chat interface.

    Args:
        chat: The chat model, its own retries switched off.
        name: For drafts and results, with the settings that matter.
        settings: Retries, backoff, cache.
        structured: Options that make the server answer by JSON schema; left away once it refuses them.
        choosing: From the replies that a prompt allows to options that hold the model to them; None where it cannot be.
        count_tokens: The model's own tokenizer, for prompt budgets; estimated from the characters where it cannot be had.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        chat: BaseChatModel,
        name: str,
        settings: LanguageModelSettings | None = None,
        *,
        structured: Mapping[str, Any] | None = None,
        choosing: Callable[[tuple[str, ...]], Mapping[str, Any]] | None = None,
        count_tokens: Callable[[str], int] = estimate_tokens,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chat = chat
        self._name = name
        self._settings = settings or LanguageModelSettings()
        self._structured = dict(structured or {}) if self._settings.structured else {}
        self._choosing = choosing
        self._cache = ReplyCache(self._settings.cache_dir)
        self._sleep = sleep
        self._count_tokens = count_tokens

    @property
    def chat(self) -> BaseChatModel:
        """The chat model itself, for who calls its tools."""
        return self._chat

    @property
    def name(self) -> str:
        """The model and the server or folder it comes from."""
        return self._name

    def complete(self, prompt: Prompt) -> str:
        """The model's reply as text.

        Raises:
            LanguageModelError: no reply could be had.
        """
        return self.reply(prompt).text

    def reply(self, prompt: Prompt) -> Reply:
        """The model's reply with token counts and latency.

        Raises:
            LanguageModelError: every attempt failed, or the reply is empty.
        """
        options = self._options() | ({"choices": prompt.choices} if prompt.choices else {})
        key = key_of(self._name, options, prompt.messages)
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        reply = self._ask(prompt)
        self._cache.put(key, reply)
        return reply

    def complete_many(
        self, prompts: Sequence[Prompt], progress: Callable[[int], None] | None = None
    ) -> list[Reply | LanguageModelError]:
        """Replies in the order of the prompts, several at a time; an error in the place of a reply that failed.

        Args:
            prompts: What to ask.
            progress: Told how many are done after each.
        """

        def one(prompt: Prompt) -> Reply | LanguageModelError:
            try:
                return self.reply(prompt)
            except LanguageModelError as error:
                return error

        replies = []
        with ThreadPoolExecutor(max_workers=max(1, self._settings.workers)) as pool:
            for reply in pool.map(one, prompts):
                replies.append(reply)
                if progress is not None:
                    progress(len(replies))
        return replies

    def count_tokens(self, text: str) -> int:
        """How many tokens a text takes."""
        return self._count_tokens(text)

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """The reply piece by piece, for a person who watches. Neither retried nor kept.

        Raises:
            LanguageModelError: the model failed.
        """
        try:
            for chunk in self._chat.stream(as_messages(prompt)):
                if chunk.text:
                    yield str(chunk.text)
        except Exception as error:
            raise LanguageModelError(f"language model {self._name}: {_cause(error)}") from error

    def _options(self) -> dict[str, object]:
        s = self._settings
        return {"temperature": s.temperature, "max_tokens": s.max_tokens, "seed": s.seed, "structured": s.structured}

    def _held_to(self, prompt: Prompt) -> Mapping[str, Any]:
        """What holds the reply to its form: one of the prompt's choices where it has any, else the schema."""
        if not prompt.choices:
            return self._structured
        return self._choosing(prompt.choices) if self._choosing is not None else {}

    def _ask(self, prompt: Prompt) -> Reply:
        messages = as_messages(prompt)
        attempts = self._settings.retries + 1
        cause = "no attempt was made"
        attempt = 0
        while attempt < attempts:
            attempt += 1
            started = time.perf_counter()
            try:
                answer = self._chat.invoke(messages, **self._held_to(prompt))
            except LanguageModelError:
                raise
            except Exception as error:
                cause = _cause(error)
                status = getattr(error, "status_code", None)
                if status in (400, 422) and self._structured and not prompt.choices:
                    self._structured = {}  # The server knows no JSON schema: ask again in plain words.
                    attempt -= 1
                    continue
                if status in NOT_RETRIED:
                    break
            else:
                text = str(answer.text).strip()
                if text:
                    usage: Mapping[str, int] = getattr(answer, "usage_metadata", None) or {}
                    return Reply(
                        text,
                        usage.get("input_tokens"),
                        usage.get("output_tokens"),
                        round(time.perf_counter() - started, 4),
                        attempt,
                    )
                cause = "the reply is empty"
            if attempt < attempts:
                self._sleep(self._settings.backoff_s * 2 ** (attempt - 1))
        raise LanguageModelError(
            f"language model {self._name}: {cause} ({attempt} attempt{'s' if attempt > 1 else ''}); check that the server "
            "is up and the model's name is right, or use --llm none"
        )


def as_messages(prompt: Prompt) -> list[BaseMessage]:
    """A prompt's turns as LangChain has them."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [kinds[message.role](content=message.content) for message in prompt.messages]


def _cause(error: Exception) -> str:
    """What went wrong, without the server's words: they may repeat the prompt."""
    status = getattr(error, "status_code", None)
    kind = type(error).__name__
    return f"HTTP status {status} ({kind})" if status is not None else kind
