"""What the model learns from, whoever gathered it: ECGs with reports and questions, and reports alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import statement_of, vocabulary
from precordia.core.findings import Finding
from precordia.judgement.reconcile import sayable, section_of
from precordia.language_models.own_model.questions import is_there

Asked = tuple[tuple[str, str], ...]
"""Questions with their answers."""
Precedents = tuple[tuple[str, float], ...]
"""Canonical statements with similarity, nearest first."""


@dataclass(frozen=True, eq=False)
class Ecg:
    """One ECG to learn from.

    Attributes:
        key: Names it.
        held_out: Whether it only chooses.
        vector: ``(dim,)`` unit embedding.
        steps: ``(n_steps, channels)`` the encoder's features in time.
        measured: Rounded measurements in words.
        report: Canonical statements; "" where nothing was written.
        precedents: Of other patients.
        questions: With their answers.
    """

    key: str
    held_out: bool
    vector: NDArray[np.float32]
    steps: NDArray[np.float16]
    measured: str
    report: str
    precedents: Precedents
    questions: Asked = ()


@dataclass(frozen=True, eq=False)
class Text:
    """A report without a signal.

    Attributes:
        report: Canonical statements.
        precedents: Stand-ins: reports of other patients that agree with it about as far as real precedents do.
        questions: With their answers.
    """

    report: str
    precedents: Precedents
    questions: Asked = ()


@dataclass(frozen=True, eq=False)
class Material:
    """All of it.

    Attributes:
        ecgs: With signals.
        texts: Without.
        encoder: Name of the encoder.
        encoder_fingerprint: Of it.
    """

    ecgs: Sequence[Ecg]
    texts: Sequence[Text]
    encoder: str
    encoder_fingerprint: str

    @property
    def data_hash(self) -> str:
        """SHA-256 of what decides the training: ids, words, questions and the encoder."""
        digest = hashlib.sha256(self.encoder_fingerprint.encode())
        for ecg in self.ecgs:
            digest.update(
                repr((ecg.key, ecg.held_out, ecg.measured, ecg.report, ecg.precedents, ecg.questions)).encode()
            )
            digest.update(np.rint(ecg.vector * 1e4).astype("<i4").tobytes())
        for text in self.texts:
            digest.update(repr((text.report, text.precedents, text.questions)).encode())
        return digest.hexdigest()

    def statements(self) -> tuple[str, ...]:
        """Canonical statements of the training part, in alphabetical order."""
        reports = [e.report for e in self.ecgs if not e.held_out] + [t.report for t in self.texts]
        return tuple(sorted({s for report in reports for s in statements_in(report)}))

    def asked(self) -> Asked:
        """Every question with its answer."""
        return tuple(qa for ecg in self.ecgs for qa in ecg.questions) + tuple(
            qa for text in self.texts for qa in text.questions
        )

    def concepts(self) -> tuple[str, ...]:
        """Findings that are asked about by the project's name for them."""
        asked = {question for question, _ in self.asked()}
        return tuple(sorted(concept.id for concept in vocabulary() if is_there(concept.id) in asked))

    def words(self) -> dict[str, int]:
        """Texts for a tokenizer with how often each counts: measurements as often as they stand there, statements by the
        square root of it, questions once."""
        counts: Counter[str] = Counter()
        measured: Counter[str] = Counter()
        for ecg in self.ecgs:
            if not ecg.held_out:
                counts.update(statements_in(ecg.report))
                measured.update(ecg.measured.split(", "))
        for text in self.texts:
            counts.update(statements_in(text.report))
        weights = {text: max(1, round(n**0.5)) for text, n in counts.items()}
        weights |= {text: n for text, n in measured.items() if text}
        for question, answer in sorted(set(self.asked())):
            weights.setdefault(question, 1)
            weights.setdefault(answer, 4)
        return weights


def canonical(findings: Iterable[Finding]) -> str:
    """Findings that an ECG can show, as canonical statements in reading order; what is denied is left out.

    >>> canonical([Finding("NORM"), Finding("SR"), Finding("LBBB", "absent")])
    'Sinus rhythm. Normal ECG.'
    """
    said = [f for f in findings if f.status != "absent" and sayable(f.concept)]
    said.sort(key=lambda f: (section_of(f.concept), f.concept, f.territory or ""))
    sentences = dict.fromkeys(statement_of(f).strip().rstrip(".") for f in said)
    return " ".join(f"{s[0].upper()}{s[1:]}." for s in sentences)


def statements_in(report: str) -> list[str]:
    """The statements of a canonical report."""
    return [f"{s}." for s in report.removesuffix(".").split(". ") if s]


def once(report: str) -> str:
    """A canonical report without what it says again.

    >>> once("Sinus rhythm. Normal ECG. Sinus rhythm.")
    'Sinus rhythm. Normal ECG.'
    """
    return " ".join(dict.fromkeys(statements_in(report)))
