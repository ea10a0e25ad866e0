"""Whatever lies in a folder is listed, refused with a reason, or passed over as what it is; nothing hangs or vanishes."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import openpyxl
import pytest
from cart_files import write_muse
from ecg_files import write_npy, write_wfdb

from precordia.core.errors import PrecordiaError
from precordia.records.read import read_recording
from precordia.records.scan import Survey, scan, survey


def refused(found: Survey) -> dict[str, str]:
    return {Path(one.path).name: one.reason for one in found.refused}


def passed(found: Survey) -> dict[str, str]:
    return {Path(one.path).name: one.kind for one in found.passed}


def test_what_is_no_recording_is_named_for_what_it_is(tmp_path: Path) -> None:
    write_wfdb(tmp_path, "rec")
    (tmp_path / "rec.atr").write_bytes(b"\1\2\3")
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["weights"] = np.zeros((3, 3))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n")
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("letter.txt", "Dear colleague")
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"Dear colleague"))
    book = openpyxl.Workbook()
    book.active.append(["id", "x"])
    book.save(tmp_path / "table.xlsx")
    (tmp_path / "labels.csv").write_text("id,label\na,b\nc,d\n")
    (tmp_path / "numbers.csv").write_text("\n".join("0.1,0.2,0.3" for _ in range(30)))
    (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)))
    (tmp_path / "README.md").write_text("An archive")
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    found = survey(tmp_path)
    assert [Path(ref.path).name for ref in found.refs] == ["rec.hea"]
    assert passed(found) == {
        "model.h5": "HDF5 file without an ECG", "report.pdf": "PDF", "letters.zip": "ZIP archive without an ECG",
        "notes.gz": "gzip archive without an ECG", "table.xlsx": "Excel workbook", "labels.csv": "table",
        "numbers.csv": "columns of numbers", "scan.png": "PNG picture", "data.bin": "unknown binary file",
    }  # fmt: skip
    assert sum(found.counts.values()) == 12
    assert {"annotations", "document", "hidden file"} <= set(found.counts)
    assert found.refused == ()


def test_links_pipes_sockets_and_what_is_empty_are_refused_at_once(tmp_path: Path) -> None:
    inside = tmp_path / "archive"
    (inside / "ward").mkdir(parents=True)
    write_muse(tmp_path / "outside.xml")
    write_muse(inside / "ward" / "in.xml")
    os.mkfifo(inside / "pipe.dcm")
    (inside / "dangling.edf").symlink_to("nowhere.edf")
    (inside / "leaves.xml").symlink_to(tmp_path / "outside.xml")
    (inside / "folder").symlink_to(tmp_path)
    (inside / "null.dat").symlink_to("/dev/null")
    (inside / "again").symlink_to("ward")
    (inside / "loop").symlink_to("loop")
    (inside / "empty.xml").touch()
    (inside / "stays.xml").symlink_to("ward/in.xml")
    here = Path.cwd()
    os.chdir(inside)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.scp")
        os.chdir(here)
        found = survey(inside)
    assert [Path(ref.path).name for ref in found.refs] == ["stays.xml", "in.xml"]
    reasons = refused(found)
    assert set(reasons) == {
        "pipe.dcm", "dangling.edf", "leaves.xml", "folder", "null.dat", "loop", "empty.xml", "socket.scp",
    }  # fmt: skip
    assert "named pipe" in reasons["pipe.dcm"]
    assert "socket" in reasons["socket.scp"]
    assert "not there" in reasons["dangling.edf"]
    assert "leaves the archive" in reasons["leaves.xml"]
    assert "empty" in reasons["empty.xml"]
    assert found.counts["link to a folder of the archive"] == 1
    assert "named pipe" in refused(survey(str(inside / "*.dcm")))["pipe.dcm"]


def test_a_record_whose_signal_is_a_link_out_of_the_archive_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "archive"
    inside.mkdir()
    write_wfdb(inside, "rec")
    (inside / "rec.dat").rename(tmp_path / "rec.dat")
    (inside / "rec.dat").symlink_to(tmp_path / "rec.dat")
    write_npy(inside / "array.npy")
    (inside / "array.json").rename(tmp_path / "array.json")
    (inside / "array.json").symlink_to(tmp_path / "array.json")
    found = survey(inside)
    assert found.refs == ()
    assert set(refused(found)) == {"rec.hea", "rec.dat", "array.npy", "array.json"}


def test_a_folder_that_cannot_be_opened_is_refused_and_the_rest_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    write_muse(tmp_path / "open.xml")
    really = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return really(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = survey(tmp_path)
    assert [Path(ref.path).name for ref in found.refs] == ["open.xml"]
    assert "Permission denied" in refused(found)["closed"]


def test_a_knowledge_base_in_the_archive_is_one_thing(tmp_path: Path) -> None:
    for name in ("a.kb/cases", "b/cases", "b/signals"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "b" / "manifest.json").write_text("{}")
    (tmp_path / "b" / "cases" / "x.parquet").write_bytes(b"PAR1")
    assert survey(tmp_path).counts == {"knowledge base": 2}


def _packed(folder: Path) -> Path:
    """Files to be packed: a record in two files, one with an array and its description, and one alone."""
    (folder / "ward").mkdir(parents=True)
    write_wfdb(folder / "ward", "rec")
    write_muse(folder / "ward" / "muse.xml")
    write_npy(folder / "array.npy")
    (folder / "README.txt").write_text("An export")
    return folder


def _zip(source: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(source.rglob("*")):
            archive.write(file, file.relative_to(source))


def _tar(source: Path, path: Path) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        archive.add(source, ".")


@pytest.mark.parametrize("name", ["export.zip", "export.tar", "export.tar.gz"])
def test_recordings_in_archives_are_read_where_they_are(name: str, tmp_path: Path) -> None:
    source = _packed(tmp_path / "source")
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    (_zip if name.endswith("zip") else _tar)(source, path)
    refs = scan(tmp_path / "in")
    assert [(ref.path.split("#")[1], ref.format) for ref in refs] == [
        ("array.npy", "numpy"), ("ward/muse.xml", "muse"), ("ward/rec.hea", "wfdb"),
    ]  # fmt: skip
    for ref, plain in zip(refs, ("array.npy", "ward/muse.xml", "ward/rec.hea"), strict=True):
        recording, alone = read_recording(ref.path), read_recording(source / plain)
        assert recording.content_hash == alone.content_hash
        assert (recording.recording_id, recording.patient_id) == (alone.recording_id, alone.patient_id)
        assert recording.source == ref.path
    assert list((tmp_path / "in").iterdir()) == [path]


def test_a_compressed_file_reads_as_itself(tmp_path: Path) -> None:
    plain = write_muse(tmp_path / "muse.xml")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "muse.xml.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (ref,) = scan(tmp_path / "in")
    assert ref.path.endswith("muse.xml.gz#muse.xml")
    assert read_recording(ref.path).content_hash == read_recording(plain).content_hash
    assert read_recording(tmp_path / "in" / "muse.xml.gz").recording_id == "muse"


def test_an_archive_unpacks_to_no_more_than_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    muse = write_muse(tmp_path / "muse.xml").read_bytes()
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.xml", muse + b" " * 2**24)
    (tmp_path / "in" / "bomb.xml.gz").write_bytes(gzip.compress(muse + b" " * 2**24))
    for ref in scan(tmp_path / "in"):
        with pytest.raises(PrecordiaError, match="unpacks to more than"):
            read_recording(ref.path)
    monkeypatch.setattr("precordia.records.packages.MAX_TOTAL", 2**20)
    with zipfile.ZipFile(tmp_path / "in" / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", muse + b" " * 2**21)
    with pytest.raises(PrecordiaError, match="files and"):
        read_recording(tmp_path / "in" / "large.zip")


def test_names_that_leave_an_archive_and_links_in_it_are_not_there(tmp_path: Path) -> None:
    muse = write_muse(tmp_path / "secret.xml")
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "evil.tar", "w") as archive:
        archive.add(muse, "../secret.xml")
        archive.add(muse, "good.xml")
        link = tarfile.TarInfo("link.xml")
        link.type, link.linkname = tarfile.SYMTYPE, str(muse)
        archive.addfile(link)
    with zipfile.ZipFile(tmp_path / "in" / "evil.zip", "w") as zipped:
        zipped.writestr("/etc/x.xml", muse.read_bytes())
        zipped.writestr("a/../../x.xml", muse.read_bytes())
    assert [Path(ref.path).name for ref in scan(tmp_path / "in")] == ["evil.tar#good.xml"]


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.h5"])
def test_a_damaged_container_is_listed_or_passed_over_never_lost(name: str, tmp_path: Path) -> None:
    source, path = _packed(tmp_path / "source"), tmp_path / "in" / name
    path.parent.mkdir()
    if name == "x.h5":
        with h5py.File(path, "w") as file:
            file["ecg"] = np.zeros((12, 500))
    else:
        (_zip if name.endswith("zip") else _tar)(source, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = survey(path.parent)
    assert len(found.refs) + len(found.refused) + len(found.passed) >= 1
    outcomes = {_outcome(ref.path) for ref in found.refs}
    assert not any("\n" in outcome for outcome in outcomes)


def _outcome(path: str) -> str:
    try:
        return read_recording(path).format
    except PrecordiaError as error:
        return str(error)


def test_an_archive_in_an_archive_is_said(tmp_path: Path) -> None:
    _zip(_packed(tmp_path / "source"), tmp_path / "inner.zip")
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
        archive.write(tmp_path / "source" / "ward" / "muse.xml", "muse.xml")
    found = survey(tmp_path / "in")
    assert [Path(ref.path).name for ref in found.refs] == ["outer.zip#muse.xml"]
    assert passed(found) == {"outer.zip#inner.zip": "ZIP archive in an archive"}


def test_a_file_with_a_mark_in_its_name_is_that_file(tmp_path: Path) -> None:
    write_muse(tmp_path / "bed#3.xml")
    (ref,) = scan(tmp_path)
    assert read_recording(ref.path).recording_id == "bed#3"


def test_deep_folders_and_names_that_are_no_text_are_no_end(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):  # deeper than Python calls, and than a path can be named
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (tmp_path / os.fsdecode(b"\xff.xml")).write_text("<RestingECG/>")
    write_muse(tmp_path / "z.xml")
    found = survey(tmp_path)
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # deeper than shutil goes, too
    assert [Path(ref.path).name for ref in found.refs] == ["z.xml"]
    assert "\\udcff.xml" in {Path(one.path).name for one in found.refused}
    for one in found.refused:
        one.path.encode("utf-8")
