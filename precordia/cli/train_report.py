"""``precordia train reports``: the small language model of our own, or an adapter of a larger local one."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.language_models.own_model.training import Progress

ADAPTER_TOKENS = 2048
"""Longest prompt and reply together when a larger model is fine-tuned; less where its context is shorter."""
REPLY_TOKENS = 400


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add = parser.add_argument
    add("recipe", nargs="?", metavar="RECIPE", help="a shipped recipe or a JSON file (default: default)")
    add("--llm", metavar="SPEC", help="own (default), or hf:FOLDER for a LoRA adapter of that model")
    add("--limit", type=int, metavar="N", help="with --llm hf:FOLDER: at most N reports")
    add("--data", metavar="DIR", action="append", help="the folder that holds ptbxl/")
    add("--out", metavar="DIR", help="the checkpoint's folder (default: runs/report-RECIPE)")
    add("--resume", action="store_true", help="go on from the state in --out")
    add("--epochs", type=int, metavar="N", help="instead of the recipe's")
    add("--seed", type=int, metavar="N", help="instead of the recipe's")
    add("--threads", type=int, metavar="N", help="CPU threads (default: all)")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    if not args.data or len(args.data) != 1:
        raise UsageError("train reports: name the one folder that holds ptbxl/ with --data DIR")
    data = Path(args.data[0])
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    if args.llm in (None, "own", "precordia"):
        return _own(args, data)
    kind, _, folder = args.llm.partition(":")
    if kind != "hf" or not folder:
        raise UsageError(f"train reports --llm {args.llm}: give hf:FOLDER for a local model, or own")
    return _adapter(args, data, Path(folder).expanduser())


def _own(args: argparse.Namespace, data: Path) -> int:
    from precordia.fitting.reports.training import train_reports

    begun = time.monotonic()

    def watch(at: Progress) -> None:
        losses = " ".join(f"{name} {value:.3f}" for name, value in at.losses.items())
        note(f"epoch {at.epoch}/{at.epochs} {time.monotonic() - begun:.0f} s {losses}")

    trained = train_reports(
        data, args.out, recipe=args.recipe or "default", epochs=args.epochs, seed=args.seed, resume=args.resume,
        progress=progress, tell=note, watch=watch,
    )  # fmt: skip
    if args.json:
        print_json(trained.facts)
    else:
        print(f"{trained.path}: language model {trained.facts['fingerprint']}; use it with --llm own:{trained.path}")
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
