"""Questions that an encoder answers through text: zero-shot by prompts, and an ECG's own report among others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core import bootstrap
from precordia.core.errors import CheckpointError
from precordia.core.findings import Finding
from precordia.core.protocols import TextEncoder
from precordia.encoders.encoder import SignalEncoder
from precordia.eval.harness.task import Row
from precordia.eval.metrics.probe import reciprocal_ranks
from precordia.eval.tasks.encoder.rows import Split, macro_row

PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "NORM": ("normal ECG", "sinus rhythm. normal ECG", "within normal limits"),
    "MI": ("myocardial infarction", "old inferior myocardial infarction", "anteroseptal myocardial infarction"),
    "STTC": ("ST-T changes", "T wave inversion", "ST depression, ischaemia", "non-specific T wave changes"),
    "CD": ("conduction disturbance", "left bundle branch block", "right bundle branch block", "left anterior fascicular block",
           "first degree AV block"),
    "HYP": ("left ventricular hypertrophy", "right ventricular hypertrophy", "atrial enlargement"),
}  # fmt: skip
"""Texts that stand for a superclass in the zero-shot row; written before any result was seen, never tuned."""


TEMPLATES: Final = ("{}", "{}.", "Sinus rhythm. {}.")
"""How a finding's canonical statement becomes prompts; written before any result was seen, never tuned."""


def prompts_of(concepts: Sequence[str]) -> tuple[str, ...]:
    """Texts that stand for any of some findings: their canonical statements in :data:`TEMPLATES`.

    Sinus rhythm is not put before a rhythm.

    >>> prompts_of(["CLBBB"])
    ('complete left bundle branch block', 'Complete left bundle branch block.', 'Sinus rhythm. Complete left bundle branch block.')
    >>> prompts_of(["AFIB"])
    ('atrial fibrillation', 'Atrial fibrillation.')
    """
    from precordia.concepts import statement_of, vocabulary

    out = []
    for concept in concepts:
        words = statement_of(Finding(concept))
        rhythm = vocabulary().concept(concept).section == "rhythm"
        for template in TEMPLATES[:2] if rhythm else TEMPLATES:
            out.append(template.format(words if template == "{}" else words[0].upper() + words[1:]))
    return tuple(out)


def aligned_text_encoder(encoder: SignalEncoder) -> TextEncoder:
    """The text encoder that an encoder was aligned with.

    Raises:
        CheckpointError: it was aligned with another one than is here.
    """
    from precordia.encoders.text import load_text_encoder

    found = load_text_encoder()
    if found.fingerprint != encoder.text_fingerprint:
        raise CheckpointError(
            f"encoder {encoder.fingerprint} was aligned with text encoder {encoder.text_fingerprint}, but the default one is "
            f"{found.fingerprint}: leave out the part text (--set parts=...) or train again"
        )
    return found


def prompt_scores(
    space: NDArray[np.float32], text_encoder: TextEncoder, prompts: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """``(n, n_classes)``: the mean cosine of each ECG with the prompts of each class.

    Args:
        space: ``(n, text_dim)`` ECGs in the space of texts, unit norm.
        text_encoder: Of the same space.
        prompts: Texts by class.
    """
    return np.stack([(space @ text_encoder.embed(list(texts)).T).mean(axis=1) for texts in prompts], axis=1).astype(
        np.float64
    )


def text_rows(split: Split, encoder: SignalEncoder, vectors: NDArray[np.float32], seed: int) -> Iterator[Row]:
    """Zero-shot by prompts, and retrieval between ECGs and their reports within the test part."""
    from precordia.concepts import canonical_text

    text_encoder = aligned_text_encoder(encoder)
    space = encoder.to_text_space(vectors)
    scores = prompt_scores(space, text_encoder, [PROMPTS[name] for name in SUPERCLASSES])
    yield macro_row("precordia, zero-shot", "macro AUROC, superclasses", split, scores, seed, goal=0.85)
    texts = [canonical_text(r.report or "") for r in split.recordings(split.test)]
    kept = [i for i, text in enumerate(texts) if text]
    words = [texts[i] for i in kept]
    patients = [split.test_patients[i] for i in kept]
    similarity = (space[kept] @ text_encoder.embed(words).T).astype(np.float32)
    for metric, table in (("ECG to its report", similarity), ("report to its ECG", similarity.T)):
        found = bootstrap.mean(reciprocal_ranks(table, words), patients, seed=seed)
        yield Row("precordia", f"mean reciprocal rank, {metric}", found.value, found.low, found.high, found.n)
