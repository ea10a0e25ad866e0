"""Any OpenAI-compatible server: vLLM, llama.cpp, Ollama's own, a hosted one."""

from __future__ import annotations

import os
from typing import Any

from precordia.core.errors import MissingExtraError, UsageError
from precordia.language_models.chat import ChatLanguageModel
from precordia.language_models.settings import LanguageModelSettings


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of ``NAME@URL`` or ``NAME``.

    Raises:
        UsageError: no name, a URL that is not http, or no key for the provider's own server.
        MissingExtraError: langchain-openai is not installed.
    """
    name, at, url = rest.partition("@http")
    url = f"http{url}" if at else ""
    if not name or (not at and "@" in rest):
        raise UsageError(f"language model openai:{rest}: give openai:NAME@http://HOST:PORT/v1")
    try:
        from langchain_openai import ChatOpenAI
    except ImportError:
        raise MissingExtraError(
            "langchain-openai", "llm", "a language model behind an OpenAI-compatible server"
        ) from None
    key = settings.api_key or os.environ.get("OPENAI_API_KEY")
    if key is None and not url:
        raise UsageError(f"language model openai:{rest}: set OPENAI_API_KEY, or name your own server with @URL")
    chat = ChatOpenAI(
        model=name,
        base_url=url or None,
        api_key=key or "none",
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        seed=settings.seed,
        timeout=settings.timeout_s,
        max_retries=0,
    )

    def structured(schema: dict[str, Any]) -> dict[str, Any]:
        wanted = {"name": "statements", "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}

    return ChatLanguageModel(chat, f"openai:{rest}", settings, structured=structured)
