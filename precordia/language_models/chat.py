"""A chat model as a language model of ours: time-outs, retries with backoff, cache, counts, and replies as they are written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from precordia.core.drafts import Prompt, PromptSize, Reply, estimate_tokens
from precordia.core.errors import ContextOverflowError, LanguageModelError
from precordia.language_models.cache import ReplyCache, key_of
from precordia.language_models.schema import schema_for
from precordia.language_models.settings import LanguageModelSettings

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

NOT_RETRIED: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 422})
"""HTTP status codes that a second attempt does not change."""
_OF_THE_SCHEMA: Final = re.compile(
    r"response_format|json_?\s?schema|\bschema\b|structured.output|guided|grammar|\bformat\b", re.I
)
_OF_THE_LENGTH: Final = re.compile(
    r"context.{0,12}(length|window|size|limit)|n_ctx|prompt is too long|maximum (?:context|sequence|input|model)|too many tokens"
    r"|exceed\w*.{0,60}\b(?:context|tokens?|length|window)\b|sequence length is greater",
    re.I | re.S,
)

Held = Mapping[str, Any]
"""Options of a chat model that hold its reply to a form."""


@dataclass(frozen=True)
class Said:
    """A reply, or a piece of one, of a model in this process.

    Attributes:
        text: Its words.
        usage_metadata: ``input_tokens`` and ``output_tokens``.
        response_metadata: ``finish_reason`` "length" where it was cut off.
    """

    text: str
    usage_metadata: Mapping[str, int] = field(default_factory=dict)
    response_metadata: Mapping[str, str] = field(default_factory=dict)


class Chat(Protocol):
    """What of a LangChain chat model is used here; anything else that does the same serves as well."""

    def invoke(self, messages: Any, **held: Any) -> Any:
        """The reply: ``text``, ``usage_metadata`` and ``response_metadata``."""
        ...

    def stream(self, messages: Any, **held: Any) -> Iterator[Any]:
        """The same in pieces."""
        ...


@runtime_checkable
class Together(Protocol):
    """A model in this process that writes several replies side by side."""

    most_together: int

    def invoke_many(self, asked: Sequence[Any], held: Sequence[Held]) -> list[Said]:
        """Replies in the order of what is asked."""
        ...


class ChatLanguageModel:
    """A language model behind a chat interface.

    Args:
        chat: The chat model, its own retries switched off.
        name: For drafts and results, with the settings that matter.
        settings: Retries, backoff, cache.
        structured: From a JSON schema to options that hold the reply to it; not used any more once a server refuses them.
        choosing: From the replies that a prompt allows to options that hold the model to them; None where it cannot be.
        count_tokens: The model's own tokenizer, for prompt budgets; estimated from the characters where it cannot be had.
        prompt_size: How much the model is shown.
        sees_judgement: Whether it is shown what the judgement says.
        spoken: The turns as the chat model takes them.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        chat: Chat,
        name: str,
        settings: LanguageModelSettings | None = None,
        *,
        structured: Callable[[dict[str, Any]], Held] | None = None,
        choosing: Callable[[tuple[str, ...]], Held] | None = None,
        count_tokens: Callable[[str], int] = estimate_tokens,
        prompt_size: PromptSize = "full",
        sees_judgement: bool = True,
        spoken: Callable[[Prompt], Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chat = chat
        self._name = name
        self._settings = settings or LanguageModelSettings()
        self._structured = structured if self._settings.structured else None
        self._choosing = choosing
        self._cache = ReplyCache(self._settings.cache_dir)
        self._spoken = spoken or as_messages
        self._sleep = sleep
        self._count_tokens = count_tokens
        self._prompt_size = prompt_size
        self._sees_judgement = sees_judgement

    @property
    def chat(self) -> Chat:
        """The chat model itself, for who calls its tools."""
        return self._chat

    @property
    def name(self) -> str:
        """The model and the server or folder it comes from."""
        return self._name

    @property
    def prompt_size(self) -> PromptSize:
        """How much it is shown."""
        return self._prompt_size

    @property
    def sees_judgement(self) -> bool:
        """Whether it is shown what the judgement says, to phrase it."""
        return self._sees_judgement

    def complete(self, prompt: Prompt) -> str:
        """The model's reply as text.

        Raises:
            LanguageModelError: no reply could be had.
        """
        return self.reply(prompt).text

    def reply(self, prompt: Prompt) -> Reply:
        """The model's reply with token counts and latency. One that was cut off by its length is a reply, and says so.

        Raises:
            ContextOverflowError: the prompt is too long for the model.
            LanguageModelError: every attempt failed, or the reply is empty.
        """
        key = self._key(prompt)
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        reply = self._ask(prompt)
        self._keep(key, reply)
        return reply

    def stream(self, prompt: Prompt) -> Generator[str, None, Reply]:
        """The reply piece by piece, for a person who watches; at the end it comes whole, and is kept as any other.

        A model that fails before its first word is asked again as :meth:`reply` does.

        Raises: as :meth:`reply`.
        """
        key = self._key(prompt)
        cached = self._cache.get(key)
        if cached is not None:
            yield cached.text
            return cached
        started = time.perf_counter()
        heard = _Heard()
        try:
            for chunk in self._chat.stream(self._spoken(prompt), **self._held_to(prompt)):
                heard.add(chunk)
                if chunk.text:
                    yield str(chunk.text)
        except Exception as error:
            if not heard.text:
                reply = self.reply(prompt)
                yield reply.text
                return reply
            if _cut_off(error) is None:
                raise LanguageModelError(f"language model {self._name}: {_cause(error)}") from error
            heard.cut_off = True
        if not heard.text.strip():
            raise LanguageModelError(f"language model {self._name}: the reply is empty")
        reply = heard.reply(time.perf_counter() - started, 1)
        self._keep(key, reply)
        return reply

    def complete_many(
        self, prompts: Sequence[Prompt], progress: Callable[[int], None] | None = None
    ) -> list[Reply | LanguageModelError]:
        """Replies in the order of the prompts, several at a time; an error in the place of a reply that failed.

        Args:
            prompts: What to ask.
            progress: Told how many are done after each.
        """

        if isinstance(self._chat, Together):
            self._ask_together(prompts, self._chat)

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

    def _ask_together(self, prompts: Sequence[Prompt], chat: Together) -> None:
        """Keep replies to the prompts that have none, as many at a time as the model takes, alike in length.

        A prompt that cannot be asked beside others is left for :meth:`reply`, which says why or finds a way.
        """
        fresh = {key: p for p in prompts if self._cache.get(key := self._key(p)) is None}
        waiting = sorted(fresh, key=lambda key: sum(len(m.content) for m in fresh[key].messages))
        for start in range(0, len(waiting), chat.most_together):
            keys = waiting[start : start + chat.most_together]
            some = [fresh[key] for key in keys]
            started = time.perf_counter()
            try:
                said = chat.invoke_many([self._spoken(p) for p in some], [self._held_to(p) for p in some])
            except LanguageModelError:
                continue
            seconds = (time.perf_counter() - started) / len(some)
            for key, one in zip(keys, said, strict=True):
                if one.text.strip():
                    heard = _Heard()
                    heard.add(one)
                    self._keep(key, heard.reply(seconds, 1))

    def count_tokens(self, text: str) -> int:
        """How many tokens a text takes."""
        return self._count_tokens(text)

    def _keep(self, key: str, reply: Reply) -> None:
        # What was cut off by time depends on the machine, and is not given again.
        if not (reply.cut_off and reply.latency_s >= self._settings.timeout_s):
            self._cache.put(key, reply)

    def _key(self, prompt: Prompt) -> str:
        s = self._settings
        options: dict[str, object] = {"temperature": s.temperature, "max_tokens": s.max_tokens, "seed": s.seed}
        options["schema"] = schema_for(prompt) if s.structured and not prompt.choices else None
        return key_of(self._name, options | ({"choices": prompt.choices} if prompt.choices else {}), prompt.messages)

    def _held_to(self, prompt: Prompt) -> Held:
        """What holds the reply to its form: one of the prompt's choices where it has any, else the schema."""
        if prompt.choices:
            return self._choosing(prompt.choices) if self._choosing is not None else {}
        return self._structured(schema_for(prompt)) if self._structured is not None else {}

    def _ask(self, prompt: Prompt) -> Reply:
        messages = self._spoken(prompt)
        attempts = self._settings.retries + 1
        cause = "no attempt was made"
        attempt = 0
        while attempt < attempts:
            attempt += 1
            started = time.perf_counter()
            heard = _Heard()
            try:
                heard.add(self._chat.invoke(messages, **self._held_to(prompt)))
            except LanguageModelError:
                raise
            except Exception as error:
                whole = _cut_off(error)
                status = getattr(error, "status_code", None)
                if whole is not None:
                    heard.text, heard.cut_off = whole, True
                elif _is_too_long(error, status):
                    raise ContextOverflowError(
                        f"language model {self._name}: the prompt is too long for the model; lower the prompt's token budget"
                    ) from error
                elif (
                    status in (400, 422)
                    and self._structured
                    and not prompt.choices
                    and _OF_THE_SCHEMA.search(str(error))
                ):
                    self._structured = (
                        None  # The server knows no JSON schema, or not this one: ask again in plain words.
                    )
                    attempt -= 1
                    continue
                cause = _cause(error)
                if status in NOT_RETRIED:
                    break
            if heard.text.strip():
                return heard.reply(time.perf_counter() - started, attempt)
            if heard.done:
                cause = "the reply is empty"
            if attempt < attempts:
                self._sleep(self._settings.backoff_s * 2 ** (attempt - 1))
        raise LanguageModelError(
            f"language model {self._name}: {cause} ({attempt} attempt{'s' if attempt > 1 else ''}); check that the server "
            "is up and the model's name is right, or use --llm none"
        )


class _Heard:
    """What has come of a reply."""

    def __init__(self) -> None:
        self.text = ""
        self.usage: Mapping[str, int] = {}
        self.cut_off = False
        self.done = False

    def add(self, message: Any) -> None:
        """A reply, or a piece of one."""
        self.done = True
        self.text += str(message.text)
        self.usage = getattr(message, "usage_metadata", None) or self.usage
        ended = getattr(message, "response_metadata", None) or {}
        self.cut_off = self.cut_off or "length" in (ended.get("finish_reason"), ended.get("done_reason"))

    def reply(self, seconds: float, attempt: int) -> Reply:
        """The whole of it."""
        counts = self.usage.get("input_tokens"), self.usage.get("output_tokens")
        return Reply(self.text.strip(), *counts, round(seconds, 4), attempt, cut_off=self.cut_off)


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


def _cut_off(error: Exception) -> str | None:
    """What was written where an error says no more than that the reply is not whole; None for any other error.

    The client of OpenAI's API raises instead of answering where a reply by schema ends at its longest.
    """
    completion = getattr(error, "completion", None)
    choices = getattr(completion, "choices", None) or ()
    return next((str(choice.message.content or "") for choice in choices), None)


def _is_too_long(error: Exception, status: int | None) -> bool:
    """Whether an error says that the prompt is longer than the model can hold, by its kind or the server's words."""
    if any(kind.__name__ == "ContextOverflowError" for kind in type(error).__mro__) or status == 413:
        return True
    return (status in (400, 422, 500) or isinstance(error, ValueError)) and _OF_THE_LENGTH.search(
        str(error)
    ) is not None
