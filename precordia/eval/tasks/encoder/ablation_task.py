"""``precordia eval encoder-ablation --set folder=DIR``: every checkpoint of a folder, asked the same questions in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core import bootstrap
from precordia.core.errors import InputError, PrecordiaError
from precordia.core.recording import Recording
from precordia.datasets.ptbxl import TABLE
from precordia.encoders.encoder import SignalEncoder, unit_rows
from precordia.eval.harness.results import hash_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.metrics.probe import fit_probe, precision_at
from precordia.eval.tasks.encoder.changes import fewer_leads
from precordia.eval.tasks.encoder.ptbxl import LabelledRecordings, limited, load_ptbxl
from precordia.eval.tasks.encoder.rows import Split, frequent_codes, macro_estimate
from precordia.eval.tasks.encoder.text import PROMPTS, aligned_text_encoder, prompt_scores
from precordia.records.standardize import standardize

FOLDS: Final = (8, 9)
"""Fold 8 to choose by, fold 9 to report."""

CHANGES: Final = ("leads: I", "leads: random six")


@dataclass(frozen=True, eq=False)
class Vectors:
    """What one encoder makes of the recordings.

    Attributes:
        whole: ``(n, dim)`` of all recordings.
        changed: Change to ``(n, dim)``; zero outside of :data:`FOLDS`.
    """

    whole: NDArray[np.float32]
    changed: dict[str, NDArray[np.float32]]


CARD: Final = TaskCard(
    name="encoder-ablation",
    summary=(
        "every checkpoint of a folder (--set folder=DIR) beside the shipped and an untrained encoder, on folds 8 and 9"
    ),
    protocol=(
        "Each folder with an encoder.json directly under DIR. Fold 8: logistic regression on folds 1-7, its penalty chosen on fold "
        "7; what recipes are chosen by. Fold 9: on folds 1-8, penalty chosen on fold 8; for the report. Superclasses, the 20 most "
        "frequent codes, lead I and six random leads with the probe of whole ECGs, zero-shot by the prompts of the encoder task "
        "where the checkpoint has text, precision@10 by shared superclass. 95% intervals: bootstrap by patient."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0); Strodthoff et al., IEEE JBHI 2021;25:1519-1528",
    headline=("macro AUROC, superclasses*", "macro AUROC, 20 most frequent codes"),
    runs=(),
    code=__name__,
)


class EncoderAblationTask:
    """Checkpoints side by side: what each objective, or each recipe, is worth."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        from precordia.encoders.checkpoint import load_encoder, untrained

        given = settings.options.get("folder")
        data = limited(load_ptbxl(settings.data / "ptbxl"), settings.limit)
        shipped = load_encoder(settings.encoder)
        found = {settings.encoder: shipped, "untrained": untrained(shipped.architecture, settings.seed)}
        folders, notes = checkpoints(Path(given)) if given else ([], [])
        ready = [standardize(recording, shipped.spec) for recording in data.recordings]
        rows: list[Row] = []
        asked = [*((name, None) for name in found), *((folder.name, folder) for folder in folders)]
        for name, place in settings.progress(asked, len(asked), "embedding", "checkpoint"):
            try:
                encoder = found[name] if place is None else load_encoder(place)
            except PrecordiaError as error:
                notes.append(f"{name}: left out, {error}")
                continue
            rows += _rows_of(name, encoder, data, ready, settings.seed)
        if not folders:
            notes.append("no checkpoint was given (--set folder=DIR): the shipped and an untrained encoder only")
        return Result(
            task=self.card.name,
            rows=tuple(rows),
            notes=(*notes, "fold 9 has 232 ECGs: differences below about 0.02 say nothing"),
            settings={"checkpoints": ", ".join(folder.name for folder in folders)},
            data={
                "ptbxl": hash_of([settings.data / "ptbxl" / TABLE], settings.data),
                **{folder.name: hash_of([folder / "weights.safetensors"], folder) for folder in folders},
            },
        )


def checkpoints(folder: Path) -> tuple[list[Path], list[str]]:
    """Folders directly under one that hold a finished checkpoint, by name; and what is not finished, in words.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that holds the checkpoints with --set folder=DIR")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    done = [path for path in inside if (path / "encoder.json").is_file() and (path / "weights.safetensors").is_file()]
    return done, [f"{path.name}: no finished checkpoint, left out" for path in inside if path not in done]


def _rows_of(
    name: str, encoder: SignalEncoder, data: LabelledRecordings, ready: Sequence[Recording], seed: int
) -> Iterator[Row]:
    vectors = _embed(encoder, data, ready, seed)
    for fold in FOLDS:
        split = Split(data, data.folds < fold, data.folds == fold - 1, data.folds == fold)
        group, patients, test = f"fold {fold}", split.test_patients, split.test
        labels, codes, choose = data.superclasses, frequent_codes(split), split.choose[split.fit]
        probe = fit_probe(vectors.whole[split.fit], labels[split.fit], choose)
        code_probe = fit_probe(vectors.whole[split.fit], codes[split.fit], choose)
        asked = {
            "macro AUROC, superclasses": (labels, probe.scores(vectors.whole[test])),
            "macro AUROC, 20 most frequent codes": (codes, code_probe.scores(vectors.whole[test])),
        }
        for change, changed in vectors.changed.items():
            asked[f"macro AUROC, superclasses, {change}"] = (labels, probe.scores(changed[test]))
        if encoder.text_projection is not None:
            space = encoder.to_text_space(vectors.whole[test])
            prompts = [PROMPTS[superclass] for superclass in SUPERCLASSES]
            asked["macro AUROC, superclasses, zero-shot"] = (
                labels,
                prompt_scores(space, aligned_text_encoder(encoder), prompts),
            )
        for metric, (truth, scores) in asked.items():
            found = macro_estimate(truth[test], scores, patients, seed)
            yield Row(name, metric, found.value, found.low, found.high, found.n, group)
        unit = unit_rows(vectors.whole)
        shares = precision_at(unit[test], unit[split.fit], labels[test], labels[split.fit])
        found = bootstrap.mean(shares, patients, seed=seed)
        yield Row(name, "precision@10, shared superclass", found.value, found.low, found.high, found.n, group)


def _embed(encoder: SignalEncoder, data: LabelledRecordings, ready: Sequence[Recording], seed: int) -> Vectors:
    whole = encoder.embed(ready, standardized=True)
    rows = np.flatnonzero(np.isin(data.folds, FOLDS))
    changed = {}
    for change, function in fewer_leads(seed):
        if change in CHANGES:
            out = np.zeros_like(whole)
            out[rows] = encoder.embed([function(data.recordings[i]) for i in rows])
            changed[change] = out
    return Vectors(whole, changed)


ENCODER_ABLATION = EncoderAblationTask()
