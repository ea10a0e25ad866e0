"""What is relied on: a corpus on disk holds what one in memory holds, and a killed reading goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.core.recording import Recording
from precordia.encoders import corpus_on_disk
from precordia.encoders.corpus import gather
from precordia.encoders.corpus_on_disk import bytes_of, key_of, open_corpus
from precordia.encoders.sources import readings
from precordia.records.standardize import SignalSpec

SPEC = SignalSpec()
FOLDS = {"exclude": {"strat_fold": ("5",)}, "hold_out": {"strat_fold": ("4",)}}


@dataclass(frozen=True)
class Made:
    """Recordings, of which number 7 cannot be read; counts how many were read."""

    recordings: tuple[Recording, ...]
    read_numbers: list[int]
    name: str = "made"

    def __len__(self) -> int:
        return len(self.recordings)

    def read(self, number: int) -> Recording:
        self.read_numbers.append(number)
        if number == 7:
            raise UnreadableRecordingError("seven.hea: is damaged")
        return self.recordings[number]

    def stamp(self) -> str:
        return self.name


@pytest.fixture
def made(made_recordings: list[Recording], monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setattr(corpus_on_disk, "BLOCK", 10)
    short = replace(made_recordings[0], recording_id="short", signal=made_recordings[0].signal[:, :100])
    return Made((*made_recordings, short), [])


def test_it_holds_what_a_corpus_in_memory_holds(made: Made, tmp_path: Path) -> None:
    memory = gather(readings(made), SPEC, **FOLDS)  # type: ignore[arg-type]
    disk = open_corpus(tmp_path, made, SPEC, **FOLDS)  # type: ignore[arg-type]
    rows = np.arange(len(memory))
    assert disk.ids == memory.ids
    assert disk.texts == memory.texts
    assert disk.patients == memory.patients
    assert disk.signal.shape == memory.signal.shape
    assert {i for i, _ in disk.rejected} == {i for i, _ in memory.rejected} >= {"short", "number 7"}
    np.testing.assert_array_equal(disk.held_out, memory.held_out)
    np.testing.assert_array_equal(disk.calibrated, memory.calibrated)
    np.testing.assert_array_equal(disk.leads, memory.leads)
    np.testing.assert_array_equal(disk.samples[rows], memory.samples[rows])
    np.testing.assert_allclose(disk.typical_mv, memory.typical_mv, rtol=1e-6)
    # float16 has 11 significant bits.
    np.testing.assert_allclose(disk.signal[rows], memory.signal[rows], rtol=2**-10, atol=1e-5)
    assert disk.signal[rows[3:5]].dtype == np.float32
    assert not memory.calibrated.all()


def test_it_is_read_once(made: Made, tmp_path: Path) -> None:
    first = open_corpus(tmp_path, made, SPEC, **FOLDS)  # type: ignore[arg-type]
    again = open_corpus(tmp_path, made, SPEC, **FOLDS)  # type: ignore[arg-type]
    other = open_corpus(tmp_path, made, SPEC, hold_out={"strat_fold": ("3",)})
    assert sorted(made.read_numbers) == list(range(len(made)))
    assert first.data_hash == again.data_hash != other.data_hash
    assert len(other) > len(first)
    assert key_of(made, SPEC) != key_of(replace(made, name="changed"), SPEC)


@pytest.mark.parametrize("stop", [1, 3])
def test_a_killed_reading_goes_on(made: Made, tmp_path: Path, stop: int) -> None:
    class Killed(BaseException):
        pass

    def kill(blocks: Iterable[Any], total: int) -> Iterator[Any]:
        for number, block in enumerate(blocks):
            if number == stop:
                raise Killed
            yield block

    with pytest.raises(Killed):
        open_corpus(tmp_path / "parts", made, SPEC, show=kill, **FOLDS)  # type: ignore[arg-type]
    (folder,) = (tmp_path / "parts").iterdir()
    # As if it had been killed while writing the next block.
    with (folder / "signal.f16").open("ab") as file:
        file.write(b"\0" * 1234)
    with (folder / "entries.jsonl").open("ab") as file:
        file.write(b'{"recording_id": "half')
    made.read_numbers.clear()
    parts = open_corpus(tmp_path / "parts", made, SPEC, **FOLDS)  # type: ignore[arg-type]
    assert min(made.read_numbers) == 10 * stop
    whole = open_corpus(tmp_path / "whole", made, SPEC, **FOLDS)  # type: ignore[arg-type]
    assert parts.data_hash == whole.data_hash
    (other,) = (tmp_path / "whole").iterdir()
    for name in ("signal.f16", "samples.u1", "leads.u1", "sizes.f32", "entries.jsonl"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_entries_whose_signals_were_lost_are_read_again(made: Made, tmp_path: Path) -> None:
    whole = open_corpus(tmp_path / "cache", made, SPEC, **FOLDS)  # type: ignore[arg-type]
    (folder,) = (tmp_path / "cache").iterdir()
    state = json.loads((folder / "corpus.json").read_text())
    (folder / "corpus.json").write_text(json.dumps({**state, "complete": False}))
    with (folder / "signal.f16").open("r+b") as file:
        file.truncate(15 * 24_000)
    again = open_corpus(tmp_path / "cache", made, SPEC, **FOLDS)  # type: ignore[arg-type]
    assert again.data_hash == whole.data_hash
    rows = np.arange(len(whole))
    np.testing.assert_array_equal(again.signal[rows], whole.signal[rows])


def test_a_cache_that_cannot_be_written_is_one_line(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--cache"):
        open_corpus(tmp_path / "file", made, SPEC)


def test_what_it_takes_in_memory() -> None:
    assert bytes_of(800_000, SPEC) == 38_400_000_000
