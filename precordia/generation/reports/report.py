"""A report of an ECG: what the judgement says, or what a language model says that stands up to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precordia.core.drafts import Draft
from precordia.core.protocols import LanguageModel
from precordia.generation.reports.composer import compose
from precordia.generation.reports.serial import with_earlier
from precordia.judgement.judge import Judgement

if TYPE_CHECKING:
    from precordia.generation.written.prompt import Kind
    from precordia.generation.written.writing import Watch, WritingSettings


def write_report(
    judgement: Judgement,
    *,
    language_model: LanguageModel | None = None,
    kind: Kind = "report",
    settings: WritingSettings | None = None,
    watch: Watch | None = None,
) -> Draft:
    """A draft report in which every statement has its evidence.

    Where the judgement claims nothing, no model is asked: the draft abstains.

    Args:
        judgement: Of the ECG.
        language_model: None writes the judgement down in canonical words.
        kind: "report", or "differential" for the diagnoses that come into question (needs a model).
        settings: What a model is shown, and what happens to statements that do not stand up.
        watch: Told each statement that a model writes as soon as it stands.
    """
    draft, evidence = compose(judgement), judgement.evidence
    if language_model is not None and judgement.reason is None:
        # What prompts and grounding need takes longer to import than to write a report down without a model.
        from precordia.generation.written.writing import with_model

        draft = with_model(draft, judgement, language_model, settings, watch, kind=kind)
    return with_earlier(draft, evidence.earlier, evidence.kind)
