"""The seams of the system: what a part must do to be exchanged for another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.drafts import Prompt, PromptSize, Reply, estimate_tokens
from precordia.core.errors import LanguageModelError
from precordia.core.recording import Recording

T = TypeVar("T")
R = TypeVar("R")


@runtime_checkable
class Encoder(Protocol):
    """Recordings to unit vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies weights, architecture and signal spec: equal fingerprints give equal vectors."""
        ...

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        """``(len(recordings), dim)`` float32, each row of unit L2 norm.

        Recordings may have any leads, rate and duration from 2.5 s; they are standardized inside.

        Raises:
            UnusableSignalError: a recording is too short or has none of the standard leads.
        """
        ...


@runtime_checkable
class TextEncoder(Protocol):
    """Texts to unit vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies the model and its settings."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(len(texts), dim)`` float32, each row of unit L2 norm."""
        ...


@runtime_checkable
class VectorIndex(Protocol):
    """Vectors under explicit int64 ids, searched by inner product; a kind of them is a class in a registry."""

    @property
    def kind(self) -> str:
        """The name that its class is registered by."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids there are, in the order they were added."""
        ...

    @property
    def leaves_traces(self) -> bool:
        """Whether bytes of removed vectors may stay in what is saved: an erasure then has it built again."""
        ...

    @property
    def tolerance(self) -> float:
        """How far a number of :meth:`vectors` may be from what was added; 0 where they are kept as they are."""
        ...

    @classmethod
    def prepare(cls, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        """An empty index, ready for vectors to be added.

        Args:
            dim: Length of a vector.
            n: How many there will be.
            sample: Given a number, about so many of them, ``(m, dim)``, to train on; not called where none are needed.
        """
        ...

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Read what :meth:`save` wrote.

        Raises:
            KnowledgeBaseError: the file is damaged.
        """
        ...

    def save(self, path: Path) -> None:
        """Write it to one file."""
        ...

    def suits(self, n: int) -> bool:
        """Whether it was prepared for about so many vectors."""
        ...

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(ids), dim)``: the vectors of ids, within :attr:`tolerance`.

        Raises:
            KeyError: an id is not there.
        """
        ...

    def __len__(self) -> int: ...

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add ``(n, dim)`` unit vectors. An id that is already there is an error."""
        ...

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove ids; the number that were there."""
        ...

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and cosine similarities, each ``(n_queries, k)``, best first, ties by id; id -1 and score -inf pad short rows.

        Args:
            vectors: ``(n_queries, dim)`` unit vectors.
            k: Number of neighbours.
            allowed: Ids that may be returned, or None for all.
        """
        ...


@runtime_checkable
class CaseStore(Protocol):
    """Cases and signals by id."""

    def __len__(self) -> int: ...

    def get(self, ids: Sequence[int]) -> list[Case]:
        """The cases, in the order of ``ids``.

        Raises:
            KeyError: an id is not there.
        """
        ...

    def recording(self, case_id: int) -> Recording:
        """The recording with its signal, lossless to 0.1 µV or the file's own step."""
        ...

    def waveform(self, case_id: int, leads: Collection[str] | None = None) -> Recording:
        """The signal alone, as :meth:`recording` gives it: some leads, where they are there, or all; nothing else is set."""
        ...

    def select(self, where: str | None) -> NDArray[np.int64]:
        """Ids of the cases for which an SQL expression is true, ascending.

        Raises:
            FilterError: the expression is not valid; the message lists the columns.
        """
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """Prompts to text.

    A class that inherits it needs ``name`` and ``reply`` alone: the rest then comes with it.
    """

    @property
    def name(self) -> str:
        """Names the model, with its settings, in drafts and results."""
        ...

    @property
    def prompt_size(self) -> PromptSize:
        """How much it is shown."""
        return "full"

    @property
    def sees_judgement(self) -> bool:
        """Whether it is shown what the judgement says, to phrase it; else precedents and measurements alone."""
        return True

    def reply(self, prompt: Prompt) -> Reply:
        """The model's reply, with what it cost as far as that is known.

        Raises:
            LanguageModelError: no reply could be had.
        """
        ...

    def stream(self, prompt: Prompt) -> Generator[str, None, Reply]:
        """The reply piece by piece as it is written; it comes whole at the end. In one piece where a model cannot stream.

        Raises:
            LanguageModelError: no reply could be had.
        """
        reply = self.reply(prompt)
        yield reply.text
        return reply

    def complete_many(
        self, prompts: Sequence[Prompt], progress: Callable[[int], None] | None = None
    ) -> list[Reply | LanguageModelError]:
        """Replies in the order of the prompts; an error in the place of a reply that failed.

        Args:
            prompts: What to ask.
            progress: Told how many are done after each.
        """
        replies: list[Reply | LanguageModelError] = []
        for prompt in prompts:
            try:
                replies.append(self.reply(prompt))
            except LanguageModelError as error:
                replies.append(error)
            if progress is not None:
                progress(len(replies))
        return replies

    def count_tokens(self, text: str) -> int:
        """How many tokens a text takes, for prompt budgets; estimated from its characters where the model cannot tell."""
        return estimate_tokens(text)


@runtime_checkable
class Executor(Protocol):
    """Runs a function over shards, near or far."""

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """Results in the order of ``shards``."""
        ...


@runtime_checkable
class Host(Protocol):
    """An executor that can keep one function where its GPUs are, for all its workers."""

    @property
    def gpus(self) -> float:
        """How many it may take for that; 0 for none."""
        ...

    def hosting(
        self, make: Callable[[], Callable[[list[T]], list[R]]], most: int
    ) -> AbstractContextManager[Callable[[T], R]]:
        """What workers call with one item each; what comes together, from whichever worker, is done together.

        Args:
            make: Makes the function, there: items to the result of each.
            most: What items may come to together, by their length.
        """
        ...
