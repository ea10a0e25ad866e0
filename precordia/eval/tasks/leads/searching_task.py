"""``precordia eval few-leads``: whether one or two leads find what all twelve find, and an infarction by its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.case import patient_key_of
from precordia.core.recording import Recording
from precordia.datasets.ptbxl import read_superclasses
from precordia.encoders.checkpoint import load_encoder
from precordia.encoders.windows import Ecgs
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_codes, read_ptbxl_here
from precordia.eval.tasks.leads.systems import samples_of
from precordia.fitting.signals.leads.aligning import Vectors, embed, nearest, nearest_of, overlap, vectors_of
from precordia.retrieval.few_leads import check
from precordia.signals.leads.alignment import Alignment, load_alignment
from precordia.signals.leads.drawers import load_drawer

ALL: Final = "all leads"
FUSED: Final = "fused"
DIRECT: Final = "direct"
NEIGHBOURS: Final = 50
"""Neighbours whose share with a finding is its score: chosen on fold 8 among 10, 20, 50 and 100."""
FEWEST: Final = 5
"""ECGs with and without a finding, below which no AUROC is given."""
TYPES: Final = ("AMI", "ASMI", "ALMI", "IMI", "ILMI", "LMI", "IPMI", "IPLMI", "PMI")
"""PTB-XL's codes of infarctions by place."""
OVERLAP_GOAL: Final = 0.45
MI_GOAL: Final = 0.85

CARD: Final = TaskCard(
    name="few-leads",
    summary="neighbours found from lead I, II, V5 or I and II among whole ECGs: overlap with all leads', infarction by their share",
    protocol=(
        "PTB-XL 1.0.3 at 100 Hz, recordings present under DATA/ptbxl. Archive: vectors of folds 1-8 with all leads. "
        "Queries: fold 9 (--set fold=8 against folds 1-7 tunes), cut to the given leads, embedded as they are (direct), "
        "as the twelve leads drawn from them (drawn), by the head (aligned) and by the weights of the three that "
        "held-back ECGs of folds 1-8 chose (fused), as the knowledge base does. Overlap: share of the ten neighbours of "
        "the whole ECG that are found. AUROC: share of 50 neighbours with the finding by the archive's codes, whatever "
        "their likelihood. Types of infarction with fewer than five ECGs are left out. The encoder learned from reports "
        "of folds 1-7. 95% intervals: bootstrap by patient, paired for differences."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0); SelfMIS",
    headline=("top-10 overlap*", "AUROC, any infarction*"),
    code=__name__,
)


class SearchingTask:
    """Few leads among whole ECGs."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option that is not understood.
            InputError: no PTB-XL.
            CheckpointError: the alignment is of another encoder; says how to make it again.
        """
        self.card.check_options(settings.options, "fold", "alignment")
        fold = int(settings.options.get("fold", "9"))
        encoder = load_encoder(settings.encoder)
        alignment = load_alignment(settings.options.get("alignment", "aligned"))
        check(alignment, encoder)
        here = read_ptbxl_here(settings.data)
        cases, queries = of_folds(here, range(1, fold)), of_folds(here, [fold])[: settings.limit]
        known, asked = Ecgs.of(cases, encoder.spec), Ecgs.of(queries, encoder.spec)
        archive = embed(encoder, known.signal, known.leads, known.samples)
        drawer = load_drawer(alignment.drawer).drawer
        vectors = vectors_of(encoder, drawer, asked.signal, asked.samples, alignment.groups, settings.progress)
        labels, digest = labels_of(settings, (*cases, *queries))
        truth = {name: (each[len(cases) :], each[: len(cases)]) for name, each in labels.items()}
        patients = [patient_key_of(query) for query in queries]
        rows: list[Row] = []
        rows += _infarction_rows({ALL: vectors.whole @ archive.T}, truth, patients, "", settings.seed)
        samples: list[dict[str, object]] = []
        for group in alignment.groups:
            name = f"from {', '.join(group)}"
            similar = {how: v @ archive.T for how, v in _ways(alignment, vectors, group).items()}
            each = {how: overlap(nearest_of(s), nearest(vectors.whole, archive)) for how, s in similar.items()}
            rows += _overlap_rows(each, patients, name, settings.seed)
            rows += _infarction_rows(similar, truth, patients, name, settings.seed)
            samples += samples_of(queries, name, "overlap", each)
        rare = [kind for kind in TYPES if truth[kind][0].sum() < FEWEST]
        return Result(
            self.card.name,
            tuple(rows),
            (
                f"{len(queries)} queries, {len(cases)} cases; weights of direct, drawn and aligned: "
                + "; ".join(f"{', '.join(g)} {alignment.shares[g]}" for g in alignment.groups),
                f"fewer than {FEWEST} ECGs here: {', '.join(rare)}" if rare else "every type of infarction occurs",
                "an infarction by neighbours ranks ECGs for a reader; from one lead it is never said of an ECG",
            ),
            samples,
            {"fold": str(fold), "encoder": encoder.fingerprint, "used in searches": str(alignment.used)},
            {"ptbxl signals": hash_signals(queries), "ptbxl_database.csv": digest},
        )


def _ways(alignment: Alignment, vectors: Vectors, group: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    direct, drawn = vectors.direct[group], vectors.drawn[group]
    aligned = alignment.head(alignment.inputs(direct, drawn, group))
    return {DIRECT: direct, "drawn": drawn, "aligned": aligned, FUSED: alignment.fused(direct, drawn, group)}


def labels_of(settings: Settings, recordings: Sequence[Recording]) -> tuple[dict[str, NDArray[np.bool_]], str]:
    """Kind of infarction to ``(n,)`` which recordings have it, and the hash of what tells."""
    codes, digest = read_codes(settings.data)
    superclass = read_superclasses(settings.data / "ptbxl")
    said = [{code.removeprefix("scp:") for code in codes[r.recording_id]} for r in recordings]
    out = {"any infarction": np.array([any(superclass.get(code) == "MI" for code in one) for one in said])}
    return out | {kind: np.array([kind in one for one in said]) for kind in TYPES}, digest


def _overlap_rows(
    each: Mapping[str, NDArray[np.float64]], patients: Sequence[str], group: str, seed: int
) -> Iterator[Row]:
    for how, values in each.items():
        e = bootstrap.mean(values, patients, seed=seed)
        goal = OVERLAP_GOAL if how == FUSED else None
        yield Row(how, "top-10 overlap with all leads", e.value, e.low, e.high, e.n, group, goal=goal)
    gain = bootstrap.difference(each[FUSED], each[DIRECT], patients, seed=seed)
    yield Row(FUSED, "top-10 overlap, gain over direct", gain.value, gain.low, gain.high, gain.n, group)


def _infarction_rows(
    similar: Mapping[str, NDArray[np.float32]],
    truth: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    patients: Sequence[str],
    group: str,
    seed: int,
) -> Iterator[Row]:
    for kind, (asked, known) in truth.items():
        if min(asked.sum(), (~asked).sum()) < FEWEST:
            continue
        for how, each in similar.items():
            share = known[np.argsort(-each, axis=1, kind="stable")[:, :NEIGHBOURS]].mean(axis=1)
            e = bootstrap.auroc(asked, share, patients, seed=seed)
            goal = MI_GOAL if kind == "any infarction" and how == FUSED and group == "from I" else None
            yield Row(how, f"AUROC, {kind}", e.value, e.low, e.high, int(asked.sum()), group, goal=goal)


FEW_LEADS = SearchingTask()
