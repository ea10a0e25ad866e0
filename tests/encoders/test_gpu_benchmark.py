"""The benchmark of a CUDA device, as far as it goes without one."""

from __future__ import annotations

import pytest
import torch

from benchmarks.gpu import encode, made_vectors, main, search
from precordia.encoders import create


def test_without_a_device_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([]) == 2
    assert "no CUDA device is here" in capsys.readouterr().err


def test_bf16_agrees_with_float32() -> None:
    encoded = encode(create("tiny"), 16, "cpu", 8)
    assert encoded.per_s > 0
    assert 0.99 < encoded.agreement <= 1.0001


def test_searches_find_what_is_near() -> None:
    vectors = made_vectors(3000, 32)
    assert search(vectors, None, gpu=False)[1] == 1.0
    assert search(vectors, 32, gpu=False)[1] > 0.8
