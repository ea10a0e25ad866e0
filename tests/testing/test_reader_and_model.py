"""A new reader and a new language model, in a temporary registry, keep the contracts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.drafts import Prompt, Reply
from precordia.core.errors import LanguageModelError
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Recording
from precordia.language_models import KINDS, load_language_model
from precordia.records.read import read_recording
from precordia.records.readers import READERS
from precordia.records.readers.reader import Reader
from precordia.testing.language_models import LanguageModelContract
from precordia.testing.readers import ReaderContract


def _read(path: Path) -> Recording:
    content = path.read_bytes().removeprefix(b"OURECG\0\0")
    signal = np.frombuffer(content, "<f4").reshape(2, 1000)
    return Recording(signal, 100.0, ("I", "II"), recording_id=path.stem, source=str(path), format="ours")


OURS = Reader("ours", lambda head: 2 * head.data.startswith(b"OURECG\0\0"), _read, (".ours",))


class TestOurReader(ReaderContract):
    reader = OURS

    def write(self, folder: Path) -> Path:
        path = folder / "one.ours"
        path.write_bytes(b"OURECG\0\0" + np.sin(np.arange(2000) / 9).astype("<f4").tobytes())
        return path


class Parrot(LanguageModel):
    name = "parrot"

    def __init__(self, fails: bool = False) -> None:
        self._fails = fails

    def reply(self, prompt: Prompt) -> Reply:
        if self._fails:
            raise LanguageModelError("the parrot is away")
        return Reply(prompt.messages[-1].content)


class TestParrot(LanguageModelContract):
    def make(self) -> LanguageModel:
        return Parrot()

    def make_failing(self) -> LanguageModel:
        return Parrot(fails=True)


def test_a_new_reader_is_one_line(tmp_path: Path, register: Callable[..., None]) -> None:
    register(READERS, "ours", OURS)
    recording = read_recording(TestOurReader().write(tmp_path))
    assert (recording.format, recording.leads) == ("ours", ("I", "II"))


def test_a_new_language_model_is_one_line(register: Callable[..., None]) -> None:
    def load(rest: str, settings: Any) -> Any:
        return Parrot()

    register(KINDS, "parrot", load)
    model = load_language_model("parrot:grey")
    assert model is not None
    assert model.reply(TestParrot.prompt).text == "Say: sinus rhythm."
