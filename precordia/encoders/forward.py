"""The signal network's forward pass without torch: weights as they are stored, to embeddings.

Batch normalisation is folded into the convolutions before it. Faster than torch for a window or a few, and much faster than
importing torch; for many windows torch is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.architecture import BACKBONES, STATES, Architecture
from precordia.encoders.arithmetic import Array, attention, convolve, gelu, layer_norm, linear, softmax

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
    """See the module. Of convolutions only: see :meth:`speaks`.

    Args:
        architecture: Sizes.
        state: Name to array, as :func:`shapes_of` says.
    """

    def __init__(self, architecture: Architecture, state: Mapping[str, NDArray[Any]]) -> None:
        self._sizes, self._state = architecture, state
        self._stem = self._folded("stem", "stem_norm")
        self._blocks = [
            (
                f"stages.{stage}.{block}",
                2 if block == 0 else 1,
                self._folded(f"stages.{stage}.{block}.first", f"stages.{stage}.{block}.first_norm"),
                self._folded(f"stages.{stage}.{block}.second", f"stages.{stage}.{block}.second_norm"),
                self._folded(f"stages.{stage}.{block}.shortcut.0", f"stages.{stage}.{block}.shortcut.1")
                if block == 0
                else None,
                block + 1 == count,
            )
            for stage, count in enumerate(architecture.blocks)
            for block in range(count)
        ]

    @staticmethod
    def speaks(architecture: Architecture) -> bool:
        """Whether networks of this kind are known here."""
        return architecture.backbone == BACKBONES[0]

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
        weight, bias, scale = self._stem
        side = linear(
            np.concatenate([present, np.ones((len(present), 1), np.float32)], axis=1), *self._pair("side")
        )  # fmt: skip
        valid = samples[:, ::2, None].astype(np.float32)
        x = convolve(x.swapaxes(1, 2), weight, 2)
        x += (side * scale + bias)[:, None]
        x = np.maximum(x, 0) * valid
        for name, stride, first, second, shortcut, ends in self._blocks:
            x = self._block(x, name, stride, first, second, shortcut)
            if stride == 2:
                valid = valid[:, ::2]
            if ends:
                x *= valid
        mask = samples[:, :: self._sizes.stride]
        if self._sizes.attention_layers:
            x = x + _positions(x.shape[1], x.shape[2])
        for layer in range(self._sizes.attention_layers):
            x = self._mixed(x, mask, f"mixer.{layer}")
        return self._pooled(layer_norm(x, *self._pair("norm"), _EPSILON), mask)

    def _block(
        self, x: Array, name: str, stride: int, first: _Folded, second: _Folded, shortcut: _Folded | None
    ) -> Array:
        y = convolve(x, first[0], stride)
        y += first[1]
        np.maximum(y, 0, out=y)
        y = convolve(y, second[0], 1)
        y += second[1]
        gate = np.maximum(linear(y.mean(axis=1), *self._pair(f"{name}.squeeze")), 0)
        gate = 1 / (1 + np.exp(-linear(gate, *self._pair(f"{name}.excite"))))
        y *= gate[:, None]
        y += x if shortcut is None else convolve(x, shortcut[0], stride) + shortcut[1]
        return np.maximum(y, 0, out=y)

    def _mixed(self, x: Array, mask: NDArray[np.bool_], name: str) -> Array:
        n, length, width = x.shape
        qkv = linear(layer_norm(x, *self._pair(f"{name}.attention_norm"), _EPSILON), *self._pair(f"{name}.qkv"))
        q, k, v = qkv.reshape(n, length, 3, self._sizes.heads, -1).transpose(2, 0, 3, 1, 4)
        attended = attention(q, k, v, mask).swapaxes(1, 2).reshape(n, length, width)
        x = x + linear(attended, *self._pair(f"{name}.out"))
        fed = gelu(linear(layer_norm(x, *self._pair(f"{name}.feed_norm"), _EPSILON), *self._pair(f"{name}.up")))
        return x + linear(fed, *self._pair(f"{name}.down"))

    def _pooled(self, steps: Array, mask: NDArray[np.bool_]) -> Array:
        n, length, width = steps.shape
        absent = ~mask[:, :, None]
        weights = softmax(np.where(absent, _HIDDEN, linear(steps, *self._pair("pool"))), axis=1)
        heads = steps.reshape(n, length, weights.shape[2], -1)
        attended = (heads * weights[..., None]).sum(axis=1).reshape(n, width)
        share = mask[:, :, None].astype(np.float32)
        mean = (steps * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1.0)
        highest = np.where(absent, _HIDDEN, steps).max(axis=1)
        out = linear(np.concatenate([attended, mean, highest], axis=1), *self._pair("head"))
        spread = np.sqrt(self._state["centre.running_var"] + np.float32(_EPSILON))
        centred: Array = (out - self._state["centre.running_mean"]) / spread
        return centred

    def _pair(self, name: str) -> tuple[Array, Array]:
        return self._state[f"{name}.weight"], self._state[f"{name}.bias"]

    def _folded(self, convolution: str, norm: str) -> _Folded:
        """Weights ``(kernel * inputs, outputs)`` and bias of a convolution and the norm behind it, and the norm's scale."""
        gain, shift = self._pair(norm)
        scale = gain / np.sqrt(self._state[f"{norm}.running_var"] + np.float32(_EPSILON))
        weight = self._state[f"{convolution}.weight"][:, :, 0] * scale[:, None, None]
        flat = np.ascontiguousarray(weight.transpose(2, 1, 0)).reshape(-1, weight.shape[0])
        bias = shift - self._state[f"{norm}.running_mean"] * scale
        return flat.astype(np.float32), bias.astype(np.float32), scale.astype(np.float32)


_Folded = tuple[Array, Array, Array]


def _positions(length: int, width: int) -> Array:
    rates = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-9.21 / width))
    angles = np.arange(length, dtype=np.float32)[:, None] * rates
    out: Array = np.float32(0.1) * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return out
