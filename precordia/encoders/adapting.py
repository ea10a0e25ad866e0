"""Trains an adapter: few labels, the archive's unlabelled ECGs, and an encoder that stays as it is.

After CE-SSL (Zhou et al., Computation-efficient semi-supervised learning for ECG-based cardiovascular diseases detection,
2024). First a linear head on the frozen embeddings (Kumar et al., LP-FT, ICLR 2022), whose loss shares out the ranks; then head
and branches together. At each step some branches are deactivated. What the whole network says with confidence of a clean
unlabelled ECG is what the deactivated one is to say of a changed view of it (Sohn et al., FixMatch, 2020).
"""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent
from precordia.encoders.augment import Augmenter
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.low_rank import Factors, activate, branches_of, deactivate, share_out, with_branches
from precordia.encoders.network import Inputs, SignalNetwork
from precordia.encoders.recipe import Augmentation
from precordia.encoders.training.state import write_state
from precordia.encoders.windows import Ecgs

FEWEST_STEPS: Final = 8
"""Steps an epoch where the labelled ECGs fill fewer batches."""
_HEAD_C: Final = 0.01
"""Inverse strength of the head's penalty, as scikit-learn counts it."""
_CHANGED: Final = Augmentation(subset=0.2, noise=0.5, crop=0.0, uncalibrate=0.0)
STATE: Final = "state.pt"
"""Of a training that is not finished."""


@dataclass(frozen=True)
class AdaptRecipe:
    """How an adapter is trained.

    Attributes:
        rank: Ranks a layer in the mean; how they are shared out is decided by gradients.
        epochs: Passes over the labelled ECGs, each of at least eight steps.
        seed: Of every random draw.
        batch_size: Labelled ECGs a step; as many unlabelled ones beside them.
        learning_rate: Highest of AdamW's, which falls by a cosine.
        deactivated: Probability that a branch is deactivated in a step.
        unlabelled: Weight of the loss on unlabelled ECGs; it rises over the first quarter of the epochs.
        confidence: Probability, or one less it, from which on what the whole network says is taken for true.
        stay: Weight of the distance of embeddings from those of the encoder as it was: searches and texts lean on them.
    """

    rank: int = 2
    epochs: int = 20
    seed: int = 42
    batch_size: int = 32
    learning_rate: float = 2e-3
    deactivated: float = 0.5
    unlabelled: float = 0.3
    confidence: float = 0.95
    stay: float = 0.1

    def __post_init__(self) -> None:
        for name, low, high in (("rank", 1, 64), ("epochs", 1, 10_000), ("batch_size", 2, 4096)):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} {getattr(self, name)}: give a whole number from {low} to {high}")


def train_factors(
    encoder: SignalEncoder,
    labelled: Ecgs,
    labels: NDArray[np.bool_],
    unlabelled: Ecgs,
    recipe: AdaptRecipe,
    *,
    folder: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Factors]:
    """The update of each layer; the same input gives the same update.

    Args:
        encoder: To adapt; it is not changed.
        labelled: ECGs.
        labels: ``(len(labelled), n_labels)`` of them, each with both kinds.
        unlabelled: More ECGs of the archive, maybe none.
        recipe: How.
        folder: Keeps the state after each epoch, to go on after a kill; None for none.
        progress: Shows how far it is.

    Raises:
        UsageError: ``folder`` keeps the state of another adaptation.
    """
    training = _Training(encoder, labelled, labels, unlabelled, recipe)
    state = None if folder is None else folder / STATE
    done = 0 if state is None else training.take_up(state)
    for epoch in progress(range(done, recipe.epochs), recipe.epochs - done, "adapting", "epoch"):
        training.run_epoch(epoch)
        if state is not None:
            write_state(state, training.state(epoch + 1))
    return {name: branch.factors() for name, branch in training.branches.items()}


class _Training:
    """One adaptation under way."""

    def __init__(
        self,
        encoder: SignalEncoder,
        labelled: Ecgs,
        labels: NDArray[np.bool_],
        unlabelled: Ecgs,
        recipe: AdaptRecipe,
    ) -> None:
        self.recipe, self.labelled, self.unlabelled = recipe, labelled, unlabelled
        self.base = encoder.network
        self.labels = torch.from_numpy(labels.astype(np.float32))
        self.identity = _identity(encoder, labelled, labels, unlabelled, recipe)
        sizes = np.sqrt(np.mean(labelled.signal.astype(np.float64) ** 2, axis=(0, 2)))
        self.augmenter = Augmenter(encoder.spec, torch.from_numpy(sizes.astype(np.float32)), recipe.seed)
        self.head = _fitted_head(_embedded(self.base, labelled), self.labels)
        first = share_out(self.base, self._first_losses(), recipe.rank)
        self.network = with_branches(self.base, first)
        self.branches = branches_of(self.network)
        self.steps = max(math.ceil(len(labelled) / recipe.batch_size), FEWEST_STEPS)
        matrices = [p for branch in self.branches.values() for p in (branch.down, branch.up)]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": 0.01, "share": 1.0},
                {"params": list(self.head.parameters()), "weight_decay": 0.0, "share": 0.1},
            ],
            lr=recipe.learning_rate,
        )

    def run_epoch(self, epoch: int) -> None:
        """One pass."""
        size, seed = self.recipe.batch_size, self.recipe.seed
        rows = _rows(len(self.labelled), self.steps, size, [seed, epoch, 0])
        others = _rows(len(self.unlabelled), self.steps, size, [seed, epoch, 1])
        for step in range(self.steps):
            number = epoch * self.steps + step
            self._set_rate(number)
            generator = torch.Generator().manual_seed((self.recipe.seed * 1_000_003 + number) % (1 << 62))
            deactivate(self.branches.values(), self.recipe.deactivated, generator)
            loss = self._loss(rows[step], others[step], generator, epoch)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        activate(self.branches.values())

    def state(self, epochs: int) -> dict[str, Any]:
        """What :meth:`take_up` needs."""
        return {
            "identity": self.identity,
            "epochs": epochs,
            "branches": {name: [b.down.detach(), b.up.detach()] for name, b in self.branches.items()},
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def take_up(self, path: Path) -> int:
        """Go on from a kept state, if there is one; epochs that are done."""
        if not path.is_file():
            return 0
        try:
            kept = torch.load(path, map_location="cpu", weights_only=True)
            identity, epochs = str(kept["identity"]), int(kept["epochs"])
        except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise UsageError(
                f"{path}: cannot be read as the state of an adaptation ({type(error).__name__}): remove it to begin anew"
            ) from None
        if identity != self.identity:
            raise UsageError(
                f"{path}: is of an adaptation with other labels, ECGs, options or encoder: write into another folder, or "
                "remove it to begin anew"
            )
        with torch.no_grad():
            for name, branch in self.branches.items():
                branch.down.copy_(kept["branches"][name][0])
                branch.up.copy_(kept["branches"][name][1])
        self.head.load_state_dict(kept["head"])
        self.optimizer.load_state_dict(kept["optimizer"])
        return epochs

    def _first_losses(self) -> Iterator[Tensor]:
        """The head's loss on each batch of the labelled ECGs, once."""
        for start in range(0, len(self.labelled), self.recipe.batch_size):
            rows = np.arange(start, min(start + self.recipe.batch_size, len(self.labelled)))
            logits = self.head(_scaled(self.base(self.labelled.inputs(rows)).embedding))
            yield F.binary_cross_entropy_with_logits(logits, self.labels[rows]) * len(rows)

    def _loss(self, rows: NDArray[np.intp], others: NDArray[np.intp], generator: torch.Generator, epoch: int) -> Tensor:
        clean = self.labelled.inputs(rows)
        inputs, n = self.augmenter.view(clean, _CHANGED, generator).inputs, len(rows)
        told = None
        if others.size:
            more = self.unlabelled.inputs(others)
            told = self._told(more)
            inputs = _joined(inputs, self.augmenter.view(more, _CHANGED, generator).inputs)
        embedded = _scaled(self.network(inputs).embedding)
        logits = self.head(embedded)
        loss = F.binary_cross_entropy_with_logits(logits[:n], self.labels[rows])
        with torch.no_grad():
            before = _scaled(self.base(inputs).embedding)
        loss = loss + self.recipe.stay * (1 - F.cosine_similarity(embedded, before)).mean()
        if told is not None:
            sure = (told >= self.recipe.confidence) | (told <= 1 - self.recipe.confidence)
            each = F.binary_cross_entropy_with_logits(logits[n:], (told > 0.5).float(), reduction="none")
            rise = min(1.0, (epoch + 1) / max(self.recipe.epochs / 4, 1.0))
            loss = loss + self.recipe.unlabelled * rise * (each * sure).mean()
        return loss

    def _told(self, inputs: Inputs) -> Tensor:
        """Probabilities by the network with all branches."""
        was = {name: branch.active for name, branch in self.branches.items()}
        activate(self.branches.values())
        with torch.no_grad():
            told = torch.sigmoid(self.head(_scaled(self.network(inputs).embedding)))
        for name, branch in self.branches.items():
            branch.active = was[name]
        return told

    def _set_rate(self, number: int) -> None:
        share = 0.5 * (1 + math.cos(math.pi * number / (self.recipe.epochs * self.steps)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * share * group["share"]


def _identity(
    encoder: SignalEncoder, labelled: Ecgs, labels: NDArray[np.bool_], unlabelled: Ecgs, recipe: AdaptRecipe
) -> str:
    digest = hashlib.sha256(json.dumps([encoder.fingerprint, asdict(recipe), labels.shape]).encode())
    for array in (labels, labelled.signal, unlabelled.signal):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _rows(n: int, steps: int, size: int, seed: list[int]) -> list[NDArray[np.intp]]:
    """Rows of each step's batch: everything in turn, in random order, over and over; empty where there is nothing."""
    if not n:
        return [np.zeros(0, dtype=np.intp)] * steps
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(n) for _ in range(math.ceil(steps * size / n))])
    return [order[step * size : (step + 1) * size] for step in range(steps)]


def _embedded(network: SignalNetwork, ecgs: Ecgs, size: int = 64) -> Tensor:
    with torch.no_grad():
        starts = range(0, len(ecgs), size)
        parts = [network(ecgs.inputs(np.arange(s, min(s + size, len(ecgs))))).embedding for s in starts]
    return _scaled(torch.cat(parts))


def _scaled(embedding: Tensor) -> Tensor:
    """Unit vectors, as they are stored, times the root of their length, for numbers of about one."""
    return F.normalize(embedding, dim=1) * math.sqrt(embedding.shape[1])


def _fitted_head(features: Tensor, labels: Tensor) -> nn.Linear:
    """A logistic regression a label, with a penalty on its weights."""
    head = nn.Linear(features.shape[1], labels.shape[1])
    nn.init.zeros_(head.weight)
    share = labels.mean(0).clamp(1e-3, 1 - 1e-3)
    with torch.no_grad():
        head.bias.copy_(torch.log(share / (1 - share)))
    search = torch.optim.LBFGS(head.parameters(), max_iter=60, line_search_fn="strong_wolfe")
    penalty = 1 / (2 * _HEAD_C * len(features))

    def closure() -> Tensor:
        search.zero_grad()
        each = F.binary_cross_entropy_with_logits(head(features), labels, reduction="none").mean(0).sum()
        loss = each + penalty * head.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    search.step(closure)  # type: ignore[no-untyped-call]
    return head


def _joined(a: Inputs, b: Inputs) -> Inputs:
    return Inputs(
        torch.cat([a.signal, b.signal]),
        torch.cat([a.leads, b.leads]),
        torch.cat([a.samples, b.samples]),
        torch.cat([a.calibrated, b.calibrated]),
    )
