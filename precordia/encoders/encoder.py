"""The encoder that the rest of the system uses: recordings in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.given import expect
from precordia.core.recording import Recording
from precordia.encoders.architecture import Architecture
from precordia.encoders.cores import over_cores
from precordia.encoders.features import Features
from precordia.encoders.forward import Forward
from precordia.encoders.on_device import Stack
from precordia.records.standardize import SignalSpec, Windows, standardize, to_windows, window_starts

if TYPE_CHECKING:
    from precordia.encoders.network import Inputs, SignalNetwork


_TOGETHER: Final = 8
"""Windows that go through the network together without torch: what is between two layers stays in a core's cache."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A network as it is stored, which needs no torch.

    Attributes:
        architecture: Sizes.
        n_leads: Leads of the signal spec.
        state: Name to array, all that the network has.
    """

    architecture: Architecture
    n_leads: int
    state: Mapping[str, NDArray[Any]]

    def network(self) -> SignalNetwork:
        """The network with these weights."""
        import torch

        from precordia.encoders.network import SignalNetwork

        # What is first asked for while something is embedded may be adapted later.
        with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
            network = SignalNetwork(self.architecture, self.n_leads)
            network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in self.state.items()})
        return network.eval()


class SignalEncoder:
    """A trained network with its signal contract.

    Args:
        network: A network, or its weights. Where it is weights, embedding goes without torch, to 1e-5 of what torch gives
            and in less time, until somebody asks for :attr:`network`, who may change it.
        spec: What the network is fed.
        fingerprint: Of weights, architecture and spec.
        text_projection: ``(text_dim, dim)`` into the space of the text encoder it was aligned with, or None.
        text_fingerprint: Of that text encoder, or "".
        batch_size: Windows a forward pass of torch.
    """

    def __init__(
        self,
        network: SignalNetwork | Weights,
        spec: SignalSpec,
        fingerprint: str,
        *,
        text_projection: NDArray[np.float32] | None = None,
        text_fingerprint: str = "",
        batch_size: int = 64,
    ) -> None:
        self._weights = network if isinstance(network, Weights) else None
        self._architecture = network.architecture
        self._needs_torch = self._weights is None or not Forward.speaks(network.architecture)
        if not isinstance(network, Weights):
            self._network = network.eval()
        self.text_projection = text_projection
        self.text_fingerprint = text_fingerprint
        self.batch_size = batch_size
        self._spec, self._fingerprint = spec, fingerprint
        self._elsewhere: Callable[[Stack], NDArray[np.float32]] | None = None

    def elsewhere(self, forward: Callable[[Stack], NDArray[np.float32]]) -> SignalEncoder:
        """The same encoder, whose network runs elsewhere; what is standardized and made of windows is so here.

        Args:
            forward: Windows to their embeddings, ``(n, dim)``.
        """
        other = copy(self)
        other._elsewhere = forward
        return other

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._architecture.dim

    @property
    def spec(self) -> SignalSpec:
        """What recordings are turned into before the network sees them."""
        return self._spec

    @property
    def architecture(self) -> Architecture:
        """Sizes of the network."""
        return self._architecture

    @property
    def network(self) -> SignalNetwork:
        """The network, in evaluation mode."""
        self._needs_torch = True
        return self._network

    @cached_property
    def _network(self) -> SignalNetwork:
        assert self._weights is not None
        return self._weights.network()

    @cached_property
    def _forward_pass(self) -> Forward:
        assert self._weights is not None
        return Forward(self._weights.architecture, self._weights.state)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits: equal fingerprints give equal vectors."""
        return self._fingerprint

    def __repr__(self) -> str:
        return f"SignalEncoder({self.fingerprint}, {self.dim} numbers)"

    def embed(self, recordings: Sequence[Recording], *, standardized: bool = False) -> NDArray[np.float32]:
        """``(len(recordings), dim)`` float32, each row of unit L2 norm.

        A recording longer than the window is embedded as the mean of its windows. A row does not depend on what else is
        in the batch beyond 1e-5.

        Args:
            recordings: Any leads, rate and duration from the spec's shortest.
            standardized: True when every recording already comes from ``standardize(recording, encoder.spec)``, to save
                the filtering. Without it, standardized recordings are filtered once more, which their vectors hardly feel.

        Raises:
            UnusableSignalError: a recording is too short or has none of the standard leads.
        """
        expect(recordings, Sequence, "embed([recording, ...]): give a list of recordings")
        if not recordings:
            return np.zeros((0, self.dim), dtype=np.float32)
        windows = over_cores(
            lambda one: to_windows(one if standardized else standardize(one, self.spec), self.spec), recordings
        )
        rows = self._forward(windows)
        return unit_rows(np.stack([rows[piece].mean(0) for piece in _pieces([len(w.signal) for w in windows])]))

    def features(self, recordings: Sequence[Recording], *, standardized: bool = False) -> Features:
        """Features in time and of each lead alone; see :class:`~precordia.encoders.features.Features` for the shapes.

        Costs a pass of the network for the recording and one for each lead that is there.

        Args:
            recordings: Any leads, rate and duration from the spec's shortest; at least one.
            standardized: As for :meth:`embed`.

        Raises:
            UnusableSignalError: a recording is too short or has none of the standard leads.
            UsageError: no recording.
        """
        if not recordings:
            raise UsageError("features of no recording: give at least one")
        ready = recordings if standardized else [standardize(recording, self.spec) for recording in recordings]
        windows = [to_windows(recording, self.spec) for recording in ready]
        counts = [len(w.signal) for w in windows]
        stride = self.architecture.stride
        steps, masks = self._steps(windows)
        per_window = masks.shape[1]
        shape = (len(windows), max(counts) * per_window)
        time = np.zeros((*shape, steps.shape[2]), dtype=np.float32)
        mask, start_s = np.zeros(shape, dtype=np.bool_), np.full(shape, np.nan)
        for row, (recording, piece) in enumerate(zip(ready, _pieces(counts), strict=True)):
            n = counts[row] * per_window
            mask[row, :n] = masks[piece].ravel()
            time[row, :n] = steps[piece].reshape(n, -1) * mask[row, :n, None]
            first = window_starts(recording.n_samples, self.spec)[:, None] + np.arange(per_window) * stride
            start_s[row, :n] = np.where(mask[row, :n], first.ravel() / self.spec.fs, np.nan)
        alone = [_alone(w, int(lead)) for w in windows for lead in np.flatnonzero(w.leads_present)]
        lead_mask = np.stack([w.leads_present for w in windows])
        leads = np.zeros((*lead_mask.shape, self.dim), dtype=np.float32)
        rows = self._forward(alone)
        leads[lead_mask] = unit_rows(
            np.stack([rows[piece].mean(0) for piece in _pieces([len(w.signal) for w in alone])])
        )
        return Features(time, stride / self.spec.fs, start_s, mask, leads, lead_mask)

    def to_text_space(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings ``(n, dim)`` as unit vectors ``(n, text_dim)`` that compare with the text encoder's by inner product.

        Raises:
            UsageError: this encoder was not aligned with text.
        """
        if self.text_projection is None:
            raise UsageError("this encoder was trained without text: use a recipe with the objective text_alignment")
        return unit_rows(vectors @ self.text_projection.T)

    def _forward(self, windows: Sequence[Windows]) -> NDArray[np.float32]:
        """Embeddings of all windows one below the other, ``(n_windows, dim)``, each of unit norm."""
        if self._elsewhere is not None:
            return unit_rows(self._elsewhere(Stack.of(windows)))
        if not self._needs_torch:
            return unit_rows(self._without_torch(Stack.of(windows)))
        import torch

        with torch.inference_mode():
            parts = [self._network(inputs).embedding for inputs in self._inputs(windows)]
            return unit_rows(torch.cat(parts).numpy())

    def _without_torch(self, stack: Stack) -> NDArray[np.float32]:
        forward = self._forward_pass
        pieces = [slice(start, start + _TOGETHER) for start in range(0, len(stack), _TOGETHER)]
        return np.concatenate(
            over_cores(lambda p: forward.embedding(stack.signal[p], stack.leads[p], stack.samples[p]), pieces)
        )

    def _steps(self, windows: Sequence[Windows]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features in time of all windows ``(n_windows, n_steps, channels)`` and which steps hold signal."""
        import torch

        with torch.inference_mode():
            parts = [self._network.steps(i.signal, i.leads, i.samples, i.calibrated) for i in self._inputs(windows)]
            return torch.cat([steps for steps, _ in parts]).numpy(), torch.cat([mask for _, mask in parts]).numpy()

    def _inputs(self, windows: Sequence[Windows]) -> Iterator[Inputs]:
        """All windows one below the other, in batches."""
        import torch

        from precordia.encoders.network import Inputs

        stack = Stack.of(windows)
        for start in range(0, len(stack), self.batch_size):
            piece = slice(start, start + self.batch_size)
            batch = torch.from_numpy(stack.signal[piece])
            calibrated = torch.ones(len(batch), dtype=torch.bool)
            yield Inputs(
                batch, torch.from_numpy(stack.leads[piece]), torch.from_numpy(stack.samples[piece]), calibrated
            )


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit L2 norm, float32."""
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    out: NDArray[np.float32] = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return out


def _pieces(counts: Sequence[int]) -> list[slice]:
    """Where each recording's rows stand, given how many each has."""
    return [slice(int(end) - count, int(end)) for count, end in zip(counts, np.cumsum(counts), strict=True)]


def _alone(windows: Windows, lead: int) -> Windows:
    """The same windows with one lead left."""
    present = np.zeros_like(windows.leads_present)
    present[lead] = True
    return Windows(windows.signal * present[:, None], present, windows.samples_present)
