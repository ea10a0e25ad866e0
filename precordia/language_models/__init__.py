"""Language models by name: ``local``, ``local:refine``, ``openai:NAME@URL``, ``ollama:NAME``, ``hf:FOLDER``, ``gguf:FILE``,
``own``, ``tuned:FOLDER``, or ``none``.

One more kind of model is one more file with ``load(rest, settings) -> LanguageModel`` and one line in ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from precordia.core.errors import UsageError
from precordia.core.registry import Registry
from precordia.language_models.settings import LanguageModelSettings

if TYPE_CHECKING:
    from precordia.language_models.chat import ChatLanguageModel

    Loader = Callable[[str, LanguageModelSettings], ChatLanguageModel]

__all__ = ["KINDS", "LanguageModelSettings", "SPECS", "load_language_model"]

KINDS: Registry[Loader] = Registry(
    "kind of language model",
    {
        "local": "precordia.language_models.local:load",
        "gguf": "precordia.language_models.gguf_file:load",
        "openai": "precordia.language_models.openai_server:load",
        "ollama": "precordia.language_models.ollama_server:load",
        "hf": "precordia.language_models.hf_folder:load",
        "hf-4bit": "precordia.language_models.hf_folder:load_in_4_bits",
        "own": "precordia.language_models.trained_here:load",
        "tuned": "precordia.language_models.tuned_here:load",
        "precordia": "precordia.language_models.trained_here:load",
    },
)
"""Kind of model to its loader."""
NAMELESS = ("local", "own", "precordia")
"""Kinds that need no name after a colon."""
SPECS = "local, local:refine, openai:NAME@URL, ollama:NAME, hf:FOLDER, gguf:FILE, own:FOLDER, tuned:FOLDER or none"
"""How a model may be named, for people."""


def load_language_model(spec: str | None, settings: LanguageModelSettings | None = None) -> ChatLanguageModel | None:
    """The language model that a spec names, or None for ``none``.

    Args:
        spec: ``openai:NAME@URL`` (any OpenAI-compatible server; without ``@URL`` the provider's own), ``ollama:NAME`` or
            ``ollama:NAME@URL``, ``hf:FOLDER`` (a local Hugging Face model, or a LoRA adapter; ``hf-4bit:FOLDER``: in 4 bits),
            ``gguf:FILE`` (a file that mistral.rs runs), ``local`` (SmolLM2-135M-Instruct; ``local:refine``: with an adapter
            that comes with the package), ``own`` or ``own:NAME`` (the model that comes with the package, or a folder; also
            ``precordia:NAME``), ``tuned:FOLDER``, ``none`` or None.
        settings: Time-outs, retries, sampling, cache.

    Raises:
        UsageError: the spec is not of that form.
        UnknownNameError: there is no such kind of model.
        MissingExtraError: the package that it needs is not installed.
    """
    if spec is None or spec.strip().lower() in ("", "none"):
        return None
    kind, colon, rest = spec.strip().partition(":")
    if not colon and kind not in KINDS:
        raise UsageError(f"language model {spec!r}: give {SPECS}")
    loader = KINDS.get(kind)
    if not rest and kind not in NAMELESS:
        raise UsageError(f"language model {spec!r}: name the model after the colon, as in {kind}:NAME")
    return loader(rest, settings or LanguageModelSettings())
