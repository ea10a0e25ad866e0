"""One ECG, one judgement: the command line, the service, LangChain and Python say the same of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from precordia import KnowledgeBase, read_recording
from precordia.cli.main import main
from precordia.core.drafts import Draft, Statement
from precordia.judgement.judge import Judgement, judge
from precordia.judgement.urgent import concerns
from precordia.simulation.hospital import Archive, write_archive

QUESTIONS = ("What is the rhythm?", "Is there left bundle branch block?", "What is the heart rate?")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(tmp_path_factory.mktemp("archive") / "hospital", 40, seed=21, formats=("aecg",), poor=0.0)


@pytest.fixture(scope="module")
def kb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("kb") / "kb", text_encoder=None)
    assert kb.add(archive.folder, reports=archive.reports, workers=1).n_added == 40
    return kb


@pytest.fixture(scope="module")
def paths(archive: Archive) -> list[Path]:
    return [Path(ecg.path) for ecg in archive.ecgs[:6]]


@pytest.fixture(scope="module")
def drafts(kb: KnowledgeBase, paths: list[Path]) -> list[Draft]:
    drafts = [kb.report(path) for path in paths]
    assert any(statement.findings for draft in drafts for statement in draft.statements)
    return drafts


@pytest.fixture(scope="module")
def judgements(kb: KnowledgeBase, paths: list[Path]) -> list[Judgement]:
    return [judge(kb.evidence(path)) for path in paths]


def said(statements: Sequence[Statement]) -> list[tuple[object, ...]]:
    return [
        (s.text, s.support, s.confidence, [str(c.case_id) for c in s.citations], list(s.measurements), list(s.warnings))
        for s in statements
    ]


def said_in(document: object, key: str) -> list[tuple[object, ...]]:
    keys = ("text", "support", "confidence", "citations", "measurements", "warnings")
    return [
        tuple([c["case_id"] for c in s[k]] if k == "citations" else s[k] for k in keys)
        for s in document[key]  # type: ignore[index]
    ]


def test_the_command_line_says_what_python_says(
    kb: KnowledgeBase, paths: list[Path], drafts: list[Draft], capsys: pytest.CaptureFixture[str]
) -> None:
    for path, draft in zip(paths, drafts, strict=True):
        capsys.readouterr()
        assert main(["report", str(path), "--kb", str(kb.path), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert said_in(document, "statements") == said(draft.statements)
        assert said_in(document, "to_consider") == said(draft.consider)
        assert (document["abstained"], document["reason"]) == (draft.abstained, draft.reason)


def test_the_service_says_what_python_says(kb: KnowledgeBase, paths: list[Path], drafts: list[Draft]) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    from precordia.serve.app import create_app

    client = TestClient(create_app(kb), base_url="http://localhost")
    for path, draft in zip(paths, drafts, strict=True):
        document = client.post("/v1/report", params={"filename": path.name}, content=path.read_bytes()).json()
        assert said_in(document, "statements") == said(draft.statements)
        assert said_in(document, "to_consider") == said(draft.consider)
    for question in QUESTIONS:
        asked = {"filename": paths[0].name, "question": question}
        document = client.post("/v1/ask", params=asked, content=paths[0].read_bytes()).json()
        assert said_in(document, "statements") == said(kb.ask(question, paths[0]).statements)


def test_langchain_says_what_python_says(kb: KnowledgeBase, paths: list[Path], drafts: list[Draft]) -> None:
    pytest.importorskip("langchain_core")
    from precordia.integrations.langchain import report_chain, report_tool

    tool = report_tool(kb, paths[0].parent)
    for path, draft in zip(paths, drafts, strict=True):
        assert report_chain(kb).invoke(str(path)) == draft
        lines = tool.invoke({"recording": path.name}).splitlines()
        wanted = [f"Not sure: {draft.reason}"] if draft.abstained else []
        wanted += [s.text for s in draft.statements] + [f"To consider: {s.text}" for s in draft.consider]
        assert len(lines) == len(wanted)
        assert all(line.startswith(words) for line, words in zip(lines, wanted, strict=True))


def test_gathered_evidence_says_what_a_file_says(
    kb: KnowledgeBase, paths: list[Path], drafts: list[Draft], judgements: list[Judgement]
) -> None:
    for path, draft, judgement in zip(paths, drafts, judgements, strict=True):
        assert kb.report(judgement.evidence) == draft
        for question in QUESTIONS:
            assert kb.ask(question, judgement.evidence) == kb.ask(question, path)


def test_whatever_a_report_says_stands_as_it_says(drafts: list[Draft], judgements: list[Judgement]) -> None:
    checked = 0
    for draft, judgement in zip(drafts, judgements, strict=True):
        settings = judgement.evidence.settings
        findings = {f.concept: f for s in draft.statements for f in s.findings if f.comparison is None}
        assert set(findings) == {s.concept for s in judgement.said}
        for concept, finding in findings.items():
            standing = judgement.standing(concept)
            assert standing.finding == finding
            assert standing.probability >= settings.least or standing.shown
            checked += 1
        for concern in draft.consider:
            (finding,) = concern.findings
            assert finding.concept in {row.concept for row in concerns()}
            assert concern.measurements or judgement.standing(finding.concept).probability >= settings.concern
    assert checked > 6


def test_every_statement_of_every_way_of_asking_has_evidence(kb: KnowledgeBase, paths: list[Path]) -> None:
    for path in paths[:3]:
        recording = read_recording(path)
        for question in QUESTIONS:
            draft = kb.ask(question, recording)
            assert draft.abstained == bool(draft.reason)
            assert all(s.citations or s.measurements for s in draft.statements)
