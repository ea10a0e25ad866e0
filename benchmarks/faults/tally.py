"""What a part of the benchmark counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of one part, and what went wrong.

    Attributes:
        what: The part.
        counts: What happened, how often.
        wrong: What must not happen, each with enough to find it again.
    """

    what: str
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def row(self) -> list[str]:
        """For the page: the part, what happened, and what must not."""
        happened = ", ".join(f"{n} {name}" for name, n in self.counts.items())
        return [self.what, happened, str(len(self.wrong))]
