"""``tuned:FOLDER``: a larger language model with the adapter that ``precordia train reports RECIPE --llm local`` writes;
``local:NAME``: one that comes with the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from precordia.core.errors import CheckpointError, UnknownNameError, UsageError
from precordia.language_models.settings import LanguageModelSettings
from precordia.language_models.trained_here import OwnLanguageModel

ADAPTERS: Final = Path(__file__).parent / "tuned" / "adapters"


def load(rest: str, settings: LanguageModelSettings) -> OwnLanguageModel:
    """The model of a checkpoint's folder.

    Raises:
        UsageError: there is no such folder, or the weights that the adapter stands on are not there.
        CheckpointError: the checkpoint is damaged, or was taught with another encoder than the one there is.
    """
    folder = Path(rest).expanduser()
    if not folder.is_dir():
        raise UsageError(f"language model tuned:{rest}: no such folder; give one that `precordia train reports` wrote")
    return _over(folder, f"tuned:{folder.name}", settings)


def load_shipped(name: str, settings: LanguageModelSettings) -> OwnLanguageModel:
    """The model with an adapter that comes with the package.

    Raises:
        UnknownNameError: there is no such adapter.
        UsageError: the weights that it stands on are not there.
    """
    if name not in shipped():
        raise UnknownNameError("adapter of the language model local", name, shipped())
    return _over(ADAPTERS / name, f"local:{name}", settings)


def shipped() -> list[str]:
    """Names of the adapters that come with the package."""
    return sorted(path.parent.name for path in ADAPTERS.glob("*/model.json"))


def _over(folder: Path, name: str, settings: LanguageModelSettings) -> OwnLanguageModel:
    from precordia.encoders import load_encoder
    from precordia.language_models.tuned.checkpoint import load_tuned_model

    model = load_tuned_model(folder)
    encoder = load_encoder(model.encoder)
    if model.sees.ecg != "none" and encoder.fingerprint != model.encoder_fingerprint:
        raise CheckpointError(
            f"language model {name}: taught with encoder {model.encoder_fingerprint}, but encoder {model.encoder!r} is "
            f"{encoder.fingerprint}; train it again with `precordia train reports`"
        )
    return OwnLanguageModel(model, encoder, f"{name} {model.fingerprint}", settings)
