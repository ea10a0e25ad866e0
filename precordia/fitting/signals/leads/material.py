"""The ECGs from which drawing leads is learned: those with all twelve, with phantoms where a recipe wants them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.progress import Progress
from precordia.encoders.corpus import gather as read_all
from precordia.encoders.sources import Joined, open_source, readings
from precordia.fitting.encoders.sources import Simulated
from precordia.records.standardize import SignalSpec
from precordia.signals.leads.recipe import Recipe

FOLD = "strat_fold"


@dataclass(frozen=True, eq=False)
class Material:
    """ECGs with all leads, one row each.

    Attributes:
        ids: Recording ids.
        patients: Patient keys.
        signal: ``(n, 12, n_samples)`` float32, mV; leads that were scaled one by one are brought to typical amplitudes.
        samples: ``(n, n_samples)`` bool, which samples are there.
        calibrated: ``(n,)`` bool, whether mV are known.
        held_out: ``(n,)`` bool, only watched.
        data_hash: SHA-256 of what was read.
    """

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    signal: NDArray[np.float32]
    samples: NDArray[np.bool_]
    calibrated: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    data_hash: str

    def __len__(self) -> int:
        return len(self.ids)


def gather(data: Path, recipe: Recipe, simulated: int, progress: Progress) -> Material:
    """Read them.

    Args:
        data: A folder of ECGs, as for training an encoder.
        recipe: Says which folds are left out and which only watched.
        simulated: Phantom ECGs that are added.
        progress: Goes through what is read.

    Raises:
        InputError: the folder is not there, or holds no ECG to train on.
    """
    source = Joined((open_source(data), *([Simulated(simulated, recipe.seed)] if simulated else [])))
    corpus = read_all(
        progress(readings(source), len(source), "reading"),
        SignalSpec(),
        exclude={FOLD: tuple(str(fold) for fold in recipe.exclude)},
        hold_out={FOLD: tuple(str(fold) for fold in recipe.hold_out)},
    )
    rows = np.flatnonzero(corpus.leads.all(axis=1))
    return Material(
        tuple(corpus.ids[row] for row in rows), tuple(corpus.patients[row] for row in rows), corpus.signal[rows],
        corpus.samples[rows], corpus.calibrated[rows], corpus.held_out[rows], corpus.data_hash,
    )  # fmt: skip
