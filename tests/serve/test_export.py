"""What goes out is what others read: FHIR, PDF, DICOM, WFDB and CSV, each read back by a library that is not ours."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase, Recording, read_recording
from precordia.concepts import vocabulary
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.errors import UsageError
from precordia.core.findings import Finding, Measurements
from precordia.serve.export.pdf import PORTRAIT, Page, pdf_of, wrapped
from precordia.serve.export.report_fhir import LOINC, report_fhir
from precordia.serve.export.report_pdf import NOTICE, report_pdf
from precordia.serve.export.report_sr import MDC, report_sr
from precordia.serve.export.signals import csv_of, dicom_of, step_uv, wfdb_of
from precordia.simulation import simulate


@pytest.fixture(scope="module")
def ecg() -> Recording:
    return replace(simulate("AFIB", seed=3).recording, patient_id="P-1", device="Cart (5)", recording_id="ecg ü 1")


@pytest.fixture(scope="module")
def draft() -> Draft:
    said = Statement("Atrial fibrillation.", (Finding("AFIB"),), (Citation(7, "AF"),), ("heart_rate_bpm",), 0.9, 0.93)
    maybe = Statement("Possible anterior infarction.", (Finding("AMI", "uncertain"),))
    denied = Statement("No left bundle branch block.", (Finding("CLBBB", "absent"),))
    measured = Measurements(heart_rate_bpm=81.0, qrs_ms=92.0, qtc_ms=431.0, axis_deg=-12.0)
    return Draft((said, maybe, denied), measurements=measured, consider=(replace(said, text="New (fast) rhythm?"),))


# --- PDF ------------------------------------------------------------------------------------------------------------


def pdf_text(content: bytes) -> list[str]:
    pypdf = pytest.importorskip("pypdf")
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content), strict=True).pages]


def test_a_report_as_pdf_says_what_the_draft_says(draft: Draft, ecg: Recording) -> None:
    pages = pdf_text(report_pdf(draft, ecg))
    words = " ".join(pages)
    for expected in (*(s.text for s in draft.statements), "New (fast) rhythm?", NOTICE, "ecg ü 1", "92 ms", "93%"):
        assert expected in words
    assert "25 mm/s, 10 mm/mV" in pages[-1]
    assert report_pdf(draft, ecg) == report_pdf(draft, ecg)


def test_a_long_report_goes_on_over_pages(ecg: Recording) -> None:
    many = tuple(
        Statement(f"Statement {i} of a long report, in words enough to fill its line twice over. " * 2)
        for i in range(80)
    )
    pages = pdf_text(report_pdf(Draft(many), ecg))
    assert len(pages) > 3
    assert all(f"Statement {i} " in " ".join(pages) for i in range(80))


def test_an_ecg_on_paper_is_at_true_scale(draft: Draft) -> None:
    # 1 s apart is 25 mm apart on paper, that is 70.87 points.
    page = Page(PORTRAIT)
    page.lines([[(0.0, 10.0), (25.0, 10.0)]], 0.25)
    assert b"0.00 813.54 m 70.87 813.54 l S" in page.content


def test_a_pdf_holds_no_words_that_are_commands() -> None:
    page = Page()
    page.text(10, 10, "a) Tj ET /Evil (b\\")
    (text,) = pdf_text(pdf_of([page], "x"))
    assert text.strip() == "a) Tj ET /Evil (b\\"


def test_lines_are_no_wider_than_asked() -> None:
    assert wrapped("", 10, 10) == [""]
    assert all(len(line) < 40 for line in wrapped("word " * 100, 60, 10))


# --- FHIR -----------------------------------------------------------------------------------------------------------


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def test_a_report_is_valid_fhir(draft: Draft, ecg: Recording) -> None:
    r4 = pytest.importorskip("fhir.resources.R4B.bundle")
    bundle = json.loads(json.dumps(report_fhir(draft, ecg)))
    parsed = r4.Bundle.model_validate(bundle)
    assert parsed.entry[0].resource.conclusion.startswith("Atrial fibrillation.")
    (report,) = resources(bundle, "DiagnosticReport")
    names = {entry["fullUrl"] for entry in bundle["entry"]}
    assert {r["reference"] for r in report["result"]} <= names
    assert report["media"][0]["link"]["reference"] in names
    assert report["status"] == "preliminary"


def test_fhir_codes_only_what_is_present(draft: Draft, ecg: Recording) -> None:
    bundle = report_fhir(draft, ecg)
    (report,) = resources(bundle, "DiagnosticReport")
    codes = [c["coding"][0]["code"] for c in report["conclusionCode"]]
    assert codes == ["164889003"]  # atrial fibrillation in SNOMED CT, as CinC 2020 uses it
    by_code = {o["code"]["coding"][0]["code"]: o for o in resources(bundle, "Observation")}
    assert by_code["8633-0"]["valueQuantity"] == {
        "value": 92.0, "unit": "ms", "system": "http://unitsofmeasure.org", "code": "ms",
    }  # fmt: skip
    assert by_code["8867-4"]["referenceRange"][0]["high"]["value"] == 100


def test_fhir_carries_the_ecg_and_the_report(draft: Draft, ecg: Recording, tmp_path: Path) -> None:
    bundle = report_fhir(draft, ecg)
    (media,) = resources(bundle, "Media")
    file = tmp_path / "ecg.dcm"
    file.write_bytes(base64.b64decode(media["content"]["data"]))
    assert read_recording(file).n_samples == ecg.n_samples
    (report,) = resources(bundle, "DiagnosticReport")
    assert base64.b64decode(report["presentedForm"][0]["data"]).startswith(b"%PDF-1.7")


def test_an_ecg_that_names_nobody_is_valid_fhir(draft: Draft, ecg: Recording) -> None:
    r4 = pytest.importorskip("fhir.resources.R4B.bundle")
    bare = replace(ecg, patient_id=None, time=None, age=None, sex=None, device=None)
    r4.Bundle.model_validate(json.loads(json.dumps(report_fhir(Draft((), True, "too thin"), bare))))


# --- DICOM ----------------------------------------------------------------------------------------------------------


def test_a_report_is_an_encapsulated_pdf(client: TestClient, case_id: str) -> None:
    answer = client.post("/v1/report", params={"case": case_id, "format": "dicom"})
    assert answer.headers["content-type"] == "application/dicom"
    ds = pydicom.dcmread(io.BytesIO(answer.content))
    assert ds.SOPClassUID.name == "Encapsulated PDF Storage"
    content = ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength]
    assert NOTICE in " ".join(pdf_text(content))
    ecg = pydicom.dcmread(io.BytesIO(client.get(f"/v1/cases/{case_id}/signal", params={"format": "dicom"}).content))
    assert ecg.StudyInstanceUID == ds.StudyInstanceUID
    assert ecg.SOPInstanceUID != ds.SOPInstanceUID


def test_a_report_is_a_structured_report_that_others_read(draft: Draft, ecg: Recording, tmp_path: Path) -> None:
    hd = pytest.importorskip("highdicom", reason="needs highdicom")
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts
    timed = replace(ecg, time=datetime(2024, 5, 1, 8, 30))
    file = tmp_path / "report.dcm"
    file.write_bytes(report_sr(draft, timed))
    sr = hd.sr.srread(file)
    assert type(sr) is hd.sr.ComprehensiveSR
    assert (sr.CompletionFlag, sr.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert sr.ContentTemplateSequence[0].TemplateIdentifier == "3700"
    found = [(item.value_type.value, item.name.meaning, item) for item in sr.content[0].ContentSequence]
    words = [item.value for kind, name, item in found if (kind, name) == ("TEXT", "Finding")]
    assert words == ["To consider: New (fast) rhythm?", *(s.text for s in draft.statements)]
    codes = [item.value.value for kind, name, item in found if (kind, name) == ("CODE", "Finding")]
    assert set(codes) == {"164889003"}
    (box,) = (item for _, name, item in found if name == "ECG Global Measurements")
    values = {item.name.value: (item.value, item.unit.value) for item in box.ContentSequence}
    assert values == {"8867-4": (81, "/min"), "2:16156": (92, "ms"), "2:15880": (431, "ms"), "2:16132": (-12, "deg")}
    assert NOTICE in found[-1][2].value
    # Every code of PS3.16 is there under the name that the standard prints.
    printed = {
        code: meaning
        for names in concepts["MDC"].values()
        for code, (meaning, groups) in names.items()
        if set(groups) & {3227, 3228, 3229}
    }
    assert {code: printed[code] for code, _ in MDC.values()} == dict(MDC.values())
    # It names the ECG that we give out as DICOM.
    there = pydicom.dcmread(io.BytesIO(dicom_of(timed)))
    (study,) = sr.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == sr.StudyInstanceUID == there.StudyInstanceUID
    assert series.SeriesInstanceUID == there.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == there.SOPInstanceUID
    assert report_sr(draft, timed) == file.read_bytes()


def test_a_structured_report_has_a_time_or_says_why_not(
    client: TestClient, kb: KnowledgeBase, draft: Draft, ecg: Recording
) -> None:
    case = next(str(case.case_id) for case in kb.cases(kb.ids()) if case.time)
    answer = client.post("/v1/report", params={"case": case, "format": "dicom-sr"})
    assert pydicom.dcmread(io.BytesIO(answer.content)).SOPClassUID.name == "Comprehensive SR Storage"
    with pytest.raises(UsageError, match="format=dicom"):
        report_sr(draft, replace(ecg, time=None))


def test_codes_of_snomed_have_their_check_digits() -> None:
    codes = [code for concept in vocabulary() for code in vocabulary().codes(concept.id, "snomed")]
    assert len(codes) > 100
    # Verhoeff's: the dihedral group of ten, its permutation applied once more a digit.
    permutation = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    for code in codes:
        check = 0
        for i, digit in enumerate(map(int, reversed(code))):
            for _ in range(i % 8):
                digit = permutation[digit]
            check = _turned(check, digit)
        assert check == 0, code


def _turned(a: int, b: int) -> int:
    """The product of two elements of the dihedral group of ten; those from 5 on are reflections."""
    turn = (a + b) % 5 if a < 5 else (a - b) % 5
    return turn if (a < 5) == (b < 5) else turn + 5


def test_codes_of_loinc_have_their_check_digits() -> None:
    def check_digit(number: str) -> int:
        doubled = "".join(str(int(d) * (2 if i % 2 == 0 else 1)) for i, d in enumerate(reversed(number)))
        return -sum(map(int, doubled)) % 10

    for code in (*(code for code, _ in LOINC.values()), "11524-6", "8601-7", "28010-7"):
        number, _, digit = code.partition("-")
        assert check_digit(number) == int(digit), code


def test_a_signal_as_dicom_comes_back_by_pydicom(ecg: Recording) -> None:
    ds = pydicom.dcmread(io.BytesIO(dicom_of(ecg)))
    found = ds.waveform_array(0).T / 1000
    np.testing.assert_allclose(found, ecg.signal, atol=step_uv(ecg.signal) / 1000)
    assert [c.ChannelSourceSequence[0].CodeMeaning for c in ds.WaveformSequence[0].ChannelDefinitionSequence] == [
        f"Lead {lead}" for lead in ecg.leads
    ]


# --- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wfdb", "dicom"])
def test_a_case_comes_back_sample_by_sample(
    client: TestClient, kb: KnowledgeBase, case_id: str, form: str, tmp_path: Path
) -> None:
    content = client.get(f"/v1/cases/{case_id}/signal", params={"format": form}).content
    if form == "wfdb":
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    else:
        (tmp_path / "ecg.dcm").write_bytes(content)
    found = read_recording(tmp_path / {"wfdb": "ecg.hea", "dicom": "ecg.dcm"}[form])
    stored = kb.recording(int(case_id))
    assert found.leads == stored.leads
    assert found.fs == stored.fs
    np.testing.assert_allclose(found.signal, stored.signal, atol=1e-6)


def test_a_record_is_read_by_wfdb_too(ecg: Recording, tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    gap = replace(ecg, signal=np.where(np.arange(ecg.n_samples) < 10, np.nan, ecg.signal).astype(np.float32))
    zipfile.ZipFile(io.BytesIO(wfdb_of(gap, "ecg"))).extractall(tmp_path)
    record = wfdb.rdrecord(str(tmp_path / "ecg"))
    np.testing.assert_allclose(record.p_signal.T, gap.signal, atol=step_uv(ecg.signal) / 1000, equal_nan=True)


def test_a_table_has_a_column_a_lead(ecg: Recording) -> None:
    found = np.genfromtxt(io.BytesIO(csv_of(ecg)), delimiter=",", names=True)
    assert found.dtype.names == ("time_s", *ecg.leads)
    np.testing.assert_allclose(found["V2"], ecg.lead("V2"), atol=1e-4)
    np.testing.assert_allclose(np.diff(found["time_s"]), 1 / ecg.fs, atol=1e-5)


@pytest.mark.parametrize(("step", "expected"), [(4.88, 4.88), (1.0, 1.0), (2.5, 2.5), (0.1, 0.1)])
def test_the_step_of_the_file_is_kept(step: float, expected: float) -> None:
    signal = (np.arange(-500, 500).reshape(1, -1) * step / 1000).astype(np.float32)
    assert step_uv(signal) == expected


def test_a_deflection_beyond_16_bits_still_fits() -> None:
    signal = np.array([[0.0, 400.0, -400.0]], dtype=np.float32)
    assert 400_000 / step_uv(signal) <= 32768


@pytest.mark.parametrize("path", ["/v1/report", "/v1/signal"])
def test_a_form_that_there_is_not_is_named_with_those_that_are(client: TestClient, path: str, case_id: str) -> None:
    answer = client.post(path, params={"case": case_id, "format": "docx"})
    assert answer.status_code == 400
    assert "dicom" in answer.json()["error"]
