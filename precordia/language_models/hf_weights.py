"""The weights of a Hugging Face folder: a whole model, or a LoRA adapter over one; in 4 bits where that is asked for.

Loading in 4 bits needs a CUDA device and bitsandbytes; neither is in the project's tests, which check the options alone.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import LanguageModelError, MissingExtraError, UsageError

ADAPTER: Final = "adapter_config.json"
RECORD: Final = "training.json"
"""Beside an adapter that was trained here: how, and what prompts it learned from."""


def weight_options(four_bit: bool | None, *, cuda: bool, bitsandbytes: bool) -> dict[str, Any]:
    """How ``from_pretrained`` is to place and shrink the weights.

    Args:
        four_bit: As in the settings: None where it can be, True always, False never.
        cuda: Whether a CUDA device is there.
        bitsandbytes: Whether the package is installed.

    Raises:
        LanguageModelError: 4 bits are asked for without a CUDA device.
        MissingExtraError: 4 bits are asked for without bitsandbytes.
    """
    if four_bit and not cuda:
        raise LanguageModelError(
            "weights in 4 bits need a CUDA device, and none is here; load the model whole with hf:PATH, or use a server"
        )
    if four_bit and not bitsandbytes:
        raise MissingExtraError("bitsandbytes", "llm-4bit", "a local model in 4 bits")
    if not cuda:
        return {}
    import torch

    options: dict[str, Any] = {"device_map": "cuda:0"}
    if bitsandbytes and four_bit is not False:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    else:
        options["dtype"] = torch.bfloat16
    return options


def base_of(folder: Path) -> Path:
    """The folder of the whole model: this one, or the one that an adapter in it belongs to.

    Raises:
        UsageError: there is neither a model nor an adapter, or the adapter's model is not where it was.
    """
    if (folder / "config.json").is_file():
        return folder
    if not (folder / ADAPTER).is_file():
        raise UsageError(
            f"language model hf:{folder}: the folder has no config.json; give a folder saved by save_pretrained"
        )
    try:
        base = Path(str(json.loads((folder / ADAPTER).read_text(encoding="utf-8"))["base_model_name_or_path"]))
    except (ValueError, KeyError) as error:
        raise UsageError(f"{folder / ADAPTER}: cannot be read as an adapter's description; fine-tune again") from error
    if not (base / "config.json").is_file():
        raise UsageError(
            f"language model hf:{folder}: its base model is not at {base}; put it there or change {ADAPTER}"
        )
    return base


def load_weights(folder: Path, four_bit: bool | None = None) -> tuple[Any, Any]:
    """Model, in evaluation mode, and tokenizer. Nothing is downloaded, no code of the folder is run.

    Raises:
        UsageError: the folder holds no model.
        LanguageModelError: the model cannot be loaded.
        MissingExtraError: transformers, peft or bitsandbytes is needed and not installed.
    """
    base = base_of(folder)
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        raise MissingExtraError("transformers", "llm", "a local Hugging Face model") from None
    options = weight_options(
        four_bit, cuda=torch.cuda.is_available(), bitsandbytes=importlib.util.find_spec("bitsandbytes") is not None
    )
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base), **local)
        model = AutoModelForCausalLM.from_pretrained(str(base), use_safetensors=True, **local, **options)
        if base != folder:
            model = _adapted(model, folder, whole="quantization_config" not in options)
    except (OSError, ValueError, RuntimeError) as error:
        raise LanguageModelError(f"language model hf:{folder}: cannot be loaded ({type(error).__name__})") from error
    model.eval()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = tokenizer.eos_token_id
    return model, tokenizer


def _adapted(model: Any, folder: Path, *, whole: bool) -> Any:
    """The model with an adapter's weights; added to its own where those are not in 4 bits."""
    try:
        from peft import PeftModel
    except ImportError:
        raise MissingExtraError("peft", "llm", "a fine-tuned adapter") from None
    with peft_beside_transformers():
        adapted = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
        return adapted.merge_and_unload() if whole else adapted


@contextmanager
def peft_beside_transformers() -> Iterator[None]:
    """Without the warnings that transformers 5 gives for names that peft 0.21 and transformers 4 share."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*", category=FutureWarning)
        yield
