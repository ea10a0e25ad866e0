"""Who asks, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROLES: Final = ("read", "write", "admin")
"""Each may do what those before it may: read asks, write reviews, admin reads the audit, erases and starts jobs."""


@dataclass(frozen=True)
class Person:
    """Who asks.

    Attributes:
        name: As in the file of tokens; ``oidc:NAME`` as an issuer names them.
        role: One of :data:`ROLES`.
    """

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether the role covers what needs another."""
        return ROLES.index(self.role) >= ROLES.index(role)


HERE: Final = Person("local", "admin")
"""Who asks where there are no tokens: the service then listens on this machine alone."""
