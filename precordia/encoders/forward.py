"""The signal network's forward pass without torch: weights as they are stored, to embeddings.

Batch normalisation is folded into the convolutions before it, and those are done with a third of the multiplications
(:mod:`~precordia.encoders.convolution`): faster than torch, for one window or many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.architecture import BACKBONES, STATES, Architecture
from precordia.encoders.arithmetic import Array, attention, convolve, gelu, layer_norm, softmax
from precordia.encoders.convolution import LONGEST, Convolution

_EPSILON: Final = 1e-5
"""Of torch's normalisations."""

_HIDDEN: Final = np.float32(-1e4)
"""Stands where nothing may be looked at, as in the network."""


def shapes_of(architecture: Architecture, n_leads: int) -> dict[str, tuple[int, ...]]:
    """Name to shape of every array in the state of a network."""
    out: dict[str, tuple[int, ...]] = {}

    def put(name: str, *shape: int, bias: bool = True) -> None:
        out[f"{name}.weight"] = shape
        if bias:
            out[f"{name}.bias"] = shape[:1]

    def norm(name: str, width: int, affine: bool = True) -> None:
        if affine:
            put(name, width)
        out.update({f"{name}.running_{part}": (width,) for part in ("mean", "var")})
        out[f"{name}.num_batches_tracked"] = ()

    widths = architecture.channels
    put("stem", widths[0], n_leads, 1, architecture.stem_kernel, bias=False)
    put("side", widths[0], n_leads + 1)
    norm("stem_norm", widths[0])
    before = widths[0]
    for stage, (width, count) in enumerate(zip(widths, architecture.blocks, strict=True)):
        for block in range(count):
            name, inputs = f"stages.{stage}.{block}", before if block == 0 else width
            if architecture.backbone == "state_space":
                if block == 0:
                    put(f"{name}.enter", width, 2 * inputs)
                put(f"{name}.norm", width)
                put(f"{name}.gate", 2 * width, width)
                out.update({f"{name}.log_step": (2, width), f"{name}.through": (width,)})
                out.update(
                    {f"{name}.{part}": (2, width, STATES) for part in ("log_decay", "frequency", "real", "imaginary")}
                )
                continue
            put(f"{name}.first", width, inputs, 1, architecture.kernel, bias=False)
            norm(f"{name}.first_norm", width)
            put(f"{name}.second", width, width, 1, architecture.kernel, bias=False)
            norm(f"{name}.second_norm", width)
            put(f"{name}.squeeze", width // 8, width)
            put(f"{name}.excite", width, width // 8)
            if block == 0:
                put(f"{name}.shortcut.0", width, inputs, 1, 1, bias=False)
                norm(f"{name}.shortcut.1", width)
        before = width
    for layer in range(architecture.attention_layers):
        name = f"mixer.{layer}"
        put(f"{name}.attention_norm", before)
        put(f"{name}.qkv", 3 * before, before)
        put(f"{name}.out", before, before)
        put(f"{name}.feed_norm", before)
        put(f"{name}.up", 2 * before, before)
        put(f"{name}.down", before, 2 * before)
    put("norm", before)
    put("pool", architecture.heads, before)
    put("head", architecture.dim, 3 * before)
    norm("centre", architecture.dim, affine=False)
    return out


class Forward:
    """See the module. Of convolutions that are not long: see :meth:`speaks`.

    Args:
        architecture: Sizes.
        state: Name to array, as :func:`shapes_of` says.
    """

    def __init__(self, architecture: Architecture, state: Mapping[str, NDArray[Any]]) -> None:
        self._sizes, self._state = architecture, state
        self._stem = _flat(*self._folded("stem", "stem_norm"))
        self._blocks = [
            self._block_of(f"stages.{stage}.{block}", first=block == 0, last=block + 1 == count)
            for stage, count in enumerate(architecture.blocks)
            for block in range(count)
        ]

        # Turned, as products of many rows want them.
        self._turned = {
            name: np.ascontiguousarray(weight.T)
            for name, weight in ((key.removesuffix(".weight"), value) for key, value in state.items())
            if weight.ndim == 2
        }

    @staticmethod
    def speaks(architecture: Architecture) -> bool:
        """Whether networks of this kind are known here."""
        return architecture.backbone == BACKBONES[0] and architecture.kernel <= LONGEST

    def embedding(self, signal: Array, leads: NDArray[np.bool_], samples: NDArray[np.bool_]) -> Array:
        """``(n, dim)``, not normalised, of windows in true mV.

        Args:
            signal: ``(n, n_leads, n_samples)`` mV, zero where a mask is False.
            leads: ``(n, n_leads)``, which leads are there.
            samples: ``(n, n_samples)``, which samples are there.
        """
        present = leads.astype(np.float32)
        crowd = np.sqrt(np.float32(leads.shape[1]) / np.maximum(present.sum(axis=1), 1.0))
        x = np.arcsinh(signal * np.float32(self._sizes.gain)) * (present * crowd[:, None])[:, :, None]
        weight, bias = self._stem
        side = self._linear(np.concatenate([present, np.ones((len(present), 1), np.float32)], axis=1), "side")
        valid = samples[:, ::2, None].astype(np.float32)
        x = convolve(x.swapaxes(1, 2), weight, 2)
        x += (side * self._scale("stem_norm") + bias)[:, None]
        np.maximum(x, 0, out=x)
        x *= valid
        for block in self._blocks:
            x = self._passed(x, block)
            valid = valid[:, :: block.stride]
            if block.last:
                x *= valid
        mask = samples[:, :: self._sizes.stride]
        if self._sizes.attention_layers:
            x = x + _positions(x.shape[1], x.shape[2])
        for layer in range(self._sizes.attention_layers):
            x = self._mixed(x, mask, f"mixer.{layer}")
        return self._pooled(layer_norm(x, *self._pair("norm"), _EPSILON), mask)

    def _passed(self, x: Array, block: _Block) -> Array:
        y = block.first(x)
        y = block.second(np.maximum(y, 0, out=y))
        gate = np.maximum(self._linear(y.mean(axis=1), f"{block.name}.squeeze"), 0)
        gate = 1 / (1 + np.exp(-self._linear(gate, f"{block.name}.excite")))
        y *= gate[:, None]
        if block.shortcut is None:
            y += x
        else:
            weight, bias = block.shortcut
            y += convolve(x, weight, block.stride)
            y += bias
        return np.maximum(y, 0, out=y)

    def _mixed(self, x: Array, mask: NDArray[np.bool_], name: str) -> Array:
        n, length, width = x.shape
        qkv = self._linear(layer_norm(x, *self._pair(f"{name}.attention_norm"), _EPSILON), f"{name}.qkv")
        q, k, v = qkv.reshape(n, length, 3, self._sizes.heads, -1).transpose(2, 0, 3, 1, 4)
        attended = attention(q, k, v, mask).swapaxes(1, 2).reshape(n, length, width)
        x = x + self._linear(attended, f"{name}.out")
        fed = gelu(self._linear(layer_norm(x, *self._pair(f"{name}.feed_norm"), _EPSILON), f"{name}.up"))
        return x + self._linear(fed, f"{name}.down")

    def _pooled(self, steps: Array, mask: NDArray[np.bool_]) -> Array:
        n, length, width = steps.shape
        absent = ~mask[:, :, None]
        weights = softmax(np.where(absent, _HIDDEN, self._linear(steps, "pool")), axis=1)
        heads = steps.reshape(n, length, weights.shape[2], -1)
        attended = (heads * weights[..., None]).sum(axis=1).reshape(n, width)
        share = mask[:, :, None].astype(np.float32)
        mean = (steps * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1.0)
        highest = np.where(absent, _HIDDEN, steps).max(axis=1)
        out = self._linear(np.concatenate([attended, mean, highest], axis=1), "head")
        spread = np.sqrt(self._state["centre.running_var"] + np.float32(_EPSILON))
        centred: Array = (out - self._state["centre.running_mean"]) / spread
        return centred

    def _linear(self, x: Array, name: str) -> Array:
        weight = self._turned[name]
        out: Array = x.reshape(-1, x.shape[-1]) @ weight
        out += self._state[f"{name}.bias"]
        return out.reshape(*x.shape[:-1], -1)

    def _pair(self, name: str) -> tuple[Array, Array]:
        return self._state[f"{name}.weight"], self._state[f"{name}.bias"]

    def _block_of(self, name: str, *, first: bool, last: bool) -> _Block:
        stride = 2 if first else 1
        return _Block(
            name,
            stride,
            Convolution(*self._folded(f"{name}.first", f"{name}.first_norm"), stride),
            Convolution(*self._folded(f"{name}.second", f"{name}.second_norm"), 1),
            _flat(*self._folded(f"{name}.shortcut.0", f"{name}.shortcut.1")) if first else None,
            last,
        )

    def _folded(self, convolution: str, norm: str) -> tuple[Array, Array]:
        """Weight ``(outputs, inputs, kernel)`` and bias of a convolution and the norm behind it."""
        scale = self._scale(norm)
        weight = self._state[f"{convolution}.weight"][:, :, 0] * scale[:, None, None]
        bias = self._state[f"{norm}.bias"] - self._state[f"{norm}.running_mean"] * scale
        return weight.astype(np.float32), bias.astype(np.float32)

    def _scale(self, norm: str) -> Array:
        spread = np.sqrt(self._state[f"{norm}.running_var"] + np.float32(_EPSILON))
        scale: Array = (self._state[f"{norm}.weight"] / spread).astype(np.float32)
        return scale


@dataclass(frozen=True, eq=False)
class _Block:
    """A block of the network.

    Attributes:
        name: In the state.
        stride: Of its first convolution.
        first: The one convolution.
        second: The other.
        shortcut: Weight and bias for :func:`~precordia.encoders.arithmetic.convolve`, where it is one.
        last: Whether it ends a stage.
    """

    name: str
    stride: int
    first: Convolution
    second: Convolution
    shortcut: tuple[Array, Array] | None
    last: bool


def _flat(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Weight as ``(kernel * inputs, outputs)``, and bias."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0)).reshape(-1, weight.shape[0]), bias


def _positions(length: int, width: int) -> Array:
    rates = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-9.21 / width))
    angles = np.arange(length, dtype=np.float32)[:, None] * rates
    out: Array = np.float32(0.1) * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return out
