"""Files of ECG-QA are told from others by their content."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from precordia.datasets.ecgqa.published import check, object_id

TABLES = ("answers.csv", "answers_for_each_template.csv")


def test_ids_are_those_of_git(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"some\ncontent\n")
    done = subprocess.run(["git", "hash-object", str(tmp_path / "x")], capture_output=True, text=True, check=True)
    assert object_id(b"some\ncontent\n") == done.stdout.strip()


def test_a_file_that_was_not_published_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "ptbxl"
    (folder / "template" / "test").mkdir(parents=True)
    names = ("answers.csv", "template/test/0.json", "template/test/80000.json")
    for name in names:
        (folder / name).write_text("[]")
    found = check(folder, names)
    assert (found.same, found.unknown) == ((), ("template/test/0.json",))
    assert found.altered == ("answers.csv", "template/test/80000.json")
    assert "3 are not those of" in found.in_words


@pytest.mark.data
def test_the_files_here_are_the_published_ones_until_a_byte_changes(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "ecgqa" / "ptbxl"
    names = [str(p.relative_to(folder)) for p in folder.glob("*/*/*.json")] + list(TABLES)
    found = check(folder, names)
    assert (set(found.same), found.altered, found.unknown) == (set(names), (), ())
    assert found.absent == 2 * 43 - 8  # 43 shards in each wording; of eight here
    copy = tmp_path / "ptbxl"
    copy.mkdir()
    for name in TABLES:
        shutil.copyfile(folder / name, copy / name)
    (copy / "answers.csv").write_bytes((folder / "answers.csv").read_bytes() + b" ")
    assert check(copy, TABLES).altered == ("answers.csv",)
