"""What is relied on: an error raised in a reading process arrives with its kind and its message."""

from __future__ import annotations

import pickle

import pytest

from precordia.core.errors import FilterError, MissingExtraError, PrecordiaError, UnknownNameError


@pytest.mark.parametrize(
    "error",
    [UnknownNameError("reader", "xml9", ["xml1"]), MissingExtraError("peft", "llm", "LoRA"), FilterError("age <")],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_between_processes(error: PrecordiaError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived)) == (type(error), str(error))
