"""``precordia train --task report``: the small language model of our own, or an adapter of a larger local one."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.language_models.own_model.training import Progress

ADAPTER_TOKENS = 2048
"""Longest prompt and reply together when a larger model is fine-tuned; less where its context is shorter."""
REPLY_TOKENS = 400


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    if not args.data or len(args.data) != 1:
        raise UsageError("train --task report: name the one folder that holds ptbxl/ with --data DIR")
    data = Path(args.data[0])
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    if args.llm in (None, "own", "precordia"):
        return _own(args, data)
    kind, _, folder = args.llm.partition(":")
    if kind != "hf" or not folder:
        raise UsageError(f"train --llm {args.llm}: give hf:FOLDER for a local model, or own")
    return _adapter(args, data, Path(folder).expanduser())


def _own(args: argparse.Namespace, data: Path) -> int:
    from precordia.fitting.reports.material import gather
    from precordia.language_models.own_model.card import write_card
    from precordia.language_models.own_model.checkpoint import save_model
    from precordia.language_models.own_model.fit import fit
    from precordia.language_models.own_model.recipe import load_recipe

    recipe = load_recipe(args.recipe or "default")
    if args.epochs is not None:
        recipe = replace(recipe, epochs=args.epochs)
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    begun = time.monotonic()
    material = gather(data, recipe, lambda items, total, label: progress(items, total, label))
    held = sum(e.held_out for e in material.ecgs)
    note(
        f"{len(material.ecgs)} ECGs, {held} held out, {len(material.texts)} reports without a signal; "
        f"data {material.data_hash[:12]}"
    )
    folder = Path(args.out) if args.out else Path("runs") / f"report-{recipe.name}"

    def watch(at: Progress) -> None:
        losses = " ".join(f"{name} {value:.3f}" for name, value in at.losses.items())
        note(f"epoch {at.epoch}/{at.epochs} {time.monotonic() - begun:.0f} s {losses}")

    model = save_model(fit(recipe, material, folder, resume=args.resume, watch=watch), folder)
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    write_card(folder, recipe, material, model)
    if args.json:
        print_json({"checkpoint": str(folder), "fingerprint": model.fingerprint, "parameters": model.parameters,
                    "encoder": model.encoder_fingerprint, "data_hash": material.data_hash,
                    "seconds": round(time.monotonic() - begun, 1)})  # fmt: skip
    else:
        print(f"{folder}: language model {model.fingerprint}; use it with --llm own:{folder}")
    return 0


def _adapter(args: argparse.Namespace, data: Path, base: Path) -> int:
    from transformers import AutoConfig, AutoTokenizer

    from precordia.fitting.reports.lessons import lessons_from
    from precordia.generation.written.prompt import PromptSettings
    from precordia.language_models.hf_weights import base_of
    from precordia.language_models.lora import LoraSettings, fine_tune
    from precordia.language_models.own_model.recipe import load_recipe

    recipe = load_recipe(args.recipe or "default")
    whole = base_of(base)
    tokenizer = AutoTokenizer.from_pretrained(str(whole), local_files_only=True, trust_remote_code=False)
    config = AutoConfig.from_pretrained(str(whole), local_files_only=True, trust_remote_code=False)
    context = min(ADAPTER_TOKENS, int(getattr(config, "max_position_embeddings", ADAPTER_TOKENS)))
    lessons = lessons_from(
        data,
        folds=recipe.archive,
        settings=PromptSettings("compact", max_tokens=max(context - REPLY_TOKENS, context // 2), show_judgement=False),
        count_tokens=lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 8,
        encoder=recipe.encoder,
        limit=args.limit,
    )
    settings = LoraSettings(max_tokens=context, seed=recipe.seed if args.seed is None else args.seed)
    if args.epochs is not None:
        settings = replace(settings, epochs=args.epochs)
    folder = Path(args.out) if args.out else Path("runs") / f"report-{whole.name}"
    note(f"{len(lessons)} reports")
    found = fine_tune(
        base,
        lessons,
        folder,
        settings,
        lambda n, loss: note(f"epoch {n} loss {loss:.3f}"),
        resume=args.resume,
        prompt_size="compact",
        sees_judgement=False,
    )
    if found.too_long:
        note(f"{found.too_long} of {len(lessons)} lessons are longer than {context} tokens and were passed over")
    if args.json:
        print_json(
            {"adapter": str(folder), "lessons": found.lessons, "too_long": found.too_long, "losses": found.losses}
        )
    else:
        print(f"{folder}: adapter of {whole.name}; use it with --llm hf:{folder}")
    return 0
