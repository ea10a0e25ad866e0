"""The tuned model: ECGs as they are shown to it in, words out, held to the statements and answers that it may write.

It does what :class:`~precordia.language_models.own_model.model.OwnModel` does, and stands behind the same interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from precordia.language_models.choices import TokenTrie
from precordia.language_models.own_model.context import Sees, Shown
from precordia.language_models.own_model.material import once
from precordia.language_models.tuned.network import TunedNetwork
from precordia.language_models.tuned.recipe import Episodes
from precordia.language_models.tuned.words import asked, written

LONGEST: Final = 64
"""Tokens that are written at most."""
TOGETHER: Final = 32
"""ECGs written of side by side."""


@dataclass(eq=False)
class TunedModel:
    """Weights with what belongs to them.

    Attributes:
        network: In evaluation mode.
        tokenizer: Of the language model.
        sees: What it is shown.
        statements: Canonical statements that it may write.
        concepts: Findings that it was asked about by the project's name for them.
        encoder: Name of the encoder.
        encoder_fingerprint: Of the encoder whose features it was taught with.
        end_bias: Added to the score of ending a report; chosen on the held-out fold.
        episodes: How its mouth was meta-learned; None where it was not.
        fingerprint: Of what was learned; "" before it is saved.
    """

    network: TunedNetwork
    tokenizer: Any
    sees: Sees
    statements: tuple[str, ...]
    concepts: tuple[str, ...]
    encoder: str
    encoder_fingerprint: str
    end_bias: float = 0.0
    episodes: Episodes | None = None
    fingerprint: str = ""

    @property
    def parameters(self) -> int:
        """Number of weights that were learned."""
        return sum(p.numel() for p in self.network.learned().values())

    def ids(self, text: str) -> list[int]:
        """Tokens of a text."""
        found: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def ecg_tokens(self, steps: NDArray[np.float16]) -> list[tuple[int, ...]]:
        """None: features in time are read as they are."""
        return [()] * len(steps)

    def report(self, shown: Sequence[Shown], *, sees: Sees | None = None) -> list[str]:
        """A report of each ECG, in canonical statements, up to the first that it would say again."""
        texts = self._write(shown, [None] * len(shown), [self._statements] * len(shown), sees, self.end_bias)
        return [once(text) for text in texts]

    def answer(
        self,
        shown: Sequence[Shown],
        questions: Sequence[str],
        choices: Sequence[Sequence[str]] | None = None,
        *,
        sees: Sees | None = None,
    ) -> list[str]:
        """An answer to each question: one of its choices where they are given, else statements."""
        tries = [self._of(c) if c else self._statements for c in choices or [()] * len(shown)]
        return self._write(shown, questions, tries, sees)

    @cached_property
    def _statements(self) -> TokenTrie:
        return TokenTrie([self.ids(written(s)) for s in self.statements], self.tokenizer.eos_token_id, join=())

    def _of(self, choices: Sequence[str]) -> TokenTrie:
        return TokenTrie([self.ids(written(choice)) for choice in choices], self.tokenizer.eos_token_id)

    def _write(
        self,
        shown: Sequence[Shown],
        questions: Sequence[str | None],
        tries: Sequence[TokenTrie],
        sees: Sees | None,
        end_bias: float = 0.0,
    ) -> list[str]:
        seen = sees or self.sees
        prompts = [self.ids(asked(s, q, seen)) for s, q in zip(shown, questions, strict=True)]
        out = [""] * len(prompts)
        with_ecg = seen.ecg != "none" and self.network.mouth is not None
        groups = [
            [i for i, s in enumerate(shown) if (with_ecg and s.steps is not None) == there] for there in (False, True)
        ]
        for there, group in enumerate(groups):
            order = sorted(group, key=lambda i: (len(prompts[i]), i))
            for start in range(0, len(order), TOGETHER):
                rows = order[start : start + TOGETHER]
                with torch.inference_mode():
                    ecg = self.network.ecg(steps_of([shown[i] for i in rows])) if there else None
                    said = self.network.write(
                        [prompts[i] for i in rows], ecg, [tries[i] for i in rows], self.tokenizer.eos_token_id,
                        LONGEST, end_bias,
                    )  # fmt: skip
                for i, ids in zip(rows, said, strict=True):
                    out[i] = str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()
        return out


def steps_of(shown: Sequence[Shown]) -> Tensor:
    """``(n, n_steps, channels)`` the features in time of ECGs that have them."""
    return torch.from_numpy(np.stack([s.steps for s in shown if s.steps is not None]).astype(np.float32))
