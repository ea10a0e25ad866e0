"""A language model's draft where its words are proved, the judgement's own words where they are not."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from precordia.core.drafts import Draft, Prompt, Reply, Statement
from precordia.core.errors import ContextOverflowError, LanguageModelError, UsageError
from precordia.core.protocols import LanguageModel
from precordia.generation.written.grounding import Examiner, Policy, ground
from precordia.generation.written.prompt import Kind, PromptSettings, assemble
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement

Watch = Callable[[Statement], None]
"""Told each statement as soon as it stands, while the model still writes."""

CUT_OFF: Final = "The language model's reply was cut off: give it more time or length (--llm-timeout, --llm-tokens)"
"""Told where a reply ends before its end."""


@dataclass(frozen=True)
class WritingSettings:
    """How a draft comes about.

    Attributes:
        policy: What is done with statements of a model that the evidence does not bear out.
        complete: Whether what the judgement says and the model leaves out is said as well. Without it a model chooses.
        prompt: What the model is shown; None for what suits it.
    """

    policy: Policy = "drop"
    complete: bool = True
    prompt: PromptSettings | None = None


def with_model(
    plain: Draft,
    judgement: Judgement,
    language_model: LanguageModel,
    settings: WritingSettings | None = None,
    watch: Watch | None = None,
    *,
    question: str | None = None,
    second: Evidence | None = None,
    kind: Kind | None = None,
) -> Draft:
    """The model's draft, grounded; ``plain``, with the reason, where the model fails or nothing that it says stands.

    A prompt that is too long for the model is made shorter, by half of its precedents at a time.

    Args:
        plain: What is said without a model: what the model's words are held to.
        judgement: Of the ECG.
        language_model: The model.
        settings: What the model is shown, and what is done with its words.
        watch: Told each statement of the draft as soon as it stands.
        question: What is asked; None for a report.
        second: Of a second ECG to compare the first with.
        kind: Of the prompt; None chooses by what is given.
    """
    settings, evidence = settings or WritingSettings(), judgement.evidence
    shown = settings.prompt or PromptSettings(language_model.prompt_size, show_judgement=language_model.sees_judgement)
    details: dict[str, str] = {"language_model": language_model.name}
    replies: list[Reply] = []
    seen: list[Statement] = []

    def tell(statements: Sequence[Statement]) -> None:
        for statement in statements:
            if watch is not None and statement not in seen:
                seen.append(statement)
                watch(statement)

    def ask(prompt: Prompt) -> str:
        replies.append(language_model.reply(prompt))
        return replies[-1].text

    started = time.perf_counter()
    try:
        while not replies:
            prompt = assemble(
                evidence,
                question,
                second=second,
                kind=kind,
                to_phrase=plain.statements,
                settings=shown,
                count_tokens=language_model.count_tokens,
            )
            try:
                if watch is None or settings.policy != "drop":
                    ask(prompt)
                else:
                    examiner = Examiner(plain, prompt, judgement)
                    replies.append(examiner.follow(language_model.stream(prompt), tell))
            except ContextOverflowError:
                if not prompt.hits:
                    raise
                shown = replace(shown, k=len(prompt.hits) // 2)
                details["precedents_left_out"] = str(len(evidence.hits) - len(prompt.hits) // 2)
        words = "\n".join(message.content for message in prompt.messages)
        details["prompt_sha256"] = hashlib.sha256(words.encode()).hexdigest()[:16]
        draft = ground(
            replies[-1].text,
            plain,
            prompt,
            judgement,
            settings.policy,
            author=language_model.name,
            complete=settings.complete,
            ask=ask,
        )
    except (LanguageModelError, UsageError) as error:
        failed = f"no usable reply came from the language model ({' '.join(str(error).split())})"
        draft = Draft((), True, failed)
    else:
        details |= {**_costs(replies), "seconds": f"{time.perf_counter() - started:.3f}"}
        if replies[-1].cut_off:
            draft = replace(draft, warnings=(*draft.warnings, CUT_OFF))
    if draft.abstained:
        why = "; ".join([draft.reason or "the language model said nothing", *draft.warnings])
        told = (f"The consensus of precedents answers: {why}", *plain.warnings)
        draft = replace(plain, warnings=told, details={**plain.details, **draft.details, **details})
    else:
        draft = replace(
            draft,
            consider=plain.consider,
            warnings=(*plain.warnings, *draft.warnings),
            details={**plain.details, **draft.details, **details},
        )
    tell(draft.statements)
    return draft


def _costs(replies: Sequence[Reply]) -> dict[str, str]:
    costs = {
        "replies": str(len(replies)),
        "latency_s": f"{sum(r.latency_s for r in replies):.3f}",
        "attempts": str(sum(r.attempts for r in replies)),
        "cached": str(sum(r.cached for r in replies)),
        "cut_off": str(sum(r.cut_off for r in replies)),
    }
    for name in ("tokens_in", "tokens_out"):
        counts = [getattr(r, name) for r in replies]
        if all(count is not None for count in counts):
            costs[name] = str(sum(counts))
    return costs
