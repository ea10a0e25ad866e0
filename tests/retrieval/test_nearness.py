import numpy as np
import pytest

from precordia.indexing.vectors import FlatIndex
from precordia.retrieval.nearness import PatientsOf, nearest_similarities


def make_index(vectors: list[list[float]]) -> FlatIndex:
    index = FlatIndex(2, gpu=False)
    rows = np.array(vectors, dtype=np.float32)
    index.add(np.arange(1, len(rows) + 1), rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return index


def whose(patients: str) -> PatientsOf:
    return lambda ids: [patients[int(i) - 1] for i in ids]


def test_the_own_patient_does_not_count() -> None:
    index = make_index([[1, 0], [1, 0.01], [0, 1]])
    nearest = nearest_similarities(index, whose("aab"))
    assert nearest == pytest.approx([0.0, 0.01, 0.01], abs=1e-3)


def test_one_patient_alone_has_no_neighbours() -> None:
    index = make_index([[1, 0], [1, 1]])
    assert nearest_similarities(index, whose("aa")).size == 0
    assert nearest_similarities(make_index([[1, 0]]), whose("a")).size == 0
