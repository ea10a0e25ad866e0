"""Prompts for language models, and the drafts that come of them: text in which every statement has its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit

PromptSize = Literal["full", "compact"]
"""How much a language model is shown: a small one loses its way in a long prompt."""

CHARACTERS_A_TOKEN = 3.2
"""For models whose tokenizer is not at hand: medical English and German take about a token every 3.5 to 4.5 characters
with the byte-pair tokenizers in use; a lower number keeps the estimate on the safe side."""


@dataclass(frozen=True)
class Message:
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str

    def __repr__(self) -> str:
        return f"Message({self.role}, {len(self.content)} characters)"


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
        facts: How the last message begins: what it shows, before it says what is to be done; "" where that is not set apart.
    """

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...] = ()
    measurements: Measurements = field(default_factory=Measurements)
    question: str | None = None
    earlier: tuple[Hit, ...] = ()
    recordings: tuple[Recording, ...] = field(default=(), repr=False, compare=False)
    choices: tuple[str, ...] = ()
    facts: str = field(default="", repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Prompt({len(self.messages)} messages, {len(self.hits)} precedents, {len(self.earlier)} earlier)"


@dataclass(frozen=True)
class Reply:
    """What a language model answered, and what it cost.

    Attributes:
        text: The reply.
        tokens_in: Tokens of the prompt, as the server counts them; None when it does not say.
        tokens_out: Tokens of the reply.
        latency_s: Time of the attempt that succeeded, s.
        attempts: Attempts needed.
        cached: Whether it came from the cache.
        cut_off: Whether it ends where it may be no longer.
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_s: float = 0.0
    attempts: int = 1
    cached: bool = False
    cut_off: bool = False

    def __repr__(self) -> str:
        return f"Reply({len(self.text)} characters, {self.latency_s:.3f} s{', cached' if self.cached else ''})"


def estimate_tokens(text: str) -> int:
    """About how many tokens a text takes, rather too many than too few."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 1


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

    def __repr__(self) -> str:
        return f"Citation({self.case_id})"


@dataclass(frozen=True)
class Place:
    """A place in a signal that shows what is said.

    Attributes:
        start_s: From here, s from the beginning of the recording.
        end_s: To here, s.
        leads: In these leads.
    """

    start_s: float
    end_s: float
    leads: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{', '.join(self.leads)}, " if self.leads else ""
        return f"{where}{self.start_s:.1f}-{self.end_s:.1f} s"


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
        places: Where in the signal it shows, in a recording that is too long to be seen at once.
    """

    text: str
    findings: tuple[Finding, ...] = ()
    citations: tuple[Citation, ...] = ()
    measurements: tuple[str, ...] = ()
    support: float = 0.0
    confidence: float | None = None
    warnings: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    def __repr__(self) -> str:
        said = ", ".join(f"{finding.status} {finding.concept}" for finding in self.findings[:6]) or "no finding"
        return f"Statement({said}, {len(self.citations)} citations, support {self.support:.2f})"

    def __str__(self) -> str:
        return self.text


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
        signal: What kind of signal it is about, and what that can and cannot show; empty for a resting ECG.
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
    signal: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        said = "abstained" if self.abstained else f"{len(self.statements)} statements"
        return f"Draft({said}, {len(self.hits)} precedents, by {self.author})"

    def __str__(self) -> str:
        return self.text or self.unsure

    @property
    def unsure(self) -> str:
        """Why nothing is claimed, as a sentence to people that says once that it is not sure.

        >>> Draft((), True, "not sure: P waves are small").unsure, Draft((), True, "no ECG").unsure
        ('Not sure: P waves are small', 'Not sure: no ECG')
        """
        return f"Not sure: {self.reason.removeprefix('not sure: ')}" if self.reason else "Not sure."

    @property
    def text(self) -> str:
        """The draft as one text, a sentence a statement."""
        return " ".join(statement.text for statement in self.statements)
