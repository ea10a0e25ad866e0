"""Report tables join by explicit keys, filter in SQL, and tell which files are the same ECG."""

# ruff: noqa: E501
from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cart_files import write_muse
from ecg_files import write_dicom, write_wfdb

from precordia.core.errors import FilterError, InputError, MissingExtraError, UsageError
from precordia.records.alone import read_alone
from precordia.records.read import read_recording
from precordia.records.scan import RecordRef, scan
from precordia.records.sheets.columns import load_table
from precordia.records.tables import ReportTable
from precordia.records.tables.beside import table_beside
from precordia.records.tables.join import check, fit, suggest_mapping

PTBXL = """ecg_id,patient_id,age,sex,device,recording_date,report,scp_codes,heart_axis,strat_fold,filename_lr,filename_hr
1,15709.0,56.0,1,CS-12   E,1984-11-09 09:17:34,"sinusrhythmus, sonst normal","{'NORM': 100.0, 'SR': 0.0}",,3,records100/00000/00001_lr,records500/00000/00001_hr
2,13243.0,300.0,0,,1984-11-14 12:55:37,,"{'LVH': 80.0}",LAD,9,records100/00000/00002_lr,records500/00000/00002_hr
"""


@pytest.fixture
def ptbxl(tmp_path: Path) -> Path:
    for folder in ("records100/00000", "records500/00000"):
        (tmp_path / folder).mkdir(parents=True)
    for number in (1, 2):
        write_wfdb(tmp_path / "records100/00000", f"0000{number}_lr")
    write_wfdb(tmp_path / "records500/00000", "00001_hr")
    (tmp_path / "ptbxl_database.csv").write_text(PTBXL)
    return tmp_path


def test_a_lone_ptbxl_file_comes_with_its_row(ptbxl: Path) -> None:
    recording = read_recording(ptbxl / "records100/00000/00001_lr")
    assert recording.recording_id == "00001_lr"
    assert recording.patient_id == "15709"
    assert (recording.age, recording.sex, recording.device) == (56.0, "F", "CS-12 E")
    assert recording.time == datetime(1984, 11, 9, 9, 17, 34)
    assert recording.report == "sinusrhythmus, sonst normal"
    assert recording.codes == ("scp:NORM", "scp:SR")
    assert recording.metadata["strat_fold"] == "3"
    assert recording.metadata["scp_codes"] == "{'NORM': 100.0, 'SR': 0.0}"
    assert "report" not in recording.metadata


def test_hidden_ages_are_90_and_empty_cells_stay_empty(ptbxl: Path) -> None:
    recording = read_recording(ptbxl / "records100/00000/00002_lr.hea")
    assert (recording.age, recording.sex, recording.report) == (90.0, "M", None)
    assert recording.metadata["heart_axis"] == "LAD"
    assert "heart_axis" not in read_recording(ptbxl / "records100/00000/00001_lr").metadata


def test_the_table_is_found_up_to_three_folders_above_and_reread_when_it_changes(ptbxl: Path) -> None:
    table = table_beside(ptbxl / "records100/00000/00001_lr.hea")
    assert table is not None
    assert table is table_beside(ptbxl / "x")
    (ptbxl / "ptbxl_database.csv").write_text(PTBXL.replace("sonst normal", "sonst unauffällig, nichts weiter"))
    assert "unauffällig" in (read_recording(ptbxl / "records100/00000/00001_lr").report or "")
    deep = ptbxl / "1/2/3/4"
    deep.mkdir(parents=True)
    assert table_beside(deep / "x") is None


def test_select_gives_the_ids_of_rows_that_satisfy_sql(ptbxl: Path) -> None:
    table = ReportTable.load(ptbxl / "ptbxl_database.csv")
    assert table.select("strat_fold <= 8") == {"00001_lr", "00001_hr"}
    assert table.select("age > 60 and sex = 0 and heart_axis = 'LAD'") == {"00002_lr", "00002_hr"}
    assert table.select("recording_date < '1984-11-10'") == {"00001_lr", "00001_hr"}
    assert table.select("false") == set()
    refs = scan(ptbxl)
    assert [Path(ref.path).stem for ref in table.select_refs(refs, "strat_fold = 3")] == ["00001_lr", "00001_hr"]


@pytest.mark.parametrize(
    "where",
    [
        "strat_fold <=", "no_such_column = 1", "1; drop table reports", "exists(select * from read_csv('/etc/passwd'))",
        "(select count(*) from '/etc/passwd') > 0", "", "strat_fold) or (1=1", "exists(select * from numbered)",
    ],
)  # fmt: skip
def test_a_wrong_or_prying_filter_is_refused_with_the_columns(where: str, ptbxl: Path) -> None:
    table = ReportTable.load(ptbxl / "ptbxl_database.csv")
    with pytest.raises(FilterError) as caught:
        table.select(where)
    assert "strat_fold" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_two_files_of_one_ecg_the_lower_rate_is_left_out(ptbxl: Path) -> None:
    table = ReportTable.load(ptbxl / "ptbxl_database.csv")
    out = table.duplicates(scan(ptbxl))
    assert {Path(ref.path).stem: reason for ref, reason in out.items()} == {
        "00001_lr": "same ECG as 00001_hr at a lower rate"
    }


def test_any_table_joins_by_guessed_columns(tmp_path: Path) -> None:
    write_muse(tmp_path / "e1.xml")
    (tmp_path / "r.csv").write_text("Record_ID;Report;Sex;ward\ne1;AF with RVR;male;B2\n")
    recording = ReportTable.load(tmp_path / "r.csv").join(read_alone(tmp_path / "e1.xml"))
    assert (recording.report, recording.sex, recording.metadata["ward"]) == ("AF with RVR", "M", "B2")
    assert recording.patient_id == "P1"  # what the row does not say stays as the file says


def test_parquet_and_a_mapping_of_one_s_own(tmp_path: Path) -> None:
    write_dicom(tmp_path / "x.dcm")
    pq.write_table(
        pa.table({"acc": ["A77", "B1"], "befund": ["Vorhofflimmern", "normal"], "g": ["w", "m"]}),
        tmp_path / "r.parquet",
    )
    mapping = tmp_path / "map.json"
    mapping.write_text(
        json.dumps(
            {"ids": "acc", "match": "accession_number", "report": "befund", "sex": "g", "sex_values": {"w": "F"}}
        )
    )
    table = ReportTable.load(tmp_path / "r.parquet", mapping)
    recording = table.join(read_alone(tmp_path / "x.dcm"))
    assert (recording.report, recording.sex) == ("Vorhofflimmern", "F")
    assert table.select("befund = 'normal'") == {"B1"}
    (tmp_path / "y.dcm").write_bytes(b"damaged")
    found = [Path(ref.path).name for ref in table.select_refs(scan(tmp_path), "befund = 'Vorhofflimmern'")]
    assert found == ["x.dcm", "y.dcm"]  # the damaged one stays, to be rejected with its reason
    assert [Path(ref.path).name for ref in table.select_refs(scan(tmp_path), "befund = 'normal'")] == ["y.dcm"]
    assert ReportTable.load(tmp_path / "r.parquet", json.loads(mapping.read_text())).columns == ("acc", "befund", "g")


def test_files_of_one_name_in_several_folders_join_by_path(tmp_path: Path) -> None:
    for ward in ("a", "b"):
        (tmp_path / ward).mkdir()
        write_muse(tmp_path / ward / "e1.xml")
    (tmp_path / "r.csv").write_text("filename,report\na/e1.xml,first\nb/e1.xml,second\n")
    table = ReportTable.load(tmp_path / "r.csv")
    assert [table.join(read_alone(tmp_path / ward / "e1.xml")).report for ward in ("a", "b")] == ["first", "second"]
    assert table.join(read_alone(write_muse(tmp_path / "e1.xml"))).report == read_alone(tmp_path / "e1.xml").report


def test_a_row_is_joined_only_to_its_recording(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("id,report\n1,normal\n")
    recording = read_alone(write_muse(tmp_path / "01.xml"))
    assert ReportTable.load(tmp_path / "r.csv").join(recording) is recording


def test_latin_1_and_semicolons_are_read(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes("id;report\ne1;Verdächtig\n".encode("latin-1"))
    assert ReportTable.load(tmp_path / "r.csv").select("report = 'Verdächtig'") == {"e1"}


@pytest.mark.parametrize(
    ("content", "mapping", "error"),
    [
        (b"id,report\n1,2,3\n", None, InputError),
        (b"", None, InputError),
        (b"PAR1 broken", None, InputError),
        (b"id,id\n1,2\n", None, InputError),
        (b"a,b\n1,2\n", None, UsageError),
        (b"a,b\n1,2\n", {"ids": "a", "report": "zz"}, UsageError),
        (b"a,b\n1,2\n", {"ids": "a", "nonsense": "b"}, UsageError),
        (b"a,b\n1,2\n", {"ids": 3}, UsageError),
    ],
)
def test_unreadable_tables_and_wrong_mappings_are_one_line_errors(
    content: bytes, mapping: dict[str, object] | None, error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(error) as caught:
        ReportTable.load(tmp_path / "r.csv", mapping)
    assert "\n" not in str(caught.value)


def test_a_ref_without_a_row_is_no_duplicate(ptbxl: Path) -> None:
    table = ReportTable.load(ptbxl / "ptbxl_database.csv")
    assert table.duplicates([RecordRef("elsewhere/9.hea", "wfdb")]) == {}


@pytest.mark.parametrize(
    ("header", "row", "stem", "wanted"),
    [
        (
            "ID,Sex,Age,Rhythms,Electric axis of the heart,Conduction abnormalities,Extrasystolies,Hypertrophies,Cardiac pacing,Ischemia,"
            "Non-specific repolarization abnormalities,Other states",
            "7,F,51,Sinus rhythm,Electric axis of the heart: left axis deviation,,,,,,,",
            "7",
            ("Sinus rhythm. Electric axis of the heart: left axis deviation.", None, 51.0, "F", None),
        ),
        (
            "subject_id,study_id,cart_id,ecg_time," + ",".join(f"report_{i}" for i in range(18)),
            "10000032,40689238,6848296,2180-07-23 08:44:00,Sinus rhythm,Borderline ECG" + "," * 16,
            "40689238",
            ("Sinus rhythm. Borderline ECG.", "10000032", None, None, datetime(2180, 7, 23, 8, 44)),
        ),
        (
            ",ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date",
            "0,A00001,22;23,S00001,55,M,5000,2020/3/4",
            "A00001",
            (None, "S00001", 55.0, "M", datetime(2020, 3, 4)),
        ),
    ],
    ids=["ludb", "mimic-iv-ecg", "sph"],
)
def test_tables_of_known_archives_need_no_mapping(
    header: str, row: str, stem: str, wanted: tuple[object, ...], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text(f"{header}\n{row}\n")
    table = ReportTable.load(tmp_path / "table.csv")
    assert table.select("true") == {stem}
    recording = table.join(read_alone(write_wfdb(tmp_path, stem)))
    report, patient, age, sex, time = wanted
    assert recording.report == report
    assert (recording.patient_id, recording.age, recording.sex) == (patient, age, sex)
    assert recording.time == (time or datetime(2020, 2, 1, 10, 11, 12))
    assert recording.codes == (("aha:22", "aha:23") if stem == "A00001" else ())


def test_a_table_that_fits_no_recording_is_said(ptbxl: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("id,report\nzzz,normal\n")
    with pytest.raises(UsageError, match="none of 3 recordings has a row"):
        ReportTable.load(tmp_path / "other.csv").select_refs(
            scan(ptbxl / "records100") + scan(ptbxl / "records500"), "true"
        )


def _refs(folder: Path, *names: str) -> list[RecordRef]:
    for name in names:
        write_wfdb(folder, name)
    return scan(folder)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("ecg_id,report\n10,a\n20,b\n", "2 of 2 recordings have a row in r.csv (2 rows); report column: report; id column: ecg_id"),
        ("ecg_id,report\n10,a\nzz,b\n", "1 of 2 recordings have a row in r.csv (2 rows); report column: report; id column: ecg_id"),
        ("ecg_id,report\n10.hea,a\n20.hea,b\n", "2 of 2 .* id column: ecg_id .without folders, extensions"),
        ("ecg_id,report\n0010,a\n0020,b\n", "2 of 2 .* id column: ecg_id .without .* leading zeros"),
        ("ecg_id,report\nward/10,a\nward/20,b\n", "2 of 2 .* id column: ecg_id .without folders"),
        ("ecg_id,befund\n10,a\n20,b\n", "2 of 2 .* report column: befund"),
        ("FileName,Diagnosis,Age,Gender\n10,a,71,Female\n20,b,71,Male\n", "2 of 2 .* report column: Diagnosis; id column: FileName"),
        ("ecg_id,report\n10,a\n20,b\n10,c\n", "1 of 2 .*; 1 more have several rows that differ, and get none"),
        ("ecg_id,report\n10,a\n20,b\n10,a\n", "2 of 2 .* id column: ecg_id$"),
        ("ecg_id,report\n10,a\n20,\n", "2 of 2 .*; 1 of the rows have no report"),
        ("Fallnummer,report\n10,a\n20,b\n", "2 of 2 .* id column: Fallnummer"),
    ],
)  # fmt: skip
def test_how_a_table_fits_is_said(table: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(table)
    refs = _refs(tmp_path, "10", "20")
    if table.startswith("Fallnummer"):
        fitted = fit(ReportTable.load(tmp_path / "r.csv", {"ids": "report", "report": "report"}), refs)
        fitted = fit(fitted[0].remapped(suggest_mapping(fitted[0].arrow, "r.csv", refs)), refs)
    else:
        fitted = fit(ReportTable.load(tmp_path / "r.csv"), refs)
    assert re.match(line.replace("(2 rows)", r"\(2 rows\)"), fitted[1].line())


def test_zeros_before_ids_do_not_make_two_recordings_one(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("ecg_id,report\n0010,a\n20,b\n")
    table, join = fit(ReportTable.load(tmp_path / "r.csv"), _refs(tmp_path, "10", "010", "20"))
    assert (join.n_joined, join.loose) == (1, False)
    assert table.row_of(str(tmp_path / "10.hea"), "10") is None


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("ecg_id,report\nX10,a\nX20,b\n", "none of 2 recordings has a row there by ecg_id; columns: ecg_id, report; .*--suggest-mapping"),
        ("ecg_id,x,y\n10,1,2\n20,3,4\n", "no column is known to hold reports or codes; columns: ecg_id, x, y; .*--suggest-mapping"),
    ],
)  # fmt: skip
def test_a_table_that_gives_nothing_is_an_error_with_its_columns(table: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(table)
    refs = _refs(tmp_path, "10", "20")
    loaded, join = fit(ReportTable.load(tmp_path / "r.csv"), refs)
    with pytest.raises(UsageError, match=why) as caught:
        check(join, loaded.mapping, given=False)
    assert "X10" not in str(caught.value)


def test_a_suggested_mapping_names_ids_and_reports_by_what_stands_in_them(tmp_path: Path) -> None:
    refs = _refs(tmp_path, "10", "20", "30")
    (tmp_path / "r.csv").write_text(
        "Fallnr,Station,Klartext,Geschlecht,Alter\n30,B2,Sinusrhythmus und Linkstyp,w,61\n10,B3,Vorhofflimmern,m,70\n20,B2,normal,m,8\n"
    )
    mapping = suggest_mapping(load_table(tmp_path / "r.csv"), "r.csv", refs)
    assert (mapping.ids, mapping.report, mapping.sex, mapping.age) == (
        ("Fallnr",),
        ("Klartext",),
        "Geschlecht",
        "Alter",
    )
    again = ReportTable.load(tmp_path / "r.csv", mapping.document())
    assert again.join(read_alone(tmp_path / "30.hea")).report == "Sinusrhythmus und Linkstyp"


def test_sexes_and_ages_in_many_words(tmp_path: Path) -> None:
    refs = _refs(tmp_path, "1", "2", "3", "4", "5")
    (tmp_path / "r.csv").write_text(
        "ecg_id,report,sex,age\n1,a,Homme,61 ans\n2,b,Mujer,45\n3,c,Weiblich,1951\n4,d,女,999\n5,e,FEMALE,300\n"
    )
    table = ReportTable.load(tmp_path / "r.csv")
    joined = [table.join(read_alone(ref.path)) for ref in refs]
    assert [recording.sex for recording in joined] == ["M", "F", "F", "F", "F"]
    assert [recording.age for recording in joined] == [61.0, 45.0, 69.0, None, 90.0]  # recorded in 2020
    (tmp_path / "r.csv").write_text("exam_id,report,is_male,birth_date\n1,a,True,1950-02-01\n2,b,False,2020-02-02\n")
    table = ReportTable.load(tmp_path / "r.csv")
    first, second = (table.join(read_alone(ref.path)) for ref in refs[:2])
    assert (first.sex, first.age, second.sex, second.age) == ("M", 70.0, "F", None)


def test_a_workbook_is_a_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("empty", 0)
    sheet = book.worksheets[1]
    for row in (
        ["ecg_id", "Befund", "Datum", None],
        [10, "Vorhofflimmern", datetime(2020, 2, 1, 8), None],
        [20, None, None, None],
    ):
        sheet.append(row)
    book.save(tmp_path / "r.xlsx")
    refs = _refs(tmp_path, "10", "20")
    table, join = fit(ReportTable.load(tmp_path / "r.xlsx"), refs)
    assert (join.n_joined, join.n_reports, join.report) == (2, 1, ("Befund",))
    recording = table.join(read_alone(refs[0].path))
    assert (recording.report, recording.time) == ("Vorhofflimmern", datetime(2020, 2, 1, 8))
    assert len(table.select("ecg_id = 10")) == 1
    (tmp_path / "bad.xlsx").write_bytes((tmp_path / "r.xlsx").read_bytes()[:900])
    with pytest.raises(InputError, match="XLSX workbook"):
        ReportTable.load(tmp_path / "bad.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "report"])
    book.save(tmp_path / "r.xlsx")
    monkeypatch.setattr("precordia.records.sheets.workbook.MAX_UNPACKED", 100)
    with pytest.raises(InputError, match="unpacks to more"):
        ReportTable.load(tmp_path / "r.xlsx")


def test_a_workbook_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "report"])
    book.save(tmp_path / "r.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[formats\]"):
        ReportTable.load(tmp_path / "r.xlsx")
