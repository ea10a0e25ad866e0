"""Fine-tuning a local model: an adapter is written, loaded back by its folder, and changes what the model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from precordia.core.drafts import Message, Prompt
from precordia.core.errors import CheckpointError, InputError, LanguageModelError, MissingExtraError, UsageError
from precordia.language_models import LanguageModelSettings, load_language_model
from precordia.language_models.hf_weights import base_of, load_weights, weight_options

WORDS = ("<unk>", "<eos>", "sinus", "rhythm", "normal", "ecg", "USER:", "ASSISTANT:", "report", "this")
PROMPT = Prompt((Message("user", "report this"),))


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A one-layer GPT-2 over a few words, random weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(WORDS),
        n_positions=64,
        n_embd=32,
        n_layer=1,
        n_head=2,
        bos_token_id=1,
        eos_token_id=1,
        initializer_range=0.5,
    )
    folder = tmp_path / "base"
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def train(folder: Path, out: Path, resume: bool = False, **changed: Any) -> tuple[float, ...]:
    pytest.importorskip("peft")
    from precordia.language_models.lora import Lesson, LoraSettings, fine_tune

    settings = LoraSettings(
        **{"rank": 8, "epochs": 30, "learning_rate": 0.05, "dropout": 0.0, "max_tokens": 32, **changed}
    )
    return fine_tune(folder, [Lesson(PROMPT, "sinus rhythm")] * 4, out, settings, resume=resume).losses


def test_an_adapter_learns_its_lesson_and_is_used_by_its_folder(tiny_folder: Path, tmp_path: Path) -> None:
    losses = train(tiny_folder, tmp_path / "adapter")
    assert losses[-1] < 0.5 * losses[0]
    settings = LanguageModelSettings(max_tokens=8, structured=False)
    adapted = load_language_model(f"hf:{tmp_path / 'adapter'}", settings)
    base = load_language_model(f"hf:{tiny_folder}", settings)
    assert adapted is not None
    assert base is not None
    assert adapted.complete(PROMPT).startswith("sinus")
    assert not base.complete(PROMPT).startswith("sinus")
    assert not (tmp_path / "adapter" / "config.json").exists()  # the adapter alone, not the model again


def test_the_same_lessons_give_the_same_adapter(tiny_folder: Path, tmp_path: Path) -> None:
    assert train(tiny_folder, tmp_path / "a", epochs=2) == train(tiny_folder, tmp_path / "b", epochs=2)


def test_what_cannot_be_learned_from_is_an_error(tiny_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from precordia.language_models.lora import Lesson, LoraSettings, fine_tune

    with pytest.raises(InputError, match="nothing"):
        fine_tune(tiny_folder, [], tmp_path / "out")
    long = Lesson(Prompt((Message("user", "sinus " * 40),)), "rhythm")
    settings = LoraSettings(max_tokens=32)
    with pytest.raises(InputError, match=r"each of the 1 lessons.*token budget"):
        fine_tune(tiny_folder, [long], tmp_path / "out", settings)
    some = fine_tune(tiny_folder, [long, Lesson(PROMPT, "sinus rhythm")], tmp_path / "out", settings)
    assert (some.lessons, some.too_long) == (1, 1)


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from precordia.language_models import lora

    more = {"epochs": 4, "batch_size": 2, "dropout": 0.3, "save_every": 1}
    whole = train(tiny_folder, tmp_path / "whole", **more)
    step = lora._Run._step
    left = iter(range(3))
    monkeypatch.setattr(lora._Run, "_step", lambda run, batch: (next(left), step(run, batch))[1])
    with pytest.raises((StopIteration, RuntimeError)):
        train(tiny_folder, tmp_path / "parted", **more)
    monkeypatch.setattr(lora._Run, "_step", step)
    assert train(tiny_folder, tmp_path / "parted", resume=True, **more) == whole
    curves = [(tmp_path / name / "curve.csv").read_text() for name in ("whole", "parted")]
    assert curves[0] == curves[1]
    assert len(curves[0].splitlines()) == 1 + 8
    with pytest.raises(CheckpointError, match="other settings"):
        train(tiny_folder, tmp_path / "parted", resume=True, **{**more, "learning_rate": 0.01})


def test_the_loss_is_that_of_the_replys_tokens_however_activations_are_kept(tiny_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = json.loads((tiny_folder / "config.json").read_text())
    still = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    (tiny_folder / "config.json").write_text(json.dumps({**config, **still}))
    (first,) = train(tiny_folder, tmp_path / "a", epochs=1, learning_rate=0.0)
    (kept,) = train(tiny_folder, tmp_path / "b", epochs=1, learning_rate=0.0, checkpointing=False)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_folder), AutoTokenizer.from_pretrained(tiny_folder)
    ids = [*tokenizer("USER: report this ASSISTANT: sinus rhythm")["input_ids"], 1]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    wanted = torch.nn.functional.cross_entropy(logits[-4:-1], torch.tensor(ids[-3:]))
    assert first == pytest.approx(float(wanted), rel=1e-4)
    assert kept == pytest.approx(first, rel=1e-5)


def test_an_adapter_is_shown_the_prompts_that_it_learned_from(tiny_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from precordia.language_models.lora import Lesson, fine_tune

    fine_tune(tiny_folder, [Lesson(PROMPT, "sinus rhythm")], tmp_path / "a", prompt_size="full", sees_judgement=False)
    adapted = load_language_model(f"hf:{tmp_path / 'a'}")
    assert adapted is not None
    assert (adapted.prompt_size, adapted.sees_judgement) == ("full", False)


def test_an_adapter_without_its_base_says_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path / "gone")}))
    with pytest.raises(UsageError, match=r"base model is not at .*gone"):
        base_of(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(UsageError, match="adapter's description"):
        base_of(tmp_path)


def test_four_bits_are_asked_of_the_library_only_where_they_can_be_had() -> None:
    pytest.importorskip("transformers")
    assert weight_options(None, cuda=False, bitsandbytes=True) == {}
    assert "quantization_config" not in weight_options(None, cuda=True, bitsandbytes=False)
    assert "quantization_config" not in weight_options(False, cuda=True, bitsandbytes=True)


def test_four_bits_without_a_gpu_or_the_package_are_a_plain_error(tiny_folder: Path) -> None:
    with pytest.raises(LanguageModelError, match="CUDA"):
        weight_options(True, cuda=False, bitsandbytes=True)
    with pytest.raises(MissingExtraError, match="bitsandbytes"):
        weight_options(True, cuda=True, bitsandbytes=False)
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(LanguageModelError, match="CUDA"):
            load_weights(tiny_folder, four_bit=True)
        with pytest.raises(LanguageModelError, match="CUDA"):
            load_language_model(f"hf-4bit:{tiny_folder}")
