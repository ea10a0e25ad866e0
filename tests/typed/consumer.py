"""Code as a user writes it, read by mypy and never run: what the public names are and give must be known to type checkers."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import precordia
from precordia import (
    Case,
    Citation,
    Draft,
    Encoder,
    Finding,
    Hit,
    KnowledgeBase,
    LanguageModel,
    Measurements,
    Query,
    Recording,
    Statement,
    load_encoder,
    measure,
    read_recording,
    standardize,
)


def precedents(folder: Path, file: str) -> list[tuple[str, float, str | None]]:
    """As in the README."""
    kb = KnowledgeBase.open(folder)
    ecg = read_recording(file)
    assert_type(kb, KnowledgeBase)
    assert_type(ecg, Recording)
    assert_type(kb.search(Query(ecg, k=10)), list[Hit])
    found = kb.search(ecg, k=10, where="sex = 'F'")
    for hit in found:
        assert_type(hit.rank, int)
        assert_type(hit.case, Case)
        assert_type(hit.why.shared_findings, tuple[str, ...])
    return [(hit.case.recording_id, hit.score, hit.case.report) for hit in found]


def drafted(kb: KnowledgeBase, ecg: Recording, model: LanguageModel | str = "none") -> Draft:
    """A report and an answer are the same kind of thing."""
    draft = kb.report(ecg)
    assert_type(draft, Draft)
    assert_type(kb.ask("Is there atrial fibrillation?", ecg), Draft)
    for statement in draft.statements:
        assert_type(statement, Statement)
        assert_type(statement.findings, tuple[Finding, ...])
        assert_type(statement.citations, tuple[Citation, ...])
        assert_type(statement.confidence, float | None)
    return kb.report(ecg, llm=model)


def vectors(ecgs: list[Recording]) -> NDArray[np.float32]:
    """What loads is an encoder, and a class of one's own that has its methods would be one as well."""
    encoder: Encoder = load_encoder("default")
    assert_type(encoder.dim, int)
    return encoder.embed([standardize(ecg) for ecg in ecgs])


def measured(ecg: Recording) -> float | None:
    """An error is caught by its public name."""
    try:
        found = measure(ecg)
    except precordia.PrecordiaError as error:
        assert_type(str(error), str)
        return None
    assert_type(found, Measurements)
    return found.qrs_ms
