"""What a frozen encoder gives the model of an ECG: the embedding, and features in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.encoders.encoder import SignalEncoder
from precordia.records.standardize import standardize, to_windows


def features_of(
    encoder: SignalEncoder, recordings: Sequence[Recording]
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Unit embeddings ``(n, dim)``, and the features of each recording's first window ``(n, n_steps, channels)`` float16.

    Raises:
        UnusableSignalError: a recording is too short or has none of the standard leads.
    """
    import torch

    from precordia.encoders.network import Inputs

    ready = [standardize(recording, encoder.spec) for recording in recordings]
    windows = [to_windows(recording, encoder.spec) for recording in ready]
    inputs = Inputs(
        torch.from_numpy(np.stack([w.signal[0] for w in windows])),
        torch.from_numpy(np.stack([w.leads_present for w in windows])),
        torch.from_numpy(np.stack([w.samples_present[0] for w in windows])),
        torch.ones(len(windows), dtype=torch.bool),
    )
    with torch.inference_mode():
        steps = encoder.network(inputs).steps.numpy().astype(np.float16)
    return encoder.embed(ready, standardized=True), steps
