"""The training loop: a recipe and a corpus in, a checkpoint's folder out; killed at any moment, it goes on to the same curve.

Every draw of a step comes from generators seeded by the recipe's seed and the step's number, so nothing but weights,
optimizer and the running mean needs to be kept to go on exactly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from precordia.core.errors import CheckpointError, PrecordiaError, UsageError
from precordia.encoders.augment import Augmenter
from precordia.encoders.checkpoint import encoder_of, save_encoder
from precordia.encoders.corpus import Corpus
from precordia.encoders.curve import Curve
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.network import Inputs, Outputs, SignalNetwork
from precordia.encoders.objectives import OBJECTIVES, Objective
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.recipe import Recipe
from precordia.records.standardize import SignalSpec

_STATE = "state.pt"
_HELD_OUT_STEP = 1 << 40
"""Step number whose draws the held-out part is seen with, beyond any step of training."""


@dataclass(frozen=True)
class Progress:
    """Where training stands after an epoch: number, of how many, and the losses by name."""

    epoch: int
    epochs: int
    losses: dict[str, float]


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    *,
    spec: SignalSpec | None = None,
    resume: bool = False,
    watch: Callable[[Progress], None] | None = None,
) -> SignalEncoder:
    """Train and write the checkpoint; the encoder with the running mean of the weights.

    Args:
        recipe: What to do.
        corpus: What to learn from.
        folder: Gets ``weights.safetensors``, ``encoder.json``, ``recipe.json``, ``curve.csv`` and ``state.pt``.
        spec: The signal contract the corpus was made with.
        resume: Go on from ``state.pt`` if it is there.
        watch: Called after each epoch.

    Raises:
        CheckpointError: the state in ``folder`` is of another recipe or other data.
        PrecordiaError: the loss is not finite.
    """
    spec = spec or SignalSpec()
    run = _Run(recipe, corpus, spec)
    folder.mkdir(parents=True, exist_ok=True)
    curve, start = Curve(folder / "curve.csv"), 0
    if resume and (folder / _STATE).is_file():
        start = run.restore(folder / _STATE)
        curve.cut(start)
    else:
        curve.cut(0)
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    for epoch in range(start, recipe.epochs):
        losses = run.epoch(epoch)
        if (epoch + 1) % recipe.evaluate_every == 0 or epoch + 1 == recipe.epochs:
            losses |= run.held_out_losses()
        curve.add(epoch + 1, losses)
        run.keep(folder / _STATE, epoch + 1)
        if watch is not None:
            watch(Progress(epoch + 1, recipe.epochs, losses))
    encoder = run.encoder()
    save_encoder(encoder, folder)
    return encoder


class _Run:
    """Network, running mean, objectives and optimizer of one training."""

    def __init__(self, recipe: Recipe, corpus: Corpus, spec: SignalSpec) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.corpus, self.spec = recipe, corpus, spec
        self.network = SignalNetwork(recipe.architecture, len(spec.leads))
        self.mean = SignalNetwork(recipe.architecture, len(spec.leads))
        self.mean.load_state_dict(self.network.state_dict())
        self.objectives = nn.ModuleDict(
            {o.name: OBJECTIVES.get(o.name)(recipe.architecture, corpus, o.options) for o in recipe.objectives}
        )
        needed = max((o.min_views for o in self._named().values()), default=1)
        if needed > len(recipe.views):
            raise UsageError(
                f"recipe {recipe.name}: its objectives compare {needed} views but it has {len(recipe.views)}"
            )
        self.needs_teacher = any(o.needs_teacher for o in self._named().values())
        self.weights = {o.name: o.weight for o in recipe.objectives}
        self.training_rows = torch.from_numpy((~corpus.held_out).nonzero()[0])
        self.held_out_rows = torch.from_numpy(corpus.held_out.nonzero()[0])
        self.augmenter = Augmenter(spec, torch.from_numpy(corpus.typical_mv), recipe.seed)
        self.steps_per_epoch = max(len(self.training_rows) // recipe.batch_size, 1)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self._groups(), lr=recipe.learning_rate, betas=(0.9, 0.98))

    def epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the training part; mean losses by name."""
        generator = torch.Generator().manual_seed(self._seed(epoch, "order"))
        order = self.training_rows[torch.randperm(len(self.training_rows), generator=generator)]
        size, sums = self.recipe.batch_size, dict.fromkeys(self.weights, 0.0)
        rate = 0.0
        for index in range(self.steps_per_epoch):
            number = epoch * self.steps_per_epoch + index
            rate = self._set_rate(number)
            losses = self._losses(order[index * size : (index + 1) * size], number, training=True)
            total = torch.stack([losses[name] * weight for name, weight in self.weights.items()]).sum()
            if not math.isfinite(total.item()):
                raise PrecordiaError(
                    f"recipe {self.recipe.name}: the loss is not finite at step {number}; lower learning_rate"
                )
            self.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            nn.utils.clip_grad_norm_(self._parameters(), 3.0)
            self.optimizer.step()
            self._follow(number)
            for name, loss in losses.items():
                sums[name] += loss.item()
        means = {name: value / self.steps_per_epoch for name, value in sums.items()}
        return {"loss": sum(means[n] * w for n, w in self.weights.items()), **means, "learning_rate": rate}

    def held_out_losses(self) -> dict[str, float]:
        """Losses of the running mean on the held-out part, under the same draws each time."""
        size, sums, seen = self.recipe.batch_size, dict.fromkeys(self.weights, 0.0), 0
        with torch.no_grad():
            for start in range(0, len(self.held_out_rows), size):
                rows = self.held_out_rows[start : start + size]
                if len(rows) < 2:
                    break
                for name, loss in self._losses(rows, _HELD_OUT_STEP + start, training=False).items():
                    sums[name] += loss.item() * len(rows)
                seen += len(rows)
        means = {f"held_out_{name}": value / max(seen, 1) for name, value in sums.items()}
        return {"held_out_loss": sum(means[f"held_out_{n}"] * w for n, w in self.weights.items()), **means}

    def encoder(self) -> SignalEncoder:
        """The running mean as an encoder, with the projection to text if there is one."""
        aligned = [o for o in self._named().values() if o.projection is not None]
        return encoder_of(
            self.recipe.architecture,
            self.spec,
            {k: v.contiguous().numpy() for k, v in self.mean.state_dict().items()},
            aligned[0].projection if aligned else None,
            aligned[0].text_fingerprint if aligned else "",
        )

    def keep(self, path: Path, epochs: int) -> None:
        """Write everything needed to go on, at once or not at all."""
        state = {
            "epochs": epochs,
            "identity": self._identity(),
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "objectives": self.objectives.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def restore(self, path: Path) -> int:
        """Take up a kept state; the number of epochs done."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["identity"] != self._identity():
            raise CheckpointError(
                f"{path}: is of another recipe or other data; train into another folder or without --resume"
            )
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.objectives.load_state_dict(state["objectives"])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["epochs"])

    def _losses(self, rows: Tensor, number: int, *, training: bool) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(self._seed(number, "views"))
        torch.manual_seed(self._seed(number, "dropout"))
        network = self.network.train() if training else self.mean.eval()
        self.objectives.train(training)
        clean = self._clean(rows)
        drawn = [self.augmenter.view(clean, settings, generator) for settings in self.recipe.views]
        asked = {name: o.looks(clean, self.augmenter, generator) for name, o in self._named().items()}
        seen = [glimpse.inputs for glimpse in drawn] + [look for looks in asked.values() for look in looks]
        joined = Inputs(
            torch.cat([i.signal for i in seen]),
            torch.cat([i.leads for i in seen]),
            torch.cat([i.samples for i in seen]),
            torch.cat([i.calibrated for i in seen]),
        )
        with self._autocast():
            outputs = network(joined)
            parts = iter([_part(outputs, i, len(rows)) for i in range(len(seen))])
            views = tuple(View(glimpse, next(parts)) for glimpse in drawn)
            looks = {name: tuple(next(parts) for _ in inputs) for name, inputs in asked.items()}
            teacher = None
            if self.needs_teacher:
                with torch.no_grad():
                    teacher = self.mean.eval()(clean)
            step = Step(rows, clean, views, teacher)
            return {name: o(replace(step, looks=looks[name])) for name, o in self._named().items()}

    def _clean(self, rows: Tensor) -> Inputs:
        index = rows.numpy()
        corpus = self.corpus
        parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
        return Inputs(*(torch.from_numpy(part[index]) for part in parts))

    def _follow(self, number: int) -> None:
        """Move the running mean; faster in the first steps, so that it forgets the random start."""
        decay = min(self.recipe.ema, (number + 1) / (number + 10))
        with torch.no_grad():
            for kept, current in zip(self.mean.state_dict().values(), self.network.state_dict().values(), strict=True):
                if kept.dtype.is_floating_point:
                    kept.lerp_(current, 1.0 - decay)
                else:
                    kept.copy_(current)

    def _set_rate(self, number: int) -> float:
        total = self.recipe.epochs * self.steps_per_epoch
        rise = max(self.recipe.warmup * total, 1.0)
        if number < rise:
            share = (number + 1) / rise
        else:
            share = 0.5 * (1.0 + math.cos(math.pi * (number - rise) / max(total - rise, 1.0)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * min(share, 1.0)
        return float(self.optimizer.param_groups[0]["lr"])

    def _groups(self) -> list[dict[str, Any]]:
        parameters = list(self._parameters())
        return [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.recipe.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]

    def _parameters(self) -> Iterator[nn.Parameter]:
        yield from self.network.parameters()
        yield from self.objectives.parameters()

    def _named(self) -> dict[str, Objective]:
        return {name: o for name, o in self.objectives.items() if isinstance(o, Objective)}

    def _autocast(self) -> Any:
        return torch.autocast("cpu", torch.bfloat16) if self.recipe.precision == "bf16" else nullcontext()

    def _seed(self, number: int, purpose: str) -> int:
        return (self.recipe.seed * 1_000_003 + number * 3 + ("order", "views", "dropout").index(purpose)) % (1 << 62)

    def _identity(self) -> str:
        return json.dumps([self.recipe.to_json(), self.corpus.data_hash, self.spec.fingerprint])


def _part(outputs: Outputs, index: int, size: int) -> Outputs:
    rows = slice(index * size, (index + 1) * size)
    return Outputs(outputs.steps[rows], outputs.step_mask[rows], outputs.embedding[rows])
