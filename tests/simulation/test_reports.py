"""Reports are true of their ECG, varied, and in the language asked for."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from precordia.concepts import label_report, vocabulary
from precordia.core.errors import UnknownNameError
from precordia.simulation import SimulatedBatch, Truth, diagnosis_names, simulate, simulate_batch, write_report
from precordia.simulation.reports import Earlier, Language

SIGNS = {"NORM", "SR", "STE_", "STD_", "INVT", "QWAVE", "LAD", "RAD"}
"""Left unsaid in some reports: signs of a named cause, and sinus rhythm of a normal ECG."""


@pytest.fixture(scope="module")
def batch() -> SimulatedBatch:
    return simulate_batch(150, 17, noise=None, duration_s=4)


def said(text: str) -> tuple[set[str], set[str]]:
    """Concepts that a report affirms (or suspects) and denies, with their ancestors."""
    known, yes, no = vocabulary(), set(), set()
    for finding in label_report(text):
        (no if finding.status == "absent" else yes).add(finding.concept)
    return yes | {a for c in yes for a in known.ancestors(c)}, no


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_there_is_said_and_never_denied(batch: SimulatedBatch, language: Language) -> None:
    known = vocabulary()
    wanted = found = 0
    for i, truth in enumerate(batch.truths):
        yes, no = said(write_report(truth, np.random.default_rng(i), language))
        for concept in set(truth.concepts) - SIGNS:
            wanted += 1
            family = {concept, *known.ancestors(concept)}
            found += bool(family & yes) or "STEMI" in yes
            assert concept not in no
    assert wanted > 80
    assert found / wanted > 0.95


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_other_rhythm_block_or_infarction_is_said(batch: SimulatedBatch, language: Language) -> None:
    loud = {"AFIB", "AFLT", "CLBBB", "CRBBB", "LVH", "RVH", "PACE", "WPW", "MI", "1AVB", "PVC", "LNGQT"}
    known = vocabulary()
    for i, truth in enumerate(batch.truths):
        true = set(truth.concepts) | {a for c in truth.concepts for a in known.ancestors(c)}
        yes, _ = said(write_report(truth, np.random.default_rng(i), language))
        assert not (yes & loud) - true, truth.concepts


def test_figures_are_those_of_the_ecg() -> None:
    truth = simulate(["1AVB"], seed=3).truth
    texts = {write_report(truth, np.random.default_rng(s), style="sentence") for s in range(20)}
    assert any(f"{truth.measurements.pr_ms:.0f} ms" in text for text in texts)


def test_wording_varies_and_repeats_with_its_generator() -> None:
    truth = simulate(["AFIB", "LAFB"], seed=3).truth
    texts = [write_report(truth, np.random.default_rng(s)) for s in range(30)]
    assert len(set(texts)) > 12
    assert texts[4] == write_report(truth, np.random.default_rng(4))


def compared(now: Truth, then: Truth) -> set[str]:
    earlier = Earlier(datetime(2019, 3, 4), then)
    return {write_report(now, np.random.default_rng(s), earlier=earlier) for s in range(40)}


def test_comparison_says_what_changed() -> None:
    sinus, fibrillating = (simulate([d], seed=6, fs=100).truth for d in ("SR", "AFIB"))
    new = [text for text in compared(fibrillating, sinus) if "2019-03-04" in text]
    assert new
    assert all("atrial fibrillation" in text and "new" in text for text in new)
    gone = [text for text in compared(sinus, fibrillating) if "2019-03-04" in text]
    assert all("no longer" in text or "resolved" in text for text in gone)
    same = [text for text in compared(fibrillating, fibrillating) if "2019-03-04" in text]
    assert all("hange" in text for text in same)


def test_every_finding_has_words_in_both_languages() -> None:
    for name in diagnosis_names():
        truth = simulate([name], seed=9, fs=100, noise=None).truth
        for language in ("en", "de"):
            text = write_report(truth, np.random.default_rng(0), language)  # type: ignore[arg-type]
            assert len(text) > 1
            assert "{" not in text
            assert "None" not in text


def test_unknown_language_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="de, en"):
        write_report(simulate(seed=1, fs=100).truth, np.random.default_rng(0), "fr")  # type: ignore[arg-type]
