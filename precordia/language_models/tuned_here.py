"""``tuned:FOLDER``: a larger language model with the adapter that ``precordia train reports RECIPE --llm local`` writes."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import CheckpointError, UsageError
from precordia.language_models.settings import LanguageModelSettings
from precordia.language_models.trained_here import OwnLanguageModel


def load(rest: str, settings: LanguageModelSettings) -> OwnLanguageModel:
    """The model of a checkpoint's folder.

    Raises:
        UsageError: there is no such folder, or the weights that the adapter stands on are not there.
        CheckpointError: the checkpoint is damaged, or was taught with another encoder than the one there is.
    """
    from precordia.encoders import load_encoder
    from precordia.language_models.tuned.checkpoint import load_tuned_model

    folder = Path(rest).expanduser()
    if not folder.is_dir():
        raise UsageError(f"language model tuned:{rest}: no such folder; give one that `precordia train reports` wrote")
    model = load_tuned_model(folder)
    encoder = load_encoder(model.encoder)
    if model.sees.ecg != "none" and encoder.fingerprint != model.encoder_fingerprint:
        raise CheckpointError(
            f"language model tuned:{rest}: taught with encoder {model.encoder_fingerprint}, but encoder {model.encoder!r} is "
            f"{encoder.fingerprint}; train it again with `precordia train reports`"
        )
    return OwnLanguageModel(model, encoder, f"tuned:{folder.name} {model.fingerprint}", settings)
