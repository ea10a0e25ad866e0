"""A small archive, its knowledge base and a client, made once for all tests of the service."""

from __future__ import annotations

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
def client(kb: KnowledgeBase) -> TestClient:
    return TestClient(create_app(kb), base_url="http://localhost")
