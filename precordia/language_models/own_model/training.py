"""Training: reports without signals first, then ECGs with their reports and questions; bf16 on the CPU; can be resumed.

One state a finished epoch lies in ``state.pt``; a run that goes on from it ends with the same weights as one that was never
stopped. The weights that are kept are those of the epoch with the lowest loss on the held-out fold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from precordia.core.errors import CheckpointError, InputError
from precordia.encoders.curve import Curve
from precordia.language_models.own_model.context import Example, Layout, Sees, Shown
from precordia.language_models.own_model.decoder import Decoder
from precordia.language_models.own_model.recipe import Recipe

IGNORED = -100


@dataclass(frozen=True, eq=False)
class Lessons:
    """What there is to learn from.

    Attributes:
        texts, text_questions: Reports without signals, and questions about them.
        reports, questions: Of ECGs.
        held_out: Reports and questions of the held-out fold.
    """

    texts: Sequence[Example]
    text_questions: Sequence[Example]
    reports: Sequence[Example]
    questions: Sequence[Example]
    held_out: Sequence[Example]


@dataclass(frozen=True)
class Progress:
    """Where training is: by epochs, or by steps."""

    epoch: int
    epochs: int
    losses: dict[str, float]
    unit: str = "epoch"


def train(
    recipe: Recipe,
    lessons: Lessons,
    layout: Layout,
    n_tokens: int,
    folder: Path,
    *,
    fingerprint: str,
    resume: bool = False,
    watch: Callable[[Progress], None] | None = None,
) -> Decoder:
    """The trained decoder.

    Args:
        recipe: How.
        lessons: On what.
        layout: From examples to tokens.
        n_tokens: Of the tokenizer and the discrete ECG tokens together.
        folder: For ``state.pt`` and ``curve.csv``.
        fingerprint: Of recipe, data and encoder; a state of another is refused.
        resume: Go on from the state that is there.
        watch: Told after each epoch.

    Raises:
        InputError: there is nothing to train on.
        CheckpointError: the state belongs to another run.
    """
    if not lessons.reports or not lessons.held_out:
        raise InputError("no report to train on, or none held out: check --data and the recipe's folds")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    decoder = Decoder(recipe.size, n_tokens)
    kept = deepcopy(decoder)
    optimiser = torch.optim.AdamW(_groups(decoder, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98),
                                  fused=True)  # fmt: skip
    curve = Curve(folder / "curve.csv")
    epochs = recipe.text_epochs + recipe.epochs
    sizes = [len(_epoch_of(recipe, lessons, epoch)) for epoch in range(epochs)]
    total = sum(math.ceil(size / recipe.batch_size) for size in sizes)
    step, first, best, best_state = 0, 0, math.inf, kept.state_dict()
    state_path = folder / "state.pt"
    if resume and state_path.is_file():
        state = torch.load(state_path, weights_only=True)
        if state["fingerprint"] != fingerprint:
            raise CheckpointError(f"{state_path}: belongs to another recipe, encoder or data; choose another --out")
        decoder.load_state_dict(state["decoder"])
        kept.load_state_dict(state["kept"])
        optimiser.load_state_dict(state["optimiser"])
        step, first, best, best_state = state["step"], state["epoch"], state["best"], state["best_state"]
    curve.cut(first)
    for epoch in range(first, epochs):
        torch.manual_seed(recipe.seed * 1009 + epoch)
        losses: dict[str, list[float]] = {}
        examples = _epoch_of(recipe, lessons, epoch)
        for batch in batches(examples, layout, recipe, epoch):
            _set_rate(optimiser, recipe, step / total)
            loss = _step(decoder, optimiser, batch, recipe)
            _average(kept, decoder, min(recipe.ema, (1 + step) / (10 + step)))
            losses.setdefault("text" if epoch < recipe.text_epochs else "train", []).append(loss)
            step += 1
        shown = {f"{name}_loss": float(np.mean(values)) for name, values in losses.items()}
        shown |= held_out_losses(kept, lessons.held_out, layout, recipe)
        chosen_on = shown["held_out_report_loss"] + shown.get("held_out_question_loss", 0.0)
        if epoch >= recipe.text_epochs and chosen_on < best:
            best, best_state = chosen_on, deepcopy(kept.state_dict())
        curve.add(epoch + 1, shown)
        torch.save(
            {"fingerprint": fingerprint, "decoder": decoder.state_dict(), "kept": kept.state_dict(),
             "optimiser": optimiser.state_dict(), "step": step, "epoch": epoch + 1, "best": best,
             "best_state": best_state}, state_path)  # fmt: skip
        if watch is not None:
            watch(Progress(epoch + 1, epochs, shown))
    kept.load_state_dict(best_state)
    return kept.eval()


def held_out_losses(decoder: Decoder, examples: Sequence[Example], layout: Layout, recipe: Recipe) -> dict[str, float]:
    """Mean loss a token on held-out examples by group, everything shown."""
    decoder.eval()
    out = {}
    for group in sorted({e.group for e in examples}):
        rows = [e for e in examples if e.group == group]
        found, count = 0.0, 0
        with torch.inference_mode():
            for start in range(0, len(rows), 128):
                batch = _collate(rows[start : start + 128], layout, recipe.sees, recipe.size.encoder_dim)
                n = int((batch["targets"] != IGNORED).sum())
                found, count = found + float(_loss(decoder, batch, "fp32")) * n, count + n
        out[f"held_out_{group}_loss"] = found / max(count, 1)
    decoder.train()
    return out


def batches(examples: Sequence[Example], layout: Layout, recipe: Recipe, epoch: int) -> Iterator[dict[str, Tensor]]:
    """Batches of an epoch, alike in length, in an order drawn by seed and epoch; inputs are hidden at random."""
    rng = np.random.default_rng([recipe.seed, epoch, 1])
    varied = [_varied(e, recipe, rng) for e in examples]
    encoded = [_encoded(e, sees, layout) for e, sees in varied]
    order = rng.permutation(len(encoded))
    chunk = 16 * recipe.batch_size
    starts: list[list[int]] = []
    for start in range(0, len(order), chunk):
        near = sorted(order[start : start + chunk].tolist(), key=lambda i: len(encoded[i][0]))
        starts += [near[i : i + recipe.batch_size] for i in range(0, len(near), recipe.batch_size)]
    for place in rng.permutation(len(starts)).tolist():
        rows = starts[place]
        yield _padded([encoded[i] for i in rows], [varied[i] for i in rows], recipe.size.encoder_dim)


def _epoch_of(recipe: Recipe, lessons: Lessons, epoch: int) -> list[Example]:
    """The examples of one epoch: without signals first, drawn anew; then every ECG's report, and questions drawn anew."""
    rng = np.random.default_rng([recipe.seed, epoch, 0])
    if epoch < recipe.text_epochs:
        return [*_drawn(lessons.texts, recipe.texts, rng), *_drawn(lessons.text_questions, recipe.questions, rng)]
    return [*lessons.reports, *_drawn(lessons.questions, recipe.questions, rng)]


def _drawn(examples: Sequence[Example], n: int, rng: np.random.Generator) -> list[Example]:
    """``n`` of the examples, or all where there are fewer, in their order."""
    chosen = rng.permutation(len(examples))[:n]
    return [examples[i] for i in np.sort(chosen).tolist()]


def _varied(example: Example, recipe: Recipe, rng: np.random.Generator) -> tuple[Example, Sees]:
    """The example with some of its nearest precedents, and what of it is shown."""
    hidden, sees = recipe.hidden, recipe.sees
    chances = rng.random(3)
    pool = example.shown.precedents[: recipe.pool]
    kept = np.sort(rng.permutation(len(pool))[: sees.precedents])
    shown = replace(example.shown, precedents=tuple(pool[i] for i in kept.tolist()))
    return replace(example, shown=shown), Sees(
        "none" if chances[0] < hidden.ecg else sees.ecg,
        0 if chances[1] < hidden.precedents else sees.precedents,
        sees.measurements and chances[2] >= hidden.measurements,
    )


def _encoded(example: Example, sees: Sees, layout: Layout) -> tuple[list[int], int]:
    """Prompt and answer as ids, and where the answer begins."""
    prompt = layout.prompt(example.shown, example.question, sees)
    return [*prompt, *layout.answer(example.answer)], len(prompt)


def _collate(examples: Sequence[Example], layout: Layout, sees: Sees, width: int) -> dict[str, Tensor]:
    return _padded([_encoded(e, sees, layout) for e in examples], [(e, sees) for e in examples], width)


def _padded(
    encoded: Sequence[tuple[list[int], int]], rows: Sequence[tuple[Example, Sees]], width: int
) -> dict[str, Tensor]:
    longest = max(len(ids) for ids, _ in encoded) - 1
    ids = torch.zeros(len(encoded), longest, dtype=torch.long)
    targets = torch.full((len(encoded), longest), IGNORED, dtype=torch.long)
    vectors = torch.zeros(len(encoded), width)
    seen = torch.zeros(len(encoded), dtype=torch.bool)
    for row, ((tokens, start), (example, sees)) in enumerate(zip(encoded, rows, strict=True)):
        ids[row, : len(tokens) - 1] = torch.tensor(tokens[:-1])
        targets[row, start - 1 : len(tokens) - 1] = torch.tensor(tokens[start:])
        shown: Shown = example.shown
        if shown.vector is not None and sees.ecg == "embedding":
            vectors[row], seen[row] = torch.from_numpy(shown.vector), True
    return {"ids": ids, "targets": targets, "vectors": vectors, "seen": seen}


def _loss(decoder: Decoder, batch: dict[str, Tensor], precision: str) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        hidden = decoder.hidden(batch["vectors"], batch["seen"], batch["ids"])
        asked = batch["targets"] != IGNORED
        logits = decoder.logits(hidden[asked])
    return F.cross_entropy(logits.float(), batch["targets"][asked])


def _step(decoder: Decoder, optimiser: torch.optim.Optimizer, batch: dict[str, Tensor], recipe: Recipe) -> float:
    decoder.train()
    loss = _loss(decoder, batch, recipe.precision)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _groups(decoder: Decoder, decay: float) -> list[dict[str, Any]]:
    matrices = [p for n, p in decoder.named_parameters() if p.ndim == 2 and n != "unseen"]
    others = [p for n, p in decoder.named_parameters() if p.ndim != 2 or n == "unseen"]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _set_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, done: float) -> None:
    rise = min(done / recipe.warmup, 1.0) if recipe.warmup else 1.0
    fall = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - recipe.warmup) / max(1e-9, 1 - recipe.warmup))))
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * min(rise, max(fall, 0.02))


def _average(kept: Decoder, decoder: Decoder, decay: float) -> None:
    with torch.no_grad():
        for mean, now in zip(kept.parameters(), decoder.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
