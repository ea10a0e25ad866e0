"""A folder's recordings: each once, sorted, whatever else lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from cart_files import write_muse
from ecg_files import WRITERS, write_dicom, write_edf, write_npy, write_wfdb

from precordia.core.errors import PrecordiaError, UnknownFormatError, UnreadableRecordingError
from precordia.records.read import read_recording
from precordia.records.scan import UNKNOWN, RecordRef, scan, survey


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "b" / "c").mkdir(parents=True)
    write_wfdb(tmp_path / "b", "00002")
    write_wfdb(tmp_path / "b", "00001")
    write_muse(tmp_path / "b" / "c" / "muse.xml")
    write_edf(tmp_path / "a.edf")
    write_dicom(tmp_path / "noextension")
    write_npy(tmp_path / "array.npy")
    (tmp_path / "b" / "00001.atr").write_bytes(b"\1\2\3")
    (tmp_path / "reports.csv").write_text("id,report\n1,normal\n")
    (tmp_path / "README.md").write_text("An archive")
    (tmp_path / "notes.txt").write_text("Nothing here")
    (tmp_path / "RECORDS").write_text("b/00001\n")
    (tmp_path / ".hidden.xml").write_text("<RestingECG/>")
    return tmp_path


def names(refs: list[RecordRef], root: Path) -> list[tuple[str, str]]:
    return [(str(Path(ref.path).relative_to(root)), ref.format) for ref in refs]


def test_each_recording_once_in_order(archive: Path) -> None:
    assert names(scan(archive), archive) == [
        ("a.edf", "edf"),
        ("array.npy", "numpy"),
        ("b/00001.hea", "wfdb"),
        ("b/00002.hea", "wfdb"),
        ("b/c/muse.xml", "muse"),
        ("noextension", "dicom"),
    ]


def test_what_scan_lists_reads(archive: Path) -> None:
    for ref in scan(archive):
        assert read_recording(ref.path).format == ref.format


def test_a_damaged_ecg_is_listed_so_that_its_reason_can_be_kept(archive: Path) -> None:
    (archive / "broken.dcm").write_bytes(b"not a DICOM object")
    (archive / "orphan.dat").write_bytes(b"\1\2\3\4")
    (archive / "other.xml").write_text("<Patient/>")
    (archive / "bad.hea").write_text("")
    found = {Path(ref.path).name: ref for ref in scan(archive)}
    for name in ("broken.dcm", "orphan.dat", "other.xml"):
        assert found[name].format == UNKNOWN
        with pytest.raises(UnknownFormatError):
            read_recording(found[name].path)
    with pytest.raises(PrecordiaError):
        read_recording(found["bad.hea"].path)


def test_files_globs_lists_and_bare_record_names(archive: Path) -> None:
    one = [RecordRef(str(archive / "b" / "00001.hea"), "wfdb")]
    assert scan(archive / "b" / "00001") == one
    assert scan(archive / "b" / "00001.dat") == one
    assert scan(str(archive / "b" / "00001.*")) == one
    assert scan(str(archive / "**" / "*.dat")) == scan(archive / "b")[:2]
    assert scan([archive / "b", archive, archive / "a.edf"]) == scan(archive)


def test_segments_belong_to_their_record(tmp_path: Path) -> None:
    write_wfdb(tmp_path, "part1")
    write_wfdb(tmp_path, "part2")
    (tmp_path / "multi.hea").write_text("multi/2 12 250 200\npart1 100\npart2 100\n")
    assert names(scan(tmp_path), tmp_path) == [("multi.hea", "wfdb")]


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match="no such"):
        scan(tmp_path / "nothing")
    with pytest.raises(UnreadableRecordingError, match="matches no file"):
        scan(str(tmp_path / "*.dcm"))


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert scan(tmp_path) == []


@pytest.mark.parametrize("variant", WRITERS)
def test_every_format_is_found_under_any_name(variant: str, tmp_path: Path) -> None:
    path = WRITERS[variant](tmp_path)
    expected = [RecordRef(str(path), read_recording(path).format)]
    assert scan(tmp_path) == expected


@pytest.mark.parametrize("variant", ["muse", "aecg", "philips", "schiller", "dicom", "edf", "scp"])
def test_content_tells_the_format_whatever_the_extension(variant: str, tmp_path: Path) -> None:
    path = WRITERS[variant](tmp_path)
    expected = read_recording(path).format
    assert read_recording(path.rename(tmp_path / "rec.bin")).format == expected


def test_symbolic_links_that_leave_the_archive_end_among_the_rejects(tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    for folder in (elsewhere, archive / "store"):
        folder.mkdir(parents=True)
    write_wfdb(elsewhere, "secret")
    write_wfdb(archive / "store", "kept")
    for suffix in (".hea", ".dat"):
        (archive / f"kept{suffix}").symlink_to(archive / "store" / f"kept{suffix}")  # as datalad does
    (archive / "half.hea").write_text((elsewhere / "secret.hea").read_text().replace("secret", "half"))
    (archive / "half.dat").symlink_to(elsewhere / "secret.dat")
    (archive / "copy.xml").symlink_to(elsewhere / "secret.hea")
    for suffix in (".hea", ".dat"):
        (archive / f"secret{suffix}").symlink_to(elsewhere / f"secret{suffix}")
    (archive / "parts.hea").write_text("parts/2 12 500 5000\npart1 2500\npart2 2500\n")  # of segments
    for name in ("part1", "part2"):
        write_wfdb(archive, name)
    (archive / "part2.dat").unlink()
    (archive / "part2.dat").symlink_to(elsewhere / "secret.dat")
    (archive / "below.hea").write_text((elsewhere / "secret.hea").read_text().replace("secret.dat", "store/below.dat"))
    (archive / "store" / "below.dat").symlink_to(elsewhere / "secret.dat")
    found = survey(archive)
    assert [Path(ref.path).relative_to(archive).as_posix() for ref in found.refs] == ["kept.hea", "store/kept.hea"]
    refused = {Path(one.path).relative_to(archive).as_posix(): one.reason for one in found.refused}
    assert set(refused) == {
        "copy.xml", "half.hea", "half.dat", "secret.hea", "secret.dat", "parts.hea", "part2.hea", "part2.dat", "below.hea",
        "store/below.dat",
    }  # fmt: skip
    assert "leaves the archive" in refused["copy.xml"]
    assert scan(archive / "secret.hea")[0].format == "wfdb"  # named by its user


def test_links_that_leave_the_folder_of_a_pattern_are_refused(tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    for folder in (archive, elsewhere):
        folder.mkdir()
    write_wfdb(elsewhere, "secret")
    write_wfdb(archive, "kept")
    for suffix in (".hea", ".dat"):
        (archive / f"secret{suffix}").symlink_to(elsewhere / f"secret{suffix}")
    (archive / "half.hea").write_text((elsewhere / "secret.hea").read_text())
    found = survey(str(archive / "*.hea"))
    assert [Path(ref.path).name for ref in found.refs] == ["kept.hea"]
    assert {Path(one.path).name for one in found.refused} == {"secret.hea", "half.hea"}
