"""A larger model taught by each recipe, at the size of a toy: it learns, stops and goes on, and is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from precordia.cli.main import main
from precordia.core.errors import CheckpointError, InputError, UsageError
from precordia.language_models.own_model.context import Example, Sees, Shown
from precordia.language_models.own_model.material import Ecg, Material
from precordia.language_models.tuned.checkpoint import load_tuned_model, network_of
from precordia.language_models.tuned.episodes import by_class, draw
from precordia.language_models.tuned.fit import fit_tuned
from precordia.language_models.tuned.lessons import balanced, in_classes
from precordia.language_models.tuned.model import TunedModel
from precordia.language_models.tuned.mouths import TokenTable
from precordia.language_models.tuned.recipe import Episodes, TunedRecipe, load_tuned, parse_tuned
from precordia.language_models.tuned.training import Point

pytest.importorskip("transformers")

WELL, SICK = "Sinus rhythm. Normal ECG.", "Atrial fibrillation."
QUESTION = "Is there atrial fibrillation?"
CHANNELS = 6
RECIPES = ("refine", "alone", "soft", "tokens", "debiased", "fewshot")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A three-layer Llama over a small vocabulary of bytes, random weights."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    inner.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator([f" {WELL} {SICK} {QUESTION} yes no Report: Answer: rate 70"] * 9, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>", pad_token="<eos>")
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, bos_token_id=0, eos_token_id=0, tie_word_embeddings=True,
        initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@cache
def material() -> Material:
    """ECGs whose features in time, and whose precedents, tell which of two reports is theirs."""
    rng = np.random.default_rng(0)
    ecgs = []
    for i in range(28):
        sick = i % 2
        steps = (rng.standard_normal((8, CHANNELS)) + (3 if sick else -3) * np.eye(CHANNELS)[0]).astype(np.float16)
        report = SICK if sick else WELL
        asked = ((QUESTION, "yes" if sick else "no"), ("Is it noisy?", "yes" if i % 4 < 2 else "no"))
        ecgs.append(
            Ecg(f"ptbxl:{i}", i >= 20, np.zeros(4, np.float32), steps, "rate 70", report, ((report, 0.9),) * 3, asked)
        )
    return Material(ecgs, [], "default", "0" * 16)


def small(name: str, **changed: Any) -> TunedRecipe:
    recipe = load_tuned(name)
    episodes = recipe.episodes and Episodes(4, 2, 2, 1, 1)
    return replace(
        recipe, depth=2, rank=4, queries=2, batch_size=8, learning_rate=0.02, epochs=min(recipe.epochs, 2), noise=0.1,
        forecasts=min(recipe.forecasts, 1), episodes=episodes, save_every=3, questions=min(recipe.questions, 24), **changed,
    )  # fmt: skip


def taught(recipe: TunedRecipe, base: Path, out: Path, **how: Any) -> TunedModel:
    from precordia.language_models.tuned.checkpoint import load_base

    return fit_tuned(recipe, str(base), *load_base(str(base)), material(), out, **how)


def shown(sick: bool, **changed: Any) -> Shown:
    ecg = material().ecgs[int(sick)]
    return replace(Shown(None, (), ecg.measured, ecg.precedents, ecg.steps), **changed)


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_that_ships_teaches_and_is_read_back(name: str, base: Path, tmp_path: Path) -> None:
    points: list[Point] = []
    model = taught(small(name), base, tmp_path, watch=points.append)
    assert [p.step for p in points] == sorted({p.step for p in points})
    assert np.isfinite([p.loss for p in points]).all()
    assert np.isfinite(points[-1].held_out)
    assert {p.stage for p in points} >= {"lessons"} | ({"forecast"} if name == "tokens" else set())
    again = load_tuned_model(tmp_path)
    both = [shown(False), shown(True)]
    assert again.report(both) == model.report(both)
    assert all(
        set(text.replace(". ", ".|").split("|")) <= {"Sinus rhythm.", "Normal ECG.", SICK}
        for text in again.report(both)
    )
    assert again.answer(both, [QUESTION] * 2, [("no", "yes")] * 2) == model.answer(
        both, [QUESTION] * 2, [("no", "yes")] * 2
    )
    assert (tmp_path / "curve.csv").read_text().startswith("step,steps,stage,loss,held_out_loss,")
    assert np.isfinite(points[-1].other_ecg) == (model.network.mouth is not None)
    assert (tmp_path / "adapter.safetensors").stat().st_size < 1_000_000
    card = (tmp_path / "card.md").read_text()
    assert again.fingerprint in card
    assert material().data_hash in card


def test_precedents_are_used_and_their_absence_noticed(base: Path, tmp_path: Path) -> None:
    model = taught(replace(small("refine"), epochs=12), base, tmp_path)
    assert model.report([shown(False), shown(True)]) == [WELL, SICK]
    assert model.report([shown(False, precedents=((SICK, 0.9),) * 3)]) == [
        SICK
    ]  # the precedents tell, and no more than they do


def test_soft_tokens_carry_the_ecg(base: Path, tmp_path: Path) -> None:
    recipe = replace(small("soft"), epochs=14, sees=Sees("queries", 0, False))
    points: list[Point] = []
    model = taught(recipe, base, tmp_path, watch=points.append)
    assert model.report([shown(False), shown(True)]) == [WELL, SICK]
    assert points[-1].other_ecg > points[-1].held_out + 0.1


def test_a_batch_padded_in_front_changes_no_word(base: Path, tmp_path: Path) -> None:
    model = taught(small("soft"), base, tmp_path)
    asked = [
        shown(False),
        shown(True, precedents=((WELL, 0.9), (SICK, 0.8)) * 4),
        shown(True, precedents=(), measured=""),
    ]
    assert model.report(asked) == [model.report([one])[0] for one in asked]


def test_what_is_cached_below_gives_what_a_whole_pass_gives(base: Path) -> None:
    from precordia.language_models.tuned.checkpoint import load_base

    model, tokenizer = load_base(str(base))
    ids = tokenizer("Report: Sinus rhythm.", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        whole = model.model(input_ids=torch.tensor([ids])).last_hidden_state
        network = network_of(model, small("refine"), CHANNELS).eval()
        parts = network.above(network.below([ids, [*ids, *ids]]), None)[0, -len(ids) :]
    assert torch.allclose(whole[0], parts, atol=1e-4)


def test_a_forecast_begins_at_chance(base: Path) -> None:
    from precordia.language_models.tuned.checkpoint import load_base

    network = network_of(load_base(str(base))[0], small("tokens"), CHANNELS)
    assert isinstance(network.mouth, TokenTable)
    loss = network.forecast_loss(torch.randn(2, 12, CHANNELS))
    assert loss.item() == pytest.approx(np.log(network.mouth.quantiser.n_tokens), rel=1e-4)


def test_training_again_and_going_on_give_the_same_weights(base: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(at: Point) -> None:
        if at.step >= at.steps // 2:
            raise Stop

    recipe = small("tokens")
    whole = taught(recipe, base, tmp_path / "whole")
    with pytest.raises(Stop):
        taught(recipe, base, tmp_path / "parts", watch=stop)
    resumed = taught(recipe, base, tmp_path / "parts", resume=True)
    for name, tensor in whole.network.learned().items():
        assert torch.equal(tensor, resumed.network.learned()[name]), name
    assert (tmp_path / "whole" / "curve.csv").read_text() == (tmp_path / "parts" / "curve.csv").read_text()
    with pytest.raises(CheckpointError, match="another recipe"):
        taught(replace(recipe, seed=1), base, tmp_path / "parts", resume=True)
    (tmp_path / "parts" / "adapter.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_tuned_model(tmp_path / "parts")


def test_balanced_questions_do_not_tell_their_answer() -> None:
    asked = [
        (i % 2, Example(Shown(), "yes" if i % 10 == 0 or (i % 2 and i % 3 == 0) else "no", QUESTION)) for i in range(60)
    ]
    asked += [(0, Example(Shown(), "no", "Is there nothing else?"))] * 40
    drawn = balanced(asked, 800, 1)
    assert {e.question for e in drawn} == {QUESTION}  # what has one answer alone teaches to guess
    assert 0.45 < np.mean([e.answer == "yes" for e in drawn]) < 0.55
    assert balanced([(0, Example(Shown(), "no", QUESTION))], 5, 1) == []


def test_questions_for_episodes_are_drawn_by_whole_classes() -> None:
    asked = [Example(Shown(), answer, f"q{n}", "question") for n in range(9) for answer in "ab" for _ in range(12)]
    asked += [Example(Shown(), "a", f"alone {n}", "question") for n in range(400)]
    drawn = in_classes(asked, 50, 5, 42)
    assert len(drawn) == 40
    assert [len(some) for some in by_class(drawn, 5)] == [10] * 4
    assert len({e.question for e in drawn}) == 2


def test_an_episode_has_examples_and_other_questions_of_the_same_classes() -> None:
    asked = [Example(Shown(), answer, f"q{n}", "question") for n in range(3) for answer in "ab" for _ in range(7)]
    shape = Episodes(1, 4, 3, 2)
    episode = draw(by_class(asked, 5), shape, 0, 42)
    assert (len(episode.support), len(episode.query)) == (12, 8)
    classes = {(e.question, e.answer) for e in episode.support}
    assert classes == {(e.question, e.answer) for e in episode.query}
    assert len(classes) == 4
    assert not {id(e) for e in episode.support} & {id(e) for e in episode.query}
    with pytest.raises(InputError, match="4 classes"):
        draw(by_class(asked[:7], 5), shape, 0, 42)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sees": {"ecg": "embedding"}}, "queries, tokens or none"),
        ({"forecasts": 1}, "forecasts need"),
        ({"episodes": {}}, "episodes need"),
        ({"depth": 0}, "at least 1"),
        ({"precision": "fp16"}, "bf16 or fp32"),
        ({"held_out": [7]}, "both held out"),
        ({"learn": 1}, "unknown learn"),
    ],
)
def test_a_recipe_says_what_is_wrong(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_tuned({"name": "x", **wrong})


def test_a_meta_learned_mouth_adapts_to_examples_of_its_ecgs(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from precordia.datasets.ecgqa.questions import Question
    from precordia.eval.tasks.ecgqa import meta
    from precordia.eval.tasks.ecgqa.episodes import Episode

    recipe = replace(small("fewshot"), epochs=6, episodes=Episodes(4, 2, 2, 1, 4, 0.2))
    taught(recipe, base, tmp_path)
    ecgs = {i: e.steps for i, e in enumerate(material().ecgs)}
    monkeypatch.setattr(meta, "features_of", lambda encoder, found: (None, ecgs[found[0]][None]))
    fakes: Any = SimpleNamespace(recording=lambda ecg: ecg)
    own, swapped = meta.MetaLearned.both(tmp_path, fakes)

    def ask(ecg: int) -> Question:
        answer = frozenset({"yes" if ecg % 2 else "no"})
        return Question("test", ecg, 1, 1, "single-verify", "scp_code", QUESTION, answer, (ecg,), ("AFIB",))

    episode = Episode(0, 0, tuple(ask(i) for i in range(4)), tuple(ask(i) for i in range(20, 26)))
    assert own.answers(episode) == ["no", "yes"] * 3
    assert swapped.answers(episode) == ["yes", "no"] * 3
    taught(replace(small("soft"), epochs=1), base, tmp_path / "plain")
    with pytest.raises(UsageError, match="without episodes"):
        meta.MetaLearned.both(tmp_path / "plain", fakes)


@pytest.mark.data
def test_one_command_teaches_and_the_folder_reports_and_answers(
    part_of_ptbxl: Callable[..., Path], base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from precordia.core.drafts import Message, Prompt
    from precordia.core.errors import LanguageModelError
    from precordia.datasets.ptbxl import read_table, signal_of
    from precordia.language_models import LanguageModelSettings, load_language_model
    from precordia.records.read import read_recording

    data, out, recipe = part_of_ptbxl({6: 16, 8: 6}), tmp_path / "out", tmp_path / "small.json"
    recipe.write_text(
        '{"name": "small", "sees": {"ecg": "queries", "precedents": 2}, "depth": 1, "rank": 2, "questions": 12}'
    )
    command = ["train", "reports", str(recipe), "--llm", f"llama:{base}", "--data", str(data), "--out", str(out)]
    assert main([*command, "--limit", "10", "--epochs", "1"]) == 0
    said = capsys.readouterr()
    assert f"--llm tuned:{out}" in said.out
    assert "step " in said.err
    model = load_language_model(f"tuned:{out}", LanguageModelSettings(cache_dir=tmp_path / "replies"))
    assert model is not None
    table, _ = read_table(data / "ptbxl")
    found = [read_recording(str(p)) for number in table if (p := signal_of(data / "ptbxl", number))]
    prompts = [
        Prompt((Message("user", "?"),), recordings=(found[0],)),
        Prompt((Message("user", "?"),), recordings=(found[1],), question="Is it normal?", choices=("no", "yes")),
        Prompt((Message("user", "?"),), recordings=(found[0], found[1])),
    ]
    report, answer, both = model.complete_many(prompts)
    assert not isinstance(report, LanguageModelError)
    assert not isinstance(answer, LanguageModelError)
    assert answer.text in ("no", "yes")
    assert isinstance(both, LanguageModelError)
    assert model.reply(prompts[0]) == replace(report, cached=True)
    assert len(list((tmp_path / "replies").glob("*.json"))) == 2
