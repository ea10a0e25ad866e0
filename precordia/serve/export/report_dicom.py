"""A report as DICOM: its PDF, encapsulated (PS3.3 A.45.1), in the study of the ECG."""

from __future__ import annotations

from precordia.core.drafts import Draft
from precordia.core.recording import Recording
from precordia.serve.export.report_pdf import report_pdf
from precordia.serve.export.signals import coded, new_object, parts_of_dicom, saved

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def report_dicom(draft: Draft, recording: Recording) -> bytes:
    """The report as an encapsulated PDF.

    Raises:
        MissingExtraError: pydicom is not installed.
    """
    ds = new_object(recording, ENCAPSULATED_PDF, "DOC")
    content = report_pdf(draft, recording)
    ds.ConversionType = "WSD"
    ds.BurnedInAnnotation = "YES"
    ds.DocumentTitle = "ECG report (draft)"
    ds.VerificationFlag = "UNVERIFIED"
    ds.ConceptNameCodeSequence = [coded(parts_of_dicom(), "11524-6", "LN", "EKG study")]
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocumentLength = len(content)
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return saved(ds)
