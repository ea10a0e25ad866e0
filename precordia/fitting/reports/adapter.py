"""Makes an adapter of a larger local model: the prompts that reports are written from, and the reports wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.fitting.reports.lessons import lessons_from
from precordia.fitting.trained import Trained
from precordia.generation.written.prompt import PromptSettings
from precordia.language_models.hf_weights import base_of
from precordia.language_models.lora import LoraSettings, fine_tune
from precordia.language_models.own_model.recipe import Recipe
from precordia.language_models.own_model.training import Progress as Epoch

LONGEST_TOKENS: Final = 2048
"""Longest prompt and reply together; less where the model's context is shorter."""
REPLY_TOKENS: Final = 400


def train_adapter(
    base: Path,
    data: Path,
    out: Path | str | None,
    recipe: Recipe,
    *,
    limit: int | None,
    epochs: int | None,
    seed: int | None,
    resume: bool,
    tell: Callable[[str], None],
    watch: Callable[[Epoch], None] | None,
) -> Trained:
    """Fine-tune a model on the reports of PTB-XL, and write the adapter.

    Args:
        base: Folder of the model.
        data: Folder that holds ``ptbxl/``.
        out: The adapter's folder; by default ``runs/report-MODEL``.
        recipe: Says which folds are learned from, and whose vectors find precedents.
        limit: Most reports.
        epochs: Passes over them; by default one.
        seed: Instead of the recipe's.
        resume: Go on from the state in ``out``.
        tell: Told in words what it learns from.
        watch: Told after each epoch.

    Raises:
        UsageError: ``base`` holds no whole model.
        InputError: there is nothing to train on.
        CheckpointError: the state in ``out`` belongs to another run.
        MissingExtraError: peft is not installed.
    """
    from transformers import AutoConfig, AutoTokenizer

    whole = base_of(base)
    tokenizer = AutoTokenizer.from_pretrained(str(whole), local_files_only=True, trust_remote_code=False)
    config = AutoConfig.from_pretrained(str(whole), local_files_only=True, trust_remote_code=False)
    context = min(LONGEST_TOKENS, int(getattr(config, "max_position_embeddings", LONGEST_TOKENS)))
    lessons = lessons_from(
        data,
        folds=recipe.archive,
        settings=PromptSettings("compact", max_tokens=max(context - REPLY_TOKENS, context // 2), show_judgement=False),
        count_tokens=lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 8,
        encoder=recipe.encoder,
        limit=limit,
    )
    settings = LoraSettings(max_tokens=context, seed=recipe.seed if seed is None else seed)
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    folder = Path(out) if out else Path("runs") / f"report-{whole.name}"
    tell(f"{len(lessons)} reports")

    def passed(epoch: int, loss: float) -> None:
        if watch is not None:
            watch(Epoch(epoch, settings.epochs, {"loss": loss}))

    found = fine_tune(
        base, lessons, folder, settings, passed, resume=resume, prompt_size="compact", sees_judgement=False
    )
    facts = {"adapter": str(folder), "lessons": found.lessons, "too_long": found.too_long, "losses": found.losses,
             "made": f"adapter of {whole.name}", "llm": f"hf:{folder}"}  # fmt: skip
    left = f"{found.too_long} of {len(lessons)} lessons are longer than {context} tokens and were passed over"
    return Trained("reports", folder, facts, (left,) if found.too_long else ())
