"""LangChain's own standard tests, on a knowledge base built from the phantom hospital."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests", reason="langchain-tests is not installed")

from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from precordia import KnowledgeBase
from precordia.integrations.langchain import PrecedentRetriever, report_tool, search_tool
from precordia.simulation.hospital import Archive, write_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(tmp_path_factory.mktemp("hospital") / "archive", 16, seed=3, formats=("wfdb",), poor=0.0)


@pytest.fixture(scope="module")
def kb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb", text_encoder=None)
    kb.add(archive.folder, reports=archive.reports, workers=1)
    return kb


class _OnPhantomHospital:
    """Gives each test the knowledge base; the standard tests read properties, not fixtures."""

    kb: KnowledgeBase
    archive: Archive

    @pytest.fixture(autouse=True)
    def _give(self, kb: KnowledgeBase, archive: Archive) -> None:
        self.kb, self.archive = kb, archive


class TestRetriever(_OnPhantomHospital, RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return PrecedentRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"knowledge_base": self.kb}

    @property
    def retriever_query_example(self) -> str:
        return "sinus rhythm"

    @pytest.fixture
    def retriever(self, _give: None) -> BaseRetriever:
        return self.retriever_constructor(**self.retriever_constructor_params)


class _SearchTool(_OnPhantomHospital):
    @property
    def tool_constructor(self) -> BaseTool:
        return search_tool(self.kb)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": "left bundle branch block", "k": 2}

    @pytest.fixture
    def tool(self, _give: None) -> BaseTool:
        return self.tool_constructor


class _ReportTool(_SearchTool):
    @property
    def tool_constructor(self) -> BaseTool:
        return report_tool(self.kb, self.archive.folder)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"recording": str(Path(self.archive.ecgs[0].path).relative_to(self.archive.folder))}


class TestSearchTool(_SearchTool, ToolsUnitTests):
    pass


class TestSearchToolAtWork(_SearchTool, ToolsIntegrationTests):
    pass


class TestReportTool(_ReportTool, ToolsUnitTests):
    pass


class TestReportToolAtWork(_ReportTool, ToolsIntegrationTests):
    pass
