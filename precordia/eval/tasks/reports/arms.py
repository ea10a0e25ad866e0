"""What a language model is shown of an archive, arm by arm, and what becomes of what it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from precordia.core.case import Case
from precordia.core.drafts import Draft, Prompt, Reply
from precordia.core.errors import LanguageModelError
from precordia.core.protocols import LanguageModel
from precordia.core.retrieval import Hit, Why
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.systems import Written, written
from precordia.generation.reports.composer import compose
from precordia.generation.written.grounding import Checked, Examiner, ground
from precordia.generation.written.prompt import PromptSettings, assemble
from precordia.generation.written.sentences import Claimed, parse_reply
from precordia.judgement.judge import Judgement, judge

Arm = Literal["none", "random", "wrong patient", "nearest", "nearest by judgement"]
TOGETHER: Final = 32
"""Prompts handed to a model at a time."""
ARMS: Final[tuple[Arm, ...]] = ("none", "random", "wrong patient", "nearest", "nearest by judgement")
"""Precedents in the prompt: none; cases drawn at random; those of another patient's ECG; its own; its own, with what the
judgement says of the ECG, to be phrased."""


@dataclass(frozen=True, eq=False)
class Put:
    """One ECG in one arm.

    Attributes:
        sample: The ECG.
        judgement: Of its own evidence, whatever is shown.
        prompt: What the model is shown.
    """

    sample: Sample
    judgement: Judgement
    prompt: Prompt

    @cached_property
    def plain(self) -> Draft:
        """What is said without the model."""
        return compose(self.judgement)


@dataclass(frozen=True, eq=False)
class Answered:
    """What a model wrote of an ECG, and what of it stands.

    Attributes:
        put: What it was shown.
        reply: What it wrote; None where no reply came.
    """

    put: Put
    reply: Reply | None

    @property
    def raw(self) -> Written:
        """Its sentences as they are."""
        return Written(" ".join(claim.text for claim in self._claims))

    @property
    def proved(self) -> Written:
        """What of them stands, and nothing else: the model chooses."""
        return self._grounded(complete=False)

    @property
    def delivered(self) -> Written:
        """The report that a user gets."""
        found = self._grounded(complete=True)
        return found if found.draft is not None and found.draft.statements else written(self.put.plain)

    @cached_property
    def checked(self) -> tuple[Checked, ...]:
        """Its sentences with their verdicts."""
        examiner = Examiner(self.put.plain, self.put.prompt, self.put.judgement)
        return tuple(examiner.examine(claim) for claim in self._claims)

    @cached_property
    def _claims(self) -> tuple[Claimed, ...]:
        return () if self.reply is None else parse_reply(self.reply.text).claims

    def _grounded(self, *, complete: bool) -> Written:
        text = "" if self.reply is None else self.reply.text
        return written(ground(text, self.put.plain, self.put.prompt, self.put.judgement, complete=complete))


def replies_to(model: LanguageModel, prompts: Sequence[Prompt]) -> Iterator[Reply]:
    """Replies in the order of the prompts, several at a time. The first that fails ends it; those beside it are kept.

    Raises:
        LanguageModelError: no reply could be had.
    """
    for start in range(0, len(prompts), TOGETHER):
        for reply in model.complete_many(prompts[start : start + TOGETHER]):
            if isinstance(reply, LanguageModelError):
                raise reply
            yield reply


def puts_of(arm: Arm, samples: Sequence[Sample], cases: Sequence[Case], model: LanguageModel, seed: int) -> list[Put]:
    """The prompts of an arm, one an ECG on which anything is claimed.

    Args:
        arm: Which precedents.
        samples: The ECGs.
        cases: The archive, for random ones.
        model: Who is asked: its size settles the prompt's, its tokenizer the budget.
        seed: Of the draws; with the sample's id it settles each.
    """
    found = []
    for place, sample in enumerate(samples):
        judgement = judge(sample.evidence)
        if judgement.reason is not None:
            continue
        shown = replace(sample.evidence, hits=_hits(arm, place, samples, cases, seed))
        settings = PromptSettings(model.prompt_size, show_judgement=arm == "nearest by judgement")
        to_phrase = compose(judgement).statements
        prompt = assemble(shown, to_phrase=to_phrase, settings=settings, count_tokens=model.count_tokens)
        found.append(Put(sample, judgement, prompt))
    return found


def _hits(arm: Arm, place: int, samples: Sequence[Sample], cases: Sequence[Case], seed: int) -> tuple[Hit, ...]:
    sample = samples[place]
    if arm == "none":
        return ()
    if arm == "random":
        drawn = _generator(seed, sample.id).permutation(len(cases)).tolist()
        others = [cases[i] for i in drawn if cases[i].patient_key != sample.patient and cases[i].report]
        return tuple(Hit(n, 0.0, case, Why({"signal": 0.0})) for n, case in enumerate(others[: len(sample.hits)], 1))
    if arm == "wrong patient":
        after = [*samples[place + 1 :], *samples[:place]]
        other = next((s for s in after if s.patient != sample.patient), None)
        return () if other is None else tuple(h for h in other.hits if h.case.patient_key != sample.patient)
    return sample.hits


def _generator(seed: int, sample_id: str) -> np.random.Generator:
    name = int.from_bytes(hashlib.sha256(sample_id.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, name])
