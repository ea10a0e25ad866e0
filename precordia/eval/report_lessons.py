"""PTB-XL's training folds as lessons for a language model that reads prompts: the evidence as text, the report as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from precordia.concepts import label_report
from precordia.core.drafts import Prompt
from precordia.core.errors import InputError
from precordia.core.findings import Finding
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit
from precordia.encoders import load_encoder
from precordia.encoders.sources import read_ptbxl
from precordia.eval.tasks.reports_archive import VectorArchive
from precordia.generation.language_models.lora import Lesson
from precordia.generation.own_model.material import canonical
from precordia.generation.written.prompt import PromptSettings, assemble
from precordia.judgement.votes import Voter
from precordia.measurements import measure

_BATCH = 128


def lessons_from(
    data: Path,
    *,
    folds: Collection[int],
    settings: PromptSettings,
    count_tokens: Callable[[str], int],
    encoder: str = "default",
    limit: int | None = None,
) -> list[Lesson]:
    """A prompt and the reply wanted for each ECG with a report; its precedents are of other patients of the same folds.

    Raises:
        InputError: there is no PTB-XL, or none of those folds.
    """
    known = [r for r in read_ptbxl(data / "ptbxl") if int(r.metadata["strat_fold"]) in folds]
    if not known:
        raise InputError(f"{data / 'ptbxl'}: no record of the folds {sorted(folds)}; name the folder with --data")
    loaded = load_encoder(encoder)
    vectors = np.concatenate([loaded.embed(known[i : i + _BATCH]) for i in range(0, len(known), _BATCH)])
    archive = VectorArchive(known, dict(zip([r.recording_id for r in known], vectors, strict=True)))
    said = [(r, f) for r in known if canonical(f := label_report(r.report or ""))][:limit]
    return [_lesson(r, findings, archive.hits(r), settings, count_tokens) for r, findings in said]


def reply_wanted(findings: Sequence[Finding], prompt: Prompt) -> str:
    """A report as the JSON that a model is asked for, each statement with the precedents that state it."""
    statements: list[dict[str, object]] = []
    for finding in findings:
        text = canonical([finding])
        if text and all(text != s["text"] for s in statements):
            agreeing = [n for n, hit in enumerate(prompt.hits, 1) if Voter(hit, 1.0).says(finding.concept)]
            statements.append({"text": text, "precedents": agreeing, "measurements": []})
    return json.dumps({"statements": statements, "abstain": False}, ensure_ascii=False)


def _lesson(
    recording: Recording,
    findings: Sequence[Finding],
    hits: Sequence[Hit],
    settings: PromptSettings,
    count_tokens: Callable[[str], int],
) -> Lesson:
    asked = replace(recording, report=None, codes=(), vendor_statements=(), metadata={})
    prompt = assemble(asked, hits, measurements=measure(recording), settings=settings, count_tokens=count_tokens)
    return Lesson(prompt, reply_wanted(findings, prompt))
