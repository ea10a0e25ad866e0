"""A model that Ollama serves."""

from __future__ import annotations

from precordia.core.errors import MissingExtraError, UsageError
from precordia.language_models.chat import ChatLanguageModel
from precordia.language_models.settings import LanguageModelSettings


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of ``NAME`` or ``NAME@URL``.

    Raises:
        UsageError: no name is given.
        MissingExtraError: langchain-ollama is not installed.
    """
    name, at, url = rest.partition("@http")
    if not name:
        raise UsageError(f"language model ollama:{rest}: give ollama:NAME or ollama:NAME@http://HOST:PORT")
    try:
        from langchain_ollama import ChatOllama
    except ImportError:
        raise MissingExtraError("langchain-ollama", "llm", "a language model served by Ollama") from None
    chat = ChatOllama(
        model=name,
        base_url=f"http{url}" if at else None,
        temperature=settings.temperature,
        num_predict=settings.max_tokens,
        seed=settings.seed,
        client_kwargs={"timeout": settings.timeout_s},
    )
    return ChatLanguageModel(chat, f"ollama:{rest}", settings, structured=lambda schema: {"format": schema})
