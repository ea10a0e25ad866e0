"""The options of a language model that commands share, and the model that they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.core.errors import UsageError
from precordia.language_models import SPECS, LanguageModelSettings, load_language_model

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from precordia.core.drafts import Draft, Statement
    from precordia.core.protocols import LanguageModel
    from precordia.core.recording import Recording
    from precordia.core.retrieval import Hit, Query
    from precordia.judgement.evidence import Evidence
    from precordia.knowledge_base import KnowledgeBase


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """``--llm`` and how it is called."""
    usual = LanguageModelSettings()
    group = parser.add_argument_group("language model")
    add = group.add_argument
    add("--llm", default="none", metavar="SPEC", help=SPECS)
    add("--llm-timeout", type=float, default=usual.timeout_s, metavar="SECONDS", help="longest wait for a reply")
    add("--llm-tokens", type=int, default=usual.max_tokens, metavar="N", help="longest reply")
    add("--llm-cache", metavar="DIR", help="keep replies here, to give them again; they hold words of reports")
    add("--llm-concurrency", type=int, default=usual.workers, metavar="N", help="replies asked for at the same time")


def model_of(args: argparse.Namespace) -> LanguageModel | None:
    """The model that the options name, loaded; None for none.

    Raises:
        UsageError: a number is out of range, or there is no such model.
        MissingExtraError: the package that it needs is not installed.
    """
    return load_language_model(args.llm, settings_of(args))


def settings_of(args: argparse.Namespace) -> LanguageModelSettings:
    """How the model that the options name is called.

    Raises:
        UsageError: a number is out of range.
    """
    for option in ("llm_timeout", "llm_tokens", "llm_concurrency"):
        if not getattr(args, option) > 0:
            raise UsageError(f"--{option.replace('_', '-')} {getattr(args, option):g}: give more than 0")
    return LanguageModelSettings(
        timeout_s=args.llm_timeout,
        max_tokens=args.llm_tokens,
        cache_dir=None if args.llm_cache is None else Path(args.llm_cache).expanduser(),
        workers=args.llm_concurrency,
    )


def tool_caller_of(model: LanguageModel) -> BaseChatModel | None:
    """The LangChain chat model behind a language model where it can call tools; None where it only writes."""
    from langchain_core.language_models import BaseChatModel

    from precordia.language_models.chat import ChatLanguageModel

    chat: object = model.chat if isinstance(model, ChatLanguageModel) else None
    if not isinstance(chat, BaseChatModel) or type(chat).bind_tools is BaseChatModel.bind_tools:
        return None
    return chat


class WithModel:
    """A knowledge base whose answers a model phrases.

    Args:
        kb: The knowledge base.
        model: None answers in canonical words.
        watch: Told each statement as soon as it stands.
    """

    def __init__(
        self, kb: KnowledgeBase, model: LanguageModel | None, watch: Callable[[Statement], None] | None = None
    ) -> None:
        self._kb, self._model, self._watch = kb, model, watch

    def search(self, query: Query) -> list[Hit]:
        """See :meth:`precordia.KnowledgeBase.search`."""
        return self._kb.search(query)

    def ask(self, question: str, *recordings: Evidence | Recording) -> Draft:
        """See :meth:`precordia.KnowledgeBase.ask`."""
        return self._kb.ask(question, *recordings, llm=self._model or "none", watch=self._watch)

    def report(self, recording: Evidence | Recording) -> Draft:
        """See :meth:`precordia.KnowledgeBase.report`."""
        return self._kb.report(recording, llm=self._model or "none", watch=self._watch)

    def evidence(self, recording: Recording) -> Evidence:
        """See :meth:`precordia.KnowledgeBase.evidence`."""
        return self._kb.evidence(recording)
