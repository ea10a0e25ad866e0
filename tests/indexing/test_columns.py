"""A new field of a case is a new column, in one line; what was written before it reads as its default."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from indexing_fakes import ecg, row

from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.indexing.columns import CaseColumns
from precordia.indexing.filters import FilterEngine
from precordia.indexing.mapped_rows import RowCache
from precordia.indexing.parquet import Layout, decode, encode
from precordia.indexing.schema import CASE_SCHEMA, CaseRow, case_table
from precordia.indexing.tables import DeltaFolder


@dataclass(frozen=True)
class WiderCase(Case):
    notes: tuple[str, ...] = ()  # a recording has it, so it comes from there
    ward: str | None = "unknown"


COLUMNS = CaseColumns(WiderCase)


def _rows() -> list[CaseRow]:
    recording = Recording(ecg(1), 100.0, LEADS, recording_id="r1", patient_id="P1", age=50.0, notes=("read with care",))
    measured = Measurements(heart_rate_bpm=61.0)
    cases = [WiderCase.of(recording, (Finding("SR"),), measured, 0.5), WiderCase(2, "r2", "P2", ward="A", age=70.0)]
    return [CaseRow(case, np.ones(4, np.float32) / 2, b"") for case in cases]


def test_a_case_of_a_recording_has_all_that_the_recording_has() -> None:
    (case, _) = (row.case for row in _rows())
    assert isinstance(case, WiderCase)
    assert (case.notes, case.ward) == (("read with care",), "unknown")
    assert (case.recording_id, case.patient_key, case.age, case.n_leads, case.fs) == ("r1", "P1", 50.0, 12, 100.0)
    assert (case.duration_s, case.quality_score) == (10.0, 0.5)
    assert case.content_hash


def test_an_added_field_is_a_column_that_comes_back_and_is_filtered_on() -> None:
    table = decode(pa.BufferReader(encode(COLUMNS.table(_rows()), Layout())[0]), COLUMNS.whole)
    assert {"notes", "ward"} <= set(COLUMNS.light.names)
    assert [COLUMNS.case_of(found) for found in table.to_pylist()] == [row.case for row in _rows()]
    engine = FilterEngine()
    assert engine.run(engine.parse("ward = 'A'"), table.select(["case_id", "ward"])).tolist() == [2]


def test_files_from_before_it_are_read_and_compacted_with_those_since(tmp_path: Path) -> None:
    DeltaFolder.create(tmp_path / "cases", CASE_SCHEMA)
    table = DeltaFolder(tmp_path / "cases")
    table.append(case_table([row(7)]))
    table.append(COLUMNS.table(_rows()))
    for _ in range(2):
        rows = RowCache(table, COLUMNS.light, tmp_path / "cache", tmp_path)
        cases = [COLUMNS.case_of(found) for found in rows.read([7, 2], COLUMNS.read)]
        assert [(case.case_id, case.notes, case.ward) for case in cases] == [(7, (), "unknown"), (2, (), "A")]
        table.compact(2**20)
    assert len(table.files) == 1


def test_a_number_that_is_measured_no_more_is_passed_over() -> None:
    (found, _) = COLUMNS.table(_rows()).to_pylist()
    details = json.loads(found["details"])
    details["measurements"]["width_of_yesterday_ms"] = 1.0
    assert COLUMNS.case_of({**found, "details": json.dumps(details)}) == _rows()[0].case


def test_every_field_of_a_case_has_a_column() -> None:
    wide = {"findings", "measurements"}
    assert {f.name for f in fields(Case)} - wide <= set(CASE_SCHEMA.names)


def test_a_field_that_no_column_can_hold_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd(Case):
        odd: complex = 0j

    with pytest.raises(TypeError, match="no column can hold"):
        CaseColumns(Odd)
