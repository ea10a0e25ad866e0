"""A plain 1-D ResNet trained on labels: what the same ECGs teach without pre-training.

ResNet-18 (He et al., CVPR 2016) with convolutions in time, on random stretches of 2.5 s, its answers averaged over
overlapping stretches of the whole recording: the design and protocol that Strodthoff et al. (IEEE JBHI 2021;25:1519-1528)
found among the best on PTB-XL. Adam with one cycle of the learning rate, binary cross entropy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.eval.metrics.probe import macro_auroc


@dataclass(frozen=True)
class ResNetRecipe:
    """How a network is made and trained; chosen on PTB-XL fold 8.

    Attributes:
        widths: Channels of the four stages.
        stretch: Samples of a training stretch (2.5 s at 100 Hz).
        epochs: Most passes over the recordings; which of them is kept is chosen on held-out recordings.
        least_steps: At least as many steps, however few recordings there are.
        learning_rate: The highest of the cycle.
        version: Raised when the training changes otherwise.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    kernel: int = 5
    stem_kernel: int = 15
    dropout: float = 0.2
    stretch: int = 250
    epochs: int = 25
    least_steps: int = 200
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    version: int = 1


@dataclass(frozen=True, eq=False)
class SupervisedResNet:
    """A trained network.

    Attributes:
        network: In evaluation mode.
        recipe: How it was made.
        epochs: Passes over the recordings that it saw.
    """

    network: nn.Module
    recipe: ResNetRecipe
    epochs: int

    def scores(self, signal: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log odds ``(n, n_labels)``, means over half-overlapping stretches.

        Args:
            signal: ``(n, 12, n_samples)`` standardized, mV.
        """
        with _one_thread():
            return _scores(self.network, torch.from_numpy(signal), self.recipe.stretch)


def train_resnet(
    signal: NDArray[np.float32],
    labels: NDArray[np.bool_],
    choose: NDArray[np.bool_] | None,
    recipe: ResNetRecipe | None = None,
    *,
    seed: int = 42,
    cache: Path | None = None,
) -> SupervisedResNet:
    """A network fitted on all rows, the number of epochs chosen by macro AUROC on ``choose`` after fitting on the rest.

    Both trainings follow the same schedule; the second stops where the first was best.

    Args:
        signal: ``(n, 12, n_samples)`` standardized, mV.
        labels: ``(n, n_labels)``.
        choose: ``(n,)`` rows to choose on, or None to train the schedule to its end.
        recipe: How to train.
        seed: Of weights, order and stretches.
        cache: Folder of trained weights by the hash of everything above, or None to keep none.
    """
    recipe = recipe or ResNetRecipe()
    path = cache / f"resnet-{_key(signal, labels, choose, recipe, seed)}.safetensors" if cache else None
    if path is not None and path.is_file():
        return _read(path, recipe, labels.shape[1])
    epochs = 0
    with _one_thread():
        if choose is not None:
            found = [
                macro_auroc(labels[choose], _scores(network, torch.from_numpy(signal[choose]), recipe.stretch))
                for _, network in _training(signal[~choose], labels[~choose], recipe, seed)
            ]
            epochs = int(np.argmax(found)) + 1
        *_, (epochs, network) = islice(_training(signal, labels, recipe, seed), epochs or None)
    trained = SupervisedResNet(network.eval(), recipe, epochs)
    if path is not None:
        _write(trained, path)
    return trained


class _Network(nn.Module):
    def __init__(self, n_labels: int, recipe: ResNetRecipe) -> None:
        super().__init__()
        width = recipe.widths[0]
        self.stem = _convolution(12, width, recipe.stem_kernel, 2)
        self.stem_norm = nn.BatchNorm2d(width)
        blocks: list[nn.Module] = []
        for stage, channels in enumerate(recipe.widths):
            blocks += [_Block(width, channels, recipe.kernel, 2 if stage else 1),
                       _Block(channels, channels, recipe.kernel, 1)]  # fmt: skip
            width = channels
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(recipe.dropout)
        self.out = nn.Linear(2 * width, n_labels)

    def forward(self, signal: Tensor) -> Tensor:
        x = signal.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        x = F.max_pool2d(F.relu(self.stem_norm(self.stem(x))), (1, 3), (1, 2), (0, 1))
        x = self.blocks(x)
        out: Tensor = self.out(self.dropout(torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)))
        return out


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.first, self.first_norm = _convolution(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs)
        self.second, self.second_norm = _convolution(outputs, outputs, kernel, 1), nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(_convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(y + self.shortcut(x))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, kernel // 2), bias=False)


def _training(
    signal: NDArray[np.float32], labels: NDArray[np.bool_], recipe: ResNetRecipe, seed: int
) -> Iterator[tuple[int, nn.Module]]:
    """Epoch and network after each epoch of the schedule."""
    x, y = torch.from_numpy(signal), torch.from_numpy(labels.astype(np.float32))
    n, length = len(x), x.shape[2]
    batch = min(recipe.batch_size, n)
    per_epoch = n // batch
    epochs = max(recipe.epochs, -(-recipe.least_steps // per_epoch))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _Network(labels.shape[1], recipe).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=epochs * per_epoch)
    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        network.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + epoch)
            order = rng.permutation(n)
            for rows in order[: per_epoch * batch].reshape(per_epoch, batch):
                starts = rng.integers(0, max(length - recipe.stretch, 0) + 1, batch)
                pieces = torch.stack([x[r, :, s : s + recipe.stretch] for r, s in zip(rows, starts, strict=True)])
                with torch.autocast("cpu", torch.bfloat16):
                    out = network(pieces)
                loss = F.binary_cross_entropy_with_logits(out.float(), y[torch.from_numpy(rows)])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                cycle.step()
        yield epoch, network


def _scores(network: nn.Module, signal: Tensor, stretch: int, batch: int = 128) -> NDArray[np.float64]:
    network.eval()
    starts = range(0, max(signal.shape[2] - stretch, 0) + 1, stretch // 2)
    parts = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for first in range(0, len(signal), batch):
            piece = signal[first : first + batch]
            parts.append(torch.stack([network(piece[:, :, s : s + stretch]).float() for s in starts]).mean(0))
    return torch.cat(parts).numpy().astype(np.float64)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, so that the result does not depend on how many threads a machine has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _key(
    signal: NDArray[np.float32],
    labels: NDArray[np.bool_],
    choose: NDArray[np.bool_] | None,
    recipe: ResNetRecipe,
    seed: int,
) -> str:
    digest = hashlib.sha256(json.dumps([asdict(recipe), seed, signal.shape, labels.shape, choose is None]).encode())
    for part in (signal, labels, *(() if choose is None else (choose,))):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def _write(trained: SupervisedResNet, path: Path) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    state = {name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()}
    save_file(state, part, metadata={"epochs": str(trained.epochs)})
    part.replace(path)


def _read(path: Path, recipe: ResNetRecipe, n_labels: int) -> SupervisedResNet:
    from safetensors import safe_open

    network = _Network(n_labels, recipe)
    with safe_open(path, "pt") as file:
        tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        epochs = int(file.metadata()["epochs"])
    network.load_state_dict(tensors)
    return SupervisedResNet(network.to(memory_format=torch.channels_last).eval(), recipe, epochs)  # type: ignore[call-overload]
