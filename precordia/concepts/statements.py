"""Findings in canonical English."""

from __future__ import annotations

from precordia.concepts.labeller import label_report
from precordia.concepts.terms import vocabulary
from precordia.concepts.territories import regional_findings
from precordia.core.findings import Finding

_AGES = {
    "acute": "acute {}",
    "possibly acute": "{}, possibly acute",
    "recent": "recent {}",
    "subacute": "subacute {}",
    "old": "old {}",
    "probably old": "{}, probably old",
    "age undetermined": "{}, age undetermined",
}


def statement_of(finding: Finding) -> str:
    """A finding as part of an English sentence, with its certainty, territory, severity and comparison.

    >>> statement_of(Finding("IMI", "uncertain", "inferior", "old"))
    'possible old inferior myocardial infarction'
    >>> statement_of(Finding("STD_", territory="lateral", severity="mild"))
    'mild ST depression in lateral leads'
    >>> statement_of(Finding("AFIB", "absent"))
    'no atrial fibrillation'
    """
    words = vocabulary().concept(finding.concept).name
    if finding.severity:
        words = _AGES.get(finding.severity, finding.severity + " {}").format(words)
    if finding.territory and finding.concept not in _territorial():
        place = finding.territory if finding.territory.endswith("leads") else f"{finding.territory} leads"
        words = f"widespread {words}" if finding.territory == "widespread" else f"{words} in {place}"
    if finding.comparison in ("new", "unchanged"):
        words = f"{finding.comparison} {words}"
    elif finding.comparison == "resolved":
        return f"{words} no longer present"
    elif finding.comparison:
        words = f"{words} ({finding.comparison})"
    if finding.status == "absent":
        return f"no {words}"
    return f"possible {words}" if finding.status == "uncertain" else words


def canonical_text(report: str) -> str:
    """A report as canonical English statements, one sentence a finding; empty when it states none.

    >>> canonical_text("sinusrhythmus linksschenkelblock inferiorer infarkt moeglich")
    'Sinus rhythm. Left bundle branch block. Possible inferior myocardial infarction.'
    """
    sentences = dict.fromkeys(statement_of(finding) for finding in label_report(report))
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)


def _territorial() -> frozenset[str]:
    return frozenset(regional_findings().values())
