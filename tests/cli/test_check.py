"""``precordia check`` and what other commands say of a knowledge base that is damaged or cannot be read."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia.cli import console
from precordia.cli.main import main
from precordia.core.recording import Recording
from precordia.knowledge_base import KnowledgeBase


class Flat:
    """An encoder that costs nothing."""

    dim = 4
    fingerprint = "flat"
    spec = None

    def embed(self, recordings: list[Recording]) -> Any:
        return np.full((len(recordings), 4), 0.5, np.float32)


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    KnowledgeBase.create(tmp_path / "kb", encoder=Flat(), text_encoder=None)
    return tmp_path / "kb"


def test_a_sound_one_exits_0(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--kb", str(kb)]) == 0
    assert "all as it was written" in capsys.readouterr().err


def test_damage_exits_1_until_it_is_repaired(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = kb / "cases" / "_files.json"
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    assert main(["check", "--kb", str(kb), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["problems"][0]["what"] == "cases/_files.json"
    assert (document["sound"], document["n_lost"]) == (False, 0)
    assert main(["inspect", "--kb", str(kb)]) == 1
    assert "precordia check" in capsys.readouterr().err
    assert main(["check", "--kb", str(kb), "--repair"]) == 0
    assert "repaired" in capsys.readouterr().out
    assert main(["check", "--kb", str(kb)]) == 0


def test_the_object_checks_itself(kb: Path) -> None:
    assert KnowledgeBase.open(kb, encoder=Flat()).check().sound


def test_no_knowledge_base_exits_2(tmp_path: Path) -> None:
    assert main(["check", "--kb", str(tmp_path)]) == 2


@pytest.mark.parametrize("name", ["s3://bucket/kb", "gs://bucket/kb", "az://c/kb"])
def test_an_object_store_without_credentials_exits_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--kb", name]) == 2
    assert "no credentials are set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the disk is mounted read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "the disk cannot be used"),
    ],
)
def test_what_a_disk_refuses_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, said: str
) -> None:
    def fail(args: object) -> Path:
        raise OSError(number, "x", "/somewhere/file")

    monkeypatch.setattr(console, "kb_path", fail)
    monkeypatch.setattr("precordia.cli.check.kb_path", fail)
    assert main(["check"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"/somewhere/file: {said}" in told
    assert "internal error" not in told
