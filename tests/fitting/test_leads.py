"""What draws leads and what aligns few leads with all: learned, kept, resumed, and made again the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import CheckpointError, UnknownNameError, UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders import create
from precordia.encoders.checkpoint import save_encoder
from precordia.fitting import train
from precordia.fitting.signals.leads import aligning, training
from precordia.fitting.signals.leads.drawing import train_drawer
from precordia.fitting.signals.leads.material import Material
from precordia.fitting.signals.leads.subsets import subsets
from precordia.retrieval.few_leads import DIRECT, embed_query
from precordia.signals.leads.alignment import Alignment, Head, load_alignment
from precordia.signals.leads.drawers import load_drawer
from precordia.signals.leads.recipe import Recipe, Training, load_recipe
from precordia.simulation import simulate_batch

SMALL = Training((8, 8, 16), 5, 0, 2, 8, 3e-3, single=0.5)


def material(n: int = 24, held: int = 8) -> Material:
    signal = simulate_batch(n, 1, fs=100).signal
    return Material(
        tuple(f"e{i}" for i in range(n)), tuple(f"p{i}" for i in range(n)), signal, np.ones((n, 1000), dtype=np.bool_),
        np.ones(n, dtype=np.bool_), np.arange(n) < held, "hash",
    )  # fmt: skip


def recipe(settings: object, mechanism: str = "network") -> Recipe:
    return Recipe("small", mechanism, settings)


def fitted(folder: Path, one: Recipe, resume: bool = False) -> np.ndarray:
    data = material()
    drawer = train_drawer(
        data, one, training.linear_of(data), folder, resume=resume, watch=lambda epoch, epochs, figures: None
    )
    there = np.tile(np.arange(12) == 0, (2, 1))
    return drawer.draw(data.signal[:2] * there[:, :, None], there)


@pytest.mark.parametrize(
    ("mechanism", "settings"),
    [("network", SMALL), ("adversarial", replace(SMALL, hidden=8, adversary=0.02, correlation=0.0))],
)
def test_a_killed_training_goes_on_to_the_same_network(tmp_path: Path, mechanism: str, settings: Training) -> None:
    one = recipe(settings, mechanism)
    whole = fitted(tmp_path / "whole", one)

    class KilledError(Exception):
        pass

    def kill(epoch: int, epochs: int, figures: object) -> None:
        raise KilledError

    data = material()
    with pytest.raises(KilledError):
        train_drawer(data, one, training.linear_of(data), tmp_path / "cut", resume=False, watch=kill)
    assert np.array_equal(whole, fitted(tmp_path / "cut", one, resume=True))
    assert (tmp_path / "cut" / "curve.csv").read_bytes() == (tmp_path / "whole" / "curve.csv").read_bytes()
    with pytest.raises(CheckpointError, match="another recipe or other data"):
        fitted(tmp_path / "cut", replace(one, seed=7), resume=True)


def test_training_is_better_than_least_squares_on_what_it_saw(tmp_path: Path) -> None:
    data = material()
    linear = training.linear_of(data)
    drawer = train_drawer(
        data, recipe(replace(SMALL, epochs=12)), linear, tmp_path, resume=False, watch=lambda *_: None
    )
    there = np.tile(np.arange(12) == 1, (16, 1))
    signal, truth = data.signal[8:] * there[:, :, None], data.signal[8:, 6:]
    errors = [np.abs(one.draw(signal, there)[:, 2:] - truth).mean() for one in (linear, drawer)]
    assert errors[1] < errors[0]


def test_watches_and_patches_are_given_most_often() -> None:
    drawn = subsets(400, Training(), np.random.default_rng(0))
    single = drawn[drawn.sum(axis=1) == 1]
    assert drawn.any(axis=1).all()
    assert 0.5 < len(single) / 400 < 0.7
    assert single[:, LEADS.index("I")].mean() > single[:, LEADS.index("V2")].mean()


def test_what_is_named_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "gather", lambda data, recipe, simulated, progress: material())
    made = train("leads", "linear", tmp_path, tmp_path / "linear")
    assert (made.facts["recordings"], made.facts["held_out"]) == (16, 8)
    assert load_drawer(tmp_path / "linear").fingerprint == made.facts["fingerprint"]
    again = train("leads", "linear", tmp_path, tmp_path / "again")
    assert again.facts["fingerprint"] == made.facts["fingerprint"]
    small = tmp_path / "small.json"
    small.write_text(
        '{"name": "small", "mechanism": "network", "settings": {"channels": [8, 8], "epochs": 3, "batch_size": 8}}'
    )
    net = train("leads", small, tmp_path, tmp_path / "net", epochs=1)
    assert load_drawer(tmp_path / "net").name == "small"
    assert len((tmp_path / "net" / "curve.csv").read_text().splitlines()) == 2
    assert net.path == tmp_path / "net"
    with pytest.raises(UsageError, match="has no epochs"):
        train("leads", "linear", tmp_path, epochs=2)
    with pytest.raises(UnknownNameError, match="gan"):
        train("leads", "gann", tmp_path)


def test_every_recipe_that_ships_can_be_read() -> None:
    names = ("linear", "network", "gan", "aligned")
    assert [load_recipe(name).name for name in names] == list(names)


@pytest.fixture
def aligned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An encoder's folder, and that of an alignment for it."""
    save_encoder(create("tiny"), tmp_path / "encoder")
    monkeypatch.setattr(training, "gather", lambda data, recipe, simulated, progress: material())
    monkeypatch.setattr(aligning, "gather", lambda data, recipe, simulated, progress: material())
    small = tmp_path / "aligned.json"
    small.write_text(
        '{"name": "aligned", "mechanism": "aligned", "settings": {"leads": ["I", "I,II"], "drawer": "linear", "hidden": 16, '
        '"epochs": 3, "batch_size": 8, "contrast": 0.1}}'
    )
    made = train("leads", small, tmp_path, tmp_path / "aligned", encoder=str(tmp_path / "encoder"))
    assert set(made.facts["held_back"]) == {"I", "I,II"}  # type: ignore[call-overload]
    return tmp_path / "encoder", tmp_path / "aligned"


def one_lead(*leads: str) -> Recording:
    signal = simulate_batch(1, 5, fs=100).signal[0]
    return Recording(signal[[LEADS.index(lead) for lead in leads]], 100.0, leads, "query")


def test_few_leads_are_fused_for_the_encoder_they_were_aligned_with(aligned: tuple[Path, Path]) -> None:
    from precordia.encoders import load_encoder

    encoder, alignment = load_encoder(str(aligned[0])), replace(load_alignment(aligned[1]), used=True)
    alignment = replace(alignment, shares=dict.fromkeys(alignment.groups, (1.0, 0.5, 1.0)))
    found = embed_query(encoder, one_lead("I"), alignment)
    assert found.how.startswith("fused: I with II, III")
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(found.vector, encoder.embed([one_lead("I")])[0], atol=1e-3)
    limb = embed_query(encoder, one_lead("I", "II", "III", "aVR", "aVL", "aVF"), alignment)
    assert limb.how == "fused: I, II with V1, V2, V3, V4, V5, V6 inferred"
    assert np.allclose(limb.vector, embed_query(encoder, one_lead("I", "II"), alignment).vector, atol=1e-4)
    for leads in (("V3",), LEADS):
        plain = embed_query(encoder, one_lead(*leads), alignment)
        assert plain.how == DIRECT
        assert np.array_equal(plain.vector, encoder.embed([one_lead(*leads)])[0])


def test_an_alignment_of_another_encoder_is_refused_and_the_plain_vector_taken(aligned: tuple[Path, Path]) -> None:
    other, alignment = create("tiny", seed=1), replace(load_alignment(aligned[1]), used=True)
    found = embed_query(other, one_lead("I"), alignment)
    assert np.array_equal(found.vector, other.embed([one_lead("I")])[0])
    assert found.how.startswith("direct: the alignment of few leads is of encoder")
    assert "precordia train leads aligned" in found.how
    wrong = replace(alignment, encoder=other.fingerprint, drawer_fingerprint="0")
    assert "lead drawer 0" in embed_query(other, one_lead("I"), wrong).how


def test_what_did_not_help_is_not_used(aligned: tuple[Path, Path]) -> None:
    from precordia.encoders import load_encoder

    encoder, alignment = load_encoder(str(aligned[0])), replace(load_alignment(aligned[1]), used=False)
    assert embed_query(encoder, one_lead("I"), alignment).how == DIRECT


def test_a_fused_vector_gives_the_weighted_sum_of_similarities() -> None:
    rng = np.random.default_rng(0)
    parts = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.normal(size=(3, 2, 4)).astype(np.float32)]
    head = Head(
        np.zeros((1, 9), np.float32), np.zeros(1, np.float32), np.zeros((4, 1), np.float32),
        np.concatenate([np.zeros((4, 4)), np.eye(4), np.zeros((4, 1))], axis=1).astype(np.float32), np.zeros(4, np.float32),
    )  # fmt: skip
    one = Alignment(head, (("I",),), {("I",): (1.0, 0.5, 0.25)}, "e", "linear", "d", True)
    cases = rng.normal(size=(5, 4)).astype(np.float32)
    fused = one.fused(parts[0], parts[1], ("I",)) @ cases.T
    summed = (parts[0] + 0.75 * parts[1]) @ cases.T
    assert np.array_equal(np.argsort(fused, axis=1), np.argsort(summed, axis=1))


def test_an_alignment_is_kept_whole_or_refused(aligned: tuple[Path, Path]) -> None:
    described = aligned[1] / "alignment.json"
    described.write_text(described.read_text().replace('"version": 1', '"version": 2'))
    load_alignment.cache_clear()
    with pytest.raises(CheckpointError, match="another version"):
        load_alignment(aligned[1])
