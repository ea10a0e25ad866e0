"""A Hugging Face causal language model, or a LoRA adapter over one, in a local folder; its replies are held to their form."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from precordia.core.drafts import PromptSize
from precordia.core.errors import ContextOverflowError, MissingExtraError
from precordia.language_models.chat import ChatLanguageModel
from precordia.language_models.constrained import (
    Automaton,
    CannotSpell,
    Held,
    automaton,
    held_to,
    listed,
    regex_of_schema,
)
from precordia.language_models.hf_weights import RECORD, base_of, load_weights
from precordia.language_models.schema import without_lengths
from precordia.language_models.settings import LanguageModelSettings

SMALL = 1_000_000_000
"""Weights below which a model is shown compact prompts."""
MOST_MACHINES = 16
"""Automata kept: one for each number of precedents and set of measurements that a prompt shows."""


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of a folder that holds ``config.json``, weights and tokenizer, or a LoRA adapter of such a folder.

    Nothing is downloaded, no code of it is run. Replies are JSON of the schema, or one of a prompt's choices, by constrained
    decoding; a model whose tokens cannot spell that answers in plain words.

    Raises:
        UsageError: there is no such folder, or it holds no model.
        LanguageModelError: the model cannot be loaded.
        MissingExtraError: transformers or langchain-huggingface is not installed.
    """
    folder = Path(rest).expanduser()
    base_of(folder)
    model, tokenizer = load_weights(folder, settings.four_bit)
    return language_model_over(model, tokenizer, f"hf:{folder.name}", settings, **_learned_from(folder))


def language_model_over(
    model: Any,
    tokenizer: Any,
    name: str,
    settings: LanguageModelSettings,
    *,
    prompt_size: PromptSize | None = None,
    sees_judgement: bool = True,
) -> ChatLanguageModel:
    """Loaded weights as a language model. Small ones are shown compact prompts, adapters those that they were trained on.

    Raises:
        MissingExtraError: langchain-huggingface is not installed.
    """
    try:
        from langchain_huggingface import HuggingFacePipeline
    except ImportError:
        raise MissingExtraError("langchain-huggingface", "llm", "a local Hugging Face model") from None
    generate = _pipeline(model, tokenizer, settings)
    chat = _chat_class()(
        llm=HuggingFacePipeline(pipeline=generate),
        tokenizer=tokenizer,
        context=int(getattr(model.config, "max_position_embeddings", 2048)),
        max_tokens=settings.max_tokens,
        turn=threading.Lock(),
    )

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return ChatLanguageModel(
        chat,
        name,
        settings,
        structured=lambda schema: {"schema": without_lengths(schema)},
        choosing=lambda choices: {"choices": choices},
        count_tokens=count,
        prompt_size=prompt_size or size_for(model),
        sees_judgement=sees_judgement,
    )


def size_for(model: Any) -> PromptSize:
    """How much a model of so many weights is shown."""
    return "compact" if model.num_parameters() < SMALL else "full"


def _learned_from(folder: Path) -> dict[str, Any]:
    """What prompts an adapter of ours was trained on; nothing for any other folder."""
    record = folder / RECORD
    if not record.is_file():
        return {}
    said = json.loads(record.read_text(encoding="utf-8"))
    return {name: said[name] for name in ("prompt_size", "sees_judgement") if name in said}


def load_in_4_bits(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """As :func:`load`, the weights in 4 bits. Raises as it does, and where there is no CUDA device or no bitsandbytes."""
    return load(rest, replace(settings, four_bit=True))


def _pipeline(model: Any, tokenizer: Any, settings: LanguageModelSettings) -> Any:
    from transformers import GenerationConfig, pipeline

    sampling = (
        {"do_sample": True, "temperature": settings.temperature} if settings.temperature > 0 else {"do_sample": False}
    )
    model.generation_config = GenerationConfig(
        max_new_tokens=settings.max_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **sampling,
    )
    return pipeline("text-generation", model=model, tokenizer=tokenizer, return_full_text=False)


def _chat_class() -> Any:
    """LangChain's own ChatHuggingFace insists on a chat template; base models have none."""
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from pydantic import Field

    class FolderChat(BaseChatModel):
        llm: Any
        tokenizer: Any
        context: int
        max_tokens: int
        turn: Any
        machines: dict[str, Automaton | None] = Field(default_factory=dict)

        @property
        def _llm_type(self) -> str:
            return "precordia-hf-folder"

        def _generate(
            self,
            messages: list[BaseMessage],
            stop: Any = None,
            run_manager: Any = None,
            schema: Mapping[str, Any] | None = None,
            choices: Sequence[str] = (),
            **_: Any,
        ) -> ChatResult:
            text = as_text(messages, self.tokenizer)
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(ids) + self.max_tokens > self.context:
                raise ContextOverflowError(
                    f"prompt of {len(ids)} and reply of {self.max_tokens} tokens exceed the model's {self.context}; "
                    "lower the prompt's token budget"
                )
            machine = self._machine(schema, choices)
            options: dict[str, Any] = {}
            if machine is not None:
                options["pipeline_kwargs"] = {"logits_processor": [held_to(machine, len(ids), self.max_tokens)]}
            with self.turn:  # one reply at a time: two would only take turns on the same cores
                reply = self.llm.invoke(text, stop=stop, **options)
            n_out = len(self.tokenizer(reply, add_special_tokens=False)["input_ids"])
            usage: Any = {"input_tokens": len(ids), "output_tokens": n_out, "total_tokens": len(ids) + n_out}
            ended = {"finish_reason": "length"} if n_out >= self.max_tokens - 1 else {}
            message = AIMessage(content=reply, usage_metadata=usage, response_metadata=ended)
            return ChatResult(generations=[ChatGeneration(message=message)])

        def _machine(self, schema: Mapping[str, Any] | None, choices: Sequence[str]) -> Held | None:
            """What the reply is held to; None for nothing. A schema that cannot be spelled is let go, choices are not."""
            if choices:
                return listed(choices, self.tokenizer)
            if schema is None:
                return None
            pattern = regex_of_schema(schema)
            if pattern not in self.machines:
                if len(self.machines) >= MOST_MACHINES:
                    self.machines.clear()
                try:
                    self.machines[pattern] = automaton(pattern, self.tokenizer)
                except CannotSpell:
                    self.machines[pattern] = None
            return self.machines[pattern]

    return FolderChat


def as_text(messages: list[Any], tokenizer: Any) -> str:
    """The turns as the tokenizer's chat template has them, or under plain headings when it has none."""
    roles = {"system": "system", "human": "user", "ai": "assistant"}
    turns = [{"role": roles[message.type], "content": str(message.content)} for message in messages]
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    return "".join(f"{turn['role'].upper()}:\n{turn['content']}\n\n" for turn in turns) + "ASSISTANT:\n"
