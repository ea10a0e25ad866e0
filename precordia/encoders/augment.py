"""Views of a batch: what may differ between two looks at the same ECG without changing what it says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.network import Inputs
from precordia.encoders.noise import NOISES, noise
from precordia.encoders.recipe import Augmentation
from precordia.records.standardize import SignalSpec, standardize

_BANK_ROWS: Final = 192
_BLOCK_S: Final = 0.32
"""Length of a hidden block, s: a step of the network's last stage."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """A view of a batch.

    Attributes:
        inputs: What the network sees.
        hidden: ``(n, n_samples)`` bool, what of the time was hidden from it.
        whole: The same stretch of time and amplitude with all leads, nothing hidden and no noise.
    """

    inputs: Inputs
    hidden: Tensor
    whole: Inputs


class Augmenter:
    """Draws views of batches; every draw comes from the generator it is given.

    Args:
        spec: The signal contract.
        typical_mv: ``(n_leads,)`` typical standard deviation of each lead, mV.
        seed: Of the bank of noises.
    """

    def __init__(self, spec: SignalSpec, typical_mv: Tensor, seed: int) -> None:
        self.spec, self.typical_mv = spec, typical_mv
        self._bank = torch.from_numpy(_noise_bank(spec, seed)).to(typical_mv.device)

    def view(self, inputs: Inputs, settings: Augmentation, generator: torch.Generator) -> Glimpse:
        """A view of each recording of a batch."""
        signal, samples, calibrated = inputs.signal, inputs.samples, inputs.calibrated
        n = len(inputs)

        def some(share: float) -> Tensor:
            return torch.rand(n, generator=generator) < share

        signal, samples = self._warp(signal, samples, settings, some(settings.crop), generator)
        signal, calibrated = self._uncalibrate(signal, inputs.leads, calibrated, some(settings.uncalibrate))
        gains = torch.randn(n, 1, generator=generator) * settings.gain
        gains = gains + torch.randn(n, signal.shape[1], generator=generator) * settings.lead_gain
        signal = signal * gains.exp()[:, :, None]
        whole = signal
        signal = self._noisy(signal, settings, some(settings.noise), generator)
        fewer = some(settings.subset)[:, None]
        leads = torch.where(fewer, inputs.leads & lead_subsets(n, generator, settings.single), inputs.leads)
        leads = torch.where(leads.any(1, keepdim=True), leads, inputs.leads)
        hidden = self._hidden(samples, settings.hide, generator)
        signal = signal * leads[:, :, None] * (samples & ~hidden)[:, None, :]
        return Glimpse(
            Inputs(signal, leads, samples, calibrated), hidden, Inputs(whole, inputs.leads, samples, calibrated)
        )

    def cut(
        self, inputs: Inputs, which: Tensor, shortest_s: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Signal and samples with only a random part left of the recordings in ``which``, moved to the start."""
        settings = Augmentation(stretch=0.0, shortest_s=shortest_s)
        return self._warp(inputs.signal, inputs.samples, settings, which, generator)

    def vary(
        self,
        inputs: Inputs,
        noise: Tensor,
        gain: Tensor,
        lead_gain: Tensor,
        stretch: Tensor,
        generator: torch.Generator,
    ) -> Inputs:
        """A view of each recording that is differentiable in its strengths (draws are scaled, not drawn anew).

        Args:
            inputs: The recordings.
            noise: Mean ratio of the noise's amplitude to a lead's standard deviation.
            gain: Standard deviation of the log of a factor on all leads.
            lead_gain: The same of a factor on each lead.
            stretch: Largest relative change of the time axis.
            generator: Of every draw.
        """
        n, n_leads, length = inputs.signal.shape
        factor = 1.0 + (torch.rand(n, 1, generator=generator) * 2 - 1) * stretch
        position = torch.arange(length)[None, :] * factor
        signal, samples = _at(inputs.signal, inputs.samples, position, position < length - 1)
        gains = torch.randn(n, 1, generator=generator) * gain + torch.randn(n, n_leads, generator=generator) * lead_gain
        signal = signal * gains.exp()[:, :, None]
        level = signal.std(dim=2) * noise * 2 * torch.rand(n, 1, generator=generator)
        signal = signal + self._traces(n, n_leads, length, generator) * level[:, :, None]
        signal = signal * inputs.leads[:, :, None] * samples[:, None, :]
        return Inputs(signal, inputs.leads, samples, inputs.calibrated)

    def _warp(
        self, signal: Tensor, samples: Tensor, settings: Augmentation, cut: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Stretch time a little, and keep only a random part of the recordings in ``cut``, moved to the start.

        What is kept lies where the recording does: a part behind the end of a short one would hold nothing.
        """
        n, _, width = signal.shape
        factor = 1.0 + (torch.rand(n, generator=generator) * 2 - 1) * settings.stretch
        length = (samples * torch.arange(1, width + 1)).amax(1)
        shortest = (settings.shortest_s * self.spec.fs / length.clamp(min=1)).clamp(max=1.0)
        share = torch.where(cut, shortest + torch.rand(n, generator=generator) * (1 - shortest), torch.ones(n))
        start = torch.rand(n, generator=generator) * (1 - share) * length
        position = start[:, None] + torch.arange(width)[None, :] * factor[:, None]
        end = torch.minimum(start + share * length, length)
        return _at(signal, samples, position, position < end[:, None] - 1)

    def _uncalibrate(self, signal: Tensor, leads: Tensor, calibrated: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Chest leads at their typical amplitudes, limb leads at theirs as one: what is left of mV in a z-scored archive."""
        sizes = signal.std(dim=2).clamp(min=1e-4)
        factors = torch.where(leads, self.typical_mv / sizes, torch.ones_like(sizes))
        limb = torch.where(leads[:, :6], factors[:, :6].log(), torch.zeros(())).sum(1) / leads[:, :6].sum(1).clamp(
            min=1
        )
        factors = torch.cat([limb.exp()[:, None].expand(-1, 6), factors[:, 6:]], dim=1).clamp(0.02, 50.0)
        factors = torch.where(which[:, None], factors, torch.ones_like(factors))
        return signal * factors[:, :, None], calibrated & ~which

    def _noisy(self, signal: Tensor, settings: Augmentation, which: Tensor, generator: torch.Generator) -> Tensor:
        """One kind of noise on all leads, each lead its own trace, at a random ratio to the lead's power."""
        n, n_leads, length = signal.shape
        traces = self._traces(n, n_leads, length, generator)
        low, high = settings.snr_db
        snr = (
            low
            + (high - low) * torch.rand(n, 1, generator=generator)
            + 3.0 * torch.randn(n, n_leads, generator=generator)
        )
        scale = signal.std(dim=2) * 10 ** (-snr / 20) * which[:, None]
        return signal + traces * scale[:, :, None]

    def _traces(self, n: int, n_leads: int, length: int, generator: torch.Generator) -> Tensor:
        """``(n, n_leads, length)``: one kind of noise a recording, each lead its own trace, of unit standard deviation."""
        kind = torch.randint(self._bank.shape[0], (n, 1), generator=generator).expand(-1, n_leads)
        row = torch.randint(self._bank.shape[1], (n, n_leads), generator=generator)
        return self._bank[kind, row][:, :, :length]

    def _hidden(self, samples: Tensor, share: float, generator: torch.Generator) -> Tensor:
        if share <= 0:
            return torch.zeros_like(samples)
        block = round(_BLOCK_S * self.spec.fs)
        count = -(-samples.shape[1] // block)
        blocks = torch.rand(len(samples), count, generator=generator) < share
        return blocks.repeat_interleave(block, dim=1)[:, : samples.shape[1]] & samples


def _at(signal: Tensor, samples: Tensor, position: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """The signal between its samples (``position (n, n_samples)``, in samples), zero where not ``inside`` or missing."""
    left = position.detach().clamp(0, signal.shape[2] - 2).long()
    right_share = (position - left).clamp(0, 1)
    kept = torch.gather(samples, 1, left) & torch.gather(samples, 1, left + 1) & inside
    index = left[:, None, :].expand(-1, signal.shape[1], -1)
    a, b = torch.gather(signal, 2, index), torch.gather(signal, 2, index + 1)
    return torch.lerp(a, b, right_share[:, None, :]) * kept[:, None, :], kept


def lead_subsets(n: int, generator: torch.Generator, single_share: float = 0.25) -> Tensor:
    """``(n, 12)`` bool: which leads a device might offer.

    Single leads (``single_share``; six in ten are lead I, the lead of watches, the others any), and of the rest a third limb
    leads only, a sixth chest leads only, half any subset; two limb leads bring the other four along, as the standardizer
    derives them.
    """
    kind = torch.rand(n, generator=generator)
    keep = torch.rand(n, len(LEADS), generator=generator) < torch.rand(n, 1, generator=generator) * 0.8 + 0.1
    single = F.one_hot(
        torch.where(torch.rand(n, generator=generator) < 0.6, 0, torch.randint(len(LEADS), (n,), generator=generator)),
        len(LEADS),
    ).bool()
    limb = (torch.arange(len(LEADS)) < 6)[None, :].expand(n, -1)
    several = (kind - single_share) / (1 - single_share)
    keep = torch.where((several < 0)[:, None], single, keep)
    keep = torch.where(((several >= 0) & (several < 1 / 3))[:, None], limb, keep)
    keep = torch.where(((several >= 1 / 3) & (several < 1 / 2))[:, None], ~limb, keep)
    derived = (keep[:, :6].sum(1) >= 2)[:, None].expand(-1, 6)
    return torch.cat([keep[:, :6] | derived, keep[:, 6:]], dim=1)


@lru_cache(maxsize=4)  # 3 MB, the same for every training of a process: an ablation's recipes share it
def _noise_bank(spec: SignalSpec, seed: int) -> np.ndarray:
    """``(n_kinds, rows, n_samples)`` float32: each noise as the standardizer lets it through, at 100 Hz from 500 Hz."""
    rng = np.random.default_rng(seed)
    fs, bank = 500.0, []
    for kind in NOISES:
        rows = noise(kind, _BANK_ROWS, round(spec.window_s * fs), fs, rng)
        shared = [
            standardize(Recording(signal=rows[i : i + 12], fs=fs, leads=LEADS, recording_id="noise"), spec).signal
            for i in range(0, _BANK_ROWS, 12)
        ]
        bank.append(np.concatenate(shared))
    return np.stack(bank).astype(np.float32)
