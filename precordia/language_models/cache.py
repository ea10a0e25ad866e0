"""Replies kept by content: the same model, settings and messages give the same reply without asking again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from precordia.core.drafts import Message, Reply

FORMAT = "precordia-reply-1"


def key_of(model: str, options: dict[str, object], messages: tuple[Message, ...]) -> str:
    """SHA-256 of everything that a reply depends on."""
    content = [FORMAT, model, options, [[m.role, m.content] for m in messages]]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class ReplyCache:
    """Replies by key, in memory and, given a folder, on disk. A file that cannot be read counts as absent.

    Args:
        folder: Made when first written to. Replies quote reports: keep it where reports may be kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._replies: dict[str, Reply] = {}

    def get(self, key: str) -> Reply | None:
        """The reply, marked as cached, or None."""
        reply = self._replies.get(key) or self._read(key)
        if reply is None:
            return None
        self._replies[key] = reply
        return Reply(**{**asdict(reply), "cached": True})

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply; on disk it appears whole or not at all."""
        self._replies[key] = reply
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{key}.{os.getpid()}"
        temporary.write_text(json.dumps({"format": FORMAT, **asdict(reply)}, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self.folder / f"{key}.json")

    def _read(self, key: str) -> Reply | None:
        if self.folder is None:
            return None
        try:
            content = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            return Reply(**content) if content.pop("format", None) == FORMAT else None
        except (OSError, ValueError, TypeError, AttributeError):
            return None
