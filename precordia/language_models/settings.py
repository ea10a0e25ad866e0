"""How a language model is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LanguageModelSettings:
    """How a language model is called; part of a cached reply's key where it changes the reply.

    Attributes:
        temperature: Of sampling; 0 for the same reply each time.
        max_tokens: Longest reply.
        seed: Of sampling, where the server takes one.
        timeout_s: For one attempt, s.
        retries: Attempts after the first that failed.
        backoff_s: Wait before the first retry, s; doubled for each further one.
        structured: Ask for JSON by schema where the server can; the plain text of one that cannot is understood too.
        cache_dir: Where replies are kept by content; None keeps them in memory only.
        api_key: For a server that wants one; None takes it from ``$OPENAI_API_KEY``, never written anywhere.
        workers: Prompts answered at the same time by :meth:`ChatLanguageModel.complete_many`.
        four_bit: Load a local model's weights in 4 bits: None where a GPU and bitsandbytes are there, True always (an
            error where it cannot be), False never.
    """

    temperature: float = 0.0
    max_tokens: int = 700
    seed: int = 0
    timeout_s: float = 60.0
    retries: int = 2
    backoff_s: float = 1.0
    structured: bool = True
    cache_dir: Path | None = None
    api_key: str | None = None
    workers: int = 4
    four_bit: bool | None = None

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.__dict__.items() if k != "api_key"}
        return f"LanguageModelSettings({', '.join(f'{k}={v!r}' for k, v in shown.items())})"
