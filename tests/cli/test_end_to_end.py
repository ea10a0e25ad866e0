"""The main job on a small simulated archive: build, search, report, ask, inspect, erase, each as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from precordia.cli.main import main
from precordia.knowledge_base import KnowledgeBase

N_RECORDINGS = 48


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from precordia.simulation.hospital import write_archive

    archive = write_archive(tmp_path_factory.mktemp("hospital") / "archive", N_RECORDINGS, seed=7)
    (archive.folder / "damaged.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 64)
    (archive.folder / "empty.edf").touch()
    return archive


@pytest.fixture(scope="module")
def kb(archive: Any) -> Path:
    path: Path = archive.folder.parent / "kb"
    arguments = [
        "build",
        str(archive.folder),
        "--reports",
        str(archive.reports),
        "--kb",
        str(path),
        "--workers",
        "1",
        "--json",
    ]
    assert main(arguments) == 0
    return path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def a_file(kb: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, Any]]:
    """Some recording of the archive and its case."""
    hit = run_json(capsys, "search", "--kb", str(kb), "--text", "sinus rhythm", "-k", "1")["hits"][0]
    return hit["metadata"]["source"], hit


def test_everything_is_a_case_or_a_reject(kb: Path, archive: Any, capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "inspect", "--kb", str(kb), "--rejects")
    assert document["n_cases"] + document["n_rejects"] == N_RECORDINGS + 2
    assert {"damaged.dcm", "empty.edf"} <= {Path(reject["source"]).name for reject in document["rejects"]}
    assert all(reject["reason"] for reject in document["rejects"])


def test_building_again_adds_nothing(kb: Path, archive: Any, capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(
        capsys, "build", str(archive.folder), "--reports", str(archive.reports), "--kb", str(kb), "--workers", "1"
    )
    assert document["n_added"] == 0


def test_search_by_signal_leaves_the_patient_out(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, own = a_file(kb, capsys)
    document = run_json(capsys, "search", "--kb", str(kb), path, "-k", "10")
    hits = document["hits"]
    assert len(hits) == 10
    assert set(hits[0]) >= {
        "rank", "case_id", "recording_id", "patient_key", "score", "report", "findings", "metadata", "why",
    }  # fmt: skip
    assert own["patient_key"] not in {hit["patient_key"] for hit in hits}
    with_self = run_json(
        capsys, "search", "--kb", str(kb), path, "--include-self", "--include-patient", "--include-near-duplicates"
    )
    assert with_self["hits"][0]["case_id"] == own["case_id"]
    assert with_self["hits"][0]["score"] == pytest.approx(1.0, abs=1e-3)


def test_search_by_words_finds_what_was_written(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hits = run_json(capsys, "search", "--kb", str(kb), "--text", "atrial fibrillation", "-k", "3")["hits"]
    assert "AFIB" in hits[0]["findings"]


def test_filters_hold_for_every_hit(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = "age > 50 and sex = 'F' and not (findings has 'AFIB')"
    hits = run_json(capsys, "search", "--kb", str(kb), "--text", "rhythm", "-k", "50", "--where", where)["hits"]
    assert hits
    for hit in hits:
        assert hit["metadata"]["age"] > 50
        assert hit["metadata"]["sex"] == "F"
        assert "AFIB" not in hit["findings"]


def test_a_wrong_filter_is_bad_usage(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--kb", str(kb), "--text", "x", "--where", "agee > 3"]) == 2
    assert "age" in capsys.readouterr().err
    assert main(["search", "--kb", str(kb), "--text", "x", "--where", "1=1; drop table cases"]) == 2


def test_report_has_evidence_for_every_statement(kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, own = a_file(kb, capsys)
    page = tmp_path / "report.html"
    document = run_json(capsys, "report", "--kb", str(kb), path, "--html", str(page))
    assert set(document) >= {"text", "statements", "abstained", "measurements"}
    for statement in document["statements"]:
        assert statement["citations"] or statement["measurements"]
        assert own["case_id"] not in {citation["case_id"] for citation in statement["citations"]}
        assert all(set(citation) >= {"case_id", "quote"} for citation in statement["citations"])
    html = page.read_text(encoding="utf-8")
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "")


@pytest.mark.parametrize("arguments", [("search",), ("report",), ("search", "--text", "sinus rhythm")])
def test_a_question_as_a_process_imports_nothing_it_does_not_need(
    kb: Path, archive: Any, arguments: tuple[str, ...]
) -> None:
    asked = (
        arguments
        if "--text" in arguments
        else (*arguments, str(next(e.path for e in archive.ecgs if not e.truth.defects)))
    )
    code = "import sys\nfrom precordia.cli.main import main\nsys.exit(main() or print(*sys.modules, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", code, *asked, "--kb", str(kb)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert {"pyarrow", "precordia.retrieval.retriever"} <= loaded
    unneeded = {"pandas", "torch", "transformers", "scipy", "deltalake", "langchain_core"}
    unneeded |= {"precordia.indexing.builder", "precordia.generation.written.grounding"}
    assert not unneeded & loaded


def test_ask_answers_from_evidence(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = a_file(kb, capsys)
    document = run_json(capsys, "ask", "What is the heart rate?", path, "--kb", str(kb))
    assert document["question"] == "What is the heart rate?"
    assert document["abstained"] or document["statements"][0]["measurements"]


def test_of_several_ecgs_the_last_is_reported_with_what_changed(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [case.source for case in KnowledgeBase.open(kb).cases(KnowledgeBase.open(kb).ids()[:3])]
    alone = run_json(capsys, "report", "--kb", str(kb), paths[-1])
    several = run_json(capsys, "report", "--kb", str(kb), *paths)
    n = len(alone["statements"])
    own, changes = several["statements"][:n], several["statements"][n:]
    assert [s["text"] for s in own] == [s["text"] for s in alone["statements"]]
    assert changes
    named = {name.split(".")[0] for change in changes for name in change["measurements"] if "." in name}
    assert named == {"ecg1", "ecg2"}, "each step is compared, and the measurements of each ECG keep its number"


def test_numbers_of_a_second_modality_find_ecgs(
    kb: Path, paired_space: Callable[[str, int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = KnowledgeBase.open(kb).manifest
    pairs = str(paired_space(manifest.encoder_fingerprint, manifest.dim))
    found = run_json(capsys, "search", "ef=35", "--pairs", pairs, "-k", "3", "--where", "age > 40", "--kb", str(kb))
    assert found["query"]["values"] == {"ef": 35.0}
    assert "cannot show" in found["signal"]["limits"]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert all(hit["metadata"]["age"] > 40 for hit in found["hits"])
    assert main(["search", "ejection=35", "--pairs", pairs, "--kb", str(kb)]) == 2
    assert "ef" in capsys.readouterr().err


def test_erase_takes_a_patient_out(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, own = a_file(kb, capsys)
    assert main(["erase", "--kb", str(kb), "--patient", own["patient_key"]]) == 2  # not without being sure
    assert run_json(capsys, "erase", "--kb", str(kb), "--patient", own["patient_key"], "--yes")["erased"] >= 1
    hits = run_json(capsys, "search", "--kb", str(kb), "--text", "rhythm", "-k", "100")["hits"]
    assert own["patient_key"] not in {hit["patient_key"] for hit in hits}
