"""Makes the file that answers rest on, in one go: weighed by an encoder that has not seen what it is weighed on, learned by
the one that is used."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from precordia.core.errors import InputError, UsageError
from precordia.core.progress import Progress, silent
from precordia.datasets.ecgqa.builder.ptbxl import facts_of, rows_of
from precordia.datasets.ptbxl import read_table, signal_of
from precordia.encoders.cross_fitting import cross_fitted
from precordia.fitting.answers.archive import TRAINING_FOLDS
from precordia.fitting.answers.examined import examine
from precordia.fitting.answers.ground import HELD, Ground, check_folds, in_words
from precordia.fitting.answers.signals import find_signals
from precordia.fitting.trained import Trained
from precordia.generation.answers.fitted import save


def train_answers(
    data: Path | str,
    out: Path | str,
    *,
    encoder: str = "default",
    unseen: str | None = None,
    cross_fitted_in: Path | str | None = None,
    held: Collection[int] | None = None,
    seed: int = 42,
    progress: Progress = silent,
) -> Trained:
    """Fit what answers rest on, for one encoder, and write it.

    With ``unseen`` or ``cross_fitted_in``, trust, sharpness, curves and thresholds come from that encoder, which was not
    trained on the folds held back, and probes and priors from all of folds 1-8; without, everything from the encoder itself,
    learned on the folds that are not held back.

    Args:
        data: Folder that holds ``ptbxl/``.
        out: The file to write.
        encoder: Name or folder of the encoder that is to answer.
        unseen: Name or folder of one of the same recipe that was trained without the folds held back.
        cross_fitted_in: Folder of cross-fitted encoders, of which that without fold 8 is taken, with its folds held back.
        held: Folds held back; by default 8.
        seed: Of the questions drawn.
        progress: Goes through what takes long.

    Raises:
        UsageError: both of ``unseen`` and ``cross_fitted_in``, or ``held`` beside the latter or not some of folds 1-8.
        InputError: PTB-XL is not there, or too little of it.
        CheckpointError: the folder holds no cross-fitted encoders.
    """
    if cross_fitted_in is not None:
        if unseen is not None or held is not None:
            raise UsageError(
                "cross-fitted encoders say themselves what they have not seen: name no other, and no folds"
            )
        part = cross_fitted(cross_fitted_in).part_without(max(HELD))
        unseen, held = str(Path(cross_fitted_in) / part.folder), tuple(int(fold) for fold in part.unseen)
    folds = HELD if held is None else frozenset(held)
    check_folds(folds)
    ground = _ground(Path(data), unseen or encoder, seed, progress)
    fitted, kept = ground.held_back(folds)
    notes = in_words(fitted, kept)
    if unseen is not None:
        fitted = _seen_by(ground, encoder).as_weighed(fitted)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(fitted, path)
    facts = {"encoder": fitted.encoder, "source": fitted.source, "least_confidence": dict(fitted.least_confidence)}
    return Trained("answers", path, facts, (f"fitted on {fitted.source}", *notes))


def _ground(data: Path, encoder: str, seed: int, progress: Progress) -> Ground:
    rows, _ = read_table(data / "ptbxl")
    train = rows_of(rows, TRAINING_FOLDS, [i for i in rows if signal_of(data / "ptbxl", i)])
    if not train:
        raise InputError(f"{data / 'ptbxl'}: no signal of folds 1-8; get records100 or records500")
    signals = find_signals("ptbxl", data, [int(row["ecg_id"]) for row in train])
    examined, vectors, _ = examine(signals, encoder, progress=progress)
    return Ground(examined, vectors, [facts_of(row) for row in train], seed, progress)


def _seen_by(ground: Ground, encoder: str) -> Ground:
    """The same ECGs, as measured there, with another encoder's vectors."""
    _, vectors, archive = examine(ground.examined.signals, encoder, progress=ground.progress)
    return Ground(ground.examined.beside(archive, vectors), vectors, ground.facts, ground.seed, ground.progress)
