"""Fits the signal checks that ship: the score's coefficients, and the matrix by which exchanged arm electrodes are found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError
from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.core.progress import Progress, silent
from precordia.core.recording import Recording
from precordia.datasets import cinc2011
from precordia.encoders.sources import read_ptbxl
from precordia.fitting.trained import Trained, written
from precordia.records.quality import swap
from precordia.records.quality.leads import LeadFacts, lead_facts
from precordia.records.quality.score import FEATURES, Coefficients, features
from precordia.records.quality.units import units_problem
from precordia.records.quality.view import View, view_of

STRENGTH = 0.3
"""Inverse of the ridge penalty on standardized features; between 0.1 and 3 it makes no difference."""

SWAP_FOLDS = frozenset("12345678")
"""Folds of PTB-XL whose beats the matrix is fitted on: fold 9 scores it."""


def train_quality(data: Path | str, out: Path | str, *, progress: Progress = silent) -> Trained:
    """Fit the score's coefficients on CinC 2011's annotators, and write them as ``score.json``.

    Args:
        data: Folder that holds ``pretrain/`` with CinC 2011.
        out: The file to write.
        progress: Goes through what takes long.

    Raises:
        InputError: the recordings are not there, or annotators were of one mind about all of them.
    """
    labelled = cinc2011.read_labelled(Path(data) / cinc2011.CARD.place)
    truth = np.array([one.acceptable for one in labelled])
    if truth.all() or not truth.any():
        raise InputError(f"{data}: annotators were of one mind about all {truth.size} recordings; give CinC 2011 whole")
    x = design([one.recording for one in progress(labelled, len(labelled), "CinC 2011")])
    coefficients = fit(x, truth)
    document = {
        "source": "precordia train quality --out precordia/records/quality/score.json",
        "features": list(FEATURES),
        "weights": [round(w, 4) for w in coefficients.weights],
        "intercept": round(coefficients.intercept, 4),
    }
    note = f"{truth.size} recordings of {cinc2011.CARD.title}, of which annotators accept {int(truth.sum())}"
    return Trained("quality", _write(out, document), {"recordings": int(truth.size)}, (note,))


def train_swaps(data: Path | str, out: Path | str, *, progress: Progress = silent) -> Trained:
    """Fit by which leads I and II are foretold from the chest leads, on PTB-XL, and write it as ``swap.json``.

    Args:
        data: Folder that holds ``ptbxl/``.
        out: The file to write.
        progress: Goes through what takes long.

    Raises:
        InputError: PTB-XL is not there, or no record of folds 1-8.
    """
    found = progress(read_ptbxl(Path(data) / "ptbxl"), None, "PTB-XL")
    recordings = [recording for recording in found if recording.metadata["strat_fold"] in SWAP_FOLDS]
    beats = [beat for recording in recordings if (beat := swap.median_beat(*facts_of(recording))) is not None]
    if not beats:
        raise InputError(f"{Path(data) / 'ptbxl'}: no record of folds 1-8 with beats; give PTB-XL with records100")
    document = {
        "source": "precordia train swaps --out precordia/records/quality/swap.json",
        "leads": ["I", "II"],
        "from": list(CHEST_LEADS),
        "weights": np.round(swap.fit(np.stack(beats)), 4).tolist(),
    }
    note = f"median beats of {len(beats)} of {len(recordings)} recordings of PTB-XL, folds 1-8"
    return Trained("swaps", _write(out, document), {"recordings": len(recordings)}, (note,))


def facts_of(recording: Recording) -> tuple[View, LeadFacts]:
    """View and lead facts as ``assess`` sees them."""
    rows = [i for i, lead in enumerate(recording.leads) if lead in LEADS]
    view = view_of(recording, rows)
    units, factor = units_problem(view)
    if units is not None:
        view = view.rescaled(factor)
    return view, lead_facts(view, recording.signal[rows], recording.fs)


def design(recordings: Sequence[Recording]) -> NDArray[np.float64]:
    """``(n, n_features)``."""
    return np.stack([features(facts_of(recording)[1]) for recording in recordings])


def fit(x: NDArray[np.float64], y: NDArray[np.bool_]) -> Coefficients:
    """Logistic regression on standardized features, told in the features' own units."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    model = LogisticRegression(C=STRENGTH, max_iter=2000).fit((x - centre) / spread, y)
    weights = model.coef_[0] / spread
    return Coefficients(tuple(float(w) for w in weights), float(model.intercept_[0] - weights @ centre))


def _write(out: Path | str, document: dict[str, object]) -> Path:
    return written(out, (json.dumps(document, indent=2) + "\n").encode())
