from __future__ import annotations

import importlib.util
import sys

import pytest

from precordia.core.errors import MissingExtraError, UnknownNameError
from precordia.engine.executors import EXECUTORS
from precordia.engine.ray import RayExecutor
from precordia.testing.executors import ExecutorContract, square


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[scale\]"):
        RayExecutor().map(square, [1])


def test_it_is_chosen_by_name_and_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[scale\]"):
        EXECUTORS.get("ray")(2, 3)
    with pytest.raises(UnknownNameError, match="unknown executor 'rya'; did you mean 'ray'"):
        EXECUTORS.get("rya")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'precordia[scale]'")
class TestRayExecutor(ExecutorContract):
    def make(self, workers: int) -> RayExecutor:
        return RayExecutor(workers)
