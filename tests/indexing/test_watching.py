"""A watched folder: what has finished arriving is added, once, also by a watch that was started again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from precordia import KnowledgeBase
from precordia.core.errors import BusyError, UsageError
from precordia.indexing.watching import Watch, watch
from precordia.simulation.hospital import write_archive


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def names(files: Sequence[Path]) -> list[str]:
    return [file.name for file in files]


def test_a_file_that_still_grows_has_not_arrived(tmp_path: Path) -> None:
    clock = Clock()
    watched = Watch(tmp_path, 5, clock)
    for i in range(4):
        with (tmp_path / "ecg.xml").open("ab") as stream:
            stream.write(b"x" * 100)
        clock.wait(4)
        assert watched.arrived() == [], i
    clock.wait(5)
    assert names(watched.arrived()) == ["ecg.xml"]


def test_a_header_waits_for_its_samples(tmp_path: Path) -> None:
    clock = Clock()
    watched = Watch(tmp_path, 5, clock)
    (tmp_path / "a.hea").write_text("x")
    watched.arrived()
    clock.wait(4)
    (tmp_path / "a.dat").write_text("x")
    (tmp_path / "b.xml").write_text("x")
    assert watched.arrived() == []
    clock.wait(2)
    assert watched.arrived() == []
    clock.wait(5)
    assert names(watched.arrived()) == ["a.dat", "a.hea", "b.xml"]


def test_what_was_added_comes_again_only_when_it_changes(tmp_path: Path) -> None:
    clock = Clock()
    watched = Watch(tmp_path, 5, clock)
    (tmp_path / "a.xml").write_text("x")
    watched.arrived()
    clock.wait(6)
    watched.added(watched.arrived())
    assert watched.arrived() == []
    (tmp_path / "a.xml").write_text("longer")
    watched.arrived()
    clock.wait(6)
    assert names(watched.arrived()) == ["a.xml"]


@pytest.mark.parametrize("name", [".hidden.xml", "ecg.xml.part", "ecg.TMP", ".git/x.xml"])
def test_what_is_to_be_renamed_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    assert Watch(tmp_path, 0).arrived() == []


def test_a_busy_knowledge_base_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("x")
    clock, tries, said = Clock(), [], []

    def add(files: Sequence[Path]) -> None:
        tries.append(names(files))
        if len(tries) < 3:
            raise BusyError("another process is writing")

    watch(Watch(tmp_path, 5, clock), add, told=said.append, stop=lambda: clock.now > 60, wait=clock.wait)
    assert tries == [["a.xml"]] * 3
    assert len(said) == 2


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        watch(Watch(tmp_path / "none"), lambda files: None, told=print)


def test_what_arrives_is_in_the_archive_a_minute_later(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "hospital", 4, seed=8, formats=("wfdb",), poor=0.0)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    records = sorted(archive.folder.rglob("*.hea"))
    kb = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)

    def arrive(header: Path) -> None:
        for file in (header, header.with_suffix(".dat")):
            shutil.copy(file, inbox / file.name)

    def run(clock: Clock) -> list[int]:
        counts: list[int] = []

        def add(files: Sequence[Path]) -> None:
            report = kb.add(files, workers=1)
            counts.append(report.n_added)

        watch(Watch(inbox, 5, clock), add, told=print, stop=lambda: clock.now > 60, wait=clock.wait)
        return counts

    (inbox / "readme.bin").write_bytes(b"no ECG")
    for header in records[:2]:
        arrive(header)
    assert run(Clock()) == [2]
    arrive(records[2])
    # Started again: what is there already is passed over.
    assert sum(run(Clock())) == 1
    assert len(kb) == 3
