"""The backbone of OpenECG (Apache-2.0, https://github.com/vitaldb/openecg) as an encoder: twelve leads, one after the other.

Its layered codec ``codec_v6`` is a transformer of 1.2 million parameters for one lead of ten seconds at 500 Hz, taught to tell
waves, kinds of beats and rhythms. Asked of it is what its last layer holds, mean and standard deviation over time, the leads
beside each other: the nearest to a foundation encoder that comes in a package. Not among the package's extras: it is
39 MB, and nothing but this comparison needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize, to_windows

SPEC: Final = SignalSpec(fs=500.0)
"""What its codec reads: ten seconds at 500 Hz."""


def openecg_vectors(recordings: Sequence[Recording]) -> NDArray[np.float32]:
    """``(n, 12 * 2 * 128)``: mean and standard deviation over time of the backbone's last layer, lead by lead.

    Raises:
        UsageError: OpenECG is not installed.
        UnusableSignalError: a recording is too short or has no standard lead.
    """
    try:
        import openecg
    except ImportError:
        raise UsageError("systems: openecg needs the package openecg: pip install openecg") from None
    import torch

    model = _backbone(openecg.load_codec())
    out = []
    for recording in recordings:
        signal = to_windows(standardize(recording, SPEC), SPEC).signal[0]
        ranked = np.stack([openecg.rank_normalize(lead) for lead in signal]).astype(np.float32)
        with torch.inference_mode():
            model(torch.from_numpy(ranked), torch.zeros(len(LEADS), dtype=torch.long))
        out.append(model.last.flatten().numpy())
    return np.stack(out)


def _backbone(codec: Any) -> Any:
    """The codec, which keeps in ``last`` what its transformer ends with, and computes nothing beyond it."""
    import torch

    class Kept(torch.nn.Module):
        """In the place of the refinement at the signal's own rate, which is most of the work and none of the backbone."""

        def forward(self, up: torch.Tensor) -> torch.Tensor:
            return up * 0

    def keep(_: Any, __: Any, steps: torch.Tensor) -> None:
        codec.last = torch.cat([steps.mean(dim=1), steps.std(dim=1)], dim=1)

    codec.refine = Kept()
    codec.upper_transformer.register_forward_hook(keep)
    return codec
