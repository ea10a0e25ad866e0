"""A language model's draft where it stands up to the evidence, the consensus of precedents where it does not."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from precordia.core.drafts import Draft, Prompt, Reply
from precordia.core.errors import LanguageModelError, UsageError
from precordia.core.protocols import LanguageModel
from precordia.generation.written.grounding import UNSURE, Policy, ground
from precordia.generation.written.prompt import PromptSettings
from precordia.judgement.judge import Judgement


@dataclass(frozen=True)
class WritingSettings:
    """How a draft comes about.

    Attributes:
        policy: What is done with statements of a model that the evidence does not support.
        prompt: What the model is shown.
    """

    policy: Policy = "drop"
    prompt: PromptSettings = field(default_factory=PromptSettings)


def with_model(
    plain: Draft,
    judgement: Judgement,
    language_model: LanguageModel,
    assemble: Callable[[], Prompt],
    settings: WritingSettings,
) -> Draft:
    """The model's draft, grounded; ``plain``, with the reason, where the model fails or says nothing that is supported.

    Args:
        plain: What is said without a model.
        judgement: Of the ECG: what the model's words are held to.
        language_model: The model.
        assemble: Makes the prompt.
        settings: Policy and how much evidence is needed.
    """
    details: dict[str, str] = {"language_model": language_model.name}
    replies: list[Reply] = []

    def ask(shown: Prompt) -> str:
        replies.append(language_model.reply(shown))
        return replies[-1].text

    started = time.perf_counter()
    try:
        prompt = assemble()
        words = "\n".join(message.content for message in prompt.messages)
        details["prompt_sha256"] = hashlib.sha256(words.encode()).hexdigest()[:16]
        draft = ground(ask(prompt), prompt, judgement, settings.policy, author=language_model.name, ask=ask)
    except (LanguageModelError, UsageError) as error:
        return _instead(
            plain, f"no usable reply came from the language model ({' '.join(str(error).split())})", details
        )
    details |= _costs(replies)
    details["seconds"] = f"{time.perf_counter() - started:.3f}"
    if draft.reason == UNSURE:
        return replace(draft, consider=plain.consider, details={**plain.details, **details})
    if draft.abstained:
        return _instead(plain, "; ".join([draft.reason or "the language model said nothing", *draft.warnings]), details)
    return replace(
        draft,
        consider=plain.consider,
        warnings=(*plain.warnings, *draft.warnings),
        details={**plain.details, **draft.details, **details},
    )


def _costs(replies: Sequence[Reply]) -> dict[str, str]:
    costs = {
        "replies": str(len(replies)),
        "latency_s": f"{sum(r.latency_s for r in replies):.3f}",
        "attempts": str(sum(r.attempts for r in replies)),
        "cached": str(sum(r.cached for r in replies)),
    }
    for name in ("tokens_in", "tokens_out"):
        counts = [getattr(r, name) for r in replies]
        if all(count is not None for count in counts):
            costs[name] = str(sum(counts))
    return costs


def _instead(plain: Draft, why: str, details: dict[str, str]) -> Draft:
    warning = f"The consensus of precedents answers: {why}"
    return replace(plain, warnings=(warning, *plain.warnings), details={**plain.details, **details})
