"""Shadows: a copy of an ECG that an encoder was trained on is recognised, another ECG is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.encoders.seen import FILE, N_DIRECTIONS, middle_of_seen, seen_by, shadows_of, unit_shadows

DIM = 256


def unit(seed: int, n: int = 50) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    np.save(tmp_path / FILE, np.unique(shadows_of(unit(0)), axis=0))
    return tmp_path


def blurred(vectors: np.ndarray, similarity: float) -> np.ndarray:
    """Unit vectors at about this cosine similarity to others."""
    noise = unit(9, len(vectors))
    noise -= (noise * vectors).sum(axis=1, keepdims=True) * vectors
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    return (similarity * vectors + np.sqrt(1 - similarity**2) * noise).astype(np.float32)


@pytest.mark.parametrize("similarity", [1.0, 0.999, 0.995])
def test_a_copy_is_recognised(checkpoint: Path, similarity: float) -> None:
    assert seen_by(str(checkpoint), blurred(unit(0), similarity)).all()


def test_another_ecg_is_not(checkpoint: Path) -> None:
    assert not seen_by(str(checkpoint), unit(1)).any()
    assert not seen_by(str(checkpoint), blurred(unit(0), 0.9)).any()


def test_each_ecg_is_told_for_itself(checkpoint: Path) -> None:
    mixed = np.concatenate([unit(1, 700), unit(0), unit(2, 10)])
    assert np.flatnonzero(seen_by(str(checkpoint), mixed)).tolist() == list(range(700, 750))


def test_no_shadows_mean_that_none_is_known_to_be_seen(tmp_path: Path) -> None:
    found = seen_by(str(tmp_path), unit(0))
    assert found.dtype == bool
    assert found.tolist() == [False] * 50


def test_no_ecgs_are_no_answer(checkpoint: Path) -> None:
    assert seen_by(str(checkpoint), np.zeros((0, DIM), dtype=np.float32)).shape == (0,)


def test_a_shadow_is_smaller_than_the_vector_and_the_same_each_time() -> None:
    shadows = shadows_of(unit(0))
    assert shadows.shape == (50, N_DIRECTIONS)
    assert shadows.dtype == np.int8
    assert N_DIRECTIONS < DIM
    assert np.array_equal(shadows, shadows_of(unit(0)))


def test_the_middle_of_what_was_seen_is_near_its_like_and_far_from_others(tmp_path: Path) -> None:
    like = unit(3, 1)
    np.save(tmp_path / FILE, shadows_of(blurred(np.repeat(like, 50, axis=0), 0.9)))
    middle = middle_of_seen(str(tmp_path))
    assert middle is not None
    near, far = ((unit_shadows(v).sum(axis=0) @ middle) / np.linalg.norm(middle) for v in (like, unit(4, 1)))
    assert near > 0.9 > 0.6 > abs(far)
    assert middle_of_seen("no such encoder") is None
