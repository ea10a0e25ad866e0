"""PTB-XL's training folds as lessons for a language model that reads prompts: the evidence as text, the report as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from precordia.concepts import label_report
from precordia.core.drafts import Prompt
from precordia.core.errors import InputError
from precordia.core.findings import Finding
from precordia.datasets.ptbxl import read_table, signal_of
from precordia.fitting.answers.examined import examine
from precordia.fitting.answers.signals import find_signals
from precordia.generation.written.prompt import PromptSettings, assemble
from precordia.judgement.evidence import Evidence
from precordia.judgement.votes import Voter
from precordia.language_models.lora import Lesson
from precordia.language_models.own_model.material import canonical


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
    table, _ = read_table(data / "ptbxl")
    known = [i for i, row in sorted(table.items()) if int(row["strat_fold"]) in folds and signal_of(data / "ptbxl", i)]
    if not known:
        raise InputError(f"{data / 'ptbxl'}: no record of the folds {sorted(folds)}; name the folder with --data")
    signals = find_signals("ptbxl", data, known)
    examined, _, _ = examine(signals, encoder)
    said = [(i, f) for i in known if canonical(f := label_report(signals.report(i) or ""))][:limit]
    return [_lesson(examined.evidence(i), findings, settings, count_tokens) for i, findings in said]


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
    evidence: Evidence, findings: Sequence[Finding], settings: PromptSettings, count_tokens: Callable[[str], int]
) -> Lesson:
    prompt = assemble(evidence, settings=settings, count_tokens=count_tokens)
    return Lesson(prompt, reply_wanted(findings, prompt))
