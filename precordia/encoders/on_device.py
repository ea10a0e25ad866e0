"""Embeddings on a device, for readers elsewhere: what they have standardized, in large batches, in bf16 where that is CUDA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.records.standardize import Windows

if TYPE_CHECKING:
    from precordia.encoders.network import SignalNetwork

BATCH: Final = 1024
"""Windows a pass of the network: some 2 GB of a card's memory."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Windows of many recordings, one below the other; arrays as of :class:`~precordia.records.standardize.Windows`.

    Attributes:
        signal: ``(n, n_leads, n_samples)`` float32, mV.
        leads: ``(n, n_leads)`` which leads are there.
        samples: ``(n, n_samples)`` which samples are there.
    """

    signal: NDArray[np.float32]
    leads: NDArray[np.bool_]
    samples: NDArray[np.bool_]

    @classmethod
    def of(cls, windows: Sequence[Windows]) -> Stack:
        """All windows of some recordings."""
        return cls(
            np.concatenate([w.signal for w in windows]),
            np.concatenate([np.tile(w.leads_present, (w.signal.shape[0], 1)) for w in windows]),
            np.concatenate([w.samples_present for w in windows]),
        )

    @classmethod
    def joined(cls, parts: Sequence[Stack]) -> Stack:
        """Several, one below the other."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("signal", "leads", "samples"))
        )

    def __len__(self) -> int:
        return len(self.signal)


@dataclass
class DeviceForward:
    """Stacks to their embeddings, ``(n, dim)`` each, on the first device there is; without one on the processor, in float32.

    How near vectors in bf16 come to those in float32, ``python -m benchmarks.gpu`` prints; no device has been asked so far.

    Attributes:
        load: Gives the network.
        batch: Windows a pass.
    """

    load: Callable[[], SignalNetwork]
    batch: int = BATCH

    @cached_property
    def _network(self) -> tuple[SignalNetwork, str]:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        return self.load().to(device), device

    def __call__(self, parts: list[Stack]) -> list[NDArray[np.float32]]:
        """The embeddings of each."""
        rows = self._embedded(Stack.joined(parts))
        return np.split(rows, np.cumsum([len(part) for part in parts])[:-1])

    def _embedded(self, stack: Stack) -> NDArray[np.float32]:
        import torch

        from precordia.encoders.network import Inputs

        network, device = self._network
        out = []
        with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            for start in range(0, len(stack), self.batch):
                piece = slice(start, start + self.batch)
                arrays = (stack.signal[piece], stack.leads[piece], stack.samples[piece])
                signal, leads, samples = (torch.from_numpy(np.ascontiguousarray(one)).to(device) for one in arrays)
                calibrated = torch.ones(len(signal), dtype=torch.bool, device=device)
                out.append(network(Inputs(signal, leads, samples, calibrated)).embedding.float())
        rows: NDArray[np.float32] = torch.cat(out).cpu().numpy()
        return rows
