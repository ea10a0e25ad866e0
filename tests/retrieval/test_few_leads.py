"""A search with one lead says how its vector was made; one with twelve is as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.documents import hit_document
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.encoders import create
from precordia.knowledge_base import KnowledgeBase
from precordia.retrieval import few_leads
from precordia.retrieval.few_leads import embed_query
from precordia.signals.leads.alignment import Alignment, Head
from precordia.signals.leads.drawers import load_drawer
from precordia.signals.leads.drawing import draw_leads
from precordia.simulation import simulate_batch


class MeanEncoder:
    """The mean size of each lead: a lead that is not there has none."""

    dim = 12
    fingerprint = "sizes"

    def embed(self, recordings: Sequence[Recording]) -> NDArray[np.float32]:
        out = np.zeros((len(recordings), 12), dtype=np.float32)
        for row, recording in enumerate(recordings):
            for lead, signal in zip(recording.leads, recording.signal, strict=True):
                out[row, LEADS.index(lead)] = np.abs(signal).mean()
        return out / np.linalg.norm(out, axis=1, keepdims=True)


def alignment(fingerprint: str = "sizes") -> Alignment:
    """One whose aligned vector is that of the drawn leads, and which takes nothing else."""
    pick = np.concatenate([np.zeros((12, 12)), np.eye(12), np.zeros((12, 1))], axis=1).astype(np.float32)
    nothing = np.zeros(1, np.float32)
    head = Head(np.zeros((1, 25), np.float32), nothing, np.zeros((12, 1), np.float32), pick, np.zeros(12, np.float32))
    linear = load_drawer("linear").fingerprint
    return Alignment(head, (("II",),), {("II",): (0.0, 0.0, 1.0)}, fingerprint, "linear", linear, True)


def ecg(*leads: str) -> Recording:
    signal = simulate_batch(1, 4, fs=100).signal[0]
    return Recording(signal[[LEADS.index(lead) for lead in leads]], 100.0, leads, "asked")


def test_the_aligned_vector_of_drawn_leads_is_searched_with() -> None:
    found = embed_query(MeanEncoder(), ecg("II"), alignment())  # type: ignore[arg-type]
    twelve = draw_leads(ecg("II"), "linear")
    sizes = np.abs(twelve.signal).mean(axis=1)
    assert np.allclose(found.vector, sizes / np.linalg.norm(sizes), atol=1e-5)
    assert found.how.startswith("fused: II with I, III")


def test_what_was_drawn_before_is_not_taken_for_recorded() -> None:
    drawn = draw_leads(ecg("II"), "linear")
    again, bare = (embed_query(MeanEncoder(), one, alignment()) for one in (drawn, drawn.measured))  # type: ignore[arg-type]
    assert again.how == bare.how
    assert np.array_equal(again.vector, bare.vector)


def test_twelve_leads_do_not_even_load_the_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Alignment:
        raise AssertionError

    monkeypatch.setattr(few_leads, "load_alignment", fail)
    assert embed_query(MeanEncoder(), ecg(*LEADS)).how == "direct"  # type: ignore[arg-type]


def test_a_hit_says_how_the_querys_vector_was_made(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("archive")
    for row, signal in enumerate(simulate_batch(6, 8, fs=100).signal):
        np.save(folder / f"e{row}.npy", signal)
    kb = KnowledgeBase.create(folder.parent / "few.kb", encoder=create("tiny"), text_encoder=None)
    kb.add(folder, workers=1, arrays={"fs": 100, "units": "mV", "leads": list(LEADS)})
    (hit,) = kb.search(Query(ecg("II"), k=1))
    assert hit_document(hit)["why"]["signal"].startswith("direct: the alignment of few leads is of encoder")
    (hit,) = kb.search(Query(ecg(*LEADS), k=1, exclude_self=False, exclude_near_duplicates=False))
    assert hit.why.signal == "direct"
