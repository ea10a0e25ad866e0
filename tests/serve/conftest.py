"""A small archive, its knowledge base and a client, made once for all tests of the service."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.serve.app import create_app
from precordia.simulation.hospital import Archive, write_archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(
        tmp_path_factory.mktemp("archive") / "hospital", 16, seed=3, formats=("wfdb", "aecg"), poor=0.0
    )


@pytest.fixture(scope="session")
def kb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb", text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    return kb


@pytest.fixture(scope="session")
def case_id(kb: KnowledgeBase) -> str:
    """Its first case."""
    return str(kb.ids()[0])


@pytest.fixture(scope="session")
def client(kb: KnowledgeBase) -> TestClient:
    return TestClient(create_app(kb), base_url="http://localhost")


@pytest.fixture(scope="session")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of eight ECGs (``hospital``) and its knowledge base (``kb``), never changed."""
    place = tmp_path_factory.mktemp("eight")
    archive = write_archive(place / "hospital", 8, seed=6, formats=("aecg",), poor=0.0)
    KnowledgeBase.create(place / "kb", text_encoder=None).add(archive.folder, reports=archive.reports, workers=1)
    return place


@pytest.fixture
def own_kb(eight: Path, tmp_path: Path) -> KnowledgeBase:
    """A knowledge base of eight ECGs for one test alone, at ``tmp_path/kb``, its archive beside it."""
    shutil.copytree(eight, tmp_path, dirs_exist_ok=True)
    return KnowledgeBase.open(tmp_path / "kb")
