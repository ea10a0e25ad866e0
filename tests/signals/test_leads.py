"""Drawn leads: exact where the laws between leads are, marked everywhere, and measured, judged or embedded nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precordia.core.documents import recording_document
from precordia.core.errors import CheckpointError, UnknownNameError, UnusableSignalError
from precordia.core.leads import LEADS, LIMB_FROM_I_II, derive_limb_leads
from precordia.core.recording import Recording
from precordia.generation.pages.ecg_paper import describe, draw
from precordia.measurements import delineate, measure
from precordia.records.quality import assess
from precordia.records.standardize import standardize
from precordia.signals.leads.drawers import load_drawer, save_drawer
from precordia.signals.leads.drawing import draw_leads
from precordia.signals.leads.independent import EXPANSION, INDEPENDENT, agreeing, determined
from precordia.signals.leads.linear import fit_linear
from precordia.simulation import simulate


def hearts(n: int = 3, length: int = 400, seed: int = 0) -> np.ndarray:
    """``(n, 12, length)`` leads that are mixtures of three sources and obey the laws."""
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(n, 3, length))
    independent = np.einsum("ls,nst->nlt", rng.normal(size=(8, 3)), sources)
    return np.matmul(EXPANSION, independent).astype(np.float32)


def phantom(*leads: str) -> Recording:
    whole = simulate(["IMI:acute"], seed=3, fs=100).recording
    rows = [whole.leads.index(lead) for lead in leads or LEADS]
    return Recording(whole.signal[rows], 100.0, tuple(leads or LEADS), "phantom", patient_id="p")


@given(st.sets(st.integers(0, 11), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_subset_is_drawn_and_limb_leads_obey_their_laws(rows: set[int]) -> None:
    signal = hearts(1)
    there = np.isin(np.arange(12), list(rows))
    drawer = fit_linear(hearts(seed=1), np.ones((3, 400), dtype=np.bool_))
    drawn = agreeing(signal[0], there, drawer.draw(signal * there[None, :, None], there[None])[0])
    assert np.array_equal(drawn[there], signal[0][there])
    for lead, row in derive_limb_leads(drawn[0], drawn[1]).items():
        assert np.allclose(drawn[LEADS.index(lead)], row, atol=1e-4)


def test_what_follows_exactly_is_drawn_exactly_and_three_sources_from_three_leads() -> None:
    signal = hearts(2)
    every = np.ones((2, 400), dtype=np.bool_)
    drawer = fit_linear(signal, every)
    for given_leads, exact in ((("I", "III"), LIMB_FROM_I_II), (("I", "II", "V2"), LEADS)):
        there = np.tile(np.isin(LEADS, given_leads), (2, 1))
        whole = np.matmul(EXPANSION, drawer.draw(signal * there[:, :, None], there))
        at = [LEADS.index(lead) for lead in exact]
        assert np.allclose(whole[:, at], signal[:, at], atol=1e-3)


def test_two_limb_leads_determine_six() -> None:
    assert determined(np.isin(LEADS, ["aVR", "III"])).sum() == 6
    assert determined(np.isin(LEADS, ["aVR", "V3"])).sum() == 2


def test_the_linear_weights_are_those_of_least_squares() -> None:
    signal = np.random.default_rng(2).normal(size=(1, 8, 5000))
    signal[0, 3] += 0.7 * signal[0, 2]
    whole = np.matmul(EXPANSION, signal).astype(np.float32)
    drawer = fit_linear(whole, np.ones((1, 5000), dtype=np.bool_))
    v1 = LEADS.index("V1")
    weight = drawer.weights(np.arange(12) == v1)[INDEPENDENT.index("V2"), v1]
    assert weight == pytest.approx(
        np.dot(whole[0, v1], whole[0, v1 + 1]) / np.dot(whole[0, v1], whole[0, v1]), rel=1e-4
    )


def test_drawn_leads_are_marked_in_the_recording_its_json_and_its_paper() -> None:
    twelve = draw_leads(phantom("I", "II"), "linear")
    assert twelve.leads == LEADS
    assert twelve.inferred_leads == ("V1", "V2", "V3", "V4", "V5", "V6")
    assert recording_document(twelve)["inferred_leads"] == list(twelve.inferred_leads)
    assert "V1, V2, V3, V4, V5, V6 inferred from I, II" in twelve.notes[-1]
    paper = draw(twelve)
    assert paper.count('class="trace inferred"') == paper.count(">inferred<") == 6
    assert "not recorded: V1, V2" in describe(twelve)
    assert "inferred" not in draw(phantom())


def test_recorded_leads_stay_and_a_whole_ecg_is_left_alone() -> None:
    one = phantom("V5")
    twelve = draw_leads(one, "linear")
    assert np.array_equal(twelve.lead("V5"), standardize(one).lead("V5"))
    assert twelve.inferred_leads == tuple(lead for lead in LEADS if lead != "V5")
    assert draw_leads(phantom(), "linear").inferred_leads == ()


def test_a_recording_longer_than_a_window_is_drawn_to_its_end() -> None:
    whole = simulate(["SR"], seed=5, fs=100, duration_s=23).recording
    one = Recording(whole.signal[:1], 100.0, ("I",), "long")
    twelve = draw_leads(one, "linear")
    assert twelve.n_samples == 2300
    weights = load_drawer("linear").drawer.draw(twelve.signal[None, :, :], (np.arange(12) == 0)[None])  # type: ignore[arg-type]
    assert np.allclose(twelve.lead("V2"), weights[0, INDEPENDENT.index("V2")], atol=1e-5)


def test_nothing_is_measured_on_drawn_leads() -> None:
    one = phantom("II")
    twelve = draw_leads(one, "linear")
    measured = measure(twelve)
    assert measured.n_beats
    for by_lead in (
        measured.st_j60_mv,
        measured.r_mv,
        measured.s_mv,
        measured.q_mv,
        measured.t_mv,
        measured.t_width_ms,
    ):
        assert set(by_lead) <= {"II"}
    assert measured.axis_deg is None
    assert measured.criteria == measure(standardize(one)).criteria
    assert delineate(twelve).leads == ("II",)
    assert set(assess(twelve).lead_scores) == {"II"}
    assert standardize(twelve).leads == ("II",)


def test_what_is_marked_must_be_there_and_something_must_have_been_recorded() -> None:
    signal = np.zeros((2, 500), dtype=np.float32)
    for leads in (("V1",), ("I", "II")):
        with pytest.raises(UnusableSignalError, match="inferred leads"):
            Recording(signal, 100.0, ("I", "II"), "x", inferred_leads=leads)


def test_a_drawer_is_kept_whole_or_refused(tmp_path: Path) -> None:
    drawer = fit_linear(hearts(), np.ones((3, 400), dtype=np.bool_))
    stored = save_drawer(drawer, "linear", tmp_path / "a")
    assert load_drawer(tmp_path / "a").fingerprint == stored.fingerprint
    weights = tmp_path / "a" / "drawer.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "drawer.json").write_bytes((tmp_path / "a" / "drawer.json").read_bytes())
    (tmp_path / "b" / "drawer.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="make it again with precordia train leads"):
        load_drawer(tmp_path / "b")
    with pytest.raises(UnknownNameError, match="linear"):
        load_drawer("liner")


def test_least_squares_need_no_torch() -> None:
    import subprocess

    code = (
        "import sys, numpy as np\n"
        "from precordia.core.recording import Recording\n"
        "from precordia.signals.leads.drawing import draw_leads\n"
        "x = np.sin(np.arange(1000) / 7)[None].astype('float32')\n"
        "draw_leads(Recording(x, 100.0, ('I',), 'x'), 'linear')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_says_what_was_drawn_and_that_it_is_no_evidence() -> None:
    from precordia.generation.pages.leads_page import WARNING, render_leads

    page = render_leads(draw_leads(phantom("I"), "linear"))
    assert WARNING in page
    assert page.count('class="trace inferred"') >= 11
    assert WARNING not in render_leads(draw_leads(phantom(), "linear"))
