"""What encoders learn from besides folders: knowledge bases and simulated patients, read by number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from precordia.core.recording import Recording
    from precordia.encoders.recipe import Recipe
    from precordia.encoders.sources import Source
    from precordia.indexing.store import DeltaCaseStore


def source_of(folders: list[Path], recipe: Recipe, reports: Path | None, mapping: Path | None) -> Source:
    """Everything that was named, with the recipe's simulated ECGs at the end.

    Raises:
        InputError: a folder is not there or holds no ECG, or the table of reports cannot be read.
    """
    from precordia.encoders.sources import Joined, open_source
    from precordia.knowledge_base import is_knowledge_base

    sources = [Cases(f) if is_knowledge_base(f) else open_source(f, reports, mapping) for f in folders]
    return Joined((*sources, *([Simulated(recipe.simulated, recipe.seed)] if recipe.simulated else [])))


@dataclass(frozen=True)
class Cases:
    """The recordings of a knowledge base, with their reports."""

    path: Path

    @cached_property
    def _store(self) -> DeltaCaseStore:
        from precordia.indexing.store import DeltaCaseStore

        return DeltaCaseStore(self.path)

    @cached_property
    def _ids(self) -> list[int]:
        return [int(case_id) for case_id in self._store.select(None)]

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    def __len__(self) -> int:
        return len(self._ids)

    def read(self, number: int) -> Recording:
        """One case's recording."""
        case_id = self._ids[number]
        case, recording = self._store.get([case_id])[0], self._store.recording(case_id)
        return replace(recording, report=case.report, patient_id=case.patient_key, metadata=case.metadata)

    def stamp(self) -> str:
        """Changes with the cases; ids are made from signal, patient and name."""
        digest = hashlib.sha256(",".join(map(str, self._ids)).encode())
        for start in range(0, len(self._ids), 4096):
            for case in self._store.get(self._ids[start : start + 4096]):
                digest.update(f"{case.report}|{sorted(case.metadata.items())}".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Simulated:
    """Simulated ECGs at 100 Hz, each of a patient of its own, with a report written from what is known of it."""

    n: int
    seed: int

    def __len__(self) -> int:
        return self.n

    def read(self, number: int) -> Recording:
        """One simulated patient's ECG."""
        import numpy as np

        from precordia.core.leads import LEADS
        from precordia.core.recording import Recording
        from precordia.simulation.reports import write_report
        from precordia.simulation.simulator import simulate_batch

        batch = simulate_batch(1, self.seed, first=number)
        return Recording(
            signal=batch.signal[0],
            fs=batch.fs,
            leads=LEADS,
            recording_id=f"simulated:{self.seed}-{number}",
            report=write_report(batch.truths[0], np.random.default_rng([self.seed, number])),
            metadata={"dataset": "simulated"},
        )

    def stamp(self) -> str:
        """Number, seed and release."""
        from precordia import __version__

        return f"simulated {self.n} {self.seed} {__version__}"
