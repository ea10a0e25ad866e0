"""What built a knowledge base, in ``manifest.json``: opening with anything else is refused, with the remedy."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from precordia import __version__
from precordia.core.errors import KnowledgeBaseError, KnowledgeBaseNotFoundError, MismatchError
from precordia.core.protocols import Encoder, TextEncoder
from precordia.indexing.schema import SCHEMA_VERSION

FORMAT: Final = "precordia knowledge base"
FORMAT_VERSION: Final = 1
_FILE: Final = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What built a knowledge base.

    Attributes:
        encoder: Name or path that the encoder was loaded by.
        encoder_fingerprint: Of its weights, architecture and signal spec.
        dim: Length of its vectors.
        signal_spec: The signal contract it was built under, as plain values.
        text_encoder: Name or path of the text encoder, or None without search by meaning.
        text_encoder_fingerprint: Of that encoder.
        text_dim: Length of its vectors.
        created_by: The package version.
        format: Always :data:`FORMAT`.
        format_version: Of the folder's layout.
        schema_version: Of the tables' columns.
    """

    encoder: str
    encoder_fingerprint: str
    dim: int
    signal_spec: Mapping[str, Any] = field(default_factory=dict)
    text_encoder: str | None = None
    text_encoder_fingerprint: str | None = None
    text_dim: int | None = None
    created_by: str = __version__
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(
        cls, encoder: Encoder, name: str, text_encoder: TextEncoder | None = None, text_name: str | None = None
    ) -> Manifest:
        """The manifest of a knowledge base built with these encoders, loaded by these names."""
        spec = getattr(encoder, "spec", None)
        return cls(
            encoder=name,
            encoder_fingerprint=encoder.fingerprint,
            dim=encoder.dim,
            signal_spec=json.loads(json.dumps(asdict(spec))) if spec is not None else {},
            text_encoder=text_name if text_encoder is not None else None,
            text_encoder_fingerprint=text_encoder.fingerprint if text_encoder is not None else None,
            text_dim=text_encoder.dim if text_encoder is not None else None,
        )

    @staticmethod
    def exists(path: Path | str) -> bool:
        """Whether there is a knowledge base at ``path``."""
        return (Path(path) / _FILE).is_file()

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Read the manifest of the knowledge base at ``path``.

        Raises:
            KnowledgeBaseNotFoundError: there is none.
            MismatchError: written by another version of the layout or the columns.
            KnowledgeBaseError: the file is damaged.
        """
        file = Path(path) / _FILE
        try:
            content = file.read_bytes()
        except OSError:
            raise KnowledgeBaseNotFoundError(
                f"no knowledge base at {path}: build one with: precordia build ARCHIVE --kb {path}"
            ) from None
        try:
            values = json.loads(content)
            written = (values["format"], values["format_version"], values["schema_version"])
        except (ValueError, KeyError, TypeError):
            raise KnowledgeBaseError(f"{file} is damaged: restore it, or build the knowledge base again") from None
        if written != (FORMAT, FORMAT_VERSION, SCHEMA_VERSION):
            raise MismatchError(
                f"knowledge base {path}: written as {written[0]!r} {written[1]}, schema {written[2]}, by precordia "
                f"{values.get('created_by')}; this version reads {FORMAT!r} {FORMAT_VERSION}, schema {SCHEMA_VERSION}: "
                "open it with that version, or build it again into another folder"
            )
        try:
            return cls(**values)
        except TypeError:
            raise KnowledgeBaseError(f"{file} is damaged: restore it, or build the knowledge base again") from None

    def save(self, path: Path | str) -> None:
        """Write it, so that a crash leaves the old file or the new one, whole."""
        file = Path(path) / _FILE
        write_atomically(file, json.dumps(asdict(self), indent=2, sort_keys=True).encode() + b"\n")

    def check(self, encoder: Encoder, text_encoder: TextEncoder | None = None, where: Path | str = "") -> None:
        """Refuse encoders whose vectors do not belong with the ones stored.

        Args:
            encoder: The encoder to open it with.
            text_encoder: The text encoder to open it with, or None where none is used.
            where: The knowledge base, for the message.

        Raises:
            MismatchError: the fingerprints differ.
        """
        self.check_like(Manifest.of(encoder, "", text_encoder, ""), where)

    def check_like(self, opened: Manifest, where: Path | str = "") -> None:
        """As :meth:`check`, with what a knowledge base built now would say.

        Raises:
            MismatchError: the fingerprints differ.
        """
        name = f"knowledge base {where}".rstrip()
        if opened.encoder_fingerprint != self.encoder_fingerprint:
            raise MismatchError(
                f"{name}: built with encoder {self.encoder!r} (fingerprint {self.encoder_fingerprint[:12]}), opened with "
                f"fingerprint {opened.encoder_fingerprint[:12]}: open it with encoder {self.encoder!r}, or build it again "
                "into another folder with this encoder"
            )
        text = opened.text_encoder_fingerprint
        if text is not None and text != self.text_encoder_fingerprint:
            built = f"text encoder {self.text_encoder!r}" if self.text_encoder_fingerprint else "no text encoder"
            raise MismatchError(
                f"{name}: built with {built}, opened with text encoder of fingerprint {text[:12]}: "
                "open it with the one it was built with, or build it again into another folder"
            )

    def renamed(self, encoder: str) -> Manifest:
        """The same, with the encoder loaded by another name (moved weights)."""
        return replace(self, encoder=encoder)


def write_atomically(file: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``file``, durably: written beside it, synced, renamed."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
