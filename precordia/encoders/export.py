"""An encoder as an ONNX file, for places without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from precordia.core.errors import MissingExtraError
from precordia.encoders.encoder import SignalEncoder

if TYPE_CHECKING:
    from torch import Tensor


def export_onnx(encoder: SignalEncoder, path: Path) -> None:
    """Write the network with inputs ``signal (n, n_leads, n_samples)`` float32 mV, ``leads (n, n_leads)`` and ``samples
    (n, n_samples)`` bool, and the output ``embedding (n, dim)`` of unit norm. ``n`` is free.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    import importlib.util
    import warnings

    if importlib.util.find_spec("onnx") is None or importlib.util.find_spec("onnxscript") is None:
        raise MissingExtraError("onnx and onnxscript", "dev", "exporting an encoder")
    import torch

    network, spec = encoder.network, encoder.spec

    class Embedding(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, signal: Tensor, leads: Tensor, samples: Tensor) -> Tensor:
            calibrated = torch.ones_like(leads[:, 0])
            steps, mask = self.network.steps(signal, leads, samples, calibrated)
            return torch.nn.functional.normalize(self.network.embed(steps, mask), dim=1)

    n_leads, length = len(spec.leads), spec.window_samples
    example = (torch.zeros(2, n_leads, length), torch.ones(2, n_leads).bool(), torch.ones(2, length).bool())
    batch = torch.export.Dim("n", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Embedding().eval(), example, str(path), input_names=["signal", "leads", "samples"], output_names=["embedding"],
            dynamic_shapes={"signal": {0: batch}, "leads": {0: batch}, "samples": {0: batch}}, dynamo=True, verbose=False,
            external_data=False,
        )  # fmt: skip
