"""What built a knowledge base, in ``manifest.json``: opening with anything else is refused, with the remedy.

The file carries its own checksum. A copy lies beside it: nothing else says which encoder the vectors are of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, Final

from precordia import __version__
from precordia.core.errors import DamageError, KnowledgeBaseNotFoundError, MismatchError
from precordia.core.protocols import Encoder, TextEncoder
from precordia.indexing.addresses import folder_of
from precordia.indexing.durable import sync_folder, telling, write_synced
from precordia.indexing.indexes import BY_SIZE
from precordia.indexing.ledger import remedy
from precordia.indexing.schema import SCHEMA_VERSION
from precordia.indexing.seals import sealed, unsealed

FORMAT: Final = "precordia knowledge base"
FORMAT_VERSION: Final = 2
MANIFEST: Final = "manifest.json"
MANIFEST_COPY: Final = "manifest.copy.json"


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
        index: The kind of vector index, by its name in :data:`~precordia.indexing.indexes.INDEXES`, or that their number
            chooses.
        index_at: Where that index lies, ``URI#name``, of one on a server; never with credentials.
        base_encoder: Where the encoder is an adapted one, name or path of the one that it stands on: what to go back to.
        base_fingerprint: Of that one.
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
    index: str = BY_SIZE
    index_at: str | None = None
    base_encoder: str | None = None
    base_fingerprint: str | None = None
    created_by: str = __version__
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        name: str,
        text_encoder: TextEncoder | None = None,
        text_name: str | None = None,
        index: str = BY_SIZE,
        index_at: str | None = None,
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
            index=index,
            index_at=index_at,
        )

    def index_address(self, kind: str) -> str | None:
        """Where the index over one kind of vector lies, of one on a server: those of another encoder lie elsewhere.

        Args:
            kind: "signal" or "text".
        """
        if self.index_at is None:
            return None
        fingerprint = self.encoder_fingerprint if kind == "signal" else self.text_encoder_fingerprint or ""
        fingerprint = re.sub(r"\W", "_", fingerprint[:12], flags=re.ASCII)
        place, slash, partition = self.index_at.partition("#")[2].partition("/")
        return f"{self.index_at.partition('#')[0]}#{place}_{kind}_{fingerprint}{slash}{partition}"

    @staticmethod
    def exists(path: str | PathLike[str]) -> bool:
        """Whether there is a knowledge base at ``path``, sound or not."""
        folder = folder_of(path)
        with telling(folder):
            return any((folder / name).is_file() for name in (MANIFEST, MANIFEST_COPY))

    @classmethod
    def load(cls, path: str | PathLike[str], name: str = MANIFEST) -> Manifest:
        """Read the manifest of the knowledge base at ``path``.

        Args:
            path: The knowledge base.
            name: Of the file, or of its copy.

        Raises:
            KnowledgeBaseNotFoundError: there is none.
            MismatchError: written by another version of the layout or the columns.
            DamageError: the file is missing, is not what was written, or does not say what it must.
            StorageError: it cannot be read.
        """
        folder = folder_of(path)
        file = folder / name
        if not cls.exists(folder):
            raise KnowledgeBaseNotFoundError(
                f"no knowledge base at {path}: build one with: precordia build ARCHIVE --kb {path}"
            )
        try:
            with telling(file):
                content = file.read_bytes()
        except FileNotFoundError:
            raise DamageError(f"{file} is missing; {remedy(folder)}") from None
        try:
            values = json.loads(content)
            written = (values["format"], values["format_version"], values["schema_version"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DamageError(f"{file} is damaged: it is no manifest; {remedy(folder)}") from None
        if written != (FORMAT, FORMAT_VERSION, SCHEMA_VERSION) and _is_sound(content, values):
            raise MismatchError(
                f"knowledge base {path}: written as {written[0]!r} {written[1]}, schema {written[2]}, by precordia "
                f"{values.get('created_by')}; this version reads {FORMAT!r} {FORMAT_VERSION}, schema {SCHEMA_VERSION}: "
                + _way_out(folder, written[1])
            )
        try:
            return _validated(cls(**unsealed(content)))
        except (ValueError, TypeError) as error:
            reason = str(error) if type(error) is ValueError else "its fields are others"
            raise DamageError(f"{file} is damaged ({reason}); {remedy(folder)}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Write it and its copy, so that a crash leaves the old file or the new one, whole."""
        folder = folder_of(path)
        for name in (MANIFEST, MANIFEST_COPY):
            write_synced(folder / name, sealed(self._values()))
        sync_folder(folder)

    def keep_copy(self, path: Path) -> None:
        """Write the copy where a crash came before it."""
        if not (path / MANIFEST_COPY).exists():
            write_synced(path / MANIFEST_COPY, sealed(self._values()))
            sync_folder(path)

    def _values(self) -> dict[str, Any]:
        """What is written: nothing of what there is not, so that earlier releases read it."""
        return {k: v for k, v in asdict(self).items() if v is not None or not k.startswith(("base_", "index_"))}

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
                f"fingerprint {opened.encoder_fingerprint[:12]}: open it with encoder {self.encoder!r} as it was then, or "
                f"embed its signals anew: precordia build --reembed --kb {where or 'KB'}"
                + (f" --encoder {opened.encoder}" if opened.encoder not in ("", "default", "custom") else "")
            )
        text = opened.text_encoder_fingerprint
        if text is not None and text != self.text_encoder_fingerprint:
            built = f"text encoder {self.text_encoder!r}" if self.text_encoder_fingerprint else "no text encoder"
            raise MismatchError(
                f"{name}: built with {built}, opened with text encoder of fingerprint {text[:12]}: "
                "open it with the one it was built with, or build it again into another folder"
            )

    def with_encoder(self, encoder: Encoder, name: str) -> Manifest:
        """The same, with another encoder of signals, which stands on no other."""
        made = Manifest.of(encoder, name)
        return replace(
            self,
            encoder=name,
            encoder_fingerprint=made.encoder_fingerprint,
            dim=made.dim,
            signal_spec=made.signal_spec,
            base_encoder=None,
            base_fingerprint=None,
        )

    def renamed(self, encoder: str) -> Manifest:
        """The same, with the encoder loaded by another name (moved weights)."""
        return replace(self, encoder=encoder)


def mend_manifest(path: Path) -> bool:
    """Put the sound one of manifest and copy in the place of the other; whether that was needed.

    Raises:
        DamageError: neither is sound.
    """
    sound: Manifest | None = None
    damaged: DamageError | None = None
    for name in (MANIFEST, MANIFEST_COPY):
        try:
            sound = sound or Manifest.load(path, name)
            Manifest.load(path, name)
        except DamageError as error:
            damaged = damaged or error
    if damaged is not None:
        if sound is None:
            raise damaged
        sound.save(path)
    return damaged is not None


def _way_out(folder: Path, version: object) -> str:
    """What to do about another format."""
    if isinstance(version, int) and version < FORMAT_VERSION:
        return f"opening it to search or build, or precordia check --kb {folder} --repair, brings it up to date"
    return "open it with that version, or build it again into another folder"


def _is_sound(content: bytes, values: Mapping[str, Any]) -> bool:
    """Whether what another version wrote is what it wrote; the first version had no checksum."""
    if values["format"] == FORMAT and values["format_version"] == 1:
        return True
    try:
        unsealed(content)
    except ValueError:
        return False
    return True


def _validated(manifest: Manifest) -> Manifest:
    """A manifest whose fields are what they must be.

    Raises:
        ValueError: one is not.
    """
    texts = ("encoder", "encoder_fingerprint", "index", "created_by")
    for name in texts:
        if not isinstance(getattr(manifest, name), str) or not getattr(manifest, name):
            raise ValueError(f"{name} must be a text")
    for name in ("text_encoder", "text_encoder_fingerprint", "index_at", "base_encoder", "base_fingerprint"):
        if not isinstance(getattr(manifest, name), str | None):
            raise ValueError(f"{name} must be a text or null")
    if not _is_length(manifest.dim) or not (manifest.text_dim is None or _is_length(manifest.text_dim)):
        raise ValueError("dim and text_dim must be whole numbers from 1 to 65536")
    if (
        len({value is None for value in (manifest.text_encoder, manifest.text_encoder_fingerprint, manifest.text_dim)})
        > 1
    ):
        raise ValueError("text_encoder, text_encoder_fingerprint and text_dim must be there together")
    if not isinstance(manifest.signal_spec, Mapping):
        raise ValueError("signal_spec must be a table of values")
    return manifest


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65536
