"""A Hugging Face causal language model, or a LoRA adapter over one, in a local folder; its replies are held to their form."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from precordia.core.drafts import Message, PromptSize
from precordia.core.errors import ContextOverflowError
from precordia.language_models.chat import ChatLanguageModel, Said
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
TOGETHER = 8
"""Replies written side by side."""
MOST_MACHINES = 64
"""Automata kept: one for each number of precedents and set of measurements that a prompt shows."""


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of a folder that holds ``config.json``, weights and tokenizer, or a LoRA adapter of such a folder.

    Nothing is downloaded, no code of it is run. Replies are JSON of the schema, or one of a prompt's choices, by constrained
    decoding; a model whose tokens cannot spell that answers in plain words.

    Raises:
        UsageError: there is no such folder, or it holds no model.
        LanguageModelError: the model cannot be loaded.
        MissingExtraError: transformers is not installed.
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
    """Loaded weights as a language model. Small ones are shown compact prompts, adapters those that they were trained on."""

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return ChatLanguageModel(
        _Weights(model, tokenizer, settings),
        name,
        settings,
        structured=lambda schema: {"schema": without_lengths(schema)},
        choosing=lambda choices: {"choices": choices},
        count_tokens=count,
        prompt_size=prompt_size or size_for(model),
        sees_judgement=sees_judgement,
        spoken=lambda prompt: prompt.messages,
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


class _Weights:
    """A model in memory; one turn at a time, for two would only share the same cores.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        settings: Sampling, the longest reply, and the time it may take: what is written until then is the reply.
    """

    most_together = TOGETHER

    def __init__(self, model: Any, tokenizer: Any, settings: LanguageModelSettings) -> None:
        from transformers import GenerationConfig

        self._model, self._tokenizer, self._most = model, tokenizer, settings.max_tokens
        self._seconds = settings.timeout_s
        self._context = int(getattr(model.config, "max_position_embeddings", 2048))
        self._turn = threading.Lock()
        self._machines: dict[str, Automaton | None] = {}
        sampling: dict[str, Any] = {"do_sample": False}
        if settings.temperature > 0:
            sampling = {"do_sample": True, "temperature": settings.temperature}
        model.generation_config = GenerationConfig(
            max_new_tokens=settings.max_tokens,
            max_time=settings.timeout_s,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **sampling,
        )

    def invoke(self, messages: Sequence[Message], **held: Any) -> Said:
        """The reply."""
        return self.invoke_many([messages], [held])[0]

    def invoke_many(self, asked: Sequence[Sequence[Message]], held: Sequence[Mapping[str, Any]]) -> list[Said]:
        """Replies written side by side: reading the weights once for all of them is what takes the time."""
        options = self._options(asked, held)
        with self._turn:
            written = self._model.generate(**options, max_time=self._seconds * len(asked))
        return self._whole(written, options)

    def stream(self, messages: Sequence[Message], **held: Any) -> Iterator[Said]:
        """The reply as it is written; what it cost with the last piece."""
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        options = self._options([messages], [held])
        pieces = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        unheard = threading.Event()
        stops = StoppingCriteriaList([lambda ids, scores, **_: ids.new_full((len(ids),), unheard.is_set(), dtype=bool)])
        ended: list[Said | BaseException] = []

        def write() -> None:
            try:
                written = self._model.generate(**options, streamer=pieces, stopping_criteria=stops)
                ended.append(self._whole(written, options)[0])
            except BaseException as error:  # told to who listens
                ended.append(error)
            finally:
                pieces.end()

        with self._turn:
            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            try:
                yield from (Said(piece) for piece in pieces if piece)
            finally:
                unheard.set()  # nobody listens any more
                writer.join()
        end = ended[0]
        if isinstance(end, BaseException):
            raise end
        yield replace(end, text="")

    def _options(self, asked: Sequence[Sequence[Message]], held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        from transformers import LogitsProcessorList

        texts = [as_text(messages, self._tokenizer) for messages in asked]
        read = self._tokenizer(
            texts, add_special_tokens=False, return_tensors="pt", padding=len(texts) > 1, padding_side="left"
        )
        n = int(read["input_ids"].shape[1])
        if n + self._most > self._context:
            raise ContextOverflowError(
                f"prompt of {n} and reply of {self._most} tokens exceed the model's {self._context}; lower the prompt's "
                "token budget"
            )
        options = {name: read[name].to(self._model.device) for name in ("input_ids", "attention_mask")}
        machines = [self._machine(h.get("schema"), h.get("choices", ())) for h in held]
        if any(machine is not None for machine in machines):
            options["logits_processor"] = LogitsProcessorList([held_to(machines, n, self._most)])
        return options

    def _whole(self, written: Any, options: Mapping[str, Any]) -> list[Said]:
        width, end = int(options["input_ids"].shape[1]), self._tokenizer.eos_token_id
        found = []
        for row, mask in zip(written[:, width:].tolist(), options["attention_mask"], strict=True):
            closed = end in row
            ids = row[: row.index(end)] if closed else row
            usage = {"input_tokens": int(mask.sum()), "output_tokens": len(ids)}
            text = self._tokenizer.decode(ids, skip_special_tokens=True)
            found.append(Said(text, usage, {} if closed else {"finish_reason": "length"}))
        return found

    def _machine(self, schema: Mapping[str, Any] | None, choices: Sequence[str]) -> Held | None:
        """What the reply is held to; None for nothing. A schema that cannot be spelled is let go, choices are not."""
        if choices:
            return listed(choices, self._tokenizer)
        if schema is None:
            return None
        pattern = regex_of_schema(schema)
        if pattern not in self._machines:
            if len(self._machines) >= MOST_MACHINES:
                self._machines.clear()
            try:
                self._machines[pattern] = automaton(pattern, self._tokenizer)
            except CannotSpell:
                self._machines[pattern] = None
        return self._machines[pattern]


def as_text(messages: Sequence[Message], tokenizer: Any) -> str:
    """The turns as the tokenizer's chat template has them, or under plain headings when it has none."""
    turns = [{"role": message.role, "content": message.content} for message in messages]
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    return "".join(f"{turn['role'].upper()}:\n{turn['content']}\n\n" for turn in turns) + "ASSISTANT:\n"
