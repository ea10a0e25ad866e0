"""What callers hand over: ECGs, encoders and language models, as objects, by name or by file."""

from __future__ import annotations

from functools import lru_cache
from os import PathLike
from pathlib import Path

from precordia.core.errors import MissingExtraError
from precordia.core.given import expect
from precordia.core.protocols import Encoder, LanguageModel, TextEncoder
from precordia.core.recording import Recording


def encoder_of(encoder: Encoder | str) -> tuple[Encoder, str]:
    """An encoder of signals, and the name to load it by again: "custom" for an object."""
    if not isinstance(encoder, str):
        return encoder, "custom"
    from precordia.encoders import load_encoder

    return load_encoder(encoder), str(Path(encoder).resolve()) if Path(encoder).is_dir() else encoder


def text_encoder_of(encoder: TextEncoder | str | None) -> tuple[TextEncoder | None, str | None]:
    """Likewise of reports; None where none is wanted, or the default's extra is not installed."""
    if encoder is None:
        return None, None
    if not isinstance(encoder, str):
        return encoder, "custom"
    from precordia.encoders.text import load_text_encoder

    try:
        return load_text_encoder(encoder), encoder
    except MissingExtraError:
        if encoder != "default":
            raise
        return None, None


def names_file(words: str) -> bool:
    """Whether a string names a file, or a WFDB record without its extension, rather than says words.

    Where there is none, one word that ends as an ECG's file does is a name all the same: to be told of, not searched for.
    """
    from precordia.records.places import split_place
    from precordia.records.scan import ECG_ENDINGS

    try:
        file = Path(split_place(words)[0])
        if file.suffix.lower() in ECG_ENDINGS and len(words.split()) == 1:
            return True
        return file.is_file() or file.with_name(f"{file.name}.hea").is_file()
    except (OSError, ValueError):
        return False  # too long for a name, or with characters that no name has: words


def recording_of(ecg: Recording | PathLike[str] | str, besides: str = "") -> Recording:
    """An ECG, read where it is a file.

    Args:
        ecg: The recording, or its path.
        besides: What else the caller takes, for people.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(ecg, Recording):
        return ecg
    expect(ecg, (str, PathLike), f"give a Recording{f', {besides}' if besides else ''} or the path of an ECG file")
    from precordia.signals.long.outline import read_held_recording

    return read_held_recording(ecg)


def language_model_of(llm: LanguageModel | str) -> LanguageModel | None:
    """A language model, loaded where it is a spec, but once for questions in a row; None for "none".

    Raises:
        UsageError: it is neither.
    """
    if isinstance(llm, LanguageModel):
        return llm
    expect(
        llm,
        str,
        "a language model is a spec (local, openai:NAME@URL, ollama:NAME, hf:FOLDER, gguf:FILE, own:FOLDER, none) or a "
        "LanguageModel (inherit precordia.LanguageModel and give it name and reply(prompt))",
    )
    return None if llm == "none" else _loaded(llm)


@lru_cache(maxsize=1)
def _loaded(spec: str) -> LanguageModel | None:
    """The model of a spec, kept for the next question: it takes seconds to load. Another spec's takes its place."""
    from precordia.language_models import load_language_model

    return load_language_model(spec)
