"""``precordia eval zero-shot``: MERL's label tables answered by text prompts, without a label."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.eval.harness.results import hash_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.metrics.probe import fit_probe
from precordia.eval.tasks.encoder.archives import read_mat_folder
from precordia.eval.tasks.encoder.rows import macro_estimate
from precordia.eval.tasks.encoder.text import PROMPTS, aligned_text_encoder, prompt_scores, prompts_of
from precordia.eval.tasks.encoder.zero_shot_tables import LabelTable, read_tables

LEAST: Final = 5
"""Positives that a class needs for a row of its own, and for the second macro mean."""

ZERO_SHOT_SYSTEM: Final = "precordia, zero-shot"
PROBE_SYSTEM: Final = "precordia, linear probe"


CARD: Final = TaskCard(
    name="zero-shot",
    summary="MERL's label tables by text prompts: PTB-XL super, sub, form and rhythm, CPSC2018, Chapman",
    protocol=(
        "Label tables of MERL (super, sub, form, rhythm of PTB-XL; CPSC2018; Chapman). PTB-XL rows of fold 9, since the tables' "
        "test part is fold 10 and its signals are not here; every row of the other two whose signal is here, whatever its part, "
        "since the encoder saw none of them. A class is scored by the mean cosine with its prompts: the canonical statements of "
        "its findings in three templates (superclasses: those of the encoder task), written before any result. Macro AUROC over "
        "the classes with a positive and a negative here, and over those with at least five positives. Beside it, where the "
        "table has folds: a linear probe on folds 1-8 of the same table, penalty chosen on fold 8. 95% intervals: bootstrap by "
        "patient."
    ),
    source=(
        "Liu et al., MERL, ICML 2024 (arXiv:2403.06659), tables MIT; PTB-XL, CC BY 4.0; CPSC2018 and Chapman-Ningbo in "
        "PhysioNet/CinC Challenge 2021, CC BY 4.0"
    ),
    headline=("macro AUROC, classes with a positive",),
    code=__name__,
)


class ZeroShotTask:
    """Classes by prompts on what is here of PTB-XL, CPSC2018 and Chapman."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure."""
        from precordia.encoders.checkpoint import load_encoder

        encoder = load_encoder(settings.encoder)
        if encoder.text_projection is None:
            raise UsageError(
                f"encoder {settings.encoder} was trained without text, so that no prompt can be asked of it"
            )
        text_encoder = aligned_text_encoder(encoder)
        recordings = _recordings(settings.data)
        tables = read_tables(settings.data / "splits", recordings)
        needed = sorted({ecg for table in tables for ecg in table.ecgs})
        row_of = {ecg: row for row, ecg in enumerate(needed)}
        vectors = encoder.embed([recordings[ecg] for ecg in needed])
        rows: list[Row] = []
        samples: list[dict[str, object]] = []
        notes = []
        for table in tables:
            test = np.flatnonzero((table.folds == 9) | (table.folds == 0))
            if not test.size:
                raise UsageError(f"{table.name}: no ECG of the table is under {settings.data}")
            places = np.array([row_of[ecg] for ecg in table.ecgs])
            space = encoder.to_text_space(vectors[places[test]])
            prompts = [_prompts(table, column) for column in table.classes]
            scores = {ZERO_SHOT_SYSTEM: prompt_scores(space, text_encoder, prompts)}
            fit = (table.folds > 0) & (table.folds < 9)
            if fit.any():
                probe = fit_probe(vectors[places[fit]], table.labels[fit], table.folds[fit] == 8)
                scores[PROBE_SYSTEM] = probe.scores(vectors[places[test]])
            patients = [recordings[table.ecgs[i]].patient_id or table.ecgs[i] for i in test]
            rows += _rows(table, test, scores, patients, settings.seed)
            samples += _samples(table, test, scores[ZERO_SHOT_SYSTEM], patients)
            notes.append(_counts(table, test))
        return Result(
            task=self.card.name,
            rows=tuple(rows),
            notes=(
                *notes,
                "with a handful of positives an AUROC hangs on single ECGs: rows of fewer than about 20 positives rank nothing, "
                "and the few ECGs of CPSC2018 and Chapman here say little of those archives",
            ),
            samples=samples,
            settings={"encoder": encoder.fingerprint, "text encoder": text_encoder.fingerprint},
            data={
                "splits": hash_of([settings.data / "splits"], settings.data),
                "recordings": _hash([recordings[ecg] for ecg in needed]),
            },
        )


def _prompts(table: LabelTable, column: str) -> tuple[str, ...]:
    return PROMPTS[column] if table.name == "PTB-XL superclasses" else prompts_of(table.concepts(column))


def _recordings(data: Path) -> dict[str, Recording]:
    """PTB-XL's by id, the others by file name."""
    from precordia.encoders.sources import read_ptbxl

    found = {r.recording_id.split(":")[1]: r for r in read_ptbxl(data / "ptbxl")}
    for part in ("cpsc2018", "chapman_ningbo"):
        found |= read_mat_folder(data / "cinc2021" / part)
    return found


def _rows(
    table: LabelTable,
    test: NDArray[np.intp],
    scores: Mapping[str, NDArray[np.float64]],
    patients: Sequence[str],
    seed: int,
) -> Iterator[Row]:
    labels = table.labels[test]
    positive = labels.sum(axis=0)
    both = (positive > 0) & (positive < len(test))
    many = (positive >= LEAST) & (positive < len(test))
    means = [("classes with a positive", both)]
    if not np.array_equal(both, many):
        means.append((f"classes with at least {LEAST}", many))
    for what, kept in means:
        for system, each in scores.items():
            if kept.any():
                found = macro_estimate(labels[:, kept], each[:, kept], patients, seed)
                group = f"{table.name}, {int(kept.sum())} of {len(table.classes)} classes"
                yield Row(system, f"macro AUROC, {what}", found.value, found.low, found.high, found.n, group)
    for column in np.flatnonzero(many):
        found = bootstrap.auroc(labels[:, column], scores[ZERO_SHOT_SYSTEM][:, column], patients, seed=seed)
        group = f"{table.name}: {table.classes[column]}, {int(positive[column])} positive"
        yield Row(ZERO_SHOT_SYSTEM, "AUROC", found.value, found.low, found.high, found.n, group)


def _samples(
    table: LabelTable, test: NDArray[np.intp], scores: NDArray[np.float64], patients: Sequence[str]
) -> Iterator[dict[str, object]]:
    for row, (i, patient) in enumerate(zip(test, patients, strict=True)):
        for column, name in enumerate(table.classes):
            yield {
                "sample": f"{table.name}:{table.ecgs[i]}:{name}",
                "patient": patient,
                "table": table.name,
                "class": name,
                "truth": bool(table.labels[i, column]),
                "score": float(scores[row, column]),
            }


def _counts(table: LabelTable, test: NDArray[np.intp]) -> str:
    positive = table.labels[test].sum(axis=0)
    present = ", ".join(f"{name} {n}" for name, n in zip(table.classes, positive, strict=True) if n)
    return (
        f"{table.name}: {len(test)} ECGs, positives {present}; none of the {int((positive == 0).sum())} other classes"
    )


def _hash(recordings: Sequence[Recording]) -> str:
    digest = hashlib.sha256()
    for recording in recordings:
        digest.update(recording.content_hash.encode())
    return digest.hexdigest()


ZERO_SHOT = ZeroShotTask()
