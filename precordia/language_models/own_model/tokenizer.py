"""The model's own byte-pair tokenizer, whose tokens run over word ends: a common statement is one token or two.

It is trained on canonical statements, questions and rounded measurements, all of which are the project's own words, so that
no report can be read from its vocabulary. Texts are encoded sentence by sentence, and no token reaches over a full stop:
each canonical statement has one encoding wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import CheckpointError

BINS: Final = 10
"""Levels of similarity that a precedent is marked with."""
SPECIAL: Final = (
    "<pad>", "<end>", "<report>", "<ask>", "<answer>", "<measured>", "<case>", "<ecg>", *(f"<near{n}>" for n in range(BINS)),
)  # fmt: skip
_SENTENCE: Final = re.compile(r"(?<=[.?])\s+")


class Tokenizer:
    """Texts to token ids and back.

    Args:
        inner: A ``tokenizers.Tokenizer``.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.special: Mapping[str, int] = {name: inner.token_to_id(name) for name in SPECIAL}
        if None in self.special.values():
            raise CheckpointError("the tokenizer lacks the model's special tokens; copy the checkpoint as a whole")
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def train(cls, texts: Mapping[str, int], size: int) -> Tokenizer:
        """A tokenizer of ``size`` tokens at most, from texts and how often each counts."""
        from tokenizers import Tokenizer as Inner
        from tokenizers import decoders, models, pre_tokenizers, trainers

        inner = Inner(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
            max_token_length=60,
        )

        def sentences() -> Iterable[str]:
            for text in sorted(texts):
                for sentence in _sentences(text):
                    for _ in range(texts[text]):
                        yield f" {sentence}"

        inner.train_from_iterator(sentences(), trainer)
        return cls(inner)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read back what :meth:`save` wrote.

        Raises:
            CheckpointError: the file is missing or no tokenizer.
        """
        from tokenizers import Tokenizer as Inner

        if not path.is_file():
            raise CheckpointError(f"{path}: is missing; copy the checkpoint as a whole")
        try:
            inner = Inner.from_file(str(path))
        except Exception as error:  # the library raises a bare Exception
            raise CheckpointError(f"{path}: cannot be read as a tokenizer ({type(error).__name__})") from error
        return cls(inner)

    def save(self, path: Path) -> None:
        """Write one JSON file."""
        self._inner.save(str(path))

    def __len__(self) -> int:
        return int(self._inner.get_vocab_size())

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids; text that looks like a special token is encoded as the characters it is made of."""
        known = self._known.get(text)
        if known is None:
            pieces = [f" {piece}".replace("<", "‹").replace(">", "›") for piece in _sentences(text)]
            known = tuple(i for piece in pieces for i in self._inner.encode(piece, add_special_tokens=False).ids)
            if len(self._known) < 100_000:
                self._known[text] = known
        return known

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; special tokens are left out."""
        return str(self._inner.decode(list(ids), skip_special_tokens=True)).strip()


def _sentences(text: str) -> list[str]:
    return [piece for piece in _SENTENCE.split(text.strip()) if piece]
