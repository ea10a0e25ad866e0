"""What a process that answers has at hand: the knowledge base, read-only, and what was made of it for this version."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from precordia.core.protocols import LanguageModel
from precordia.core.recording import Recording
from precordia.knowledge_base import KnowledgeBase
from precordia.language_models import LanguageModelSettings, load_language_model
from precordia.serve.answers import Answer, NotThere
from precordia.serve.upload import read_upload, read_uploads, with_upload
from precordia.signals.door import admit
from precordia.signals.long.outline import read_held
from precordia.signals.opening import Asked, open_question

T = TypeVar("T")


@dataclass(frozen=True)
class Ecg:
    """The ECG that a question is about: a file that was sent, or a case of the archive.

    Attributes:
        content: The file's bytes; empty where there is none.
        filename: What the sender calls it.
        case: The case's id, as it was sent, or None.
    """

    content: bytes = b""
    filename: str = "upload"
    case: str | None = None

    def __bool__(self) -> bool:
        return bool(self.content) or self.case is not None


@dataclass(frozen=True)
class Ecgs:
    """The ECGs of one patient that a question is about, the earliest first.

    Attributes:
        last: The one that is reported; a file that holds several where ``several``.
        several: Whether the file is an archive of several, in the order of their names.
        earlier: Cases from before them.
    """

    last: Ecg
    several: bool = False
    earlier: tuple[str, ...] = ()


class Kept(OrderedDict[Any, Any]):
    """The newest of some things, a bounded number of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: Any, value: Any) -> None:
        """Put something in; the oldest goes where there are too many."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._most:
            self.popitem(last=False)


@dataclass
class Room:
    """One knowledge base and its language model; used by one thread at a time."""

    kb: KnowledgeBase
    llm: LanguageModel | str = "none"
    settings: LanguageModelSettings | None = None
    conversations: Kept = field(default_factory=lambda: Kept(64))
    reports: Kept = field(default_factory=lambda: Kept(512))
    """Content hash of an ECG to the statements that were shown of it, for who reviews them."""
    patients: Kept = field(default_factory=lambda: Kept(512))
    """Content hash of an ECG to its patient."""
    lists: Kept = field(default_factory=lambda: Kept(4))
    """Version, condition and words to the rows of the cases that meet them, newest first: 8 bytes a case each."""
    tell: Callable[[Answer], None] = field(default=lambda _: None)
    """Takes what may be shown before the work at hand is done."""
    _made: dict[str, tuple[int, Any]] = field(default_factory=dict)

    @cached_property
    def language_model(self) -> LanguageModel | None:
        """The language model, loaded once."""
        return load_language_model(self.llm, self.settings) if isinstance(self.llm, str) else self.llm

    def forget(self) -> None:
        """Let go of what is remembered of people."""
        for kept in (self.conversations, self.reports, self.patients):
            kept.clear()

    def recording(self, ecg: Ecg) -> Recording:
        """The ECG that a question is about.

        Raises:
            InputError: the file cannot be used.
            NotThere: there is no such case.
        """
        if ecg.case is None:
            return read_upload(ecg.filename, ecg.content)
        return self.kb.recording(self.case_id(ecg.case))

    def recordings(self, ecgs: Ecgs) -> list[Recording]:
        """The ECGs that a question is about, the earliest first.

        Raises:
            InputError: a file cannot be used.
            NotThere: there is no such case.
        """
        before = [self.kb.recording(self.case_id(case)) for case in ecgs.earlier]
        if ecgs.several and ecgs.last.case is None:
            return [*before, *read_uploads(ecgs.last.filename, ecgs.last.content)]
        return [*before, self.recording(ecgs.last)]

    def question(self, ecg: Ecg) -> Asked:
        """The signal that the archive is searched with: an ECG, or a pulse that was sent.

        Raises:
            InputError: the file cannot be used.
            NotThere: there is no such case.
        """
        if ecg.case is not None:
            return Asked.of(admit(self.kb.recording(self.case_id(ecg.case))))
        fingerprint = self.kb.manifest.encoder_fingerprint
        return with_upload(ecg.filename, ecg.content, lambda file: open_question(file, fingerprint, read_held))

    def case_id(self, text: str) -> int:
        """A case's id from its text.

        Raises:
            NotThere: there is no such case.
        """
        if text.isascii() and text.isdigit() and len(text) < 20 and self.kb.cases([int(text)]):
            return int(text)
        raise NotThere(f"there is no case {text[:20]!r}")

    def of_version(self, name: str, make: Callable[[], T]) -> T:
        """Something made of the whole archive, made again when the archive has changed."""
        version = self.kb.store.version
        kept = self._made.get(name)
        if kept is None or kept[0] != version:
            kept = self._made[name] = (version, make())
        found: T = kept[1]
        return found
