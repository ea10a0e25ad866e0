"""Fine-tuning a local Hugging Face model: a LoRA adapter (Hu et al. 2021) on prompts and the replies wanted, through peft.

The ECG reaches such a model as text, by its measurements and precedents in the prompt; it sees no embedding. The folder
that is written holds the adapter alone and names the folder of its base model: ``--llm hf:FOLDER`` loads both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from precordia.core.drafts import Prompt
from precordia.core.errors import InputError, MissingExtraError, UsageError
from precordia.language_models.chat import as_messages
from precordia.language_models.hf_folder import as_text
from precordia.language_models.hf_weights import base_of, load_weights, peft_beside_transformers

IGNORED = -100


@dataclass(frozen=True)
class LoraSettings:
    """How an adapter is trained.

    Attributes:
        rank, alpha, dropout: Of the adapter, on every linear layer.
        epochs: Passes over the lessons.
        batch_size: Lessons a step.
        learning_rate: Of AdamW, falling linearly.
        max_tokens: Longest prompt and reply together.
        seed: Of weights and order.
    """

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    epochs: int = 1
    batch_size: int = 4
    learning_rate: float = 2e-4
    max_tokens: int = 2048
    seed: int = 42


@dataclass(frozen=True)
class Lesson:
    """A prompt with the reply that is wanted."""

    prompt: Prompt
    reply: str


def fine_tune(
    folder: Path,
    lessons: Sequence[Lesson],
    out: Path,
    settings: LoraSettings | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Write an adapter; the mean loss a token of the replies in each epoch.

    Args:
        folder: Of the base model, whole or itself an adapter's base.
        lessons: What to learn.
        out: For the adapter.
        settings: How.
        watch: Told number and loss of each epoch.

    Raises:
        UsageError: the folder holds no whole model.
        InputError: there is no lesson, or one is longer than ``max_tokens``.
        MissingExtraError: peft is not installed.
    """
    settings = settings or LoraSettings()
    if not lessons:
        raise InputError("there is nothing to fine-tune on: no report in --data")
    if base_of(folder) != folder:
        raise UsageError(f"{folder}: is an adapter already; fine-tune its base model, {base_of(folder)}")
    try:
        from peft import LoraConfig, get_peft_model  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("peft", "llm", "fine-tuning a local model") from None
    import torch

    torch.manual_seed(settings.seed)
    model, tokenizer = load_weights(folder)
    rows = [_row(lesson, tokenizer, settings.max_tokens, number) for number, lesson in enumerate(lessons, 1)]
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        fan_in_fan_out=_transposed(model),
    )
    with peft_beside_transformers():
        adapted = get_peft_model(model, config)
    optimiser = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=settings.learning_rate)
    steps, step, means = settings.epochs * -(-len(rows) // settings.batch_size), 0, []
    for epoch in range(settings.epochs):
        adapted.train()
        losses = []
        for batch in _batches(rows, settings, epoch, tokenizer.pad_token_id):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * (1 - step / steps)
            loss = adapted(**{k: v.to(model.device) for k, v in batch.items()}).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            step += 1
        means.append(sum(losses) / len(losses))
        if watch is not None:
            watch(epoch + 1, means[-1])
    out.mkdir(parents=True, exist_ok=True)
    adapted.peft_config["default"].base_model_name_or_path = str(folder.resolve())
    adapted.save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)  # peft's empty model card
    record = {"settings": asdict(settings), "lessons": len(rows), "losses": [round(v, 6) for v in means]}
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return means


def _row(lesson: Lesson, tokenizer: Any, max_tokens: int, number: int) -> tuple[list[int], int]:
    """Token ids of prompt, reply and end, and where the reply begins."""
    prompt = tokenizer(as_text(as_messages(lesson.prompt), tokenizer), add_special_tokens=False)["input_ids"]
    reply = [*tokenizer(lesson.reply, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    if len(prompt) + len(reply) > max_tokens:
        raise InputError(
            f"lesson {number}: prompt of {len(prompt)} and reply of {len(reply)} tokens exceed {max_tokens}; "
            "lower the prompt's token budget"
        )
    return [*prompt, *reply], len(prompt)


def _batches(
    rows: Sequence[tuple[list[int], int]], settings: LoraSettings, epoch: int, pad: int
) -> Iterator[dict[str, Any]]:
    import numpy as np
    import torch

    order = np.random.default_rng([settings.seed, epoch]).permutation(len(rows)).tolist()
    for start in range(0, len(order), settings.batch_size):
        chosen = [rows[i] for i in order[start : start + settings.batch_size]]
        shape = (len(chosen), max(len(ids) for ids, _ in chosen))
        ids, labels = torch.full(shape, pad), torch.full(shape, IGNORED)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, (tokens, begins) in enumerate(chosen):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, begins : len(tokens)] = torch.tensor(tokens[begins:])
            mask[row, : len(tokens)] = 1
        yield {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _transposed(model: Any) -> bool:
    """Whether the model's layers keep their weights the other way round, as GPT-2's do."""
    return any(type(module).__name__ == "Conv1D" for module in model.modules())
