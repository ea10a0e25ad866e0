"""Prompts for language models, and the drafts that come of them: text in which every statement has its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit


@dataclass(frozen=True)
class Message:
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """What a language model is shown, with the evidence it may cite.

    Attributes:
        messages: The turns.
        hits: The precedents shown, in the order shown.
        measurements: The query's own measurements.
        question: The question, or None for a report.
        earlier: The patient's own earlier ECGs, numbered on from ``hits``.
        recordings: The ECG, or two to compare, for models that see signals; others are shown the messages alone.
        choices: The replies that are allowed, for models that can be held to them; empty for any reply.
    """

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...] = ()
    measurements: Measurements = field(default_factory=Measurements)
    question: str | None = None
    earlier: tuple[Hit, ...] = ()
    recordings: tuple[Recording, ...] = field(default=(), repr=False, compare=False)
    choices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line, without what the messages say."""
        return f"Prompt({len(self.messages)} messages, {len(self.hits)} precedents, {len(self.earlier)} earlier)"


@dataclass(frozen=True)
class Citation:
    """A pointer from a statement to a case.

    Attributes:
        case_id: The case.
        quote: The words of its report that support the statement.
        recording_id: The case's recording, for people.
    """

    case_id: int
    quote: str
    recording_id: str = ""


@dataclass(frozen=True)
class Statement:
    """One sentence of a draft.

    Attributes:
        text: The sentence.
        findings: What it says, as findings.
        citations: The cases that support it.
        measurements: Names of the query's measurements that support it ("qrs_ms").
        support: Share of the precedents that agree, 0 to 1, weighted by similarity; 1 for a measurement.
        confidence: Calibrated probability that the statement holds, or None when not calibrated.
        warnings: Contradictions and gaps, for people.
    """

    text: str
    findings: tuple[Finding, ...] = ()
    citations: tuple[Citation, ...] = ()
    measurements: tuple[str, ...] = ()
    support: float = 0.0
    confidence: float | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line."""
        return f"Statement({self.text!r}, {len(self.citations)} citations, support={self.support:.2f})"


@dataclass(frozen=True)
class Draft:
    """A report or an answer, for a clinician to check.

    Attributes:
        statements: Its statements, in reading order.
        abstained: True when the evidence is too weak; ``statements`` then says so or is empty.
        reason: Why it abstained, or None.
        measurements: The query's measurements.
        hits: The precedents it rests on.
        earlier: The patient's own earlier ECGs that it was compared with, most recent first.
        author: "consensus" or the language model's name.
        warnings: About the draft as a whole (poor signal quality, a model that failed).
        consider: What must not be missed, each with its evidence and its uncertainty: shown beside what is said, and
            where nothing is.
        details: Token counts, latencies and settings of a language model.
    """

    statements: tuple[Statement, ...]
    abstained: bool = False
    reason: str | None = None
    measurements: Measurements = field(default_factory=Measurements)
    hits: tuple[Hit, ...] = ()
    author: str = "consensus"
    warnings: tuple[str, ...] = ()
    earlier: tuple[Hit, ...] = ()
    consider: tuple[Statement, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The draft's text, or why there is none."""
        return self.text or self.reason or ""

    def __repr__(self) -> str:
        """One line, without what the statements say."""
        parts = [f"{len(self.statements)} statements", f"{len(self.hits)} precedents", f"by {self.author}"]
        return f"Draft({', '.join(['abstained'] * self.abstained + parts)})"

    @property
    def text(self) -> str:
        """The draft as one text, a sentence a statement."""
        return " ".join(statement.text for statement in self.statements)
