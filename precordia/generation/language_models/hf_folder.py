"""A Hugging Face causal language model in a local folder; in 4 bits where a GPU and bitsandbytes are there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from precordia.core.errors import LanguageModelError, MissingExtraError, UsageError
from precordia.generation.language_models.chat import ChatLanguageModel
from precordia.generation.language_models.settings import LanguageModelSettings


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model of a folder that holds ``config.json``, weights and tokenizer. Nothing is downloaded, no code of it is run.

    Raises:
        UsageError: there is no such folder, or it holds no model.
        LanguageModelError: the model cannot be loaded.
        MissingExtraError: transformers or langchain-huggingface is not installed.
    """
    folder = Path(rest).expanduser()
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"language model hf:{rest}: the folder has no config.json; give a folder saved by save_pretrained"
        )
    try:
        from langchain_huggingface import HuggingFacePipeline
    except ImportError:
        raise MissingExtraError("langchain-huggingface", "llm", "a local Hugging Face model") from None
    model, tokenizer = _load(folder)
    generate = _pipeline(model, tokenizer, settings)
    chat = _chat_class()(
        llm=HuggingFacePipeline(pipeline=generate),
        tokenizer=tokenizer,
        context=int(getattr(model.config, "max_position_embeddings", 2048)),
        max_tokens=settings.max_tokens,
    )

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return ChatLanguageModel(chat, f"hf:{folder.name}", settings, count_tokens=count)


def _load(folder: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if torch.cuda.is_available():
        options["device_map"] = "cuda:0"
        if importlib.util.find_spec("bitsandbytes"):
            from transformers import BitsAndBytesConfig

            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16
            )
        else:
            options["dtype"] = torch.bfloat16
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(str(folder), use_safetensors=True, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise LanguageModelError(f"language model hf:{folder}: cannot be loaded ({type(error).__name__})") from error
    model.eval()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = tokenizer.eos_token_id
    return model, tokenizer


def _pipeline(model: Any, tokenizer: Any, settings: LanguageModelSettings) -> Any:
    from transformers import GenerationConfig, pipeline

    sampling = (
        {"do_sample": True, "temperature": settings.temperature} if settings.temperature > 0 else {"do_sample": False}
    )
    model.generation_config = GenerationConfig(
        max_new_tokens=settings.max_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **sampling,
    )
    return pipeline("text-generation", model=model, tokenizer=tokenizer, return_full_text=False)


def _chat_class() -> Any:
    """LangChain's own ChatHuggingFace insists on a chat template; base models have none."""
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class FolderChat(BaseChatModel):
        llm: Any
        tokenizer: Any
        context: int
        max_tokens: int

        @property
        def _llm_type(self) -> str:
            return "precordia-hf-folder"

        def _generate(
            self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any
        ) -> ChatResult:
            text = as_text(messages, self.tokenizer)
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(ids) + self.max_tokens > self.context:
                raise LanguageModelError(
                    f"prompt of {len(ids)} and reply of {self.max_tokens} tokens exceed the model's {self.context}; "
                    "lower the prompt's token budget"
                )
            reply = self.llm.invoke(text, stop=stop)
            n_out = len(self.tokenizer(reply, add_special_tokens=False)["input_ids"])
            usage: Any = {"input_tokens": len(ids), "output_tokens": n_out, "total_tokens": len(ids) + n_out}
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content=reply, usage_metadata=usage))])

    return FolderChat


def as_text(messages: list[Any], tokenizer: Any) -> str:
    """The turns as the tokenizer's chat template has them, or under plain headings when it has none."""
    roles = {"system": "system", "human": "user", "ai": "assistant"}
    turns = [{"role": roles[message.type], "content": str(message.content)} for message in messages]
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    return "".join(f"{turn['role'].upper()}:\n{turn['content']}\n\n" for turn in turns) + "ASSISTANT:\n"
