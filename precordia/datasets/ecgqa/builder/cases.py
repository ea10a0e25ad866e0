"""Facts from the cases of any knowledge base, as far as they are labelled."""

from __future__ import annotations

from collections.abc import Iterable

from precordia.concepts import findings_from_codes
from precordia.core.case import Case
from precordia.core.findings import Finding
from precordia.datasets.ecgqa.builder.annotated import axis_of_angle
from precordia.datasets.ecgqa.builder.attributes import BY_CODE
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.form_leads import leads_by_code
from precordia.datasets.ecgqa.builder.numeric import features_of, ranges_of

LIKELIHOOD = {"present": 100.0, "uncertain": 50.0}
"""A finding's status as a likelihood, percent; what is denied is left out."""


def facts_of_case(case: Case) -> Facts:
    """A case as facts: its codes, else what its report says; axis and features as measured.

    Noise, extra systoles and stages are known only where an archive annotates them, which a case does not hold, so that
    questions about them must be left out (``build(..., wanted=about_cases)``).
    """
    found = findings_from_codes(case.codes) or case.findings
    codes = codes_of(found)
    return Facts(
        case.case_id,
        case.patient_key,
        codes,
        axis=axis_of_angle(case.measurements.axis_deg),
        ranges=ranges_of(features_of(case.measurements)),
        form_leads=leads_by_code(case.report, codes),
        taken=case.time.isoformat() if case.time else "",
    )


def codes_of(findings: Iterable[Finding]) -> dict[str, float]:
    """The findings that are SCP-ECG statements, with the surest likelihood of each."""
    out: dict[str, float] = {}
    for finding in findings:
        if finding.concept in BY_CODE and finding.status in LIKELIHOOD:
            out[finding.concept] = max(out.get(finding.concept, 0.0), LIKELIHOOD[finding.status])
    return out


KNOWN_OF_CASES = frozenset({"scp_code", "heart_axis", "numeric_feature"})
"""Attribute types that a case answers."""
