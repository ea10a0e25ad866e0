"""A tuned language model whose ECG mouth was meta-learned: it adapts to an episode's examples, then answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from precordia.core.errors import UsageError
from precordia.datasets.ecgqa.questions import Question
from precordia.encoders import load_encoder
from precordia.eval.tasks.ecgqa.episodes import Episode, answer_text
from precordia.eval.tasks.ecgqa.few_shot import same_question
from precordia.fitting.answers.signals import Signals
from precordia.language_models.own_model.context import Example, Sees, Shown
from precordia.language_models.own_model.features import features_of
from precordia.language_models.tuned.checkpoint import load_tuned_model
from precordia.language_models.tuned.episodes import adapted
from precordia.language_models.tuned.model import TunedModel, steps_of
from precordia.language_models.tuned.recipe import Episodes
from precordia.language_models.tuned.words import asked, written


class MetaLearned:
    """After Tang et al. (CHIL 2025): the mouth goes down the slope of the support's loss; the likeliest of the support's answers
    to the same question is given. It sees the ECG and the question, and nothing else.

    Args:
        model: Of a recipe with episodes.
        shape: How it adapts.
        signals: Of every ECG.
        swapped: Whether queries are shown one another's ECGs.
    """

    def __init__(self, model: TunedModel, shape: Episodes, signals: Signals, *, swapped: bool = False) -> None:
        self.name = "meta-learned model, another's ECG" if swapped else "meta-learned model"
        self._model, self._shape, self._swapped = model, shape, swapped
        encoder = load_encoder(model.encoder)

        @cache
        def steps(ecg: int) -> NDArray[np.float16]:
            found: NDArray[np.float16] = features_of(encoder, [signals.recording(ecg)])[1][0]
            return found

        self._steps: Callable[[int], NDArray[np.float16]] = steps

    @classmethod
    def both(cls, folder: Path, signals: Signals) -> list[MetaLearned]:
        """The model of a folder, shown its queries' ECGs, and shown others'.

        Raises:
            UsageError: its recipe has no episodes.
        """
        model = load_tuned_model(folder)
        if model.episodes is None:
            raise UsageError(
                f"{folder}: taught without episodes; train it with `precordia train reports fewshot --llm local`"
            )
        return [cls(model, model.episodes, signals, swapped=swapped) for swapped in (False, True)]

    def answers(self, episode: Episode) -> list[str]:
        """By the loss of each answer that the examples give."""
        mouth = self._model.network.mouth
        assert mouth is not None
        examples = [self._example(q, q, answer_text(q)) for q in episode.support]
        weights = adapted(mouth, examples, self._shape, self._loss)
        out = []
        for place, q in enumerate(episode.query):
            shown = episode.query[(place + 1) % len(episode.query)] if self._swapped else q
            choices = sorted({answer_text(s) for s in same_question(episode.support, q)})
            with torch.no_grad():
                losses = [
                    float(
                        self._loss(
                            [self._example(q, shown, choice)],
                            lambda steps: torch.func.functional_call(mouth, weights, (steps,)),
                        )
                    )
                    for choice in choices
                ]
            out.append(choices[int(np.argmin(losses))])
        return out

    def _example(self, question: Question, shown: Question, answer: str) -> Example:
        return Example(Shown(steps=self._steps(shown.ecgs[0])), answer, question.text, "question")

    def _loss(self, examples: Sequence[Example], vectors: Callable[[Tensor], Tensor]) -> Tensor:
        model = self._model
        prompts = [model.ids(asked(e.shown, e.question, Sees(model.sees.ecg, 0, False))) for e in examples]
        ids = [
            [*prompt, *model.ids(written(e.answer)), model.tokenizer.eos_token_id]
            for prompt, e in zip(prompts, examples, strict=True)
        ]
        ecg = model.network.sized(vectors(steps_of([e.shown for e in examples])))
        return model.network.loss(model.network.below(ids), ids, [len(prompt) for prompt in prompts], ecg)
