"""What is relied on: the exported network gives the encoder's vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.recording import Recording
from precordia.encoders import create
from precordia.encoders.export import export_onnx
from precordia.records.standardize import standardize, to_windows


def test_onnx_gives_equal_vectors(made_recordings: list[Recording], tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    encoder = create("tiny", seed=4)
    export_onnx(encoder, tmp_path / "encoder.onnx")
    windows = [to_windows(standardize(r, encoder.spec), encoder.spec) for r in made_recordings[:5]]
    session = runtime.InferenceSession(str(tmp_path / "encoder.onnx"), providers=["CPUExecutionProvider"])
    fed = {
        "signal": np.concatenate([w.signal for w in windows]),
        "leads": np.stack([w.leads_present for w in windows]),
        "samples": np.concatenate([w.samples_present for w in windows]),
    }
    (vectors,) = session.run(["embedding"], fed)
    np.testing.assert_allclose(vectors, encoder.embed(made_recordings[:5]), atol=2e-5)
