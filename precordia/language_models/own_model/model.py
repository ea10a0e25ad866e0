"""The trained model: prompts in, words out, held to the statements and answers that it may write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from precordia.language_models.choices import TokenTrie
from precordia.language_models.own_model.context import Layout, Sees, Shown
from precordia.language_models.own_model.decoder import Decoder
from precordia.language_models.own_model.fsq import FiniteScalarQuantiser
from precordia.language_models.own_model.material import once

LONGEST = 64
"""Tokens that are written at most; the longest canonical report takes about forty."""


@dataclass(eq=False)
class OwnModel:
    """A decoder with its tokenizer and what it was trained to see.

    Attributes:
        decoder: The network, in evaluation mode.
        layout: From ECG and question to tokens.
        sees: What it is shown.
        statements: Canonical statements that it may write.
        concepts: Findings that it was asked about by the project's name for them.
        encoder: Name of the encoder.
        encoder_fingerprint: Of the encoder whose embeddings it was trained on.
        quantiser: Makes discrete ECG tokens, where it sees those.
        fingerprint: Of weights, tokenizer and settings; "" before it is saved.
    """

    decoder: Decoder
    layout: Layout
    sees: Sees
    statements: tuple[str, ...]
    concepts: tuple[str, ...]
    encoder: str
    encoder_fingerprint: str
    quantiser: FiniteScalarQuantiser | None = None
    fingerprint: str = ""
    _report_trie: TokenTrie | None = field(default=None, repr=False)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.decoder.parameters())

    def ecg_tokens(self, steps: NDArray[np.float16]) -> list[tuple[int, ...]]:
        """Discrete tokens of ECGs from their features in time ``(n, n_steps, channels)``; none where it sees none."""
        if self.quantiser is None:
            return [()] * len(steps)
        with torch.inference_mode():
            return [tuple(row) for row in self.quantiser.tokens(torch.from_numpy(steps.astype(np.float32))).tolist()]

    def report_trie(self) -> TokenTrie:
        """Holds a report to canonical statements, one after the other."""
        if self._report_trie is None:
            encode, end = self.layout.tokenizer.encode, self.layout.tokenizer.special["<end>"]
            self._report_trie = TokenTrie([encode(s) for s in self.statements], end, join=())
        return self._report_trie

    def answer_trie(self, choices: Sequence[str]) -> TokenTrie:
        """Holds an answer to one of the choices, worded as they are."""
        encode, end = self.layout.tokenizer.encode, self.layout.tokenizer.special["<end>"]
        return TokenTrie([encode(choice) for choice in choices], end)

    def report(self, shown: Sequence[Shown], *, sees: Sees | None = None) -> list[str]:
        """A report of each ECG, in canonical statements, up to the first that it would say again."""
        trie = self.report_trie()
        return [once(text) for text in self.write(shown, [None] * len(shown), [trie] * len(shown), sees=sees)]

    def answer(
        self,
        shown: Sequence[Shown],
        questions: Sequence[str],
        choices: Sequence[Sequence[str]] | None = None,
        *,
        sees: Sees | None = None,
    ) -> list[str]:
        """An answer to each question; one of its choices where they are given."""
        tries: list[TokenTrie | None] = [self.answer_trie(c) if c else None for c in choices or [()] * len(shown)]
        return self.write(shown, questions, tries, sees=sees)

    def write(
        self,
        shown: Sequence[Shown],
        questions: Sequence[str | None],
        tries: Sequence[TokenTrie | None],
        *,
        sees: Sees | None = None,
        batch_size: int = 32,
    ) -> list[str]:
        """What the model writes, the likeliest token at each step.

        Args:
            shown: ECGs.
            questions: One for each; None for a report.
            tries: What each reply is held to, or None.
            sees: Less than the model was trained to see; None for all of it.
            batch_size: ECGs written of at the same time; changes nothing in the words.
        """
        sees = sees or self.sees
        prompts = [self.layout.prompt(s, q, sees) for s, q in zip(shown, questions, strict=True)]
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
        written: list[list[int]] = [[] for _ in prompts]
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            vectors, seen = self._vectors([shown[i] for i in rows], sees)
            self._continue(vectors, seen, [prompts[i] for i in rows], [tries[i] for i in rows],
                           [written[i] for i in rows])  # fmt: skip
        return [self.layout.tokenizer.decode(ids) for ids in written]

    def _vectors(self, shown: Sequence[Shown], sees: Sees) -> tuple[torch.Tensor, torch.Tensor]:
        width = self.decoder.size.encoder_dim
        rows: list[NDArray[np.float32]] = [
            s.vector if s.vector is not None and sees.ecg == "embedding" else np.zeros(width, np.float32) for s in shown
        ]
        return torch.from_numpy(np.stack(rows)), torch.tensor(
            [s.vector is not None and sees.ecg == "embedding" for s in shown]
        )

    @torch.inference_mode()
    def _continue(
        self,
        vectors: torch.Tensor,
        seen: torch.Tensor,
        prompts: Sequence[Sequence[int]],
        tries: Sequence[TokenTrie | None],
        written: Sequence[list[int]],
    ) -> None:
        end = self.layout.tokenizer.special["<end>"]
        going = list(range(len(prompts)))
        for _ in range(LONGEST):
            texts = [[*prompts[i], *written[i]] for i in going]
            ids = torch.zeros(len(going), max(map(len, texts)), dtype=torch.long)
            for row, text in enumerate(texts):
                ids[row, : len(text)] = torch.tensor(text)
            hidden = self.decoder.hidden(vectors[going], seen[going], ids)
            last = hidden[torch.arange(len(going)), torch.tensor([len(text) - 1 for text in texts])]
            logits = self.decoder.logits(last)
            for row, i in enumerate(going):
                trie = tries[i]
                if trie is not None:
                    allowed = torch.tensor(trie.allowed(written[i]))
                    token = int(allowed[logits[row, allowed].argmax()])
                else:
                    token = int(logits[row].argmax())
                written[i].append(token)
            going = [i for i in going if written[i][-1] != end]
            if not going:
                return
