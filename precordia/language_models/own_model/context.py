"""What the model is shown of an ECG, and how that becomes tokens.

    [the ECG: soft tokens, or <ecg> and discrete tokens] <measured> numbers <case> <near7> statements <case> ... then
    <report> statements <end>      or      <ask> question <answer> answer <end>

Precedents stand farthest first, so that the nearest is nearest to what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from precordia.core.findings import Measurements
from precordia.language_models.own_model.tokenizer import BINS, Tokenizer

EcgAs = Literal["embedding", "tokens", "queries", "none"]

_ROUNDED: Final = (
    ("rate", "heart_rate_bpm", 5),
    ("PR", "pr_ms", 10),
    ("QRS", "qrs_ms", 10),
    ("QTc", "qtc_ms", 10),
    ("axis", "axis_deg", 15),
)


@dataclass(frozen=True)
class Sees:
    """Which inputs a model is shown.

    Attributes:
        ecg: "embedding" through the projector, discrete "tokens", or "none"; of a tuned model also "queries".
        precedents: Most of them; 0 for none.
        measurements: Whether numbers measured on the ECG are shown.
    """

    ecg: EcgAs = "embedding"
    precedents: int = 5
    measurements: bool = True


@dataclass(frozen=True, eq=False)
class Shown:
    """One ECG as the model may be shown it.

    Attributes:
        vector: ``(encoder_dim,)`` unit embedding, or None where there is no signal.
        ecg_tokens: Discrete tokens, numbered from 0; empty where there are none.
        measured: From :func:`measured_words`; "" for nothing.
        precedents: Canonical statements and similarity of each, nearest first; other patients' alone.
        steps: ``(n_steps, channels)`` the encoder's features in time, for models that read those.
    """

    vector: NDArray[np.float32] | None = None
    ecg_tokens: tuple[int, ...] = ()
    measured: str = ""
    precedents: tuple[tuple[str, float], ...] = ()
    steps: NDArray[np.float16] | None = None


@dataclass(frozen=True, eq=False)
class Example:
    """Something to learn.

    Attributes:
        shown: The ECG.
        answer: What is to be written: canonical statements, or the answer to the question.
        question: None for a report.
        group: "text", "report" or "question", for the curve.
    """

    shown: Shown
    answer: str
    question: str | None = None
    group: str = "report"


def measured_words(measurements: Measurements, *, calibrated: bool = True) -> str:
    """Measurements as a few rounded numbers in words.

    Args:
        measurements: Of the ECG.
        calibrated: False leaves out what needs true amplitudes.

    >>> measured_words(Measurements(heart_rate_bpm=71.8, pr_ms=163.0, rhythm_regularity="regular"))
    'rate 70, PR 160, regular'
    """
    words = []
    for label, name, step in _ROUNDED:
        value = getattr(measurements, name)
        if value is not None and np.isfinite(value) and (calibrated or name != "axis_deg"):
            words.append(f"{label} {round(value / step) * step:d}")
    if measurements.rhythm_regularity:
        words.append(measurements.rhythm_regularity)
    if measurements.paced:
        words.append("paced")
    if calibrated:
        words += [name.replace("_", " ") for name, met in sorted(measurements.criteria.items()) if met]
    return ", ".join(words)


@dataclass(frozen=True)
class Layout:
    """How an ECG and a question become token ids.

    Attributes:
        tokenizer: Of texts.
        edges: ``BINS - 1`` ascending similarities between the levels that precedents are marked with.
        max_tokens: Longest prompt; the farthest precedents are left out until it fits.
    """

    tokenizer: Tokenizer
    edges: tuple[float, ...] = field(default=tuple(np.linspace(0, 1, BINS + 1)[1:-1]))
    max_tokens: int = 256

    def prompt(self, shown: Shown, question: str | None, sees: Sees) -> list[int]:
        """Token ids up to where the model begins to write."""
        special, encode = self.tokenizer.special, self.tokenizer.encode
        head: list[int] = []
        if sees.ecg == "tokens" and shown.ecg_tokens:
            head += [special["<ecg>"], *(len(self.tokenizer) + number for number in shown.ecg_tokens)]
        if sees.measurements and shown.measured:
            head += [special["<measured>"], *(i for part in shown.measured.split(", ") for i in encode(part))]
        tail = [special["<report>"]] if question is None else [special["<ask>"], *encode(question), special["<answer>"]]
        cases: list[list[int]] = []
        room = self.max_tokens - len(head) - len(tail)
        for text, similarity in shown.precedents[: sees.precedents]:
            level = int(np.searchsorted(self.edges, similarity))
            case = [special["<case>"], special[f"<near{level}>"], *encode(text)]
            room -= len(case)
            if room < 0:
                break
            cases.append(case)
        return [*head, *(i for case in reversed(cases) for i in case), *tail]

    def answer(self, text: str) -> list[int]:
        """Token ids of what is to be written, closed."""
        return [*self.tokenizer.encode(text), self.tokenizer.special["<end>"]]


def edges_of(similarities: Sequence[float]) -> tuple[float, ...]:
    """Levels that share out similarities evenly."""
    return tuple(round(float(q), 4) for q in np.quantile(np.asarray(similarities), np.linspace(0, 1, BINS + 1)[1:-1]))
