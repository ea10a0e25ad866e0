"""``precordia train --task report``: a model of our own, and an adapter of a larger one, by one command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import precordia
from precordia.cli.main import main


@pytest.fixture
def small_ptbxl(part_of_ptbxl: Callable[..., Path]) -> Path:
    """PTB-XL with 30 records of fold 6 and 10 of fold 8 alone."""
    return part_of_ptbxl({6: 30, 8: 10})


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    size = {"width": 32, "layers": 1, "heads": 2}
    values = {"name": "small", "size": size, "vocabulary": 400, "epochs": 2, "questions": 20, "precision": "fp32"}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--task", "report"], "--data DIR"),
        (["train", "--task", "report", "--data", "a", "--data", "b"], "one folder"),
        (["train", "--task", "report", "--data", "a", "--llm", "openai:x"], "hf:FOLDER"),
        (["train", "--task", "report", "--data", "nowhere", "--llm", "hf:nowhere"], "config.json"),
        (["train", "reports", "--data", "nowhere", "--limit", "3"], "goes with hf:FOLDER"),
        (["train"], "name a recipe"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert "\n" not in error


@pytest.mark.data
def test_a_model_is_trained_resumed_and_used(
    small_ptbxl: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from precordia.language_models import load_language_model

    command = ["train", str(recipe), "--task", "report", "--data", str(small_ptbxl), "--out", str(tmp_path / "out")]
    assert main([*command, "--json", "--threads", "1"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*command, "--json", "--resume"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == first["fingerprint"]
    card = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert first["data_hash"] in card
    assert first["encoder"] in card
    assert (tmp_path / "out" / "recipe.json").is_file()
    model = load_language_model(f"own:{tmp_path / 'out'}")
    assert model is not None
    assert model.name.startswith("own:")
    asked = ["eval", "own-model", "--data", str(small_ptbxl), "--set", f"model={tmp_path / 'out'}", "--set", "fold=8"]
    assert main([*asked, "--limit", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    groups = {row["group"] for row in rows if row["system"] == "own model"}
    assert {"reports", "questions"} <= groups
    said = {row["system"]: row["value"] for row in rows if row["metric"] == "micro F1 of findings"}
    assert {"consensus of precedents", "own model, grounded", "nearest report"} <= set(said)
    assert 0 < said["nearest report"] <= 1


@pytest.mark.data
def test_an_adapter_is_trained_on_the_prompts_that_reports_are_written_from(
    small_ptbxl: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("peft")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"<unk>": 0, "<eos>": 1, "sinus": 2}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    base = tmp_path / "base"
    PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>").save_pretrained(base)
    config = GPT2Config(vocab_size=3, n_positions=1600, n_embd=8, n_layer=1, n_head=1, bos_token_id=1, eos_token_id=1)
    GPT2LMHeadModel(config).save_pretrained(base)
    capsys.readouterr()
    command = ["train", str(recipe), "--task", "report", "--data", str(small_ptbxl), "--llm", f"hf:{base}"]
    assert main([*command, "--limit", "6", "--out", str(tmp_path / "adapter"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["lessons"] == 6
    weights = tmp_path / "adapter" / "adapter_model.safetensors"
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == str(
        base
    )
    again = precordia.train("reports", small_ptbxl, tmp_path / "again", recipe=recipe, llm=f"hf:{base}", limit=6)
    assert {**again.facts, "adapter": "", "llm": "", "losses": list(again.facts["losses"])} == {
        **printed,
        "adapter": "",
        "llm": "",
    }
    assert again.facts["llm"] == f"hf:{tmp_path / 'again'}"
    assert (tmp_path / "again" / "adapter_model.safetensors").read_bytes() == weights.read_bytes()
