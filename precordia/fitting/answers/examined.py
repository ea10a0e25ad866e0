"""All that is known of each ECG that questions are about: the one place from which every system takes its evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from precordia.core.errors import InputError
from precordia.core.findings import Measurements
from precordia.core.progress import Progress, silent
from precordia.core.recording import Quality
from precordia.fitting.answers.archive import Archive, HereArchive, KnowledgeBaseArchive, Vectors
from precordia.fitting.answers.signals import Signals
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement, judge
from precordia.judgement.knowledge import Knowledge
from precordia.judgement.votes import similarity_of
from precordia.knowledge_base import KnowledgeBase


class Examined:
    """ECGs by number, each measured, assessed and judged once.

    Args:
        signals: The ECGs.
        vectors: Their embeddings; None where no encoder is asked.
        archive: Their precedents, and what it has taught; None for neither.
    """

    def __init__(self, signals: Signals, vectors: Vectors | None = None, archive: Archive | None = None) -> None:
        self.signals, self._vectors, self._archive = signals, vectors, archive
        self.measurements: Callable[[int], Measurements] = cache(self._measure)
        self.quality: Callable[[int], Quality] = cache(self._assess)
        self.evidence: Callable[[int], Evidence] = cache(self._gather)
        self.judgement: Callable[[int], Judgement] = cache(lambda ecg: judge(self.evidence(ecg)))

    def beside(self, archive: Archive | None, vectors: Vectors | None = None) -> Examined:
        """The same ECGs, as measured and assessed here, with other precedents, or without; with another encoder's vectors."""
        other = Examined(self.signals, self._vectors if vectors is None else vectors, archive)
        other.measurements, other.quality = self.measurements, self.quality
        return other

    def _measure(self, ecg: int) -> Measurements:
        from precordia.measurements import measure

        return measure(self.signals.recording(ecg))

    def _assess(self, ecg: int) -> Quality:
        from precordia.records.quality import assess

        return assess(self.signals.recording(ecg))

    def _gather(self, ecg: int) -> Evidence:
        """As :meth:`KnowledgeBase.evidence` gathers it."""
        vectors, archive = self._vectors, self._archive
        nearest = archive.hits(ecg)[:1] if archive is not None else []
        return Evidence(
            self.signals.recording(ecg),
            self.measurements(ecg),
            self.quality(ecg),
            vectors.of(ecg) if vectors is not None and ecg in vectors else None,
            tuple(archive.precedents(ecg, self.measurements)) if archive is not None else (),
            knowledge=archive.knowledge(self.measurements) if archive is not None else Knowledge(),
            nearest=similarity_of(nearest[0]) if nearest else float("nan"),
        )


def examine(
    signals: Signals, encoder: str, kb: KnowledgeBase | None = None, progress: Progress = silent
) -> tuple[Examined, Vectors, Archive]:
    """ECGs with all that is known of them, and the vectors and the archive that it comes from.

    Args:
        signals: The ECGs.
        encoder: Name or path.
        kb: Where precedents are; None for the ECGs of PTB-XL's folds 1 to 8 that are here.
        progress: Goes through what takes long.

    Raises:
        InputError: the knowledge base was built with another encoder.
    """
    from precordia.encoders import load_encoder
    from precordia.encoders.seen import seen_by

    loaded = load_encoder(encoder)
    if kb is not None and kb.manifest.encoder_fingerprint != loaded.fingerprint:
        raise InputError(f"{kb.path}: built with encoder {kb.manifest.encoder!r}; name it with --encoder")
    vectors = Vectors(signals, loaded, {*signals.paths, *signals.cases}, progress)
    archive: Archive = (
        KnowledgeBaseArchive(signals, kb)
        if kb is not None
        else HereArchive(signals, vectors, lambda found: seen_by(encoder, found))
    )
    return Examined(signals, vectors, archive), vectors, archive
