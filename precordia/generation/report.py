"""A report of an ECG: by the consensus of its precedents, or by a language model that is held to them."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.core.drafts import Draft
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit
from precordia.generation.consensus import compose
from precordia.generation.prompt import Kind, assemble
from precordia.generation.serial import with_earlier
from precordia.generation.writing import WritingSettings, with_model


def write_report(
    recording: Recording,
    hits: Sequence[Hit],
    measurements: Measurements,
    *,
    quality: Quality | None = None,
    language_model: LanguageModel | None = None,
    earlier: Sequence[Hit] = (),
    kind: Kind = "report",
    settings: WritingSettings | None = None,
) -> Draft:
    """A draft report in which every statement has its evidence.

    Where nothing near was found or the signal is poor, no model is asked: the draft abstains.

    Args:
        recording: The query.
        hits: Its precedents.
        measurements: Of the query.
        quality: Of the query.
        language_model: None lets the precedents' consensus speak.
        earlier: The patient's own earlier ECGs, most recent first: shown to a model apart from the precedents, and
            compared with what the draft says and measures.
        kind: "report", or "differential" for the diagnoses that come into question (needs a model).
        settings: How the draft comes about.
    """
    settings = settings or WritingSettings()
    plain = compose(recording, hits, measurements, settings=settings.consensus, quality=quality)
    if language_model is None or not hits or (quality is not None and not quality.acceptable):
        return with_earlier(plain, earlier)
    draft = with_model(
        plain,
        language_model,
        lambda: assemble(
            recording,
            hits,
            measurements=measurements,
            quality=quality,
            earlier=earlier,
            kind=kind,
            settings=settings.prompt,
            count_tokens=getattr(language_model, "count_tokens", None),
        ),
        settings,
    )
    return with_earlier(draft, earlier)
