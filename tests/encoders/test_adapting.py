"""What is relied on: an adapter learns what its labels say, and goes on after a kill as if there had been none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.encoders import SignalEncoder, create
from precordia.encoders.adapter import Adapter
from precordia.encoders.adapting import AdaptRecipe, train_factors
from precordia.encoders.low_rank import Factors
from precordia.encoders.training.probe import aurocs, ridge_scores
from precordia.encoders.windows import Ecgs
from precordia.simulation import simulate_batch

RECIPE = AdaptRecipe(rank=2, epochs=3, batch_size=8, seed=5, learning_rate=1e-2)


@pytest.fixture(scope="module")
def base() -> SignalEncoder:
    return create("tiny", seed=3)


@pytest.fixture(scope="module")
def phantoms() -> tuple[Ecgs, NDArray[np.bool_]]:
    """128 ECGs, and whether sinus rhythm is among what is true of them."""
    batch = simulate_batch(128, seed=7, fs=100, duration_s=10)
    ecgs = Ecgs(batch.signal, np.ones((128, 12), dtype=bool), np.ones((128, 1000), dtype=bool))
    return ecgs, np.array([["SR" in truth.concepts] for truth in batch.truths])


def some(ecgs: Ecgs, rows: slice) -> Ecgs:
    return Ecgs(ecgs.signal[rows], ecgs.leads[rows], ecgs.samples[rows])


def vectors(encoder: SignalEncoder, ecgs: Ecgs) -> NDArray[np.float32]:
    with torch.no_grad():
        out = encoder.network(ecgs.inputs(np.arange(len(ecgs)))).embedding.numpy()
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def same(a: dict[str, Factors], b: dict[str, Factors]) -> bool:
    return a.keys() == b.keys() and all(
        np.array_equal(a[name].up, b[name].up) and np.array_equal(a[name].down, b[name].down) for name in a
    )


def test_learns_what_the_labels_say(base: SignalEncoder, phantoms: tuple[Ecgs, NDArray[np.bool_]]) -> None:
    ecgs, labels = phantoms
    before = [parameter.clone() for parameter in base.network.parameters()]
    factors = train_factors(
        base, some(ecgs, slice(0, 64)), labels[:64], some(ecgs, slice(96, 128)), replace(RECIPE, epochs=8, stay=0.0)
    )
    adapted = Adapter(factors, "base", base.fingerprint, "").adapted(base)
    found = []
    for encoder in (base, adapted):
        scores = ridge_scores(
            vectors(encoder, some(ecgs, slice(0, 64))), labels[:64], vectors(encoder, some(ecgs, slice(64, 128)))
        )
        found.append(float(aurocs(labels[64:], scores)[0]))
    assert found[1] > found[0] + 0.05, found
    assert all(torch.equal(a, b) for a, b in zip(before, base.network.parameters(), strict=True))


def test_unlabelled_ecgs_take_part(base: SignalEncoder, phantoms: tuple[Ecgs, NDArray[np.bool_]]) -> None:
    ecgs, labels = phantoms
    recipe = replace(RECIPE, epochs=1, confidence=0.6)
    with_some = train_factors(base, some(ecgs, slice(0, 16)), labels[:16], some(ecgs, slice(64, 96)), recipe)
    with_none = train_factors(base, some(ecgs, slice(0, 16)), labels[:16], some(ecgs, slice(0, 0)), recipe)
    assert not same(with_some, with_none)


class Killed(Exception):
    pass


def killed_after(epochs: int) -> object:
    def progress(items: Iterable[int], total: int | None, label: str, unit: str = "") -> Iterator[int]:
        for number, item in enumerate(items):
            if number == epochs:
                raise Killed
            yield item

    return progress


def test_goes_on_after_a_kill(base: SignalEncoder, phantoms: tuple[Ecgs, NDArray[np.bool_]], tmp_path: Path) -> None:
    ecgs, labels = phantoms
    given = (base, some(ecgs, slice(0, 24)), labels[:24], some(ecgs, slice(64, 96)))
    whole = train_factors(*given, RECIPE)
    with pytest.raises(Killed):
        train_factors(*given, RECIPE, folder=tmp_path, progress=killed_after(1))  # type: ignore[arg-type]
    seen: list[int] = []

    def counting(items: Iterable[int], total: int | None, label: str, unit: str = "") -> Iterator[int]:
        for item in items:
            seen.append(item)
            yield item

    assert same(train_factors(*given, RECIPE, folder=tmp_path, progress=counting), whole)  # type: ignore[arg-type]
    assert seen == [1, 2]
    with pytest.raises(UsageError, match="another folder"):
        train_factors(*given, replace(RECIPE, seed=6), folder=tmp_path)
    (tmp_path / "state.pt").write_bytes(b"?")
    with pytest.raises(UsageError, match="begin anew"):
        train_factors(*given, RECIPE, folder=tmp_path)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="rank 0"):
        AdaptRecipe(rank=0)
