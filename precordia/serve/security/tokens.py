"""Bearer tokens: a name, a role and a hash each, in a file that is read again when it changes.

A line of the file is ``NAME ROLE sha256:HEX``; empty lines and those that begin with ``#`` are passed over. Tokens of our own
making have 256 random bits, so that one round of SHA-256 keeps them as well as any number would.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from precordia.core.errors import UsageError
from precordia.serve.security.oidc import Issuer
from precordia.serve.security.people import HERE, ROLES, Person

_NAME: Final = re.compile(r"[\w.@-]{1,60}")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Token:
    """One line of a file of tokens."""

    person: Person
    digest: bytes


def new_token(name: str, role: str) -> tuple[str, str]:
    """A new token, and the line to add to the file of tokens: the token itself is kept nowhere.

    Raises:
        UsageError: no such role, or no name.
    """
    _check(name, role, "--new-token")
    token = secrets.token_urlsafe(32)
    return token, f"{name} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def read_tokens(lines: Iterable[str], where: str) -> tuple[Token, ...]:
    """The tokens of a file.

    Raises:
        UsageError: a line is none; names it by its number, never by what stands in it.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        place = f"{where}, line {number}"
        digest = _DIGEST.fullmatch(words[2]) if len(words) == 3 else None
        if digest is None:
            raise UsageError(f"{place}: not NAME ROLE sha256:HEX; make one with: precordia serve --new-token NAME:ROLE")
        _check(words[0], words[1], place)
        found.append(Token(Person(words[0], words[1]), bytes.fromhex(digest[1])))
    return tuple(found)


class Tokens:
    """Who may come in.

    Args:
        file: A file of tokens, read again whenever it changes, or None.
        lines: Further lines, as in the file.
        plain: A token in clear (``$PRECORDIA_TOKEN``), of an administrator, or None.
        issuer: Whose tokens are taken besides, or None.

    Raises:
        UsageError: the file cannot be read, or is none.
    """

    def __init__(
        self,
        file: Path | None = None,
        lines: Iterable[str] = (),
        plain: str | None = None,
        issuer: Issuer | None = None,
    ) -> None:
        self._file, self._issuer = file, issuer
        self._fixed = read_tokens(lines, "$PRECORDIA_TOKENS")
        if plain is not None:
            self._fixed += (Token(Person("token", "admin"), hashlib.sha256(plain.encode()).digest()),)
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._read: tuple[Token, ...] = ()
        self.needed = bool(self._fixed) or file is not None or issuer is not None
        self._all()

    @classmethod
    def of_environment(cls, file: Path | None, issuer: Issuer | None = None) -> Tokens:
        """Those of a file, of ``$PRECORDIA_TOKENS`` (lines, or the name of a file), of ``$PRECORDIA_TOKEN`` and of an issuer."""
        several = os.environ.get("PRECORDIA_TOKENS", "")
        if several and "sha256:" not in several and file is None:
            return cls(Path(several), (), os.environ.get("PRECORDIA_TOKEN"), issuer)
        return cls(file, several.replace(";", "\n").splitlines(), os.environ.get("PRECORDIA_TOKEN"), issuer)

    def person(self, token: str | None) -> Person | None:
        """Who shows a token; None for one that is not known. May wait for an issuer.

        Raises:
            UsageError: the file of tokens cannot be read any more: nobody is let in by what it once said.
        """
        if not self.needed:
            return HERE
        if token is None:
            return None
        shown = hashlib.sha256(token.encode()).digest()
        found = None
        for one in self._all():
            # All are compared, so that the time taken tells nothing of which was nearly right.
            if hmac.compare_digest(one.digest, shown):
                found = one.person
        if found is None and self._issuer is not None:
            return self._issuer.person(token)
        return found

    def _all(self) -> tuple[Token, ...]:
        if self._file is None:
            return self._fixed
        try:
            status = self._file.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            with self._lock:
                if seen != self._seen:
                    lines = self._file.read_text(encoding="utf-8").splitlines()
                    self._read, self._seen = read_tokens(lines, str(self._file)), seen
                return (*self._fixed, *self._read)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self._file}: the file of tokens cannot be read ({type(error).__name__})") from None


def _check(name: str, role: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{where}: a name has up to 60 letters, digits and . @ _ -")
    if role not in ROLES:
        raise UsageError(f"{where}: unknown role {role[:20]!r} (choices: {', '.join(ROLES)})")
