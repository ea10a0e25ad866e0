"""``precordia build``: what it says before, what it says after, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.leads import LEADS

N = 6


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from precordia.simulation.hospital import write_archive

    return write_archive(tmp_path_factory.mktemp("hospital") / "archive", 12, seed=3, poor=0.0)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["build", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_dry_run_says_what_a_build_will_do_and_does_nothing(
    archive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("precordia.indexing.preview.BUDGET_S", 600.0)
    options = (archive.folder, "--reports", archive.reports, "--kb", tmp_path / "kb", "--workers", 1)
    code, out, _ = run(capsys, *options, "--dry-run")
    assert code == 0
    assert not (tmp_path / "kb").exists()
    assert out.startswith("12 recordings: ")
    assert (
        "12 of 12 recordings have a row in reports.csv (12 rows); report column: report; id column: filename, recording_id"
        in out
    )
    assert "passed over: 1 report table" in out
    assert "estimate from 12 recordings: about" in out
    code, out, _ = run(capsys, *options, "--dry-run", "--json")
    document = json.loads(out)
    assert (document["n_recordings"], document["n_sampled"], document["table"]["n_joined"]) == (12, 12, 12)
    code, out, err = run(capsys, *options, "--json")
    built = json.loads(out)
    assert code == 0
    assert document["join"] in err
    assert built["join"] == document["join"]
    assert built["formats"] == document["formats"]
    assert built["passed_over"] == {"report table": 1}
    expected = sum(one["n"] for one in document["rejects"])
    assert (built["n_added"], built["n_rejected"]) == (12 - expected, expected)


def test_nothing_found_is_a_failure_that_says_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "in" / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    os.mkfifo(tmp_path / "in" / "pipe.xml")
    code, out, _ = run(capsys, tmp_path / "in", "--dry-run")
    assert code == 0  # there is something that looks like an ECG
    assert "passed over: 1 PDF" in out
    assert "named pipe" in out
    code, out, err = run(capsys, tmp_path / "in", "--kb", tmp_path / "kb", "--json")
    assert code == 1
    assert json.loads(out)["n_rejected"] == 2
    assert "nothing to keep" in err
    assert "1 PDF" in err
    main(["inspect", "--kb", str(tmp_path / "kb"), "--rejects", "--json"])
    rejects = {Path(one["source"]).name: one for one in json.loads(capsys.readouterr().out)["rejects"]}
    assert set(rejects) == {"letter.pdf", "weights.h5", "pipe.xml"}
    assert "PDF" in rejects["letter.pdf"]["reason"]
    main(["inspect", "--kb", str(tmp_path / "kb"), "--rejects"])
    printed = capsys.readouterr()
    assert [Path(line.split(": ")[0]).name for line in printed.out.splitlines()] == sorted(rejects)
    assert printed.err == "3 not kept\n"
    again, out, _ = run(capsys, tmp_path / "in", "--kb", tmp_path / "kb", "--json")
    document = json.loads(out)
    assert again == 1
    assert (document["n_rejected"], document["n_present"], document["n_rejected_before"]) == (0, 2, 2)


@pytest.mark.parametrize("empty", ["nothing", "documents"])
def test_an_empty_folder_is_a_failure(empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    if empty == "documents":
        (tmp_path / "in" / "README.md").write_text("Soon")
    for option in ("--dry-run", "--json"):
        code, _, err = run(capsys, tmp_path / "in", "--kb", tmp_path / "kb", option)
        assert code == 1
        assert "no recordings found" in err or "0 recordings found" in err


@pytest.mark.parametrize("named", [["--reports", "x.csv"], ["--mapping", "x.json"], []])
def test_a_mistyped_path_leaves_no_empty_knowledge_base(
    named: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, tmp_path if named else tmp_path / "nowhere", "--kb", tmp_path / "kb", *named)
    assert code == 2
    assert (named[1] if named else "nowhere") in err
    assert not (tmp_path / "kb").exists()


def test_a_table_that_joins_nothing_is_bad_usage_and_a_mapping_helps(
    archive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = archive.reports.read_text(encoding="utf-8").splitlines()
    header = (
        lines[0].replace("recording_id", "Fallnummer").replace("filename", "Ordner").replace(",report,", ",Klartext,")
    )
    header = header.replace("findings", "Kürzel")
    (tmp_path / "r.csv").write_text("\n".join([header, *lines[1:]]), encoding="utf-8")
    (tmp_path / "x.csv").write_text("\n".join([lines[0], *(f"X{line}" for line in lines[1:])]).replace("/", "/X"))
    options = (archive.folder, "--kb", tmp_path / "kb", "--dry-run", "--reports")
    code, out, err = run(capsys, *options, tmp_path / "x.csv")
    assert (code, out) == (2, "")
    assert "none of 12 recordings has a row there by recording_id, filename; columns: recording_id, filename, " in err
    assert "--suggest-mapping" in err
    options = (*options, tmp_path / "r.csv")
    code, out, err = run(capsys, *options)
    assert (code, out) == (2, "")
    assert "no column is known to hold reports or codes; columns: Fallnummer, Ordner, " in err
    code, out, err = run(capsys, *options, "--suggest-mapping", tmp_path / "m.json")
    assert code == 0
    assert "12 of 12 recordings have a row in r.csv (12 rows); report column: Klartext; id column: Fallnummer" in out
    code, out, _ = run(capsys, *options, "--mapping", tmp_path / "m.json")
    assert code == 0
    assert run(capsys, archive.folder, "--suggest-mapping", tmp_path / "m.json")[0] == 2


def test_options_describe_a_whole_folder_of_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for i in range(N):
        values = np.random.default_rng(i).integers(-90, 90, (3000, 12)).cumsum(axis=0) % 700 - 350
        np.savetxt(tmp_path / "in" / f"e{i}.csv", values, fmt="%d", delimiter=",")
    assert run(capsys, tmp_path / "in", "--dry-run")[0] == 1
    told = ("--fs", "500", "--units", "uV", "--leads", " ".join(LEADS))
    code, out, _ = run(capsys, tmp_path / "in", "--dry-run", "--json", *told)
    assert code == 0
    assert json.loads(out)["formats"] == {"csv": N}
    assert run(capsys, tmp_path / "in", "--dry-run", "--units", "mmHg")[0] == 2
    assert run(capsys, tmp_path / "in", "--dry-run", "--fs", "0")[0] == 2


def test_what_an_executor_prints_is_no_result(
    archive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], register: Callable[..., None]
) -> None:
    from precordia.engine.executors import EXECUTORS
    from precordia.engine.local import start_local

    class Chatty:
        def map(self, function: Any, shards: Any) -> Any:
            print("(raylet) a worker died")
            return start_local(1, 1).map(function, shards)

    register(EXECUTORS, "chatty", lambda workers, n_shards: Chatty())
    options = (archive.folder, "--reports", archive.reports, "--kb", tmp_path / "kb", "--executor", "chatty", "--json")
    code, out, err = run(capsys, *options)
    assert code == 0
    assert json.loads(out)["n_added"] > 0
    assert "(raylet) a worker died" in err
