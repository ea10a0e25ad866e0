"""Public archives build by themselves: the dry run says how, and the build does it. No mapping, no options."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from indexing_fakes import FakeEncoder, ecg
from layouts import LAYOUTS, N, write_table

from precordia.core.case import Case
from precordia.core.errors import MissingExtraError, UsageError
from precordia.core.findings import Measurements
from precordia.core.recording import Quality, Recording
from precordia.indexing.builder import BuildReport, build
from precordia.indexing.intake import take_in
from precordia.indexing.preview import Preview, preview
from precordia.indexing.shard import Stages
from precordia.indexing.store import DeltaCaseStore
from precordia.records.read import read_recording
from precordia.records.scan import scan


def _good(recording: Recording) -> Quality:
    return Quality(1.0, True, {})


def _nothing(recording: Recording) -> Measurements:
    return Measurements()


STAGES = Stages(assess=_good, measure=_nothing)


@dataclass(frozen=True)
class Expected:
    """What is right for an archive; ``seed`` is of the first recording's signal."""

    join: str
    recording_id: str
    fs: float
    report: str | None = None
    patient: str | None = None
    age: float | None = None
    sex: str | None = None
    time: datetime | None = None
    findings: tuple[str, ...] = ()
    rejected: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    tolerance: float = 2e-3


RIGHT = {
    "mimic-iv-ecg": Expected(
        "report column: report_0, report_1, report_2, ...; id column: study_id", "40689238", 500, "Sinus rhythm. Borderline ECG.",
        "10000032", time=datetime(2180, 7, 23, 8, 44), findings=("SR",),
        passed_over={"document": 1, "list of records": 1, "report table": 1, "table": 1},
    ),
    "ptbxl": Expected(
        "report column: report; codes from scp_codes; id column: filename_hr, filename_lr", "00001_hr", 500, "sinusrhythmus",
        "15710", 56, "F", datetime(1984, 11, 9, 9, 17, 34), ("SR", "NORM"), rejected=N,
        passed_over={"report table": 1, "table": 1}, seed=1,
    ),
    "code15": Expected(
        "no report column; codes from 1dAVb, RBBB, LBBB, SB, ST, AF, normal_ecg; id column: exam_id", "590673", 400, None,
        "1114305", 38, "M", findings=("RBBB",), rejected=1, passed_over={"report table": 1},
    ),
    "sph": Expected(
        "no report column; codes from AHA_Code; id column: ECG_ID", "A00001", 500, None, "S00001", 55, "M",
        datetime(2020, 3, 4), ("SBRAD", "SARRH"), passed_over={"report table": 1, "table": 1}, tolerance=0.3,
    ),
    "chapman": Expected(
        "report column: Rhythm, Beat; id column: FileName", "MUSE_20180111_155100_19000", 500,
        "Atrial flutter. Right bundle branch block. T wave change.", None, 85, "M", findings=("AFLT", "RBBB"),
        passed_over={"report table": 1},
    ),
    "echonext": Expected(
        "no report column; id column: position in the array", "EchoNext_val_waveforms-0", 250, None, "p0", 50, "M",
        passed_over={"report table": 1},
    ),
    "raw100": Expected(
        "report column: report; codes from scp_codes; id column: position in the array", "raw100-0", 100, "sinusrhythmus",
        "15710", 56, "F", datetime(1984, 11, 9, 9, 17, 34), ("SR", "NORM"), seed=1,
        passed_over={"report table": 1, "table": 1},
    ),
}  # fmt: skip


def _preview(root: Path, **options: object) -> Preview:
    return preview(take_in(root, **options), encoder=FakeEncoder(), workers=1, stages=STAGES)  # type: ignore[arg-type]


def _build(root: Path, kb: Path, **options: object) -> BuildReport:
    settings = {"encoder": FakeEncoder(), "encoder_name": "fake", "stages": STAGES, "workers": 1, **options}
    return build(root, kb, **settings)  # type: ignore[arg-type]


def _case(kb: Path, recording_id: str) -> tuple[Case, Recording]:
    store = DeltaCaseStore(kb)
    (case_id,) = store.select(f"recording_id = '{recording_id}'").tolist()
    return store.get([case_id])[0], store.recording(case_id)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_public_archive_builds_without_a_word_of_help(name: str, tmp_path: Path) -> None:
    root, right = tmp_path / name, RIGHT[name]
    LAYOUTS[name](root)
    found = _preview(root)
    n_seen = N * (1 + (name == "ptbxl")) + (name == "code15")
    n_joined = n_seen - (name == "code15")
    assert found.n_recordings == n_seen
    assert found.join is not None
    assert found.join.startswith(f"{n_joined} of {n_seen} recordings have a row in ")
    assert right.join in found.join
    assert found.passed_over == right.passed_over
    assert sum(one.n for one in found.rejects) == right.rejected
    built = _build(root, tmp_path / "kb")
    assert (built.n_added, built.n_rejected, built.join) == (N, right.rejected, found.join)
    assert built.passed_over == right.passed_over
    case, recording = _case(tmp_path / "kb", right.recording_id)
    assert (case.report, case.age, case.sex, case.time) == (right.report, right.age, right.sex, right.time)
    assert case.patient_key == (right.patient or f"recording:{right.recording_id}")
    assert tuple(finding.concept for finding in case.findings)[: len(right.findings)] == right.findings
    assert recording.fs == right.fs
    np.testing.assert_allclose(recording.signal, ecg(right.seed, recording.n_samples), atol=right.tolerance)
    assert _build(root, tmp_path / "kb").n_present == n_seen


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in ("echonext", "raw100")])
def test_a_lone_recording_finds_its_row(name: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path / name)
    wanted = RIGHT[name]
    ref = next(ref for ref in scan(tmp_path / name) if wanted.recording_id in ref.path)
    recording = read_recording(ref.path)
    assert recording.recording_id == wanted.recording_id
    assert (recording.patient_id, recording.age, recording.sex) == (wanted.patient, wanted.age, wanted.sex)


def test_padding_of_stacks_is_cut_and_said(tmp_path: Path) -> None:
    LAYOUTS["code15"](tmp_path / "code15")
    recording = read_recording(tmp_path / "code15" / "exams_part0.hdf5#590673")
    assert recording.n_samples == 2800
    assert any("1296 samples of padding" in note for note in recording.notes)


def test_a_table_of_another_length_does_not_join_by_position(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "stack.npy", np.stack([ecg(i).T for i in range(N)]))
    write_table(tmp_path / "t.csv", ["key", "report"], [[f"k{i}", "Sinus rhythm"] for i in range(N + 1)])
    with pytest.raises(UsageError, match="none of 4 recordings has a row"):
        take_in(tmp_path / "a", tmp_path / "t.csv", {"ids": "key", "report": "report"})
    write_table(tmp_path / "t.csv", ["key", "report"], [[f"k{i}", f"Report {i}"] for i in range(N)])
    intake = take_in(tmp_path / "a", tmp_path / "t.csv", {"ids": "key", "report": "report"})
    assert intake.join is not None
    assert intake.join.by == ("position in the array",)
    rows = [intake.table.row_of(ref.path) for ref in intake.refs] if intake.table else []
    assert rows == [0, 1, 2, 3]


def test_a_sample_stands_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.indexing.preview.SAMPLE", 2)
    LAYOUTS["sph"](tmp_path / "sph")
    found = _preview(tmp_path / "sph")
    assert (found.n_recordings, found.n_sampled) == (N, 2)
    assert found.bytes is not None
    full = _build(tmp_path / "sph", tmp_path / "kb")
    size = sum(file.stat().st_size for file in (tmp_path / "kb").rglob("*.parquet"))
    assert full.n_added == N
    assert 0.3 < found.bytes / size < 3


def _keep_nothing(allowance: object, path: str, ecg: object) -> object:
    raise MissingExtraError("h5py", "formats", f"{path}: reading HDF5")


def test_what_was_passed_over_and_reads_now_is_no_reject_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, kb = tmp_path / "a", tmp_path / "kb"
    LAYOUTS["code15"](root)
    np.savetxt(root / "plain.csv", ecg(9).T, delimiter=",", fmt="%.3f")
    with monkeypatch.context() as patch:
        patch.setattr("precordia.records.readers.hdf5.LIBRARY", _keep_nothing)
        patch.setattr("precordia.records.readers.sample_table.is_described", lambda path: False)
        first = _build(root, kb)
    assert (first.n_added, first.n_rejected, first.kept_nothing) == (0, 1, True)
    rejects = {Path(r.source).name: r for r in DeltaCaseStore(kb).rejects()}
    assert rejects["exams_part0.hdf5"].error == "MissingExtraError"
    assert "precordia[formats]" in rejects["exams_part0.hdf5"].reason
    assert rejects["plain.csv"].error == "PassedOver"
    assert _build(root, kb).n_added == N + 1
    assert [Path(r.source).name for r in DeltaCaseStore(kb).rejects()] == ["exams_part0.hdf5#0"]


def test_a_build_with_other_options_reads_again_what_they_concern(tmp_path: Path) -> None:
    root, kb = tmp_path / "a", tmp_path / "kb"
    root.mkdir()
    np.save(root / "x.npy", ecg(1))
    assert _build(root, kb).n_rejected == 1
    assert _build(root, kb).n_rejected_before == 1
    assert _build(root, kb, arrays={"fs": 250}).n_added == 1
    assert not DeltaCaseStore(kb).rejects()
    assert DeltaCaseStore(kb).recording(int(DeltaCaseStore(kb).ids[0])).fs == 250


def test_codes_of_an_own_scheme_stay_with_the_case(tmp_path: Path) -> None:
    root = tmp_path / "a"
    LAYOUTS["sph"](root)
    write_table(tmp_path / "t.csv", ["ecg_id", "labels"], [[f"A{i:05d}", "house:7"] for i in range(1, N + 1)])
    built = _build(root, tmp_path / "kb", reports=tmp_path / "t.csv")
    assert built.n_added == N
    case, _ = _case(tmp_path / "kb", "A00001")
    assert (case.codes, case.findings) == (("house:7",), ())
