"""One or many processes: each computes its share of every batch, and all see what the others computed.

All processes draw the same views and pass their share of them through the network. The outputs are gathered with
gradient, and every process computes every objective on the whole batch: contrastive objectives compare all recordings
with all, and no objective needs to know that there are several processes. Every process then holds the gradient of the
sum of as many equal losses as there are processes, with respect to its own share; their mean is the gradient of the loss.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from precordia.core.errors import MissingExtraError, UsageError


@dataclass(frozen=True)
class Processes:
    """The processes of one training.

    Attributes:
        rank: Number of this one.
        count: How many there are.
        device: Where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This process's share of a batch whose length is a multiple of :attr:`count`."""
        size = len(batch) // self.count
        return batch[self.rank * size : (self.rank + 1) * size]

    def padded(self, batch: Tensor) -> Tensor:
        """A batch made a multiple of :attr:`count` long by repeating its last row."""
        missing = -len(batch) % self.count
        return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])]) if missing else batch

    def gather(self, share: Tensor) -> Tensor:
        """The shares of all processes one below the other; gradients flow back to each."""
        if self.count == 1:
            return share
        if share.dtype == torch.bool:
            return self.gather(share.to(torch.uint8)).bool()
        gathered: Tensor = _Gather.apply(share.contiguous(), self.rank, self.count)  # type: ignore[no-untyped-call]
        return gathered

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every gradient becomes its mean over the processes."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.count == 1 or not gradients:
            return
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def leave(self) -> None:
        """End the group; nothing can be gathered after."""
        if self.count > 1 and dist.is_initialized():
            dist.destroy_process_group()


def launched_count() -> int:
    """How many processes ``accelerate launch`` (or ``torchrun``) says there are; 1 when started plainly."""
    return int(os.environ.get("WORLD_SIZE", "1") or 1)


def launched_rank() -> int:
    """The number that the launcher gave to this process."""
    return int(os.environ.get("RANK", "0") or 0)


def join(*, cpu: bool = False) -> Processes:
    """This process, joined to the others if a launcher started it; on its GPU unless there is none or ``cpu``.

    Raises:
        MissingExtraError: there are several processes but accelerate is not installed.
    """
    on_gpu = torch.cuda.is_available() and not cpu
    if launched_count() == 1:
        return Processes(device=torch.device("cuda", 0) if on_gpu else torch.device("cpu"))
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise MissingExtraError("accelerate", "train", "training in several processes") from error
    state: Any = PartialState(cpu=not on_gpu)
    return Processes(int(state.process_index), int(state.num_processes), torch.device(state.device))


def check_batch(name: str, batch_size: int, count: int) -> None:
    """Refuse a batch that does not divide.

    Raises:
        UsageError: it does not.
    """
    if batch_size % count:
        raise UsageError(
            f"recipe {name}: batch_size {batch_size} does not divide into {count} processes; "
            "it counts the recordings of all of them together"
        )


class _Gather(torch.autograd.Function):
    """All shares one below the other; backwards, what all processes say of this one's share, added up."""

    @staticmethod
    def forward(ctx: Any, share: Tensor, rank: int, count: int) -> Tensor:
        ctx.rank, ctx.size = rank, len(share)
        parts = [torch.empty_like(share) for _ in range(count)]
        dist.all_gather(parts, share)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (whole,) = gradients
        whole = whole.contiguous().clone()
        dist.all_reduce(whole)
        return whole[ctx.rank * ctx.size : (ctx.rank + 1) * ctx.size], None, None
