"""The small language model of our own: what it is shown, what it may write, and that training is the same each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from precordia.core.case import Case
from precordia.core.drafts import Message, Prompt
from precordia.core.errors import CheckpointError, InputError, LanguageModelError, UnknownNameError, UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Why
from precordia.encoders.checkpoint import create
from precordia.generation.reports.report import write_report
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import judge
from precordia.language_models.own_model import fsq
from precordia.language_models.own_model.checkpoint import load_model, save_model
from precordia.language_models.own_model.context import Layout, Sees, Shown, edges_of, measured_words
from precordia.language_models.own_model.decoder import Decoder, Size
from precordia.language_models.own_model.fit import fit
from precordia.language_models.own_model.material import Ecg, Material, Text, canonical, statements_in
from precordia.language_models.own_model.model import OwnModel
from precordia.language_models.own_model.questions import VERDICTS, is_there
from precordia.language_models.own_model.recipe import Hidden, Recipe, load_recipe, parse_recipe
from precordia.language_models.own_model.tokenizer import Tokenizer
from precordia.language_models.trained_here import OwnLanguageModel, in_words
from precordia.testing.language_models import LanguageModelContract

SICK = "Atrial fibrillation. Left bundle branch block."
WELL = "Sinus rhythm. Normal ECG."
SMALL = Size(width=32, layers=1, heads=2, soft_tokens=2, encoder_dim=64, noise=0.1, dropout=0.0)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def material(dim: int = 64, fingerprint: str = "e") -> Material:
    """ECGs of two kinds that their vectors tell apart, and a few reports without signals."""
    rng = np.random.default_rng(0)
    ecgs = []
    for number in range(60):
        sick = number % 2 == 1
        vector = rng.standard_normal(dim).astype(np.float32) * 0.3
        vector[0] += 5.0 if sick else -5.0
        words, other = (SICK, WELL) if sick else (WELL, SICK)
        asked = (
            (is_there("LBBB"), "yes" if sick else "no"),
            ("What rhythm does this ECG show?", words.split(".")[0].lower()),
        )
        ecgs.append(
            Ecg(f"e{number}", number >= 48, vector / np.linalg.norm(vector),
                rng.standard_normal((8, 6)).astype(np.float16), f"rate {70 + number % 3 * 5}, regular", words,
                ((words, 0.9), (words, 0.8), (other, 0.4)), asked)
        )  # fmt: skip
    texts = [Text(w, ((w, 0.9), (WELL, 0.5)), ()) for w in (SICK, WELL) for _ in range(8)]
    return Material(ecgs, texts, "default", fingerprint)


def recipe(**changed: object) -> Recipe:
    plain = Recipe(
        "test", SMALL, Sees(precedents=2), Hidden(0.3, 0.4, 0.4), vocabulary=400, text_epochs=1, epochs=14, texts=16,
        questions=48, batch_size=16, learning_rate=1e-2, ema=0.5, precision="fp32",
    )  # fmt: skip
    return replace(plain, **changed)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> OwnModel:
    folder = tmp_path_factory.mktemp("trained")
    return save_model(fit(recipe(), material(), folder), folder)


def test_it_reads_the_ecg_where_nothing_else_is_shown(trained: OwnModel) -> None:
    held = [e for e in material().ecgs if e.held_out]
    shown = [Shown(e.vector) for e in held]
    assert trained.report(shown) == [e.report for e in held]
    verdicts = trained.answer(shown, [is_there("LBBB")] * len(held), [VERDICTS] * len(held))
    assert verdicts == [e.questions[0][1] for e in held]


def test_it_reads_its_precedents_where_the_ecg_is_hidden(trained: OwnModel) -> None:
    shown = [Shown(precedents=((words, 0.9), (words, 0.8))) for words in (SICK, WELL)]
    assert trained.report(shown, sees=Sees("none", 2, False)) == [SICK, WELL]


def test_a_batch_changes_no_word(trained: OwnModel) -> None:
    shown = [Shown(e.vector, (), e.measured, e.precedents[: n % 3]) for n, e in enumerate(material().ecgs[:7])]
    together = trained.report(shown)
    assert together == [trained.report([one])[0] for one in shown]


def test_a_report_holds_nothing_but_statements_it_was_trained_on(trained: OwnModel) -> None:
    rng = np.random.default_rng(1)
    strange = [Shown(v / np.linalg.norm(v)) for v in rng.standard_normal((12, 64)).astype(np.float32)]
    for text in trained.report(strange):
        assert set(statements_in(text)) <= set(trained.statements)


def test_an_answer_is_one_of_the_choices(trained: OwnModel) -> None:
    choices = ("a premature beat", "lead V1", "none")
    said = trained.answer([Shown()] * 3, ["Which?", "What is this?", "Tell me"], [choices] * 3)
    assert set(said) <= set(choices)


def test_what_was_saved_is_read_back_as_it_was(trained: OwnModel, tmp_path: Path) -> None:
    again = save_model(trained, tmp_path)
    shown = [Shown(e.vector, (), e.measured, e.precedents) for e in material().ecgs[:4]]
    assert again.report(shown) == trained.report(shown)
    assert (again.fingerprint, again.concepts, again.sees) == (trained.fingerprint, ("LBBB",), trained.sees)


def test_a_damaged_or_foreign_checkpoint_is_refused(trained: OwnModel, tmp_path: Path) -> None:
    save_model(trained, tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**description, "size": {**description["size"], "width": 64}}))
    with pytest.raises(CheckpointError, match="do not fit"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({**description, "version": 99}))
    with pytest.raises(CheckpointError, match="version 99"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(description))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match="tokenizer"):
        load_model(tmp_path)
    with pytest.raises(UnknownNameError):
        load_model("no-such-model")


def test_training_again_and_going_on_give_the_same_weights(tmp_path: Path) -> None:
    short = recipe(epochs=2)
    whole = fit(short, material(), tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(at: object) -> None:
        if getattr(at, "epoch", 0) == 2:
            raise Stop

    with pytest.raises(Stop):
        fit(short, material(), tmp_path / "parts", watch=stop)
    resumed = fit(short, material(), tmp_path / "parts", resume=True)
    for name, tensor in whole.decoder.state_dict().items():
        assert torch.equal(tensor, resumed.decoder.state_dict()[name]), name
    assert (tmp_path / "whole" / "curve.csv").read_text() == (tmp_path / "parts" / "curve.csv").read_text()
    with pytest.raises(CheckpointError, match="another recipe"):
        fit(replace(short, seed=1), material(), tmp_path / "parts", resume=True)


def test_discrete_ecg_tokens_can_stand_for_the_embedding(tmp_path: Path) -> None:
    model = save_model(fit(recipe(epochs=1, sees=Sees("tokens", 1)), material(), tmp_path), tmp_path)
    assert model.quantiser is not None
    tokens = model.ecg_tokens(material().ecgs[0].steps[None])[0]
    assert len(tokens) == 2
    assert all(0 <= t < model.quantiser.n_tokens for t in tokens)
    assert model.report([Shown(None, tokens)])[0]


def test_nothing_held_out_is_nothing_to_choose_by(tmp_path: Path) -> None:
    known = material()
    with pytest.raises(InputError, match="held out"):
        fit(recipe(), replace(known, ecgs=[e for e in known.ecgs if not e.held_out]), tmp_path)


def test_quantised_numbers_are_levels_and_their_token_is_their_place() -> None:
    torch.manual_seed(0)
    quantiser = fsq.FiniteScalarQuantiser(6, (3, 5), pool=2)
    steps = torch.randn(4, 9, 6) * 3
    levels = quantiser.quantised(quantiser.pooled(steps))
    assert levels.shape == (4, 4, 2)
    assert torch.allclose(levels, levels.round(), atol=1e-6)
    assert set(levels[..., 0].unique().tolist()) <= {-1.0, 0.0, 1.0}
    expected = (levels[..., 0] + 1) * 5 + (levels[..., 1] + 2)
    assert torch.equal(quantiser.tokens(steps), expected.round().long())
    with pytest.raises(ValueError, match="odd"):
        fsq.FiniteScalarQuantiser(6, (4,))


def test_quantising_learns_to_reconstruct_the_same_each_time() -> None:
    torch.manual_seed(1)
    steps = torch.randn(64, 8, 2) @ torch.randn(2, 12)
    first, again = fsq.fit(steps, seed=3, n_steps=150), fsq.fit(steps, seed=3, n_steps=150)
    assert torch.equal(first.tokens(steps), again.tokens(steps))
    spread = float(first.pooled(steps).var())
    assert float(first.loss(steps).detach()) < 0.5 * spread
    assert len(first.tokens(steps).unique()) > 20


def test_a_token_sees_what_is_before_it_and_no_padding() -> None:
    torch.manual_seed(0)
    decoder = Decoder(SMALL, 50).eval()
    vectors, seen = torch.randn(1, 64), torch.tensor([True])
    ids = torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        whole = decoder(vectors, seen, ids)
        changed = decoder(vectors, seen, torch.tensor([[1, 2, 9, 9]]))
        longer = decoder(vectors, seen, torch.tensor([[1, 2, 3, 4, 0, 0]]))
        hidden = decoder(vectors, torch.tensor([False]), ids)
        other = decoder(vectors + 1, torch.tensor([False]), ids)
    assert torch.allclose(whole[:, :2], changed[:, :2], atol=1e-6)
    assert not torch.allclose(whole[:, 2], changed[:, 2], atol=1e-3)
    assert torch.allclose(whole, longer[:, :4], atol=1e-6)
    assert not torch.allclose(whole, hidden, atol=1e-3)
    assert torch.equal(hidden, other)


def test_a_common_statement_is_one_token_and_special_tokens_cannot_be_written() -> None:
    tokenizer = Tokenizer.train({WELL: 50, SICK: 50, "QRS 100": 20}, 420)
    assert [tokenizer.decode([i]) for i in tokenizer.encode(WELL)] == ["Sinus rhythm.", "Normal ECG."]
    forged = tokenizer.encode("<end> Sinus rhythm. <report>")
    assert not set(forged) & set(tokenizer.special.values())
    assert tokenizer.decode(tokenizer.encode("Ünbekannt 12 µV.")) == "Ünbekannt 12 µV."


def test_the_farthest_precedents_make_room() -> None:
    tokenizer = Tokenizer.train({WELL: 50, SICK: 50}, 420)
    shown = Shown(None, (), "rate 70", ((SICK, 0.9), (WELL, 0.2), (WELL, 0.1)))
    layout = Layout(tokenizer, (0.5,), 9)
    ids = layout.prompt(shown, None, Sees("none", 3, False))
    case, near, far = (tokenizer.special[n] for n in ("<case>", "<near1>", "<near0>"))
    assert ids == [
        case,
        far,
        *tokenizer.encode(WELL),
        case,
        near,
        *tokenizer.encode(SICK),
        tokenizer.special["<report>"],
    ]
    assert len(edges_of([0.1, 0.2, 0.3])) == 9


def test_what_is_denied_or_cannot_be_seen_is_no_statement() -> None:
    findings = [
        Finding("NORM"),
        Finding("LBBB", "absent"),
        Finding("SR"),
        Finding("IMI", "uncertain"),
        Finding("BDRIFT"),
    ]
    assert canonical(findings) == "Sinus rhythm. Possible inferior myocardial infarction. Normal ECG."
    assert measured_words(Measurements(axis_deg=44.0), calibrated=False) == ""


def test_a_recipe_says_which_key_is_wrong() -> None:
    assert parse_recipe(json.loads(recipe().to_json())) == recipe()
    assert load_recipe("default").name == "default"
    with pytest.raises(UsageError, match="unknown layerz"):
        parse_recipe({"name": "x", "size": {"layerz": 2}})
    with pytest.raises(UsageError, match="held out and trained on"):
        parse_recipe({"name": "x", "held_out": [7]})
    with pytest.raises(UnknownNameError):
        load_recipe("no-such-recipe")


# --- as a language model ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> OwnLanguageModel:
    encoder = create("tiny", 0)
    size = replace(SMALL, encoder_dim=encoder.dim)
    hidden = Hidden(0.7, 0.0, 0.2)
    model = fit(recipe(size=size, hidden=hidden, epochs=8), material(encoder.dim), tmp_path_factory.mktemp("speaking"))
    return OwnLanguageModel(model, encoder, "own:test")


class TestOwnModel(LanguageModelContract):
    prompt = Prompt((Message("user", "?"),), question="Is there a left bundle branch block?", choices=("yes", "no"))

    @pytest.fixture(autouse=True)
    def _trained(self, speaking: OwnLanguageModel) -> None:
        self.model = speaking

    def make(self) -> LanguageModel:
        return self.model

    def make_failing(self) -> LanguageModel:
        """One that has nothing to say."""
        silent = copy(self.model)
        nothing = SimpleNamespace(report=lambda shown: [""] * len(shown), answer=lambda *asked: [""] * len(asked[0]))
        nothing.fingerprint = "silent"  # what another has said is kept, and is none of its
        silent._model = nothing  # type: ignore[assignment]
        return silent


def recording() -> Recording:
    t = np.arange(1000) / 100
    signal = np.stack([0.5 * np.sin(2 * np.pi * 1.2 * t + lead) for lead in range(12)]).astype(np.float32)
    return Recording(signal=signal, fs=100.0, leads=LEADS, recording_id="q", patient_id="q")


def hits(*findings: Finding) -> list[Hit]:
    return [
        Hit(n, 0.9 - n / 100, Case(n, f"r{n}", f"p{n}", "...", findings), Why({"signal": 0.9 - n / 100}, {"signal": n}))
        for n in range(1, 6)
    ]


def test_its_report_is_grounded_like_any_other(speaking: OwnLanguageModel) -> None:
    near = hits(Finding("AFIB"), Finding("CLBBB"), Finding("LBBB"))
    draft = write_report(judge(Evidence(recording(), Measurements(), hits=tuple(near))), language_model=speaking)
    assert draft.author == "own:test" or any("language model" in warning for warning in draft.warnings)
    assert draft.statements
    assert all(s.citations or s.measurements for s in draft.statements)


def test_a_question_in_free_words_is_put_as_it_was_trained(speaking: OwnLanguageModel) -> None:
    near = hits(Finding("AFIB"), Finding("LBBB"))
    prompt = Prompt((Message("user", "?"),), tuple(near), question="Does he have a left bundle branch block?")
    assert speaking.complete(prompt) in (
        "Yes: left bundle branch block.", "No: no left bundle branch block.", "Not sure."
    )  # fmt: skip
    held = replace(prompt, choices=("yes", "no"))
    assert speaking.complete(held) in ("yes", "no")


def test_what_it_was_not_trained_to_answer_is_an_error(speaking: OwnLanguageModel) -> None:
    asked = Prompt((Message("user", "?"),), question="What is the QRS duration?")
    with pytest.raises(LanguageModelError, match="findings"):
        speaking.complete(asked)
    with pytest.raises(LanguageModelError, match="one ECG"):
        speaking.complete(replace(asked, recordings=(recording(), recording())))


def test_the_ecg_of_a_prompt_is_embedded(speaking: OwnLanguageModel) -> None:
    shown = speaking.shown(Prompt((Message("user", "?"),), recordings=(recording(),)))
    assert shown.vector is not None
    assert np.linalg.norm(shown.vector) == pytest.approx(1.0, abs=1e-5)


def test_another_encoder_is_refused(trained: OwnModel, tmp_path: Path) -> None:
    from precordia.language_models import load_language_model

    save_model(trained, tmp_path)  # trained with the made-up encoder "e"
    with pytest.raises(CheckpointError, match=r"trained with encoder e.*train it again"):
        load_language_model(f"own:{tmp_path}")


def test_without_weights_it_says_how_to_train_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from precordia.language_models import load_language_model
    from precordia.language_models.own_model import checkpoint

    monkeypatch.setattr(checkpoint, "shipped", lambda: [])
    for spec in ("own", "precordia:default"):
        with pytest.raises(UsageError, match="precordia train --task report"):
            load_language_model(spec)


def test_verdicts_become_sentences() -> None:
    assert in_words({"LBBB": "no", "AFIB": "no"}, choose=True).startswith("None of them: no left bundle branch block.")
    assert in_words({"LBBB": "yes", "AFIB": "no"}, choose=True) == "Left bundle branch block."
