"""The service gives what the command line gives, lets in whom it should, and survives what it is sent."""

from __future__ import annotations

import io
import json
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.cli.main import main
from precordia.core.errors import InputError
from precordia.records.read import read_recording
from precordia.serve.app import STATIC, create_app
from precordia.serve.export.signals import wfdb_of
from precordia.serve.upload import MAX_BYTES, read_upload
from precordia.signals.kind import KINDS
from precordia.simulation import simulate
from precordia.simulation.hospital import Archive
from precordia.simulation.pulse import Vessels, simulate_pulse


def xml(archive: Archive) -> bytes:
    return next(ecg.path for ecg in archive.ecgs if ecg.format == "aecg").read_bytes()


def wfdb(archive: Archive) -> Path:
    return next(ecg.path for ecg in archive.ecgs if ecg.format == "wfdb")


def zipped(archive: Archive, **more: bytes) -> bytes:
    """A WFDB record as a ZIP archive, with further files: name to content."""
    header = wfdb(archive)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in (header, header.with_suffix(".dat")):
            file.write(path, path.name)
        for name, content in more.items():
            file.writestr(name, content)
    return buffer.getvalue()


def table_for(archive: Archive) -> bytes:
    """A PTB-XL table with a row for the archive's WFDB record."""
    stem = wfdb(archive).stem
    columns = "ecg_id,patient_id,age,sex,device,recording_date,report,scp_codes,strat_fold,filename_lr,filename_hr"
    return f"{columns}\n7,666,30.0,0,,,Forged,{{}},3,records100/{stem},records500/{stem}\n".encode()


def test_health(client: TestClient) -> None:
    answer = client.get("/v1/health").json()
    assert answer["status"] == "ok"
    assert answer["n_cases"] == 16


@pytest.mark.parametrize("form", ["xml", "zip"])
def test_search_by_an_uploaded_file(client: TestClient, archive: Archive, form: str) -> None:
    body = xml(archive) if form == "xml" else zipped(archive)
    answer = client.post("/v1/search", params={"k": 3, "filename": f"new.{form}"}, content=body)
    assert answer.status_code == 200
    assert [hit["rank"] for hit in answer.json()["hits"]] == [1, 2, 3]


def test_report_as_json_and_as_page(client: TestClient, archive: Archive) -> None:
    assert "statements" in client.post("/v1/report", content=xml(archive)).json()
    page = client.post("/v1/report", params={"page": True}, content=xml(archive))
    assert page.headers["content-type"].startswith("text/html")
    assert "<svg" in page.text


def test_a_case_by_its_id(client: TestClient, archive: Archive) -> None:
    hit = client.post("/v1/search", params={"k": 1}, content=xml(archive)).json()["hits"][0]
    case = client.get(f"/v1/cases/{hit['case_id']}").json()
    assert case["recording_id"] == hit["recording_id"]
    assert client.get("/v1/cases/1").status_code == 404


@pytest.mark.parametrize(
    ("path", "parameters", "body"),
    [
        ("/v1/search", {}, b""),
        ("/v1/search", {"filename": "../../etc/passwd"}, b"root:x:0:0"),
        ("/v1/report", {}, b""),
        ("/v1/report", {}, b"\x00" * 100),
        ("/v1/search", {"where": "1; drop table"}, None),
        ("/v1/ask", {"question": " "}, None),
    ],
)
def test_bad_requests_are_one_line_and_400(
    client: TestClient, archive: Archive, path: str, parameters: dict[str, str], body: bytes | None
) -> None:
    answer = client.post(path, params=parameters, content=xml(archive) if body is None else body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]
    assert "/tmp" not in answer.json()["error"]


def test_archives_with_more_than_one_ecg_or_too_much_are_refused(client: TestClient) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.dat", b"\0" * (MAX_BYTES + 1))
    answer = client.post("/v1/report", params={"filename": "x.zip"}, content=buffer.getvalue())
    assert answer.status_code == 400
    assert "too much" in answer.json()["error"]


def test_a_token_keeps_others_out(kb: KnowledgeBase) -> None:
    guarded = TestClient(create_app(kb, token="secret"), base_url="http://localhost")
    assert guarded.get("/v1/health").status_code == 401
    assert guarded.get("/v1/health", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/v1/health", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_the_page_and_its_parts_name_no_other_host_and_run_nothing_inline(client: TestClient) -> None:
    page = client.get("/")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page.text) == []
    parts = sorted(STATIC.glob("*.*"))
    assert {"index.html", "app.js", "style.css"} <= {part.name for part in parts}
    for part in parts:
        text = part.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://|innerHTML|eval\(", text) == [], part.name
        assert client.get(f"/static/{part.name}").status_code == 200


def test_what_lies_above_an_upload_says_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bare = io.BytesIO()
    np.save(bare, np.random.default_rng(0).normal(0, 0.1, (5000, 12)).astype(np.float32))
    (tmp_path / "precordia.json").write_text('{"fs": 500, "units": "mV"}')
    (tmp_path / "seen.npy").write_bytes(bare.getvalue())
    assert read_recording(tmp_path / "seen.npy").fs == 500
    with pytest.raises(InputError):
        read_upload("bare.npy", bare.getvalue())


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_no_report_table_is_applied_to_an_upload(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    # The table is one that a file of the archive would be joined with.
    for path in (wfdb(archive), wfdb(archive).with_suffix(".dat")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "ptbxl_database.csv").write_bytes(table_for(archive))
    assert read_recording(tmp_path / wfdb(archive).name).report == "Forged"

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    more = {"ptbxl_database.csv": table_for(archive)} if where == "inside" else {}
    recording = read_upload("x.zip", zipped(archive, **more))
    assert recording.report != "Forged"
    assert recording.patient_id != "666"


ODD_NAMES = [
    "\0", "a\0b.xml", ".", "..", "", " ", "/", "x" * 5000 + ".xml", "\n\x1b[31mred.xml", "con\u202egnp.xml", "..\\..\\x.xml",
    "\U0001f600" * 200 + ".xml", ".hidden", "%s%n.xml", "Zyxwvut, Erika *1950.xml", "a/b/c.xml", "~", "-", "*?.xml",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_may_be_called_anything(client: TestClient, archive: Archive, name: str) -> None:
    answer = client.post("/v1/search", params={"k": 1, "filename": name}, content=xml(archive))
    assert answer.status_code == 200
    assert len(answer.json()["hits"]) == 1
    member = name.replace("\0", "@").encode("utf-8", "replace") or b"@"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(member.decode(), xml(archive))
    body = buffer.getvalue().replace(member, member.replace(b"@", b"\0"))
    answer = client.post("/v1/search", params={"k": 1, "filename": "x.zip"}, content=body)
    assert answer.status_code in (200, 400)


def encrypted(archive: Archive) -> bytes:
    content = bytearray(zipped(archive))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + at] |= 1
            start = content.find(mark, start + 4)
    return bytes(content)


def cut(archive: Archive) -> bytes:
    return zipped(archive)[:-40]


def flipped(archive: Archive) -> bytes:
    content = bytearray(zipped(archive))
    content[len(content) // 2] ^= 0xFF
    return bytes(content)


def crowded(archive: Archive) -> bytes:
    return zipped(archive, **{f"folder{i}/": b"" for i in range(2000)})


def doubled(archive: Archive) -> bytes:
    return zipped(archive, **{f"other/{wfdb(archive).name}": wfdb(archive).read_bytes()})


def squeezed(archive: Archive) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("x.xml", xml(archive))
    return buffer.getvalue()


def tarred(archive: Archive) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        info = tarfile.TarInfo("x.xml")
        info.size = len(xml(archive))
        file.addfile(info, io.BytesIO(xml(archive)))
    return buffer.getvalue()


def packed_twice(archive: Archive) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("inner.zip", zipped(archive))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (encrypted, "encrypted; send it without a password"),
        (cut, "damaged"),
        (flipped, "damaged"),
        (crowded, "holds too much"),
        (doubled, "two files of one name"),
        (squeezed, "make a plain one"),
        (packed_twice, "in an archive"),
        (tarred, "an archive of another kind"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_with_the_reason(
    client: TestClient, archive: Archive, make: Callable[[Archive], bytes], message: str
) -> None:
    answer = client.post("/v1/search", params={"filename": "x.zip"}, content=make(archive))
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_nothing_of_an_upload_stays(
    client: TestClient, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    from precordia.records.tables import beside

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = beside._load_version.cache_info().currsize
    for body in (
        zipped(archive, **{"ptbxl_database.csv": table_for(archive)}),
        xml(archive),
        xml(archive)[:3000],
        encrypted(archive),
        b"\0" * 1000,
    ):
        client.post("/v1/search", params={"filename": "Zyxwvut.zip"}, content=body)
    assert [path for path in tmp_path.iterdir() if path.name.startswith("precordia-")] == []
    assert beside._load_version.cache_info().currsize == before
    assert "Zyxwvut" not in "".join(capfd.readouterr())


def test_a_mistake_of_ours_is_one_line_without_what_was_sent(
    kb: KnowledgeBase, archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ValueError("Zyxwvut is not in list")

    monkeypatch.setattr(kb, "search", broken)
    answer = TestClient(create_app(kb), base_url="http://localhost").post("/v1/search", params={"text": "Zyxwvut"})
    assert answer.status_code == 500
    assert "internal error (ValueError in precordia.serve." in answer.json()["error"]
    assert "Zyxwvut" not in answer.text + caplog.text


def test_more_cases_than_anyone_reads_are_refused(client: TestClient, archive: Archive) -> None:
    answer = client.post("/v1/search", params={"k": 10**9}, content=xml(archive))
    assert answer.status_code == 400
    assert "1 to 1000" in answer.json()["error"]


def test_a_pulse_that_is_sent_searches_and_says_what_it_cannot_show(client: TestClient) -> None:
    beats = np.arange(-2.0, 30.0, 0.8)
    wave = simulate_pulse(beats, 30.0, fs=100.0, vessels=Vessels(sensor=0.01), rng=np.random.default_rng(1)).signal
    body = "\n".join(["Time [s],PLETH", *(f"{i / 100:.2f},{value:.5f}" for i, value in enumerate(wave))])
    answer = client.post("/v1/search", params={"k": 2, "filename": "finger.csv"}, content=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert len(told["hits"]) == 2
    assert told["hits"][0]["why"]["signal"] == "pulse: PLETH"
    assert told["signal"]["kind"] == "pulse"
    assert told["signal"]["pulse"]["rate_bpm"] == pytest.approx(75, abs=1)
    for address in ("report", "ask", "signal", "measure", "evidence", "search/events"):
        refused = client.post(f"/v1/{address}", params={"filename": "finger.csv", "question": "AF?"}, content=body)
        assert refused.status_code == 400
        assert KINDS.get("pulse").limits in refused.json()["error"]
    page = client.post("/v1/draw", params={"filename": "finger.csv"}, content=body)
    assert page.headers["content-type"].startswith("text/html")
    assert "Synthetic" in page.text
    # Under the name of a lead nothing of it is measured, so that no danger is read from it.
    lead = client.post("/v1/report", params={"filename": "lead.csv"}, content=body.replace("PLETH", "I")).json()
    assert lead["abstained"]
    assert "no QRS complex" in lead["reason"]
    assert (lead["to_consider"], lead["measurements"]["heart_rate_bpm"]) == ([], None)


def test_leads_that_were_not_recorded_are_drawn_and_marked_on_a_page(client: TestClient, archive: Archive) -> None:
    ecg = simulate("NORM", seed=1, fs=100).recording
    body = "\n".join(["time,ECG", *(f"{i / 100:.2f},{value:.4f}" for i, value in enumerate(ecg.signal[0]))])
    page = client.post("/v1/draw", params={"filename": "watch.csv"}, content=body)
    assert page.status_code == 200, page.text
    assert page.text.count(">inferred<") >= 11
    assert "no evidence of infarction" in page.text
    whole = client.post("/v1/draw", params={"filename": "x.zip"}, content=zipped(archive))
    assert ">inferred<" not in whole.text


def test_two_sites_tell_the_pressure_by_a_calibration_and_not_without(client: TestClient) -> None:
    beats = np.arange(-2.0, 60.0, 0.8)
    vessels = [Vessels(transit_s=delay, sensor=0.01) for delay in (0.08, 0.14)]
    near, far = (
        simulate_pulse(beats, 60.0, fs=100.0, vessels=one, rng=np.random.default_rng(n)).signal
        for n, one in enumerate(vessels)
    )
    rows = (f"{i / 100:.2f},{a:.5f},{b:.5f}" for i, (a, b) in enumerate(zip(near, far, strict=True)))
    body = "\n".join(["Time [s],PPG1,PPG2", *rows])
    plain = client.post("/v1/inspect", params={"filename": "both.csv"}, content=body)
    assert plain.status_code == 200, plain.text
    assert plain.json()["source"] == "both.csv"
    assert plain.json()["blood_pressure"]["systolic_mmhg"] is None
    told = client.post("/v1/inspect", params={"filename": "both.csv", "calibration": "50:130,70:115"}, content=body)
    assert told.json()["blood_pressure"]["systolic_mmhg"] == pytest.approx(121, abs=5)
    wrong = client.post("/v1/inspect", params={"filename": "both.csv", "calibration": "high"}, content=body)
    assert wrong.status_code in (400, 422)
    assert "45:125" in wrong.text


def test_what_an_ecg_file_holds_is_told_as_by_inspect(client: TestClient, archive: Archive) -> None:
    told = client.post("/v1/inspect", params={"filename": "x.zip"}, content=zipped(archive)).json()
    assert set(told) >= {"leads", "quality", "measurements", "findings", "content_hash"}
    assert "/" not in told["source"]


def test_events_of_a_long_recording_are_sought_as_by_the_command(
    client: TestClient, kb: KnowledgeBase, archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = simulate(["PVC"], seed=1, fs=250, duration_s=130).recording
    holter = replace(made, signal=made.signal[[1, 6]], leads=("II", "V1"))
    file = tmp_path / "holter.zip"
    file.write_bytes(wfdb_of(holter, "holter"))
    zipfile.ZipFile(file).extractall(tmp_path)
    for event, name in (("V", "events"), ("0:20-0:30", "windows")):
        sent = {"event": event, "k": 2, "filename": "holter.zip"}
        answer = client.post("/v1/search/events", params=sent, content=file.read_bytes())
        assert answer.status_code == 200, answer.text
        told = answer.json()
        record = str(tmp_path / "holter.hea")
        assert main(["search", record, "--event", event, "-k", "2", "--kb", str(kb.path), "--json"]) == 0
        wanted = json.loads(capsys.readouterr().out)
        assert told[name]
        assert told["query"].pop("recording") == "holter.zip"
        assert wanted["query"].pop("recording") == record
        # Where a file lies is told to who sits at the machine alone.
        for hit in (hit for one in wanted.get("events", ()) for hit in one["hits"]):
            del hit["metadata"]["source"]
        assert told == wanted
    holter_file = file.read_bytes()
    for event, content, said in (
        ("flutter", holter_file, "flutter"), ("20-10", holter_file, "no place"), ("100-9000", holter_file, "no place"),
        ("1.2.3-5", holter_file, "h:mm:ss"), ("AF", xml(archive), "two minutes"), ("AF", b"", "send its file"),
    ):  # fmt: skip
        refused = client.post("/v1/search/events", params={"filename": "holter.zip", "event": event}, content=content)
        assert refused.status_code in (400, 422), event
        assert said in refused.json()["error"]


def test_numbers_of_a_second_modality_search_through_pairs_that_the_service_names(
    client: TestClient, kb: KnowledgeBase, paired_space: Callable[[str, int], Path]
) -> None:
    refused = client.post("/v1/search/pairs", params={"values": "ef=35"})
    assert refused.status_code == 400
    assert "--pairs" in refused.json()["error"]
    folder = paired_space(kb.manifest.encoder_fingerprint, kb.manifest.dim)
    ours = TestClient(create_app(kb, pairs={"echo": folder}), base_url="http://localhost")
    found = ours.post("/v1/search/pairs", params={"values": "ef=35", "k": 3}).json()
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert "source" not in json.dumps(found)
    assert found["query"] == {"values": {"ef": 35.0}, "pairs": "echo", "k": 3, "where": None}
    assert ours.post("/v1/search/pairs", params={"values": "ef=35", "pairs": "mri"}).status_code == 400


def test_of_several_ecgs_the_last_is_reported_with_what_changed(
    client: TestClient, kb: KnowledgeBase, archive: Archive
) -> None:
    sent = [Path(e.path) for e in archive.ecgs if e.format == "aecg"][:2]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for n, path in enumerate(sent):
            file.write(path, f"{n}.xml")
    fastest = max(kb.cases(kb.ids()), key=lambda case: case.measurements.heart_rate_bpm or 0)
    asked = {"filename": "both.zip", "several": True, "earlier": [str(fastest.case_id)]}
    told = client.post("/v1/report", params=asked, content=buffer.getvalue())
    assert told.status_code == 200, told.text
    alone = client.post("/v1/report", params={"filename": "last.xml"}, content=sent[1].read_bytes()).json()
    texts = [[statement["text"] for statement in one["statements"]] for one in (told.json(), alone)]
    assert texts[0][: len(texts[1])] == texts[1]
    named = {name.split(".")[0] for s in told.json()["statements"] for name in s["measurements"] if "." in name}
    assert named == {"ecg1", "ecg2"}
    answer = client.post("/v1/ask", params={**asked, "question": "has the rate changed?"}, content=buffer.getvalue())
    assert answer.status_code == 200, answer.text
