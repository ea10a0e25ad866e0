"""The task on real ECGs: what it prints, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from precordia.cli.main import main
from precordia.core.errors import InputError
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.eval.ptbxl import of_folds, read_ptbxl_here
from precordia.eval.tasks.reports.archive import Archive
from precordia.eval.tasks.reports.data import examine
from precordia.judgement.evidence import Evidence
from precordia.knowledge_base import KnowledgeBase


@pytest.fixture(scope="module")
def ptbxl(part_of_ptbxl: Callable[..., Path]) -> list[Recording]:
    return read_ptbxl_here(part_of_ptbxl({9: 40}))


SYSTEMS = {
    "precordia",
    "models alone",
    "precedents alone",
    "nearest report",
    "random report",
    "most frequent report",
    "same-label oracle",
}


def test_a_setting_that_the_task_does_not_have_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "reports", "--set", "bert=x"]) == 2
    assert "no setting bert (choices: bertscore, policy, replies)" in capsys.readouterr().err
    assert main(["eval", "reports", "--set", "bertscore=x"]) == 2
    assert "give equal or idf" in capsys.readouterr().err
    assert main(["eval", "reports", "--set", "policy=x"]) == 2
    assert "give drop or ask again" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.slow
def test_every_system_is_measured_on_the_same_ecgs_and_no_words_are_kept(
    few_ecgs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ptbxl: list[Recording]
) -> None:
    command = ["eval", "reports", "--data", str(few_ecgs), "--limit", "6", "--json", "--out", str(tmp_path)]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    metrics = {(row["system"], row["group"], row["metric"]) for row in document["rows"]}
    for system in SYSTEMS:
        assert (system, "PTB-XL", "micro F1 of findings") in metrics
        assert (system, "LUDB", "micro F1 of findings") in metrics
        for variant in ("as written", "canonical English"):
            for metric in ("BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "BERTScore F1"):
                assert (system, f"PTB-XL, {variant}", metric) in metrics
    assert not any(group.startswith("LUDB") and metric == "BLEU-4" for _, group, metric in metrics)
    assert ("precordia", "PTB-XL", "citation precision: the cited case says it") in metrics
    assert ("precordia less nearest report", "PTB-XL", "micro F1 of findings") in metrics
    assert ("precordia", "PTB-XL, conformal, risk 0.2", "threshold of support") in metrics
    assert any(group == "PTB-XL, all findings" for _, group, _ in metrics)
    assert all("tokeniser" in text or "letters and digits" in text
               for name, text in document["settings"].items() if name.startswith(("BLEU", "ROUGE", "CIDEr", "METEOR")))  # fmt: skip

    samples = pd.read_parquet(tmp_path / "reports.parquet")
    by_system = {name: set(part["sample"]) for name, part in samples.groupby("system")}
    assert set(by_system) == SYSTEMS
    assert len({frozenset(some) for some in by_system.values()}) == 1
    reports = [r.report for r in of_folds(ptbxl, (9,))[:6] if r.report]
    kept = samples.to_json()
    assert reports
    assert not any(report in kept for report in reports)


@pytest.mark.data
def test_a_knowledge_base_that_holds_what_is_asked_is_refused_and_another_leaves_out_the_own_patient(
    data_dir: Path, tmp_path: Path, ptbxl: list[Recording]
) -> None:
    folder = data_dir / "ptbxl" / "records100"
    kb = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)
    kb.add(folder, where="strat_fold <= 8 and ecg_id < 12", workers=1)
    archive = Archive(tmp_path / "kb")
    own = archive.kb.recording(archive.cases[0].case_id)
    found = archive.evidence(own).hits
    assert found
    assert archive.cases[0].patient_key not in {hit.case.patient_key for hit in found}
    asked = list(examine(of_folds(ptbxl, (9,))[:2], "PTB-XL", archive))
    assert all(0 < len(sample.hits) <= len(archive.cases) for sample in asked)

    kb.add(folder, where="strat_fold = 9 and ecg_id < 60", workers=1)
    with pytest.raises(InputError, match=r"holds \d+ recordings of PTB-XL's folds that are asked about"):
        Archive(tmp_path / "kb")


@pytest.mark.data
def test_a_report_that_states_nothing_is_no_reference(ptbxl: list[Recording]) -> None:
    class Empty:
        def evidence(self, recording: Recording) -> Evidence:
            assert recording.report is None
            return Evidence(recording, Measurements())

    one = ptbxl[0]
    asked = [replace(one, report="trace only requested."), replace(one, report=None), one]
    assert [s.reference for s in examine(asked, "PTB-XL", Empty())] == [one.report]  # type: ignore[arg-type]


@pytest.mark.data
@pytest.mark.slow
def test_what_each_part_gives_is_told_of_the_same_ecgs(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb = KnowledgeBase.create(tmp_path / "kb", text_encoder=None)
    kb.add(data_dir / "ptbxl" / "records100", where="strat_fold <= 8 and ecg_id < 120", workers=1)
    command = [
        "eval",
        "report-consensus",
        "--kb",
        str(tmp_path / "kb"),
        "--limit",
        "5",
        "--json",
        "--data",
        str(data_dir),
    ]
    assert main([*command, "--set", "place=PTB-XL"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = {(row["system"], row["metric"]): row for row in document["rows"] if row["group"] == "PTB-XL"}
    for system in ("precordia", "models alone", "precedents alone", "nearest report", "commonest findings"):
        assert found[system, "micro F1 of findings"]["n"] == 5
    assert 0 < found["nearest report", "ROUGE-L in canonical words"]["value"] < 1
    assert found["precordia less nearest report", "micro F1 of findings"]["low"] is not None
    assert found["precordia", "normal beside an abnormal finding or number"]["value"] == 0
    assert found["precordia", "atrial fibrillation with regular RR"]["value"] == 0
    assert main([*command, "--set", "place=Mars"]) == 2
    assert "LUDB" in capsys.readouterr().err
