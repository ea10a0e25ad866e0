from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.leads import LEADS
from precordia.core.recording import Problem, Quality, Recording
from precordia.eval.tasks.quality.faults import FAULTS, exchange_arms


def recording() -> Recording:
    signal = np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32)
    return Recording(signal, 100, LEADS, "made")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_the_recording_and_only_the_leads_it_names(fault: object) -> None:
    before = recording()
    after, leads = fault.spoil(before, np.random.default_rng(1))  # type: ignore[attr-defined]
    assert after.content_hash != before.content_hash
    for lead in set(after.leads) - set(leads) if leads else ():
        np.testing.assert_array_equal(after.lead(lead), before.lead(lead))


def test_a_fault_counts_as_found_only_in_its_leads() -> None:
    fault = next(fault for fault in FAULTS if fault.name.startswith("flat"))
    elsewhere = Quality(0.5, True, {}, (Problem("flat", ("V1",), 0.5, ""),))
    assert fault.found(elsewhere, ("V1",))
    assert not fault.found(elsewhere, ("V2",))
    assert not fault.found(Quality(1.0, True, {}, (Problem("noisy", ("V1",), 0.5, ""),)), ("V1",))


def test_exchanging_arms_twice_changes_nothing() -> None:
    before = recording()
    np.testing.assert_array_equal(exchange_arms(exchange_arms(before)).signal, before.signal)


def test_a_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "quality", "--set", "fit=x"]) == 2
    assert "no settings (given: fit)" in capsys.readouterr().err


@pytest.mark.data
def test_the_task_prints_its_figures_and_writes_the_same_bytes_twice(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("precordia.eval.harness.results.git_commit", lambda: "0" * 40)  # others may commit meanwhile
    command = ["eval", "quality", "--data", str(data_dir), "--limit", "20", "--json", "--out"]
    for folder in ("a", "b"):
        assert main([*command, str(tmp_path / folder)]) == 0
    found = json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")
    metrics = {(row["group"], row["metric"]) for row in found["rows"]}
    assert ("CinC 2011", "AUROC, out of fold") in metrics
    assert ("LUDB with header gains", "law broken reported") in metrics
    assert {group for group, _ in metrics if group.startswith("fault")} == {f"fault: {fault.name}" for fault in FAULTS}
    assert (tmp_path / "a" / "quality.json").read_bytes() == (tmp_path / "b" / "quality.json").read_bytes()
    assert (tmp_path / "a" / "quality.parquet").read_bytes() == (tmp_path / "b" / "quality.parquet").read_bytes()
