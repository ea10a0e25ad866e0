"""What the answers of ``precordia eval ecgqa-built`` rest on: precedents, numbers of ECGs, and what is fitted on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError
from precordia.core.protocols import Encoder
from precordia.eval.ecgqa.archive import Archive, HereArchive, KnowledgeBaseArchive, Vectors
from precordia.eval.ecgqa.own import Evidence
from precordia.eval.ecgqa.signals import Signals
from precordia.eval.ecgqa_builder.build import build
from precordia.eval.ecgqa_builder.facts import Facts
from precordia.eval.ecgqa_builder.fitting import Labelled, fit
from precordia.eval.ecgqa_builder.sampling import HELD_OUT, TRAIN
from precordia.eval.ecgqa_builder.slots import Slot
from precordia.eval.task import Settings
from precordia.generation.answers.features import Features, features_of
from precordia.generation.answers.fitted import FittedAnswers, save, shipped_for
from precordia.knowledge_base import KnowledgeBase

TRUST_FOLD: Final = 8
"""The encoder was not trained on it; what is fitted on folds 1-7 is weighed on it."""
_NOT_KNOWN: Final = 0


@dataclass(frozen=True, eq=False)
class Bench:
    """One encoder at work.

    Attributes:
        encoder: It.
        signals: The ECGs.
        vectors: Their embeddings.
        archive: Their precedents.
        features: Number of an ECG to its numbers, each found once.
    """

    encoder: Encoder
    signals: Signals
    vectors: Vectors
    archive: Archive
    features: Callable[[int], Features]


def _of_one(slot: Slot) -> bool:
    return not slot.template.compares


def open_bench(signals: Signals, evidence: Evidence, kb: KnowledgeBase | None, settings: Settings) -> Bench:
    """The encoder with the ECGs embedded; precedents from the knowledge base where there is one.

    Raises:
        InputError: the knowledge base was built with another encoder.
    """
    from precordia.encoders import load_encoder

    encoder = load_encoder(settings.encoder)
    if kb is not None and kb.manifest.encoder_fingerprint != encoder.fingerprint:
        raise InputError(f"{settings.kb}: built with encoder {kb.manifest.encoder!r}; name it with --encoder")
    vectors = Vectors(signals, encoder, signals.paths, settings.progress)
    archive: Archive = KnowledgeBaseArchive(signals, kb) if kb else HereArchive(signals, vectors)

    @cache
    def features(ecg: int) -> Features:
        return features_of(signals.recording(ecg), evidence.measurements(ecg), vectors.of(ecg))

    return Bench(encoder, signals, vectors, archive, features)


def fitted_for(bench: Bench, train: Sequence[Facts], settings: Settings) -> tuple[FittedAnswers | None, str]:
    """What answers rest on, and where it comes from: fitted anew (``fit=FILE``), shipped, or fitted for this run.

    Args:
        bench: Whose encoder.
        train: Facts of folds 1-8.
        settings: Option ``fit`` names a file to be written.
    """
    path = settings.options.get("fit")
    known = shipped_for(bench.encoder.fingerprint)
    if path is None and known is not None:
        return known, "as shipped"
    try:
        fitted = fit_answers(bench, train, settings)
    except InputError as error:
        if path is not None:
            raise
        return None, f"answers rest on votes as they are, since nothing fits this encoder and {error}"
    if path is not None:
        save(fitted, Path(path))
    return (
        fitted,
        f"written to {Path(path).name}" if path else "for this run alone: nothing that ships fits the encoder",
    )


def fit_answers(bench: Bench, train: Sequence[Facts], settings: Settings) -> FittedAnswers:
    """What answers rest on, fitted on folds 1-7 and weighed on fold 8.

    Raises:
        InputError: there are too few ECGs.
    """
    folds = bench.signals.folds
    learn = [f for f in train if folds[f.ecg_id] != TRUST_FOLD]
    held = [f for f in train if folds[f.ecg_id] == TRUST_FOLD]
    # The precedents of fold 8 are of folds 1-7.
    hidden = {ecg: _NOT_KNOWN if fold == TRUST_FOLD else fold for ecg, fold in folds.items()}
    earlier = HereArchive(replace(bench.signals, folds=hidden), bench.vectors)
    seen = [
        Labelled(f, bench.features(f.ecg_id)) for f in settings.progress((*learn, *held), len(train), "read", "ECG")
    ]
    return fit(
        seen[: len(learn)],
        seen[len(learn) :],
        build(learn, split="train", caps=TRAIN, seed=settings.seed, wanted=_of_one),
        build(held, split="valid", caps=HELD_OUT, seed=settings.seed, wanted=_of_one),
        earlier.hits,
        encoder=bench.encoder.fingerprint,
        source=f"PTB-XL folds 1-7 ({len(learn)} ECGs) and weighed on fold 8 ({len(held)} ECGs)",
    )
