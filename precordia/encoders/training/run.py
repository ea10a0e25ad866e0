"""Network, running mean of the weights, objectives and optimizer of one training, and what a step does with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import PrecordiaError, UsageError
from precordia.encoders.augment import Augmenter
from precordia.encoders.checkpoint import encoder_of, load_encoder
from precordia.encoders.corpus import Corpus
from precordia.encoders.encoder import SignalEncoder, unit_rows
from precordia.encoders.network import Inputs, Outputs, SignalNetwork
from precordia.encoders.objectives import OBJECTIVES, Objective
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.recipe import Recipe
from precordia.encoders.training import probe as probing
from precordia.encoders.training.batches import Batches
from precordia.encoders.training.precision import Precision
from precordia.encoders.training.processes import Processes, check_batch
from precordia.encoders.training.shared_norm import share_statistics
from precordia.encoders.training.state import WrongStartError, identity_of
from precordia.encoders.training.task_weights import TaskWeights, guiding_rows
from precordia.records.standardize import SignalSpec

_HELD_OUT_STEP = 1 << 40
"""Step number whose draws the held-out part is seen with, beyond any step of training."""


class Run:
    """One training.

    Args:
        recipe: What to do.
        corpus: What to learn from.
        spec: The signal contract of the corpus.
        processes: Who computes.

    Raises:
        UsageError: the recipe does not fit its objectives, the processes or the device.
        WrongStartError: ``init_from`` has another architecture.
    """

    def __init__(self, recipe: Recipe, corpus: Corpus, spec: SignalSpec, processes: Processes) -> None:
        check_batch(recipe.name, recipe.batch_size, processes.count)
        self.recipe, self.corpus, self.spec, self.processes = recipe, corpus, spec, processes
        self.precision = Precision(recipe.precision, processes.device.type)
        torch.manual_seed(recipe.seed)
        self.network = SignalNetwork(recipe.architecture, len(spec.leads))
        self.mean = SignalNetwork(recipe.architecture, len(spec.leads))
        self.started_from = self._start()
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
        visits = any(o.wants_visits for o in self._named().values())
        training_rows = torch.from_numpy((~corpus.held_out).nonzero()[0])
        self.batches = Batches(training_rows, corpus.patients, recipe.batch_size, visits=visits)
        self.search, watched = self._search(), corpus.held_out
        if self.search is not None:
            watched = watched & ~guiding_rows(corpus)
        self.held_out_rows = torch.from_numpy(watched.nonzero()[0])
        seen = replace(corpus, held_out=watched)
        self.probe = probing.Probe.of(seen, recipe.probe, recipe.seed) if recipe.probe else None
        self.augmenter = Augmenter(spec, torch.from_numpy(corpus.typical_mv).to(processes.device), recipe.seed)
        self._place()
        self.optimizer = torch.optim.AdamW(self._groups(), lr=recipe.learning_rate, betas=(0.9, 0.98))

    @property
    def identity(self) -> str:
        """See :func:`precordia.encoders.training.state.identity_of`."""
        return identity_of(self.recipe, self.corpus.data_hash, self.spec.fingerprint, self.started_from)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the optimizer an epoch."""
        return max(self.batches.per_epoch // self.recipe.accumulate, 1)

    def epoch(self, epoch: int, tick: Callable[[int, float], None] | None = None) -> dict[str, float]:
        """One pass over the training part; mean losses by name. ``tick`` gets each step's number and loss."""
        batches = self.batches.epoch(self._seed(epoch, "order"))
        given = self._counting(epoch)
        weights = given if self.search is None else self.search.now(given)
        sums, rate, passes = dict.fromkeys(self.weights, 0.0), 0.0, min(self.recipe.accumulate, len(batches))
        for index in range(self.steps_per_epoch):
            number = epoch * self.steps_per_epoch + index
            rate = self._set_rate(number)
            if self.search is not None and number and number % self.search.setting.every == 0:
                batch, count = batches[index * passes], number * passes
                self.search.learn(self.network, self.optimizer, self._training_losses, batch, count, weights)
                weights = self.search.now(given)
            self.optimizer.zero_grad(set_to_none=True)
            for part in range(passes):
                losses = self._losses(batches[index * passes + part], number * passes + part, training=True)
                total = torch.stack([losses[name] * weight for name, weight in weights.items()]).sum()
                if not math.isfinite(total.item()):
                    raise PrecordiaError(
                        f"recipe {self.recipe.name}: the loss is not finite at step {number}; lower learning_rate"
                    )
                self.precision.backward(total / passes if passes > 1 else total)
                for name, loss in losses.items():
                    sums[name] += loss.item()
                if tick is not None:
                    tick(index * passes + part + 1, total.item())
            self.precision.step(self.optimizer, self._parameters(), self.processes.average_gradients)
            self._follow(number)
        means = {name: value / (self.steps_per_epoch * passes) for name, value in sums.items()}
        learned = {} if self.search is None else {f"weight_{n}": weights.get(n, 0.0) for n in self.weights}
        return {"loss": sum(means[n] * w for n, w in weights.items()), **means, **learned, "learning_rate": rate}

    def look(self) -> dict[str, float]:
        """Losses of the running mean on the held-out part, under the same draws each time, and the probe's score."""
        size, sums, seen = self.recipe.batch_size, dict.fromkeys(self.weights, 0.0), 0
        with torch.no_grad():
            for start in range(0, len(self.held_out_rows), size):
                rows = self.held_out_rows[start : start + size]
                if len(rows) < 2:
                    break
                for name, loss in self._losses(rows, _HELD_OUT_STEP + start, training=False).items():
                    sums[name] += loss.item() * len(rows)
                seen += len(rows)
        if not seen:
            return self._probed()
        means = {f"held_out_{name}": value / seen for name, value in sums.items()}
        total = sum(means[f"held_out_{n}"] * w for n, w in self.weights.items())
        return {"held_out_loss": total, **means} | self._probed()

    def embed(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Unit embeddings ``(n, dim)`` of rows of the corpus by the running mean."""
        network, parts, size = self.mean.eval(), [], self.recipe.batch_size
        with torch.no_grad(), self.precision.autocast():
            for start in range(0, len(rows), size):
                batch = torch.from_numpy(rows[start : start + size])
                part = network(self._clean(self.processes.share(self.processes.padded(batch)))).embedding
                parts.append(self.processes.gather(part.float())[: len(batch)].cpu())
        return unit_rows(torch.cat(parts).numpy())

    def encoder(self) -> SignalEncoder:
        """The running mean as an encoder, with the projection to text if there is one."""
        aligned = [o for o in self._named().values() if o.projection is not None]
        return encoder_of(
            self.recipe.architecture,
            self.spec,
            {k: v.cpu().contiguous().numpy() for k, v in self.mean.state_dict().items()},
            aligned[0].projection if aligned else None,
            aligned[0].text_fingerprint if aligned else "",
        )

    def state(self) -> dict[str, Any]:
        """What :meth:`load_state` needs to go on."""
        return {
            "identity": self.identity,
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "objectives": self.objectives.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
        } | ({} if self.search is None else {"weights": self.search.state()})

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a kept state of the same identity."""
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.objectives.load_state_dict(state["objectives"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.search is not None:
            self.search.load_state(state["weights"])
        if state.get("scaler"):
            self.precision.scaler.load_state_dict(state["scaler"])

    def _start(self) -> str:
        """Take the weights of ``init_from``; its fingerprint, or ""."""
        if not self.recipe.init_from:
            return ""
        encoder = load_encoder(self.recipe.init_from)
        if encoder.architecture != self.recipe.architecture or encoder.spec != self.spec:
            raise WrongStartError(
                f"recipe {self.recipe.name}: init_from {self.recipe.init_from} has another architecture or signal spec; "
                "copy the architecture of its recipe.json"
            )
        self.network.load_state_dict(encoder.network.state_dict())
        return encoder.fingerprint

    def _search(self) -> TaskWeights | None:
        """What learns the objectives' weights, if the recipe asks for it."""
        setting, recipe = self.recipe.learned_weights, self.recipe
        if setting is None:
            return None
        if self.processes.count > 1:
            raise UsageError(f"recipe {recipe.name}: learned_weights is for one process; train without --devices")
        return TaskWeights(recipe, setting, torch.from_numpy(guiding_rows(self.corpus).nonzero()[0]))

    def _training_losses(self, rows: Tensor, number: int) -> dict[str, Tensor]:
        return self._losses(rows, number, training=True)

    def _place(self) -> None:
        device = self.processes.device
        if device.type == "cuda":
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objectives.to(device)
        share_statistics(self.network, self.processes)
        self.network.checkpointing = self.recipe.checkpointing

    def _probed(self) -> dict[str, float]:
        if self.probe is None:
            return {}
        return {probing.NAME: self.probe.score(self.embed(self.probe.training), self.embed(self.probe.held_out))}

    def _losses(self, rows: Tensor, number: int, *, training: bool) -> dict[str, Tensor]:
        """The objectives on a batch, the same in all processes, each of which computes its share of the features."""
        device = self.processes.device
        generator = torch.Generator(device).manual_seed(self._seed(number, "views"))
        torch.manual_seed(self._seed(number, "dropout"))
        # What augmentations and objectives draw and make is made where the batch is.
        with device if device.type != "cpu" else nullcontext():
            return self._losses_of(rows, generator, training=training)

    def _losses_of(self, rows: Tensor, generator: torch.Generator, *, training: bool) -> dict[str, Tensor]:
        network = self.network.train() if training else self.mean.eval()
        self.objectives.train(training)
        clean = self._clean(rows)
        drawn = [self.augmenter.view(clean, settings, generator) for settings in self.recipe.views]
        asked = {name: o.looks(clean, self.augmenter, generator) for name, o in self._named().items()}
        seen = [glimpse.inputs for glimpse in drawn] + [look for looks in asked.values() for look in looks]
        with self.precision.autocast():
            parts = iter(self._outputs(network, seen))
            views = tuple(View(glimpse, next(parts)) for glimpse in drawn)
            looks = {name: tuple(next(parts) for _ in inputs) for name, inputs in asked.items()}
            teacher = None
            if self.needs_teacher:
                with torch.no_grad():
                    teacher = self._outputs(self.mean.eval(), [clean])[0]
            step = Step(rows.to(self.processes.device), clean, views, teacher)
            return {name: o(replace(step, looks=looks[name])) for name, o in self._named().items()}

    def _outputs(self, network: SignalNetwork, seen: Sequence[Inputs]) -> list[Outputs]:
        """What the network says of each of several batches, passed through it together; shared among the processes."""
        own = [self._own(inputs) for inputs in seen]
        joined = Inputs(
            torch.cat([i.signal for i in own]),
            torch.cat([i.leads for i in own]),
            torch.cat([i.samples for i in own]),
            torch.cat([i.calibrated for i in own]),
        )
        outputs, size = network(joined), len(own[0])
        gather = self.processes.gather
        return [
            Outputs(*(gather(x[i * size : (i + 1) * size])[: len(inputs)] for x in
                      (outputs.steps, outputs.step_mask, outputs.embedding)))
            for i, inputs in enumerate(seen)
        ]  # fmt: skip

    def _own(self, inputs: Inputs) -> Inputs:
        one = self.processes
        if one.count == 1:
            return inputs
        parts = (inputs.signal, inputs.leads, inputs.samples, inputs.calibrated)
        return Inputs(*(one.share(one.padded(part)) for part in parts))

    def _clean(self, rows: Tensor) -> Inputs:
        index, corpus, device = rows.numpy(), self.corpus, self.processes.device
        parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
        return Inputs(*(torch.from_numpy(part[index]).to(device) for part in parts))

    def _follow(self, number: int) -> None:
        """Move the running mean; faster in the first steps, so that it forgets the random start."""
        decay = min(self.recipe.ema, (number + 1) / (number + 10))
        with torch.no_grad():
            for kept, current in zip(self.mean.state_dict().values(), self.network.state_dict().values(), strict=True):
                if kept.dtype.is_floating_point:
                    kept.lerp_(current, 1.0 - decay)
                else:
                    kept.copy_(current)

    def _counting(self, epoch: int) -> dict[str, float]:
        """Weights of the objectives that count by then."""
        return {o.name: o.weight for o in self.recipe.objectives if epoch >= o.start * self.recipe.epochs}

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

    def _seed(self, number: int, purpose: str) -> int:
        return (self.recipe.seed * 1_000_003 + number * 3 + ("order", "views", "dropout").index(purpose)) % (1 << 62)
