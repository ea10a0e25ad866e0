"""What is relied on: each recording once an epoch, decided by the seed; visits of a patient meet in a batch if asked."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from precordia.encoders.training.batches import Batches


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(2, 9), st.booleans(), st.integers(0, 99))
def test_no_recording_comes_twice_and_the_seed_decides(patients: list[int], size: int, visits: bool, seed: int) -> None:
    batches = Batches(torch.arange(len(patients)), [str(p) for p in patients], size, visits=visits)
    epoch = batches.epoch(seed)
    rows = torch.cat(epoch).tolist()
    assert len(epoch) == batches.per_epoch == max(len(patients) // size, 1)
    assert all(len(batch) == min(size, len(patients)) for batch in epoch)
    assert len(set(rows)) == len(rows)
    assert rows == torch.cat(batches.epoch(seed)).tolist()


def pairs(batches: list[torch.Tensor], patients: list[str]) -> int:
    return sum(len(batch) - len({patients[row] for row in batch.tolist()}) for batch in batches)


def test_visits_of_a_patient_meet() -> None:
    patients = [f"p{i // 2}" for i in range(400)] + [f"alone{i}" for i in range(200)]
    rows = torch.arange(600)
    apart, together = (Batches(rows, patients, 25, visits=visits) for visits in (False, True))
    assert pairs(together.epoch(3), patients) == 200
    assert pairs(apart.epoch(3), patients) < 30
    assert together.epoch(3)[0].tolist() != together.epoch(4)[0].tolist()


def test_rows_that_are_not_learned_from_never_come() -> None:
    rows = torch.tensor([1, 3, 5, 7])
    assert set(torch.cat(Batches(rows, list("aabbccdd"), 2, visits=True).epoch(0)).tolist()) == {1, 3, 5, 7}
